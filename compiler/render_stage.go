package compiler

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/render"
	"github.com/darkstart-dev/darkstart/compiler/validate"
	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/spec"
)

// render renders and validates the clusters in parallel. Slot i belongs to
// cluster i, so the join is in input order whatever finishes first.
func (r *run) render(ctx context.Context) error {
	clusters := r.selected()
	n := len(clusters)
	rendered := make([]*ir.Rendered, n)
	validations := make([]*ir.Validation, n)
	diags := make([]diag.List, n)
	var done atomic.Int32
	r.sources, r.catalog, r.lines = render.NewCache(r.Cache), validate.NewCatalog(r.Kubernetes), validate.NewLines(r.Tree.FS())
	r.catalog.Cache = r.Cache
	r.event("render", "", 0, 0)
	defer r.trace("render", "")()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.workers())
	for i, c := range clusters {
		g.Go(func() error {
			var err error
			rendered[i], validations[i], diags[i], err = r.cluster(ctx, c)
			r.event("render", c.Name, int(done.Add(1)), n)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, ds := range diags {
		r.res.Diagnostics.Add(ds...)
	}
	r.res.Rendered, r.res.Validations = rendered, validations
	return nil
}

func (r *run) cluster(ctx context.Context, c *ir.Unit[spec.Cluster]) (*ir.Rendered, *ir.Validation, diag.List, error) {
	end := r.trace("render", "clusters/"+c.Name)
	out, diags, err := render.Render(ctx, r.Tree, c, &render.Config{Cache: r.sources, Parallel: r.Parallel})
	end()
	if err != nil || diags.HasErrors() {
		return out, nil, diags, err
	}
	defer r.trace("validate", "clusters/"+c.Name)()
	v, err := r.validate(ctx, c, out)
	return out, v.Validation, append(diags, v.Diags...), err
}

// validated is what the schemas say about a cluster.
type validated struct {
	Validation *ir.Validation
	Diags      diag.List
}

// validate judges the objects of a cluster, or recalls how they were judged.
func (r *run) validate(ctx context.Context, c *ir.Unit[spec.Cluster], objects *ir.Rendered) (validated, error) {
	judge := func() (validated, error) {
		v, ds, err := validate.Validate(ctx, objects, c.Spec.Kubernetes, &validate.Config{
			Catalog: r.catalog, Lines: r.lines, Declared: c.Pos.First("/kubernetes"), Parallel: r.Parallel,
			MadeFrom: func(i int) string { return componentFrom(c, &objects.Components[i]) },
		})
		return validated{v, ds}, err
	}
	from := madeFrom(c, objects)
	if from == nil {
		return judge()
	}
	return cache.Value(r.Cache, "validate", from, judge)
}

// selected returns the clusters to work on and records those left out; a name
// that does not exist is a diagnostic.
func (r *run) selected() []*ir.Unit[spec.Cluster] {
	all := r.res.Units.Clusters
	var out []*ir.Unit[spec.Cluster]
	var names []string
	for i, c := range all {
		names = append(names, c.Name)
		if r.Shard.Has(i) && (len(r.Clusters) == 0 || slices.Contains(r.Clusters, c.Name)) {
			out = append(out, c)
		} else {
			r.res.Skipped = append(r.res.Skipped, c.Name)
		}
	}
	for _, want := range r.Clusters {
		if !slices.Contains(names, want) {
			d := diag.Errorf("CLI001", "no cluster is named %q", want)
			if near := diag.Nearest(want, names); near != "" {
				d.Fix("did you mean %q?", near)
			}
			r.res.Diagnostics.Add(d.Fix("clusters are the folders below clusters/: %s", strings.Join(names, ", ")))
		}
	}
	return out
}

func (r *run) workers() int {
	if r.Parallel > 0 {
		return r.Parallel
	}
	return runtime.GOMAXPROCS(0)
}
