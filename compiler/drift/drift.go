// Package drift compares the objects of a bundle with an exported state of the
// cluster: what `kubectl get … -o json` writes. Nothing is asked of a cluster;
// whoever may read it exports, and anybody can compare.
//
// Only fields that the bundle sets are compared. What the API server adds
// (defaults, status, managed fields) is therefore never drift, without a list
// of defaults to keep. A list that the bundle sets is compared whole, because
// another container is another thing that runs.
//
// An export is a part of a cluster. A kind of which it holds no object at all
// was not exported, as far as anybody can tell, so its objects are "not
// checked" and never "missing"; the same holds for a namespace.
package drift

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/darkstart-dev/darkstart/internal/object"
)

// Bundle is what a cluster should hold.
type Bundle struct {
	Cluster string
	Objects []*object.Object
	// Parts are the names of its parts, "component/part".
	Parts []string
}

// Finding is one object that is not as the bundle says.
type Finding struct {
	object.Key
	// Fields that differ, of a changed object.
	Fields []Field `json:"fields,omitempty"`
	// Reason is why an object is believed to be ours, or was not checked.
	Reason string `json:"reason,omitempty"`
}

// Field is one difference: a JSON pointer with the value of each side. An absent
// value is null; values of Secrets are never shown.
type Field struct {
	Path string `json:"path"`
	Want any    `json:"want"`
	Have any    `json:"have"`
}

// Unchecked are objects that nothing can be said about, and why.
type Unchecked struct {
	Kind    string `json:"kind"` // "group/Kind", or "Namespace/x" for all in it
	Objects int    `json:"objects"`
	Reason  string `json:"reason"`
}

// Report is the comparison. Each list is sorted by namespace, group, kind, name.
type Report struct {
	Cluster    string      `json:"cluster"`
	Dump       int         `json:"dump"` // objects in the export
	Equal      int         `json:"equal"`
	Missing    []Finding   `json:"missing"`
	Extra      []Finding   `json:"extra"`
	Changed    []Finding   `json:"changed"`
	NotChecked []Unchecked `json:"notChecked"`
}

// Drift reports whether anything is not as the bundle says.
func (r *Report) Drift() bool { return len(r.Missing)+len(r.Extra)+len(r.Changed) > 0 }

// Compare holds a dump, as Read returns it, to a bundle.
func Compare(ctx context.Context, b *Bundle, dump []*object.Object) (*Report, error) {
	r := &Report{Cluster: b.Cluster, Dump: len(dump), Missing: []Finding{}, Extra: []Finding{}, Changed: []Finding{}, NotChecked: []Unchecked{}}
	have := map[object.Key]*object.Object{}
	for _, o := range dump {
		if have[o.Key()] != nil {
			return nil, fmt.Errorf("%s stands twice in the export, so it is not one state of one cluster", o.Key())
		}
		have[o.Key()] = o
	}
	c := &comparison{r: r, cover: coverage(dump), skipped: map[Unchecked]int{}}
	wanted := map[object.Key]bool{}
	for _, o := range b.Objects {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		wanted[o.Key()] = true
		c.one(o, have[o.Key()])
	}
	for _, o := range dump {
		if why := ours(o, b.Parts); why != "" && !wanted[o.Key()] {
			r.Extra = append(r.Extra, Finding{Key: o.Key(), Reason: why})
		}
	}
	for _, u := range slices.SortedFunc(maps.Keys(c.skipped), func(a, b Unchecked) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Reason, b.Reason))
	}) {
		u.Objects = c.skipped[u]
		r.NotChecked = append(r.NotChecked, u)
	}
	for _, l := range [][]Finding{r.Missing, r.Extra, r.Changed} {
		slices.SortFunc(l, func(a, b Finding) int { return a.Compare(b.Key) })
	}
	return r, nil
}

// comparison collects findings, and counts what was not exported.
type comparison struct {
	r       *Report
	cover   covered
	skipped map[Unchecked]int
}

func (c *comparison) one(want, have *object.Object) {
	kind := object.Key{Group: want.Group(), Kind: want.Kind}.String()
	switch {
	case have == nil && !c.cover.kinds[kind]:
		c.skipped[Unchecked{Kind: kind, Reason: "the export holds no object of this kind"}]++
	case have == nil && c.cover.hidden(want.Namespace):
		c.skipped[Unchecked{Kind: "Namespace/" + want.Namespace, Reason: "the export holds nothing of this namespace"}]++
	case have == nil:
		c.r.Missing = append(c.r.Missing, Finding{Key: want.Key()})
	case have.APIVersion != want.APIVersion:
		c.skipped[Unchecked{Kind: kind, Reason: fmt.Sprintf("exported as %s, and the bundle has %s", have.APIVersion, want.APIVersion)}]++
	default:
		if fields := differences(want, have); len(fields) > 0 {
			c.r.Changed = append(c.r.Changed, Finding{Key: want.Key(), Fields: fields})
			return
		}
		c.r.Equal++
	}
}

// covered is what an export shows, as far as its objects tell.
type covered struct {
	kinds, namespaces, exist map[string]bool
	// all: Namespaces were exported, so one that is not there does not exist.
	all bool
}

func coverage(dump []*object.Object) covered {
	c := covered{kinds: map[string]bool{}, namespaces: map[string]bool{}, exist: map[string]bool{}}
	for _, o := range dump {
		c.kinds[object.Key{Group: o.Group(), Kind: o.Kind}.String()] = true
		c.namespaces[o.Namespace] = true
		if o.Kind == "Namespace" && o.Group() == "" {
			c.all, c.exist[o.Name] = true, true
		}
	}
	return c
}

// hidden reports whether a namespace may be there and was not exported.
func (c covered) hidden(namespace string) bool {
	return namespace != "" && !c.namespaces[namespace] && (!c.all || c.exist[namespace])
}
