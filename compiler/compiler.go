// Package compiler is the façade: it alone knows the order of the stages.
//
//	git rev ─source→ Tree ─evaluate→ Units ─render→ Objects ─validate→ ─link→ Fleet
//	        ─plan→ Plan ─diff→ Delta ─guard→ Verdict ─emit→ Artifacts
//
// Each stage is a package with one verb that takes and returns values; this
// package wires them, runs what is independent in parallel, joins results in
// input order, and stops after the first stage that found errors: a later
// stage would only repeat them in worse words.
//
// Compile is a pure function of the tree and Config (D2): it reads no clock,
// no environment and no network, and it writes nothing.
package compiler

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/darkstart-dev/darkstart/compiler/emit"
	"github.com/darkstart-dev/darkstart/compiler/evaluate"
	"github.com/darkstart-dev/darkstart/compiler/guard"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/link"
	"github.com/darkstart-dev/darkstart/compiler/render"
	"github.com/darkstart-dev/darkstart/compiler/shard"
	"github.com/darkstart-dev/darkstart/compiler/validate"
	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/darkstart-dev/darkstart/plans"
	"github.com/darkstart-dev/darkstart/plans/solver"
)

// Stage is how far to go.
type Stage int

// Stages in their order. The zero value of Config.Until runs all of them.
const (
	ToUnits Stage = iota + 1
	ToObjects
	ToPlan
	ToVerdict
	ToArtifacts
)

// Config of Compile.
type Config struct {
	// Tree is the fleet's input.
	Tree     *tree.Tree
	Revision ir.Revision
	// Now decides what has expired (D13). Zero means Revision.Time.
	Now time.Time
	// Until ends the pipeline early.
	Until Stage
	// Schemas, Kubernetes and Policies are the embedded data.
	Schemas, Kubernetes, Policies fs.FS
	// Guardrails is Policies, prepared, for compiling more than one tree. Nil
	// prepares what of Policies this tree needs.
	Guardrails *guard.Prepared
	// Clusters limits rendering to these names; empty means all. A limited run
	// links and plans what was rendered and says so in Result.Skipped.
	Clusters []string
	// Shard limits rendering in the same way to the clusters of one shard.
	Shard     shard.Shard
	NoWaivers bool
	// Namespaces of users' policies are asked instead of those that the fleet
	// names; nil asks those.
	Namespaces []string
	// Pairs also solves single-domain scenarios two at a time.
	Pairs bool
	// Base is another revision of the fleet, compiled at least to its plan and
	// at the same Now: what changed since is judged too, and is in Result.Delta.
	// Nil compares with nothing.
	Base *Result
	// Bases stand in the place of Base for clusters that were released from
	// different revisions: each is limited to its clusters. Cells are then not
	// compared: no base knows the whole fleet.
	Bases []*Result
	// BaseName and HeadName are what a delta calls its sides.
	BaseName, HeadName string
	// Cache keeps the results of stages between compiles; nil computes all. It
	// never changes a result.
	Cache *cache.Store
	// Parallel bounds concurrent work; 0 means GOMAXPROCS.
	Parallel int
	// Progress is called when a stage begins or is done with a cluster, and, when
	// the result is sealed, with a bundle; nil is fine. It may be called from
	// several goroutines.
	Progress func(Event)
	// Trace is called when a stage begins ("" as the unit), and when it begins on
	// a unit ("clusters/prod", "fleet"), and returns what is called when it ends;
	// nil is fine. It is how work is measured without a clock in here. It may be
	// called from several goroutines.
	Trace func(stage, unit string) (end func())
}

// Event is one step of progress.
type Event struct {
	Stage string // evaluate, render, link, plan, guard, emit, seal
	Unit  string // cluster, "" for fleet-wide stages
	Done  int    // clusters of this stage
	Total int    // 0 when a stage begins
}

// Result is everything that was computed, as far as it got. Diagnostics is
// sorted and includes the guardrails' findings.
type Result struct {
	Units       *ir.Units
	Rendered    []*ir.Rendered
	Validations []*ir.Validation // parallel to Rendered
	Fleet       *ir.Fleet
	Plan        *plans.Plan
	// Delta is what changed since Config.Base, nil without one.
	Delta       *ir.Delta
	Verdict     *ir.Verdict
	Artifacts   []*ir.Artifact
	Lock        *ir.Lock
	Diagnostics diag.List
	// Skipped lists clusters that Config.Clusters left out.
	Skipped []string

	// Of Config, for who seals.
	progress func(Event)
	kept     *cache.Store
}

