package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/bench/cost"
	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/git"
	"github.com/darkstart-dev/darkstart/internal/testkit/corpus"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/darkstart-dev/darkstart/policies"
	"github.com/darkstart-dev/darkstart/schemas"
	"github.com/darkstart-dev/darkstart/schemas/kubernetes"
)

// stageReport is what a process that timed the stages prints.
type stageReport struct {
	Objects int // of all clusters
	Stages  []stageCost
}

type stageCost struct {
	Stage string
	CPU   float64 // seconds, the garbage collector's included
}

// stages compiles a fleet one thing at a time, so that the time that the
// process used between the begin and the end of a stage is the stage's.
func stages(ctx context.Context, dir, kept string) (*stageReport, error) {
	c := &costs{of: map[string]time.Duration{}}
	end := c.begin("source", "")
	t, rev, err := source(ctx, dir)
	if err != nil {
		return nil, err
	}
	end()
	cfg := &compiler.Config{
		Tree: t, Revision: rev, Parallel: 1, Trace: c.begin,
		Schemas: schemas.FS, Kubernetes: kubernetes.FS, Policies: policies.FS,
	}
	if kept != "" {
		cfg.Cache = cache.Open(cache.Config{Dir: kept, Maker: "bench"})
	}
	res, err := compiler.Compile(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir + ".oci")
	end = c.begin("seal", "")
	b, ds, err := compiler.Seal(ctx, t, res, rev, nil)
	if err != nil || ds.HasErrors() {
		return nil, fmt.Errorf("%w%s", err, ds)
	}
	if _, err := seal.WriteLayout(ctx, dir+".oci", b.Sealed); err != nil {
		return nil, err
	}
	end()
	r := &stageReport{Stages: c.list()}
	for _, x := range res.Rendered {
		for _, comp := range x.Components {
			r.Objects += len(comp.Objects)
		}
	}
	return r, nil
}

func source(ctx context.Context, dir string) (*tree.Tree, ir.Revision, error) {
	repo, err := git.Open(ctx, dir)
	if err != nil {
		return nil, ir.Revision{}, err
	}
	t, rev, ds, err := repo.Tree(ctx, git.Selector{Kind: git.Worktree})
	if err == nil && ds.HasErrors() {
		err = errors.New(ds.String())
	}
	return t, rev, err
}

// equalFleet compares the clusters of a fleet that kustomize built.
func equalFleet(ctx context.Context, dir, built string) error {
	folders, err := os.ReadDir(built)
	if err != nil {
		return err
	}
	var clusters []string
	for _, f := range folders {
		if f.IsDir() {
			clusters = append(clusters, f.Name())
		}
	}
	if len(clusters) == 0 {
		return fmt.Errorf("nothing was built in %s", built)
	}
	t, rev, err := source(ctx, dir)
	if err != nil {
		return err
	}
	res, err := compiler.Compile(ctx, &compiler.Config{
		Tree: t, Revision: rev, Until: compiler.ToObjects, Clusters: clusters, Schemas: schemas.FS, Kubernetes: kubernetes.FS,
	})
	if err != nil {
		return err
	}
	if len(res.Rendered) != len(clusters) {
		return fmt.Errorf("%d of %d clusters were rendered:\n%s", len(res.Rendered), len(clusters), res.Diagnostics)
	}
	for _, r := range res.Rendered {
		if err := equal(r, filepath.Join(built, r.Cluster)); err != nil {
			return err
		}
	}
	return nil
}

// equal compares the objects of a cluster with those in a folder: a comparison
// of programs that do different things would be worth nothing.
func equal(r *ir.Rendered, dir string) error {
	built := map[string][]byte{}
	for _, c := range r.Components {
		var err error
		if built[c.Name], err = os.ReadFile(filepath.Join(dir, c.Name+".yaml")); err != nil {
			return err
		}
	}
	differences, err := corpus.Differences(r, built)
	if err == nil && len(differences) > 0 {
		err = fmt.Errorf("%s: the two sides do not mean the same, in %d objects; the first: %s", r.Cluster, len(differences), differences[0])
	}
	return err
}

// costs adds up what each stage used itself, in the order in which they first
// ended. One thing happens at a time, so what begins last ends first.
type costs struct {
	mu     sync.Mutex
	order  []string
	of     map[string]time.Duration
	within []time.Duration // what the stages inside each open one used
}

func (c *costs) begin(stage, _ string) (end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.within = append(c.within, 0)
	start := cost.CPU()
	return func() {
		used := cost.CPU() - start
		c.mu.Lock()
		defer c.mu.Unlock()
		last := len(c.within) - 1
		self := used - c.within[last]
		if c.within = c.within[:last]; last > 0 {
			c.within[last-1] += used
		}
		if _, ok := c.of[stage]; !ok {
			c.order = append(c.order, stage)
		}
		c.of[stage] += self
	}
}

func (c *costs) list() []stageCost {
	var out []stageCost
	for _, s := range c.order {
		out = append(out, stageCost{s, c.of[s].Seconds()})
	}
	return out
}
