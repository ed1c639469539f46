package render

import (
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// finish makes a cluster's component of what its source gave.
func (r *renderer) finish(i int, scopes map[string]bool) ir.RenderedComponent {
	out := ir.RenderedComponent{Name: r.names[i]}
	res := r.components[i].result
	if res == nil {
		return out
	}
	c := r.spec(i)
	o := &overrides{set: c.Set, images: c.Images, clusterScoped: scopes}
	objects := o.apply(res.objects)
	for _, d := range o.unused() {
		d.Subject.Path = ir.Pointer("components", r.names[i]) + d.Subject.Path
		d.At(r.unit.Pos.First(d.Subject.Path), "declared here")
		r.report(i, diag.List{d})
	}
	out.Objects, out.Renamed = nameJobs(objects)
	out.Tests = o.apply(res.tests)
	for _, list := range [][]*object.Object{out.Objects, out.Tests} {
		for _, e := range list {
			e.Origin.Component = out.Name
		}
		slices.SortFunc(list, func(a, b *object.Object) int { return a.Key().Compare(b.Key()) })
	}
	var bad diag.List
	out.Images, bad = images(out.Objects)
	r.report(i, bad)
	return out
}

// scopes returns the kinds that a rendered CustomResourceDefinition declares
// to be without namespace, as group/Kind.
func (r *renderer) scopes() map[string]bool {
	out := map[string]bool{}
	for _, c := range r.components {
		if c.result == nil {
			continue
		}
		for _, o := range c.result.objects {
			if o.Kind == "CustomResourceDefinition" && object.String(o.Content, "spec", "scope") == "Cluster" {
				out[object.String(o.Content, "spec", "group")+"/"+object.String(o.Content, "spec", "names", "kind")] = true
			}
		}
	}
	return out
}

// duplicates finds objects that are written twice in one cluster: the second
// would overwrite the first, and which one is second is an accident.
func duplicates(cluster string, r *ir.Rendered) diag.List {
	var ds diag.List
	first := map[object.Key]*object.Object{}
	for _, c := range r.Components {
		for _, o := range c.Objects {
			if o.Name == "" {
				continue // generateName: the API server makes them differ
			}
			k := o.Key()
			p, twice := first[k]
			if !twice {
				first[k] = o
				continue
			}
			ds.Add(diag.Errorf("RND020", "%s is written twice in cluster %s", k, cluster).
				At(o.Origin.Pos, "again by component %s", o.Origin.Component).
				At(p.Origin.Pos, "first by component %s", p.Origin.Component).
				About(diag.Subject{Cluster: cluster, Component: o.Origin.Component, Object: k.String()}).
				Fix("let one component own the object and the other require it"))
		}
	}
	return ds
}
