package link

import (
	"maps"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

// domains is the namespace of failure domains.
type domains struct {
	list []plans.Domain
	up   map[string]map[string]bool // a domain to itself and its ancestors
}

// newDomains declares the domains, with unknown parents left out and reported,
// and reports parents that form a circle.
func (l *linker) newDomains() *domains {
	d := &domains{up: map[string]map[string]bool{}}
	if l.units.Fleet == nil {
		return d
	}
	f, pos := l.units.Fleet.Spec, l.units.Fleet.Pos
	parents := map[string][]string{}
	for _, id := range sortedKeys(f.Domains) {
		for i, p := range f.Domains[id].Parents {
			if _, ok := f.Domains[p]; ok {
				parents[id] = append(parents[id], p)
				continue
			}
			l.unknownName(&l.out, "LNK003", "domain", p, pos.At(ir.Pointer("domains", id, "parents", index(i))), sortedKeys(f.Domains))
		}
		d.list = append(d.list, plans.Domain{ID: id, Kind: f.Domains[id].Kind, Parents: parents[id], At: pos.At(ir.Pointer("domains", id))})
	}
	for i := range d.list {
		d.climb(l, &d.list[i], parents)
	}
	return d
}

// climb collects ancestors; a domain that is its own ancestor loses its
// parents, so that nothing downstream has to fear circles.
func (d *domains) climb(l *linker, dom *plans.Domain, parents map[string][]string) {
	up := map[string]bool{dom.ID: true}
	for todo := slices.Clone(parents[dom.ID]); len(todo) > 0; {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if p == dom.ID {
			l.out.diags.Add(diag.Errorf("LNK004", "domain %q is its own ancestor", p).AtAll(dom.At, "declared here").
				Fix("remove one parent on the way from %q back to itself", p))
			dom.Parents = nil
			up = map[string]bool{dom.ID: true}
			break
		}
		if !up[p] {
			up[p] = true
			todo = append(todo, parents[p]...)
		}
	}
	d.up[dom.ID] = up
}

func (d *domains) has(id string) bool { return d.up[id] != nil }

// add declares the implied domain of a cluster without placement (D15).
func (d *domains) add(dom plans.Domain) {
	if !d.has(dom.ID) {
		d.list = append(d.list, dom)
		d.up[dom.ID] = map[string]bool{dom.ID: true}
	}
}

// common returns the lowest domains that contain every one of the places: what
// takes all of them at once. Empty when no single domain does.
func (d *domains) common(places [][]string) []string {
	var shared map[string]bool
	for _, p := range places {
		up := map[string]bool{}
		for _, dom := range p {
			maps.Copy(up, d.up[dom])
		}
		if shared == nil {
			shared = up
			continue
		}
		maps.DeleteFunc(shared, func(id string, _ bool) bool { return !up[id] })
	}
	out := sortedKeys(shared)
	return slices.DeleteFunc(out, func(id string) bool {
		for other := range shared {
			if other != id && d.up[other][id] {
				return true
			}
		}
		return false
	})
}

// overlap says that one of the places is inside one of the others.
func (d *domains) overlap(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			if d.up[x][y] || d.up[y][x] {
				return true
			}
		}
	}
	return false
}

// resolveDomains keeps the known domains of a list and reports the others.
func (l *linker) resolveDomains(sc scope, list []string, ptr string) []string {
	var out []string
	for i, name := range list {
		if l.domains.has(name) {
			out = append(out, name)
			continue
		}
		l.unknownName(sc.out, "LNK003", "domain", name, sc.pos.At(ptr+"/"+index(i)), sortedKeys(l.domains.up))
	}
	return out
}

// replicas turns a declared placement into replicas. Without one, a node that
// a user declared is unknown once the fleet has domains at all (DESIGN §5.8),
// and before that assumed up (D15).
func (l *linker) replicas(sc scope, id string, p *spec.Placement, ptr string) []plans.Replica {
	if p == nil {
		if len(l.domains.list) == 0 || l.units.Fleet == nil || len(l.units.Fleet.Spec.Domains) == 0 {
			return nil
		}
		sc.out.unresolved = append(sc.out.unresolved, plans.Unknown{
			Node: id, What: "its placement is not declared", Settle: "declare placement of " + id, At: sc.pos.At(ptr),
		})
		return []plans.Replica{{Unknown: true}}
	}
	var out []plans.Replica
	if p.In != "" {
		if s, ok := l.resolve(sc, id, "in", p.In, ptr+"/placement/in"); ok {
			out = append(out, plans.Replica{In: s.id})
		} else {
			out = append(out, plans.Replica{Unknown: true})
		}
	}
	for i, r := range p.Replicas {
		ds := l.resolveDomains(sc, r, ptr+"/placement/replicas/"+index(i))
		out = append(out, plans.Replica{Domains: ds, Unknown: len(ds) < len(r)})
	}
	return out
}

// unknownName reports a reference into a namespace other than that of nodes.
func (l *linker) unknownName(out *report, code, what, name string, at []diag.Position, candidates []string) {
	d := diag.Errorf(code, "unknown %s %q", what, name).AtAll(at, "no such %s", what)
	if near := diag.Nearest(name, candidates); near != "" {
		d.Fix("did you mean %q?", near)
	}
	if len(candidates) == 0 {
		d.Fix("declare %s %q", what, name)
	} else {
		d.Fix("declare %s %q, or use one of: %s", what, name, few(candidates))
	}
	out.diags.Add(d)
}

// few lists at most eight names.
func few(list []string) string {
	if len(list) > 8 {
		return strings.Join(list[:8], ", ") + ", …"
	}
	return strings.Join(list, ", ")
}
