package solver

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/darkstart-dev/darkstart/plans"
)

// alikes is a fleet of clusters that are alike: each has a scenario of its own
// and an objective for it, and all of them are lost with their region.
func alikes(clusters int) *plans.Model {
	m := &plans.Model{
		Domains:   []plans.Domain{{ID: "region", Kind: "region"}, {ID: "elsewhere", Kind: "region"}},
		Scenarios: []plans.Scenario{{ID: "lose-region", Domains: []string{"region"}, Mode: plans.Lost}},
	}
	rto := 2 * plans.Hour
	for c := range clusters {
		p := plans.Procedure{ID: fmt.Sprintf("rebuild-%d", c), Into: []string{"elsewhere"}}
		s := plans.Scenario{ID: fmt.Sprintf("lose-%d", c), Mode: plans.Lost}
		for i := range 20 {
			n := plans.Node{ID: fmt.Sprintf("c%d/n%02d", c, i), Kind: plans.KindComponent, Replicas: []plans.Replica{{Domains: []string{"region"}}}}
			step := plans.Step{ID: fmt.Sprintf("s%02d", i), Known: true, Duration: plans.Interval{Lo: plans.Minute, Hi: 2 * plans.Minute}, Restores: []string{n.ID}}
			if i > 0 {
				n.Requires.Run = plans.Requirement{Op: plans.Ref, Node: fmt.Sprintf("c%d/n%02d", c, i-1)}
				step.After = []string{fmt.Sprintf("s%02d", i-1)}
			}
			if i == 19 {
				n.Objectives = []plans.Objective{{Class: s.ID, RTO: &rto}}
			}
			m.Nodes, p.Steps = append(m.Nodes, n), append(p.Steps, step)
			p.Restores, s.Nodes = append(p.Restores, n.ID), append(s.Nodes, n.ID)
		}
		m.Procedures, m.Scenarios = append(m.Procedures, p), append(m.Scenarios, s)
	}
	return m
}

// TestMemoryGrowsWithTheFleet, and not with its square: what a cluster allocates
// is much the same in a fleet of 30 and in one of 240.
func TestMemoryGrowsWithTheFleet(t *testing.T) {
	perCluster := func(n int) float64 {
		m := alikes(n)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		p, ds, err := Solve(context.Background(), m, &Config{Parallel: 1, Runs: 200})
		runtime.ReadMemStats(&after)
		if err != nil || len(ds) > 0 || len(p.Scenarios) != n+1 {
			t.Fatal(err, ds)
		}
		return float64(after.TotalAlloc-before.TotalAlloc) / float64(n) / 1024
	}
	few, many := perCluster(30), perCluster(240)
	t.Logf("%.0f KiB a cluster in a fleet of 30, %.0f KiB in one of 240", few, many)
	if many > 1.5*few {
		t.Errorf("a cluster allocates %.0f KiB in a fleet of 30, and %.0f KiB in one of 240", few, many)
	}
}

func BenchmarkFleet(b *testing.B) {
	for _, n := range []int{30, 240} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := alikes(n)
			for b.Loop() {
				solve(b, m)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/cluster")
		})
	}
}
