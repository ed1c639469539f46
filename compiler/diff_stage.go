package compiler

import (
	"context"

	"github.com/darkstart-dev/darkstart/compiler/diff"
	"github.com/darkstart-dev/darkstart/compiler/ir"
)

// diff compares what was compiled with the base, if there is one.
func (r *run) diff(ctx context.Context) error {
	if r.Base == nil || r.Base.Fleet == nil {
		return nil
	}
	r.event("diff", "", 0, 0)
	defer r.trace("diff", "")()
	d, ds, err := diff.Diff(ctx, side(r.BaseName, r.Base), side(r.HeadName, r.res), &diff.Config{})
	if err != nil {
		return err
	}
	r.res.Delta = d
	r.res.Diagnostics.Add(ds...)
	return nil
}

// Delta compares two compiled fleets.
func Delta(ctx context.Context, baseName string, base *Result, headName string, head *Result) (*ir.Delta, error) {
	d, _, err := diff.Diff(ctx, side(baseName, base), side(headName, head), &diff.Config{})
	return d, err
}

// side lists the objects of a fleet at their places.
func side(name string, res *Result) *diff.Side {
	s := &diff.Side{Name: name, Plan: res.Plan}
	for _, c := range res.Fleet.Clusters {
		held := res.Fleet.Held(c.Name)
		for _, p := range c.Parts {
			for _, o := range p.Objects {
				k := o.Key()
				s.Items = append(s.Items, diff.Item{
					Cluster: c.Name, Component: p.Component, Part: p.ID(), Phase: p.Phase, Object: o,
					Kept: ir.Keeps(k) || held[k], Stateful: stateful(k.Group, k.Kind) || held[k],
				})
			}
		}
	}
	return s
}

// stateful kinds hold data by themselves.
func stateful(group, kind string) bool {
	switch group + "/" + kind {
	case "/PersistentVolume", "/PersistentVolumeClaim", "apps/StatefulSet":
		return true
	}
	return false
}