// Compile runs the pipeline. Problems of the input are in Result.Diagnostics;
// the error is for everything else, a cancelled context included.
func Compile(ctx context.Context, cfg *Config) (*Result, error) {
	r := &run{Config: cfg, res: &Result{progress: cfg.Progress, kept: cfg.Cache}}
	err := r.stages(ctx)
	r.res.Diagnostics = r.res.Diagnostics.Sorted()
	if err != nil {
		return nil, err
	}
	return r.res, nil
}

// run is one compilation under way.
type run struct {
	*Config
	res *Result

	sources *render.Cache                   // what several clusters share
	catalog *validate.Catalog               // decoded object schemas
	lines   *validate.Lines                 // of sources that have problems
	rules   func() (*guard.Prepared, error) // what is judged by
}

// stages runs the pipeline in order. A stage marked as a gate lets nothing past
// its errors; what the plan and the guardrails find does not stop the rest,
// because `compile --fail-on never` writes an unsigned dist all the same.
func (r *run) stages(ctx context.Context) error {
	limit := r.Until
	if limit == 0 {
		limit = ToArtifacts
	}
	r.rules = func() (*guard.Prepared, error) { return r.Guardrails, nil }
	for _, s := range []struct {
		reaches Stage
		gate    bool
		do      func(context.Context) error
	}{
		{ToUnits, true, r.evaluate},
		{ToObjects, true, r.render},
		{ToPlan, true, r.link},
		{ToPlan, true, r.plan},
		{ToPlan, false, r.diff},
		{ToVerdict, false, r.guard},
		{ToVerdict, false, r.trust},
		{ToArtifacts, false, r.emit},
	} {
		if s.reaches > limit {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.do(ctx); err != nil {
			return err
		}
		if s.gate && r.res.Diagnostics.HasErrors() {
			return nil
		}
		if s.reaches == ToUnits && limit >= ToVerdict && r.Guardrails == nil {
			defer r.prepare(ctx)()
		}
	}
	return nil
}

// prepare makes the rules ready when somebody asks for them; where more than one
// thing may happen at a time, beside the stages before: it keeps one processor
// busy, and where little changed there is not much else to do. What it returns
// waits until nothing runs any more.
func (r *run) prepare(ctx context.Context) (wait func()) {
	r.rules = sync.OnceValues(func() (*guard.Prepared, error) {
		defer r.trace("guard", "rules")()
		return guard.PrepareFor(ctx, r.Policies, r.res.Units)
	})
	if r.workers() == 1 {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.rules() //nolint:errcheck // who asks has the error
	}()
	return func() { <-done }
}

func (r *run) event(stage, unit string, done, total int) { r.res.event(stage, unit, done, total) }

func (r *Result) event(stage, unit string, done, total int) {
	if r.progress != nil {
		r.progress(Event{stage, unit, done, total})
	}
}

func (r *run) trace(stage, unit string) (end func()) {
	if r.Trace == nil {
		return func() {}
	}
	return r.Trace(stage, unit)
}

// units is trace for the units of one stage, and tells of each cluster, of so
// many, that it is done.
func (r *run) units(stage string, clusters int) func(unit string) (end func()) {
	var done atomic.Int32
	return func(unit string) func() {
		end := r.trace(stage, unit)
		name, ok := strings.CutPrefix(unit, "clusters/")
		if !ok {
			return end
		}
		return func() {
			end()
			r.event(stage, name, int(done.Add(1)), clusters)
		}
	}
}

func (r *run) evaluate(ctx context.Context) error {
	r.event("evaluate", "", 0, 0)
	defer r.trace("evaluate", "")()
	u, ds, err := evaluate.Evaluate(ctx, r.Tree, &evaluate.Config{Schemas: r.Schemas, Cache: r.Cache, Own: r.Shard.Has, Parallel: r.Parallel, Trace: r.units("evaluate", len(r.Tree.Dirs("clusters")))})
	if err != nil {
		return err
	}
	r.res.Units = u
	r.res.Diagnostics.Add(ds...)
	return r.readLock()
}

func (r *run) link(ctx context.Context) error {
	r.event("link", "", 0, 0)
	defer r.trace("link", "")()
	f, ds, err := link.Link(ctx, r.res.Units, r.res.Rendered, &link.Config{})
	if err != nil {
		return err
	}
	r.res.Fleet = f
	r.res.Diagnostics.Add(ds...)
	return nil
}

func (r *run) plan(ctx context.Context) error {
	r.event("plan", "", 0, 0)
	defer r.trace("plan", "")()
	p, ds, err := solver.Solve(ctx, r.res.Fleet.Model, &solver.Config{
		Now: r.now().Format(time.RFC3339), Pairs: r.Pairs,
		Kept: func(name string, work func() ([]solver.Ranks, error)) ([]solver.Ranks, error) {
			return cache.Value(r.Cache, "percentiles", []string{name}, work)
		},
	})
	if err != nil {
		return err
	}
	r.res.Plan = p
	r.res.Diagnostics.Add(ds...)
	return nil
}

func (r *run) guard(ctx context.Context) error {
	r.event("guard", "", 0, 0)
	defer r.trace("guard", "")()
	comments, ds, err := r.comments()
	if err != nil {
		return err
	}
	r.res.Diagnostics.Add(ds...)
	if err := r.vendored(); err != nil {
		return err
	}
	rules, err := r.rules()
	if err != nil {
		return err
	}
	v, ds, err := guard.Guard(ctx, &guard.Input{
		Fleet: r.res.Fleet, Rendered: r.res.Rendered, Plan: r.res.Plan, Lock: r.res.Lock, Changes: r.res.Delta, Tree: r.Tree, Now: r.known(), Comments: comments,
	}, &guard.Config{
		Prepared: rules, Cache: r.Cache, NoWaivers: r.NoWaivers, Namespaces: r.Namespaces, Parallel: r.Parallel, Locate: r.locate(ctx),
		Own:     r.Shard.Has,
		Trace:   r.units("guard", len(r.res.Fleet.Clusters)),
		Remove:  func(w *ir.Waiver) []diag.Edit { return RemoveWaiver(r.Tree, w) },
		Replace: replace(r.Tree), AddField: addField(r.Tree),
	})
	if err != nil {
		return err
	}
	r.res.Verdict = v
	r.res.Diagnostics.Add(ds...)
	if v != nil {
		r.res.Diagnostics.Add(v.Findings...)
	}
	return nil
}

// comments reads the waivers beside lines, where they are to count.
func (r *run) comments() ([]ir.Waiver, diag.List, error) {
	if r.NoWaivers {
		return nil, nil, nil
	}
	return waiverComments(r.Tree, r.Cache)
}

func (r *run) emit(ctx context.Context) error {
	if r.res.Plan == nil {
		return nil
	}
	r.event("emit", "", 0, 0)
	defer r.trace("emit", "")()
	as, ds, err := emit.Emit(ctx, r.res.Fleet, r.res.Plan, &emit.Config{Trace: r.units("emit", len(r.res.Fleet.Clusters))})
	if err != nil {
		return err
	}
	for _, a := range as {
		r.name(a)
	}
	r.res.Artifacts = as
	r.res.Diagnostics.Add(ds...)
	return nil
}

// name completes what the files of an artifact are made from by the cluster's
// objects; without names for those it is not known.
func (r *run) name(a *ir.Artifact) {
	if a.Name == ir.FleetArtifact {
		return
	}
	i, ok := slices.BinarySearchFunc(r.res.Rendered, a.Name, func(x *ir.Rendered, name string) int { return strings.Compare(x.Cluster, name) })
	c := r.res.Units.Cluster(a.Name)
	if !ok || c == nil || r.Cache == nil {
		a.MadeFrom = nil
		return
	}
	if from := madeFrom(c, r.res.Rendered[i]); from != nil {
		a.MadeFrom = append(from, a.MadeFrom...)
	} else {
		a.MadeFrom = nil
	}
}

// known is now for the guardrails: zero in a repository without a commit, where
// nobody can say whether a waiver holds.
func (r *run) known() time.Time {
	if r.Now.IsZero() && r.Revision.Time == "" {
		return time.Time{}
	}
	return r.now()
}

func (r *run) now() time.Time {
	if !r.Now.IsZero() {
		return r.Now
	}
	t, err := time.Parse(time.RFC3339, r.Revision.Time)
	if err != nil {
		return time.Unix(0, 0).UTC()
	}
	return t
}
