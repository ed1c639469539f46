package emit

import (
	"io"
	"slices"

	"github.com/darkstart-dev/darkstart/plans"
)

// bootstrapOnly is the plan of a cluster's artifact: its own bootstrap and
// nothing that another cluster could change.
func bootstrapOnly(p *plans.Plan, cluster string) *plans.Plan {
	out := &plans.Plan{Version: p.Version}
	if r := p.Recovery("bootstrap/" + cluster); r != nil {
		out.Scenarios = append(out.Scenarios, withoutPositions(*r))
	}
	return out
}

// recoveriesOnly is the plan of the fleet's artifact, and its scenarios, which it
// gets without positions: of a thousand clusters they are a hundred megabytes, so
// they are copied one by one.
func recoveriesOnly(p *plans.Plan) (*plans.Plan, []*plans.Recovery) {
	var scenarios []*plans.Recovery
	for i := range p.Scenarios {
		if p.Scenarios[i].Scenario.Class != "bootstrap" {
			scenarios = append(scenarios, &p.Scenarios[i])
		}
	}
	return &plans.Plan{Version: p.Version, Coverage: p.Coverage, Scenarios: []plans.Recovery{}}, scenarios
}

// writeRecoveries writes recoveriesOnly as object.Encode would whole: a disaster
// that takes a thousand clusters has eighty megabytes of its own.
func writeRecoveries(to io.Writer, p *plans.Plan) error {
	plan, scenarios := recoveriesOnly(p)
	w := &piecewise{to: to}
	w.value(plan, 0, hole{"scenarios", plan.Scenarios, func(element func(any, ...hole)) {
		for _, s := range scenarios {
			r := withoutPositions(*s)
			waves := holeOf("waves", &r.Waves, func(w *plans.Wave) []hole {
				return []hole{holeOf("steps", &w.Steps, nil)}
			})
			element(&r, waves, holeOf("cells", &r.Cells, nil))
		}
	}})
	w.text("\n")
	return w.err
}

// withoutPositions copies a recovery and drops file positions from its edges.
func withoutPositions(r plans.Recovery) plans.Recovery {
	r.Waves = slices.Clone(r.Waves)
	for i := range r.Waves {
		steps := slices.Clone(r.Waves[i].Steps)
		for j := range steps {
			steps[j].Because = bare(steps[j].Because)
		}
		r.Waves[i].Steps = steps
	}
	r.Witnesses = slices.Clone(r.Witnesses)
	for i := range r.Witnesses {
		w := &r.Witnesses[i]
		w.Path = bare(w.Path)
		w.Breaks = slices.Clone(w.Breaks)
		for j := range w.Breaks {
			w.Breaks[j].Edges = bare(w.Breaks[j].Edges)
		}
	}
	r.Cells = slices.Clone(r.Cells)
	for i, c := range r.Cells {
		if len(c.Unknowns) == 0 {
			continue
		}
		bare := *c
		bare.Unknowns = slices.Clone(c.Unknowns)
		for j := range bare.Unknowns {
			bare.Unknowns[j].At = nil
		}
		r.Cells[i] = &bare
	}
	return r
}

func bare(edges []plans.Edge) []plans.Edge {
	out := slices.Clone(edges)
	for i := range out {
		if w := out[i].Why; w != nil {
			out[i].Why = &plans.Because{Reason: w.Reason, Derived: w.Derived}
		}
	}
	return out
}
