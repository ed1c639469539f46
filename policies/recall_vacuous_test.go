package policies_test

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/guard"
	"github.com/darkstart-dev/darkstart/compiler/guard/fixture"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/plans"
)

// judged is the time of every fleet here (D13).
var judged = func() time.Time {
	now, _ := time.Parse(time.RFC3339, fixture.Now)
	return now
}()

// vacuous fails on a subject that is not there, and on a silent one that the rule did not judge: one that the rule's count of inputs does not depend on. What the
// rule counts in the fleet is taken from it and judged again; what it counts in
// the plan must have a cell, or be a node, there.
func (c *recallCase) vacuous(t *testing.T, r guard.Rule, res *compiler.Result) {
	n := evaluated(res.Verdict, r.ID)
	if n == 0 || n < len(c.Silent) && !planned(r) {
		t.Errorf("%s: %d inputs were judged, and %d subjects are expected to be silent", c.About, n, len(c.Silent))
	}
	for _, e := range c.Beside {
		if changed(res, e.subject) {
			continue
		}
		if _, ok := without(res, e.subject); !ok {
			t.Errorf("%s: there is no %q, so it must be silent", c.About, e.subject)
		}
	}
	for _, e := range c.Silent {
		subject, scenario, _ := strings.Cut(e.subject, " under ")
		if r.Applies == "base" {
			if !changed(res, subject) {
				t.Errorf("%s: %q did not change, so it must be silent", c.About, subject)
			}
			continue
		}
		if planned(r) && !strings.Contains(subject, "#") {
			if !inPlan(res, subject, scenario) {
				t.Errorf("%s: %q is not in the plan, so it must be silent", c.About, e.subject)
			}
			continue
		}
		less, ok := without(res, subject)
		if !ok {
			t.Errorf("%s: there is no %q, so it must be silent", c.About, subject)
			continue
		}
		if m := rejudge(t, res, less, r.ID); m >= n {
			t.Errorf("%s: %q was not judged: %d inputs with it, %d without", c.About, subject, n, m)
		}
	}
}

// planned reports whether a rule counts its inputs in the graph or the plan.
func planned(r guard.Rule) bool {
	return slices.ContainsFunc(r.Reads, func(part string) bool {
		return slices.Contains([]string{"facts", "paradoxes", "cells", "plan"}, part)
	}) || slices.Contains(r.Reads, "defects") && !slices.Contains(r.Reads, "fleet")
}

// changed reports whether an object differs from the base.
func changed(res *compiler.Result, key string) bool {
	return res.Delta != nil && slices.ContainsFunc(res.Delta.Objects, func(o ir.ObjectChange) bool { return o.Object == key })
}

func inPlan(res *compiler.Result, node, scenario string) bool {
	if scenario == "" {
		return slices.ContainsFunc(res.Fleet.Model.Nodes, func(n plans.Node) bool { return n.ID == node })
	}
	for i := range res.Plan.Scenarios {
		rec := &res.Plan.Scenarios[i]
		if rec.Scenario.ID != scenario {
			continue
		}
		return slices.ContainsFunc(rec.Cells, func(c *plans.Cell) bool { return c.Node == node && c.Verdict != plans.AcceptedV })
	}
	return false
}

func evaluated(v *ir.Verdict, id string) int {
	for _, r := range v.Rules {
		if r.ID == id {
			return r.Evaluated
		}
	}
	return -1
}

func rejudge(t *testing.T, res *compiler.Result, less *guard.Input, id string) int {
	rules, err := prepared()
	if err != nil {
		t.Fatal(err)
	}
	v, _, err := guard.Guard(t.Context(), less, &guard.Config{Prepared: rules})
	if err != nil {
		t.Fatal(err)
	}
	return evaluated(v, id)
}

