// Package solver proves, for every declared disaster, what falls, what comes
// back, in which order, how fast, and with how much data lost; or it shows why
// not (DESIGN §5).
//
// It is a pure function over the fleet graph: no clock, no files, no network.
// Bootstrap is recovery from nothing (D1), so there is one engine: impact is
// a least fixpoint over the run requirements, recoverability a nested one
// over everything a recovery leans on, and time falls out of the second when
// its events are taken in order.
//
// Truth has three values (D6). A scenario is solved in an optimistic reading,
// and where an unknown fact could matter also in a pessimistic one. What is
// violated in the optimistic reading is violated; what is proven in the
// pessimistic one is proven; the rest is unknown and names the declarations
// that would settle it.
//
// Where DESIGN §4 and §5 leave room, this package reads them so:
//
//   - a replica placed in another node falls and returns with it: its host
//     counts like something it runs on, so hosts and guests may rise together;
//   - a recovery point without declared writers is writable by whoever holds
//     its domains;
//   - a derived procedure spends no time on parts that stand;
//   - a team's steps run in no more lanes than the team has people, and its
//     response and travel begin with the detection by the step's procedure;
//   - a step that runs before something can start is run once more for it;
//   - a stateless node that is rescheduled takes up to ten minutes, estimated;
//   - a stop condition without a detection time is checked before each step of
//     an action, so it holds; one with a detection time lets the action reach
//     what its rate allows until then;
//   - an approval or guard on an earlier step guards the steps after it.
package solver

import (
	"cmp"
	"context"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/plans"
)

// Config tunes the solver. The zero value solves all scenarios of the model.
type Config struct {
	// Now is an RFC 3339 time or date against which expiry, review and
	// cadence are judged; "" leaves them unjudged. It reaches findings marked
	// Timed only, never a cell (D2, D13).
	Now string
	// Scenarios restricts the solver to these ids; empty means all.
	Scenarios []string
	// Pairs also fails single-domain scenarios two at a time (impact and
	// recoverability).
	Pairs bool
	// Runs of the Monte Carlo for percentiles a scenario; 0 means 10,000,
	// negative none.
	Runs int
	// Kept returns what such runs gave before, by their name, or does the work.
	// Nil does it. It may be called from several goroutines.
	Kept func(name string, work func() ([]Ranks, error)) ([]Ranks, error)
	// Parallel scenarios; 0 means one for each processor.
	Parallel int
}

// Solve judges every scenario of the model. A model that means nothing gives
// diagnostics (PLN…) and an empty plan. The error is the context's, or
// one of Config.Kept.
func Solve(ctx context.Context, m *plans.Model, cfg *Config) (*plans.Plan, diag.List, error) {
	if cfg == nil {
		cfg = &Config{}
	}
	plan := &plans.Plan{Version: plans.Version, Scenarios: []plans.Recovery{}}
	if m == nil {
		m = &plans.Model{}
	}
	list := check(m)
	scenarios, more := selected(m, cfg.Scenarios)
	if list.Add(more...); list.HasErrors() {
		return plan, list.Sorted(), nil
	}
	g := compile(m)
	solved := make([]solvedScenario, len(scenarios))
	eg, egCtx := errgroup.WithContext(ctx)
	eg.SetLimit(cfg.parallel())
	for i, sc := range scenarios {
		eg.Go(func() error {
			if err := egCtx.Err(); err != nil {
				return err
			}
			var err error
			solved[i], err = solveScenario(g, sc, cfg)
			return err
		})
	}
	if err := eg.Wait(); err != nil {
		return nil, nil, err
	}
	for _, s := range solved {
		plan.Scenarios = append(plan.Scenarios, s.recovery)
		plan.Findings = append(plan.Findings, s.findings...)
	}
	fleet := &fleet{g: g, cfg: cfg, now: day(cfg.Now)}
	plan.Findings = append(plan.Findings, fleet.findings()...)
	sortFindings(plan.Findings)
	plan.Closures = g.digests
	plan.Coverage = g.coverage(plan, solved)
	if cfg.Pairs {
		var err error
		if plan.Pairs, err = g.pairs(ctx, scenarios, cfg); err != nil {
			return nil, nil, err
		}
	}
	return plan, list.Sorted(), nil
}

func (c *Config) parallel() int {
	if c.Parallel > 0 {
		return c.Parallel
	}
	return runtime.GOMAXPROCS(0)
}

// selected lists the scenarios to solve by id.
func selected(m *plans.Model, ids []string) ([]*plans.Scenario, diag.List) {
	var list diag.List
	var out []*plans.Scenario
	known := map[string]bool{}
	for i := range m.Scenarios {
		s := &m.Scenarios[i]
		known[s.ID] = true
		if len(ids) == 0 || slices.Contains(ids, s.ID) {
			out = append(out, s)
		}
	}
	for _, id := range ids {
		if !known[id] {
			d := diag.Errorf("PLN013", "there is no scenario %q", id)
			if near := nearest(id, known); near != "" {
				d.Fix("did you mean %q?", near)
			}
			list.Add(d.Fix("declare it under recovery/, or let assume generate it"))
		}
	}
	slices.SortFunc(out, func(a, b *plans.Scenario) int { return cmp.Compare(a.ID, b.ID) })
	return out, list
}

// solvedScenario is one scenario's share of the plan.
type solvedScenario struct {
	recovery     plans.Recovery
	findings     []plans.Finding
	notEvaluated int
}

func (g *graph) coverage(p *plans.Plan, solved []solvedScenario) plans.Coverage {
	c := plans.Coverage{Nodes: len(g.nodes), Scenarios: len(p.Scenarios), Objectives: len(g.judged)}
	for _, n := range g.nodes {
		if n.Implied {
			c.Implied++
		}
		if n.Kind == plans.KindService {
			c.Services++
		}
	}
	for i := range g.model.Domains {
		if g.model.Domains[i].Implied {
			c.Implied++
		}
	}
	for i := range g.model.Actors {
		if g.model.Actors[i].Implied {
			c.Implied++
		}
	}
	for _, s := range solved {
		c.Cells += len(s.recovery.Cells)
		c.NotEvaluated += s.notEvaluated
	}
	return c
}
