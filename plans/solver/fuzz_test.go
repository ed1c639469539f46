package solver

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/darkstart-dev/darkstart/plans"
)

// FuzzSolve: whatever a model says, the solver answers with a plan or with
// diagnostics; the bounds of every cell are in order; the plan can be drawn.
func FuzzSolve(f *testing.F) {
	for seed := range uint64(12) {
		b, err := json.Marshal(randomFleet(seed, seed%2 == 0))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, m := range []*plans.Model{bootstrapModel(), singleCluster(), activePassive(), hubAndSpoke(), airGapped(), sound()} {
		b, err := json.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m := &plans.Model{}
		if len(b) > 1<<16 || json.Unmarshal(b, m) != nil {
			return
		}
		p, list, err := Solve(context.Background(), m, &Config{Runs: 20, Pairs: true, Parallel: 1, Now: "2026-01-01"})
		if err != nil {
			t.Fatal(err)
		}
		if list.HasErrors() {
			return
		}
		for _, r := range p.Scenarios {
			for _, c := range r.Cells {
				if c.LB > c.UB || c.LB < 0 || c.P50 > c.P99 {
					t.Errorf("%s: LB %d, p50 %d, p99 %d, UB %d", c.Node, c.LB, c.P50, c.P99, c.UB)
				}
			}
			if o := plans.RecoveryOrder(m, p, r.Scenario.ID, ""); o.Text() == "" || o.Mermaid() == "" {
				t.Error("nothing is drawn")
			}
		}
		if _, err := plans.JSON(p); err != nil {
			t.Error(err)
		}
	})
}
