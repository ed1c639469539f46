// Package render turns the components of one cluster into Kubernetes objects.
//
// Three renderers do the work: yaml, kustomize and helm, each in a package of
// its own that owns its library. What they return is the same: objects that
// know where they were written, decoded under the same limits. Everything that
// is the cluster's own and not the source's — namespace, labels, annotations,
// replicas, images — is applied afterwards to the objects, so that a component
// is rendered once for all clusters that share its source (see Cache).
//
// Rendering is a pure function of the tree and the unit (D2): components are
// rendered in parallel and joined by name, and charts that could differ from
// one run to the next are refused.
package render

import (
	"context"
	"maps"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/render/discovery"
	"github.com/darkstart-dev/darkstart/compiler/render/yaml"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// Config configures Render. The zero value is ready to use.
type Config struct {
	// Parallel bounds the components rendered at once; 0 is GOMAXPROCS.
	Parallel int
	// Limits bound what one component may cost.
	Limits yaml.Limits
	// Cache shares sources between the clusters of one compile; nil renders
	// each cluster alone.
	Cache *Cache
}

func (c *Config) parallel() int {
	if c.Parallel > 0 {
		return c.Parallel
	}
	return runtime.GOMAXPROCS(0)
}

// Render renders every component of a cluster. Components without objects are
// part of the result, so that a later stage can say so. The diagnostics are
// sorted; with errors among them the result holds what could be rendered.
func Render(ctx context.Context, t *tree.Tree, c *ir.Unit[spec.Cluster], cfg *Config) (*ir.Rendered, diag.List, error) {
	if cfg == nil {
		cfg = &Config{}
	}
	r := &renderer{tree: t, unit: c, cfg: cfg, cache: cfg.Cache}
	if r.cache == nil {
		r.cache = NewCache(nil)
	}
	r.names = slices.Sorted(maps.Keys(c.Spec.Components))
	r.components = make([]component, len(r.names))
	var ds diag.List
	if _, ok := discovery.APIVersions(c.Spec.Kubernetes); !ok {
		ds.Add(unknownRelease(c))
	}
	if err := r.sources(ctx); err != nil {
		return nil, nil, err
	}
	out := &ir.Rendered{Cluster: c.Name, Components: make([]ir.RenderedComponent, len(r.names))}
	scopes := r.scopes()
	err := r.each(ctx, func(i int) error {
		out.Components[i] = r.finish(i, scopes)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	for i := range r.components {
		ds.Add(r.components[i].diags...)
	}
	ds.Add(duplicates(c.Name, out)...)
	return out, ds.Sorted(), nil
}

func unknownRelease(c *ir.Unit[spec.Cluster]) *diag.Diagnostic {
	releases := discovery.Releases()
	return diag.Errorf("RND029", "Kubernetes %q is not known to this compiler", c.Spec.Kubernetes).
		At(c.Pos.First("/kubernetes"), "declared here").
		About(diag.Subject{Cluster: c.Name, Path: "/kubernetes"}).
		Fix("declare one of %s to %s", releases[0], releases[len(releases)-1])
}

// renderer is one call of Render.
type renderer struct {
	tree       *tree.Tree
	unit       *ir.Unit[spec.Cluster]
	cfg        *Config
	cache      *Cache
	names      []string
	components []component // by index of names
}

// component is one component on its way: what its source gave, then what the
// cluster made of it.
type component struct {
	result *result
	diags  diag.List
}

// each runs f for every component, in parallel, and stops at the first error.
func (r *renderer) each(ctx context.Context, f func(i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.cfg.parallel())
	for i := range r.names {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return f(i)
		})
	}
	return g.Wait()
}

func (r *renderer) spec(i int) spec.Component { return r.unit.Spec.Components[r.names[i]] }

// at returns the first place of a field of a component.
func (r *renderer) at(i int, field ...string) diag.Position {
	return r.unit.Pos.First(ir.Pointer(append([]string{"components", r.names[i]}, field...)...))
}

func (r *renderer) subject(i int) diag.Subject {
	return diag.Subject{Cluster: r.unit.Name, Component: r.names[i]}
}

// report adds copies of shared diagnostics, which know nothing of the cluster.
func (r *renderer) report(i int, ds diag.List) {
	for _, d := range ds {
		own := *d
		own.Subject.Cluster, own.Subject.Component = r.unit.Name, r.names[i]
		own.Labels = slices.Clone(d.Labels)
		if len(own.Labels) == 0 { // there is no file to point at
			own.At(r.at(i, "source"), "named here")
		}
		r.components[i].diags.Add(&own)
	}
}
