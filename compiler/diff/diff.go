// Package diff says what changes between two fleets: which objects, which
// fields of them, what is dangerous about it, and what becomes of recovery.
//
// Objects are paired by their key; what is left is paired by content, so that
// a rename is no deletion. Fields are compared by value, items of a list by
// what identifies them, as the API server merges them. Nothing here renders or
// judges: a Side is what was compiled, or what a bundle holds, and whether
// a change is acceptable is for the guardrails (DR007).
package diff

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/plans"
)

// Side is one of the two fleets.
type Side struct {
	Name  string
	Items []Item
	// Plan is nil where it is not known; cells are then not compared.
	Plan *plans.Plan
	// Tools holds the version of each recovery tool.
	Tools map[string]string
}

// Item is an object at its place.
type Item struct {
	Cluster, Component, Part, Phase string
	Object                          *object.Object
	// Kept objects are not pruned; Stateful ones hold data.
	Kept, Stateful bool
	// Orphaned objects stay when their whole part is gone.
	Orphaned bool
	// Together says that the engine applies all parts as one: moving between
	// them prunes nothing.
	Together bool
}

// Config of Diff. The zero value is ready to use.
type Config struct{}

// Diff compares two sides. It has no diagnostics of its own; the list keeps
// the form of a stage.
func Diff(ctx context.Context, base, head *Side, _ *Config) (*ir.Delta, diag.List, error) {
	if base == nil || head == nil {
		return nil, nil, errors.New("diff: both sides are required")
	}
	d := &ir.Delta{Version: ir.DeltaVersion, Base: base.Name, Head: head.Name, Objects: []ir.ObjectChange{}, Cells: []plans.CellChange{}}
	ps := match(base.Items, head.Items)
	left := map[string]bool{}
	for _, i := range head.Items {
		left[i.Cluster+"\x00"+i.Part] = true
	}
	roles := grants{head: rolesOf(head.Items)}
	for _, p := range ps {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		p.orphan = p.before != nil && p.before.Orphaned && !left[p.before.Cluster+"\x00"+p.before.Part]
		if c := p.change(); c != nil {
			c.Dangers = dangers(p, c, roles)
			mask(c, p)
			if at := cmp.Or(p.after, p.before).Object.Origin.Pos; !at.IsZero() {
				c.At = []diag.Position{at}
			}
			d.Objects = append(d.Objects, *c)
		}
	}
	slices.SortFunc(d.Objects, func(a, b ir.ObjectChange) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), a.Key.Compare(b.Key), cmp.Compare(a.Action, b.Action), cmp.Compare(a.Component, b.Component))
	})
	d.Hidden = hidden(d)
	if d.Compared = base.Plan != nil && head.Plan != nil; d.Compared {
		d.Cells = append(d.Cells, plans.Compare(base.Plan, head.Plan)...)
		d.Procedures = differing(base.Plan.Closures, head.Plan.Closures)
	}
	for _, t := range differing(base.Tools, head.Tools) {
		d.Tools = append(d.Tools, ir.ToolChange{Tool: t, Before: base.Tools[t], After: head.Tools[t]})
	}
	return d, nil, nil
}

// differing lists the keys of both maps whose values differ.
func differing[V comparable](before, after map[string]V) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(before)) {
		if v, ok := after[k]; ok && v != before[k] {
			out = append(out, k)
		}
	}
	return out
}

// pair is an object before and after; either may be nil, not both.
type pair struct {
	before, after *Item
	// orphan: the whole part of before is gone, and leaves its objects behind.
	orphan bool
}

// change describes a pair, nil when nothing differs.
func (p pair) change() *ir.ObjectChange {
	switch {
	case p.before == nil:
		return &ir.ObjectChange{Action: ir.Added, Place: p.after.place(), Stateful: p.after.Stateful}
	case p.after == nil:
		return &ir.ObjectChange{Action: ir.Removed, Place: p.before.place(), Stateful: p.before.Stateful, Pruned: !p.before.Kept && !p.orphan}
	}
	c := &ir.ObjectChange{
		Action: ir.Changed, Place: p.after.place(), Stateful: p.before.Stateful || p.after.Stateful,
		Fields: fields(p.before.Object, p.after.Object),
	}
	from := p.before.place()
	rephased := from.Phase != c.Phase && from.Phase != "" && c.Phase != "" // not every side knows them
	switch {
	case from.Cluster != c.Cluster:
		c.Action, c.From = ir.Moved, &from
	case from.Key != c.Key && generatedName(p.before.Object, p.after.Object):
		c.From = &from // the same under the hash of its new content
	case from.Key != c.Key:
		c.Action, c.From = ir.Renamed, &from
	case from.Component != c.Component || from.Part != c.Part || rephased:
		c.Action, c.From = ir.Moved, &from
	case len(c.Fields) == 0:
		return nil
	}
	return c
}

func (i *Item) place() ir.Place {
	k := i.Object.Key()
	return ir.Place{Cluster: i.Cluster, Component: i.Component, Part: i.Part, Phase: i.Phase, Key: k, Object: k.String()}
}

// mask hides the values of a Secret: a diff of secrets must not be one. The
// dangers were found before.
func mask(c *ir.ObjectChange, p pair) {
	o := cmp.Or(p.after, p.before).Object
	if o.Kind != "Secret" || o.Group() != "" {
		return
	}
	for i := range c.Fields {
		f := &c.Fields[i]
		if within(f.Path, "/data") || within(f.Path, "/stringData") {
			f.Before, f.After, f.Masked = nil, nil, true
		}
	}
}
