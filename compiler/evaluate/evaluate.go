package evaluate

import (
	"context"
	"io/fs"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// Config configures Evaluate. Only Schemas is required.
type Config struct {
	// Schemas is the schema module: schemas.FS.
	Schemas fs.FS
	// Cache keeps evaluated units; nil evaluates all.
	Cache *cache.Store
	// Parallel bounds the units evaluated at once. 0 means GOMAXPROCS.
	Parallel int
	// Clusters limits evaluation to these cluster folders. Empty means all.
	Clusters []string
	// MaxFile is the size of the largest file of the spec in bytes. 0 means
	// 1 MiB.
	MaxFile int
	// MaxNesting bounds the depth of an expression, in tokens. 0 means 10,000.
	MaxNesting int
	// Deadline bounds one unit's evaluation. 0 means one minute. A unit that
	// exceeds it is abandoned, not stopped: CUE cannot be interrupted, so the
	// caller should end the process soon.
	Deadline time.Duration
	// MaxMemory bounds the bytes of heap in use while units are evaluated. 0
	// means 4 GiB. It holds for the process, since Go does not account by
	// goroutine.
	MaxMemory uint64
	// Own says whether a cluster, by its place, is one whose unit the cache may
	// give to other machines; nil: all are. Those of the others they have.
	Own func(cluster int) bool
	// Trace is called when the evaluation of a unit begins, by its folder ("fleet",
	// "clusters/prod"), and returns what is called when it ends; nil is fine. It
	// may be called from several goroutines.
	Trace func(unit string) (end func())
}

func (c *Config) trace(unit string) (end func()) {
	if c.Trace == nil {
		return func() {}
	}
	return c.Trace(unit)
}

func (c *Config) parallel() int {
	if c.Parallel > 0 {
		return c.Parallel
	}
	return runtime.GOMAXPROCS(0)
}

func (c *Config) maxFile() int            { return or(c.MaxFile, 1<<20) }
func (c *Config) maxNesting() int         { return or(c.MaxNesting, 10_000) }
func (c *Config) deadline() time.Duration { return or(c.Deadline, time.Minute) }
func (c *Config) maxMemory() uint64       { return or(c.MaxMemory, 4<<30) }

func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// Evaluate reads the fleet in t. The result holds every unit that evaluated
// without an error; diagnostics tell about the others, sorted. It is nil when
// the layout or the module file is so wrong that no unit could be tried.
//
// The result depends on t, c.Schemas and the limits alone: not on the order in
// which units finish, nor on c.Parallel.
func Evaluate(ctx context.Context, t *tree.Tree, c *Config) (*ir.Units, diag.List, error) {
	var diags diag.List
	mod, ds := readModule(t)
	if diags.Add(ds...); diags.HasErrors() {
		return nil, diags.Sorted(), nil
	}
	src, err := newSource(t, c.Schemas, mod, c)
	if err != nil {
		return nil, nil, err
	}
	lay, ds := survey(t, src, c)
	diags.Add(ds...)
	diags.Add(stale(t, c.Schemas))

	text, err := parseSchema(c.Schemas)
	if err != nil {
		return nil, nil, err
	}
	w := &worker{src: src, config: c, module: mod.Module, schemaText: text}
	us := &ir.Units{Clusters: make([]*ir.Unit[spec.Cluster], len(lay.clusters))}
	lists := make([]diag.List, len(lay.clusters)+6)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(c.parallel())
	start(ctx, g, w, lay.project, &us.Project, &lists[0])
	start(ctx, g, w, lay.fleet, &us.Fleet, &lists[1])
	start(ctx, g, w, lay.recovery, &us.Recovery, &lists[2])
	start(ctx, g, w, lay.waivers, &us.Waivers, &lists[3])
	g.Go(func() (err error) {
		defer c.trace("evidence")()
		us.Evidence, lists[4], err = w.evidence(ctx, lay.evidence)
		return err
	})
	g.Go(func() (err error) {
		if lay.trust {
			us.Trust, lists[5], err = fleetTrust(ctx, t, c)
		}
		return err
	})
	for i, f := range lay.clusters {
		f.silent = c.Own != nil && !c.Own(i)
		start(ctx, g, w, f, &us.Clusters[i], &lists[6+i])
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	for _, l := range lists {
		diags.Add(l...)
	}
	us.Clusters = present(us.Clusters)
	return us, diags.Sorted(), nil
}

// start evaluates one unit into its own slot; a nil folder is an absent unit.
func start[T any](ctx context.Context, g *errgroup.Group, w *worker, f *folder, out **ir.Unit[T], l *diag.List) {
	if f == nil {
		return
	}
	g.Go(func() (err error) {
		defer w.config.trace(f.dir)()
		*out, *l, err = unit[T](ctx, w, f)
		return err
	})
}

func present[T any](us []*ir.Unit[T]) []*ir.Unit[T] {
	var out []*ir.Unit[T]
	for _, u := range us {
		if u != nil {
			out = append(out, u)
		}
	}
	return out
}
