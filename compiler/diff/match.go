package diff

import (
	"cmp"
	"reflect"
	"regexp"
	"slices"

	"github.com/darkstart-dev/darkstart/internal/object"
)

// match pairs the objects of two sides: those with one key in one cluster,
// then what is left by content. Every item is in exactly one pair.
func match(base, head []Item) []pair {
	m := matcher{after: map[string][]*Item{}}
	base, head = sorted(base), sorted(head)
	for i := range head {
		m.after[head[i].id()] = append(m.after[head[i].id()], &head[i])
	}
	var gone []*Item
	for i := range base {
		b := &base[i]
		if a := m.take(b.id()); a != nil {
			m.pairs = append(m.pairs, pair{before: b, after: a})
			continue
		}
		gone = append(gone, b)
	}
	var new []*Item
	for i := range head {
		if left := m.after[head[i].id()]; slices.Contains(left, &head[i]) {
			new = append(new, &head[i])
		}
	}
	// The same object in another cluster, the same under a generated name, the
	// same under another name: most certain first.
	for _, alike := range []func(b, a *Item) bool{generated, elsewhere, equalButName, similar} {
		gone, new = m.pick(gone, new, alike)
	}
	for _, b := range gone {
		m.pairs = append(m.pairs, pair{before: b})
	}
	for _, a := range new {
		m.pairs = append(m.pairs, pair{after: a})
	}
	return m.pairs
}

type matcher struct {
	after map[string][]*Item
	pairs []pair
}

func sorted(items []Item) []Item {
	out := slices.Clone(items)
	slices.SortStableFunc(out, func(a, b Item) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), a.Object.Key().Compare(b.Object.Key()),
			cmp.Compare(a.Component, b.Component), cmp.Compare(a.Part, b.Part))
	})
	return out
}

func (i *Item) id() string { return i.Cluster + "\x00" + i.Object.Key().String() }

func (m *matcher) take(id string) *Item {
	left := m.after[id]
	if len(left) == 0 {
		return nil
	}
	m.after[id] = left[1:]
	return left[0]
}

// pick pairs what is alike, each with the first in order.
func (m *matcher) pick(gone, new []*Item, alike func(b, a *Item) bool) (restGone, restNew []*Item) {
	taken := map[*Item]bool{}
	for _, b := range gone {
		i := slices.IndexFunc(new, func(a *Item) bool {
			return !taken[a] && a.Object.Kind == b.Object.Kind && a.Object.Group() == b.Object.Group() && alike(b, a)
		})
		if i < 0 {
			restGone = append(restGone, b)
			continue
		}
		taken[new[i]] = true
		m.pairs = append(m.pairs, pair{before: b, after: new[i]})
	}
	for _, a := range new {
		if !taken[a] {
			restNew = append(restNew, a)
		}
	}
	return restGone, restNew
}

// suffix is what kustomize (in its own alphabet) and Darkstart add to a name for
// its content.
var suffix = regexp.MustCompile(`-([2456789bcdfghkmt]{10}|[0-9a-f]{10})$`)

// generated: the names differ in the hash of their content.
func generated(b, a *Item) bool {
	return b.Cluster == a.Cluster && generatedName(b.Object, a.Object)
}

// generatedName: only Jobs, ConfigMaps and Secrets get the hash of their content
// as a part of their name.
func generatedName(b, a *object.Object) bool {
	switch a.Kind {
	case "Job", "ConfigMap", "Secret":
	default:
		return false
	}
	bn, an := suffix.ReplaceAllString(b.Name, ""), suffix.ReplaceAllString(a.Name, "")
	return b.Namespace == a.Namespace && b.Name != a.Name && bn == an && bn != b.Name && an != a.Name
}

// elsewhere: the same key and the same component, in another cluster.
func elsewhere(b, a *Item) bool {
	return b.Cluster != a.Cluster && b.Object.Key() == a.Object.Key() && b.Component == a.Component && equalButName(b, &Item{Cluster: b.Cluster, Object: a.Object})
}

// equalButName: one content under another name or in another namespace.
func equalButName(b, a *Item) bool {
	return b.Cluster == a.Cluster && substantial(b) && substantial(a) && reflect.DeepEqual(nameless(b.Object), nameless(a.Object))
}

// similar: most of what either says, both say. The limit is a judgement: half
// of the fields of a small Deployment are its names.
func similar(b, a *Item) bool {
	return b.Cluster == a.Cluster && b.Object.Namespace == a.Object.Namespace && substantial(b) && substantial(a) && likeness(nameless(b.Object), nameless(a.Object)) >= 0.8
}

// substantial objects have enough content to be told apart: two empty
// Namespaces are not one that was renamed.
func substantial(i *Item) bool { return len(leaves(nameless(i.Object), "", nil)) >= 4 }

// nameless is the content without what names an object.
func nameless(o *object.Object) map[string]any {
	out := map[string]any{}
	for k, v := range o.Content() {
		if k != "metadata" {
			out[k] = v
		}
	}
	return out
}

// likeness is the share of leaves that two values have in common, from 0 to 1.
func likeness(a, b map[string]any) float64 {
	la, lb := leaves(a, "", nil), leaves(b, "", nil)
	if len(la) == 0 || len(lb) == 0 {
		return 0
	}
	same := 0
	for p, v := range la {
		if w, ok := lb[p]; ok && w == v {
			same++
		}
	}
	return float64(2*same) / float64(len(la)+len(lb))
}
