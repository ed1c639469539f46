package emit

import (
	"bytes"
	"fmt"
	"iter"
	"slices"

	"github.com/darkstart-dev/darkstart/internal/object"
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

// recoveriesOnly is the plan of the fleet's artifact, without its scenarios: of a
// thousand clusters they are a hundred megabytes, so they are copied one by one.
func recoveriesOnly(p *plans.Plan) (*plans.Plan, iter.Seq[plans.Recovery]) {
	return &plans.Plan{Version: p.Version, Coverage: p.Coverage, Scenarios: []plans.Recovery{}}, func(yield func(plans.Recovery) bool) {
		for i := range p.Scenarios {
			if p.Scenarios[i].Scenario.Class != "bootstrap" && !yield(withoutPositions(p.Scenarios[i])) {
				return
			}
		}
	}
}

// appendRecoveries appends recoveriesOnly as object.AppendJSON would write it whole:
// the copies without positions exist one at a time.
func appendRecoveries(b []byte, p *plans.Plan) ([]byte, error) {
	const none = `"scenarios": []`
	plan, scenarios := recoveriesOnly(p)
	shell, err := object.Encode(plan)
	if err != nil {
		return nil, err
	}
	before, after, ok := bytes.Cut(shell, []byte(none))
	if !ok {
		return nil, fmt.Errorf("a plan is written without %s", none)
	}
	b = append(append(b, before...), none[:len(none)-1]...)
	end := ""
	for r := range scenarios {
		if end != "" {
			b = append(b, ',')
		}
		end = "\n  "
		if b, err = object.AppendNested(append(b, "\n    "...), r, 2); err != nil {
			return nil, err
		}
	}
	return append(append(append(b, end...), ']'), after...), nil
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
