package link

import (
	"github.com/darkstart-dev/darkstart/internal/object"
)

// tenancy says whose Namespaces the definitions of a component sit in.
//
// Definitions come first, and each Namespace is one. Two components that each
// keep a Role in the other's Namespace (monitoring reads the vault's, the vault
// reports to monitoring) would wait for each other, though nothing is wrong:
// both Namespaces can be there before both Roles. Where Namespaces form such a
// circle, and only there, definitions in another's Namespace become a part of
// their own, `access`, between `defs` and what runs. Elsewhere nothing moves,
// because moving an object between parts takes two releases (DESIGN §7).
type tenancy struct {
	owner  map[string]*component              // namespace to who renders it
	guests map[*component]map[*component]bool // to the owners of namespaces its definitions sit in
	mutual map[[2]*component]bool
}

func (c *cluster) newTenancy() *tenancy {
	t := &tenancy{owner: map[string]*component{}, guests: map[*component]map[*component]bool{}, mutual: map[[2]*component]bool{}}
	for _, comp := range c.comps {
		for _, o := range comp.objects {
			if o.Kind == "Namespace" && o.Group() == "" && t.owner[o.Name] == nil {
				t.owner[o.Name] = comp
			}
		}
	}
	for _, comp := range c.comps {
		for _, o := range comp.objects {
			if host := t.host(comp, o); host != nil {
				if t.guests[comp] == nil {
					t.guests[comp] = map[*component]bool{}
				}
				t.guests[comp][host] = true
			}
		}
	}
	return t
}

// host is the other component in whose Namespace a definition sits, or nil.
func (t *tenancy) host(comp *component, o *object.Object) *component {
	if o.Namespace == "" || o.Hook != nil || !isDefinition(o) {
		return nil
	}
	if host := t.owner[o.Namespace]; host != comp {
		return host
	}
	return nil
}

// circular reports whether the definition's Namespace is that of a component
// which, itself or over others, has definitions in a Namespace of this one.
func (t *tenancy) circular(comp *component, o *object.Object) bool {
	host := t.host(comp, o)
	if host == nil {
		return false
	}
	k := [2]*component{host, comp}
	back, known := t.mutual[k]
	if !known {
		back = t.reaches(host, comp, map[*component]bool{})
		t.mutual[k] = back
	}
	return back
}

func (t *tenancy) reaches(from, to *component, seen map[*component]bool) bool {
	if from == to {
		return true
	}
	seen[from] = true
	for next := range t.guests[from] { // any order: the answer is whether, not which
		if !seen[next] && t.reaches(next, to, seen) {
			return true
		}
	}
	return false
}
