package render

import (
	"slices"
	"sync"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/render/discovery"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
)

// finish makes a cluster's component of what its source gave.
func (r *renderer) finish(i int, scopes map[string]string) ir.RenderedComponent {
	out := ir.RenderedComponent{Name: r.names[i]}
	res := r.components[i].result
	if res == nil {
		return out
	}
	out.ID, out.Impure, out.Charts = res.saw, res.Impure, res.Charts
	made, problems := r.make(r.spec(i), res, scopes)
	out.Objects, out.Tests, out.Renamed = made.Objects, made.Tests, made.Renamed
	for _, d := range problems {
		d.Subject.Path = ir.Pointer("components", r.names[i]) + d.Subject.Path
		d.At(r.unit.Pos.First(d.Subject.Path), "declared here")
		r.report(i, diag.List{d})
	}
	for _, list := range [][]*object.Object{out.Objects, out.Tests} {
		for _, e := range list {
			e.Component = out.Name
		}
		slices.SortFunc(list, func(a, b *object.Object) int { return a.Key().Compare(b.Key()) })
	}
	var bad diag.List
	out.Images, bad = r.cache.images(out.Objects)
	r.report(i, bad)
	return out
}

// make applies a component's own settings to what its source gave, in the
// order of the source, and says which of the settings changed nothing
// or failed.
func (r *renderer) make(c spec.Component, res *result, scopes map[string]string) (ir.RenderedComponent, diag.List) {
	var out ir.RenderedComponent
	p := r.cache.patched(res, c.Set.Patches)
	o := newOverrides(c, r.cache, scopes)
	objects := o.apply(p.objects)
	out.Tests = o.apply(p.tests)
	problems := append(p.patches.problems(), o.problems()...)
	for _, list := range [][]*object.Object{objects, out.Tests} {
		install(list, c.Source.Helm, scopes)
	}
	out.Objects, out.Renamed = nameJobs(objects)
	return out, problems
}

// install puts what a chart left without namespace where `helm install` would:
// into the release's, when the spec names one. A custom resource moves only
// when its definition in this cluster says that it has a namespace.
func install(list []*object.Object, h *spec.Helm, scopes map[string]string) {
	if h == nil || h.Namespace == "" {
		return
	}
	for i, o := range list {
		kind := o.Group() + "/" + o.Kind
		namespaced := scopes[kind] == "Namespaced" ||
			discovery.BuiltIn(o.Group(), o.Kind) && !discovery.ClusterScoped(o.Group(), o.Kind)
		if o.Namespace != "" || !namespaced {
			continue
		}
		w := editor{Object: *o}
		w.move(h.Namespace)
		moved := w.edited()
		list[i] = &moved
	}
}

// scopes returns what rendered CustomResourceDefinitions say about the scope
// of their kinds: group/Kind to "Cluster" or "Namespaced".
func (r *renderer) scopes() map[string]string {
	out := map[string]string{}
	for _, c := range r.components {
		if c.result == nil {
			continue
		}
		for _, o := range c.result.Objects {
			if o.Kind == "CustomResourceDefinition" && o.Group() == "apiextensions.k8s.io" {
				kind := object.String(o.Get("spec", "group")) + "/" + object.String(o.Get("spec", "names", "kind"))
				out[kind] = object.String(o.Get("spec", "scope"))
			}
		}
	}
	return out
}

// keys are tables without objects, for clusters to come.
var keys = sync.Pool{New: func() any { return map[object.Key]*object.Object{} }}

// duplicates finds objects that are written twice in one cluster: the second
// would overwrite the first, and which one is second is an accident.
func duplicates(cluster string, r *ir.Rendered) diag.List {
	var ds diag.List
	first := keys.Get().(map[object.Key]*object.Object)
	defer func() {
		clear(first)
		keys.Put(first)
	}()
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
				At(o.Origin.Pos, "again by component %s", o.Component).
				At(p.Origin.Pos, "first by component %s", p.Component).
				About(diag.Subject{Cluster: cluster, Component: o.Component, Object: k.String()}).
				Fix("let one component own the object and the other require it"))
		}
	}
	return ds
}