// without returns what was judged, less one subject: an object, or what a
// pointer or the name of a store, credential or other thing of the fleet names
// in a unit.
func without(res *compiler.Result, subject string) (*guard.Input, bool) {
	in := &guard.Input{Fleet: res.Fleet, Rendered: res.Rendered, Plan: res.Plan, Lock: res.Lock, Now: judged}
	cluster := ""
	if name, rest, ok := strings.Cut(subject, ":"); ok && res.Units.Cluster(name) != nil {
		cluster, subject = name, rest
	}
	name, pointer, _ := strings.Cut(subject, "#")
	if component, ok := strings.CutPrefix(name, "component "); ok {
		return in, withoutComponent(in, cluster, component)
	}
	if ref, ok := strings.CutPrefix(pointer, "/images/"); ok && in.Lock != nil {
		return in, withoutImage(in, strings.ReplaceAll(ref, "~1", "/"))
	}
	if name == "" {
		return in, withoutPointer(in, cluster, pointer)
	}
	if rendered, ok := withoutObject(res.Rendered, cluster, name); ok {
		in.Rendered = rendered
		return in, true
	}
	for _, field := range []string{"stores", "credentials", "services", "externals", "tools", "teams", "nodes"} {
		if withoutPointer(in, "", ir.Pointer(field, name)) {
			return in, true
		}
	}
	return in, false
}

func withoutComponent(in *guard.Input, cluster, name string) (ok bool) {
	var out []*ir.Rendered
	for _, r := range in.Rendered {
		less := &ir.Rendered{Cluster: r.Cluster}
		for _, c := range r.Components {
			if c.Name == name && (cluster == "" || cluster == r.Cluster) {
				ok = true
				continue
			}
			less.Components = append(less.Components, c)
		}
		out = append(out, less)
	}
	in.Rendered = out
	return ok
}

func withoutImage(in *guard.Input, ref string) bool {
	less := *in.Lock
	less.Images = maps.Clone(less.Images)
	_, ok := less.Images[ref]
	delete(less.Images, ref)
	in.Lock = &less
	return ok
}

func withoutObject(in []*ir.Rendered, cluster, key string) (out []*ir.Rendered, ok bool) {
	for _, r := range in {
		if cluster != "" && cluster != r.Cluster {
			out = append(out, r)
			continue
		}
		less := &ir.Rendered{Cluster: r.Cluster}
		for _, c := range r.Components {
			is := func(k object.Key) bool {
				same, _ := path.Match(key, k.String())
				ok = ok || same
				return same
			}
			c.Objects = slices.DeleteFunc(slices.Clone(c.Objects), func(o *object.Object) bool { return is(o.Key()) })
			c.Images = slices.DeleteFunc(slices.Clone(c.Images), func(i ir.Image) bool { return is(i.Object) })
			less.Components = append(less.Components, c)
		}
		out = append(out, less)
	}
	return out, ok
}

// withoutPointer replaces the fleet by one whose unit lacks what a pointer
// names: the cluster's, or the first of the others that has it.
func withoutPointer(in *guard.Input, cluster, pointer string) bool {
	fleet, units := *in.Fleet, *in.Fleet.Units
	ok := false
	if pointer == "" {
		return false
	}
	units.Clusters = slices.Clone(units.Clusters)
	fleet.Clusters = slices.Clone(fleet.Clusters)
	if cluster == "" {
		units.Fleet, ok = cut(units.Fleet, pointer)
		if !ok {
			units.Recovery, ok = cut(units.Recovery, pointer)
		}
	}
	for i, l := range fleet.Clusters {
		if ok || cluster != "" && cluster != l.Name {
			continue
		}
		less := *l
		if less.Unit, ok = cut(l.Unit, pointer); !ok {
			continue
		}
		fleet.Clusters[i] = &less
		units.Clusters[i] = less.Unit
	}
	fleet.Units = &units
	in.Fleet = &fleet
	return ok
}

// cut returns a unit without what a pointer names.
func cut[T any](u *ir.Unit[T], pointer string) (*ir.Unit[T], bool) {
	if u == nil {
		return nil, false
	}
	var v map[string]any
	if json.Unmarshal(u.JSON, &v) != nil {
		return u, false
	}
	if _, err := change(v, pointer, nil); err != nil {
		return u, false
	}
	less := *u
	less.JSON = []byte(jsonText(v))
	var s T
	if json.Unmarshal(less.JSON, &s) != nil {
		return u, false
	}
	less.Spec = s
	return &less, true
}
