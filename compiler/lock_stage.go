package compiler

import (
	"maps"
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/lock"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// readLock parses the lock when there is one; without one nothing is locked,
// which SC001 reports.
func (r *run) readLock() error {
	if _, ok := r.Tree.Lookup(lock.Name); !ok {
		return nil
	}
	b, err := r.Tree.ReadFile(lock.Name)
	if d, ok := diag.From(err); ok {
		r.res.Diagnostics.Add(d)
		return nil
	}
	if err != nil {
		return err
	}
	f, ds := lock.Parse(lock.Name, b)
	if f != nil {
		r.res.Lock = f.Lock
	}
	r.res.Diagnostics.Add(ds...)
	return nil
}

// Locked holds the images of a compiled fleet, and the policies that it takes
// from others, to its lock, as --locked asks.
func Locked(t *tree.Tree, res *Result) (diag.List, error) {
	ds, err := lock.Vendored(t, PolicyBundles(res), res.Lock)
	return append(lock.Locked(Images(t, res), res.Lock), ds...).Sorted(), err
}

// PolicyBundles lists the bundles of policies that a fleet names, by name.
func PolicyBundles(res *Result) []lock.Bundle {
	if res.Units == nil || res.Units.Project == nil {
		return nil
	}
	p := res.Units.Project
	var out []lock.Bundle
	for _, name := range slices.Sorted(maps.Keys(p.Spec.Policies.Bundles)) {
		out = append(out, lock.Bundle{
			Name: name, Ref: p.Spec.Policies.Bundles[name], At: p.Pos.First(ir.Pointer("policies", "bundles", name)),
		})
	}
	return out
}

// vendored holds vendored policies to the lock before they judge anything.
func (r *run) vendored() error {
	ds, err := lock.Vendored(r.Tree, PolicyBundles(r.res), r.res.Lock)
	r.res.Diagnostics.Add(ds...)
	return err
}

// Images lists the image references of a compiled fleet, sorted, each with the
// places that it comes from: the line of the reference where an object is as it
// was written, else the first line of the object's source.
func Images(t *tree.Tree, res *Result) []lock.Use {
	var at lines
	locate := at.in(t)
	all := map[string][]diag.Position{}
	for _, r := range res.Rendered {
		for _, c := range r.Components {
			objects := map[object.Key]*object.Object{}
			for _, o := range slices.Concat(c.Objects, c.Tests) {
				objects[o.Key()] = o
			}
			for _, i := range c.Images {
				p := diag.Position{}
				if o := objects[i.Object]; o != nil {
					p = o.Origin.Pos
					if line, ok := locate(o, i.Path); ok {
						p = line
					}
				}
				all[i.Ref] = append(all[i.Ref], p)
			}
		}
	}
	var out []lock.Use
	for _, ref := range slices.Sorted(maps.Keys(all)) {
		ps := all[ref]
		slices.SortFunc(ps, diag.Position.Compare)
		ps = slices.DeleteFunc(slices.Compact(ps), diag.Position.IsZero)
		out = append(out, lock.Use{Ref: ref, At: ps})
	}
	return out
}
