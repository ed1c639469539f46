package solver

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/darkstart-dev/darkstart/plans"
)

// syntheticFleet is layered like a real one: nodes run on nodes of the layers
// below, half of the requirements offer a choice, most nodes have replicas in
// two domains, and procedures restore what fell with needs of their own. It
// has four requirement edges a node and a scenario for each domain.
// A fragile one has no choice anywhere: each failure takes thousands.
func syntheticFleet(nodes, domains int, fragile bool) *plans.Model {
	d := dice{rand.New(rand.NewPCG(uint64(nodes), 1))}
	m := &plans.Model{Domains: []plans.Domain{{ID: "elsewhere", Kind: "region"}}}
	for i := range domains {
		id := fmt.Sprintf("z%03d", i)
		m.Domains = append(m.Domains, plans.Domain{ID: id, Kind: "zone"})
		m.Scenarios = append(m.Scenarios, plans.Scenario{ID: "lose-" + id, Domains: []string{id}, Mode: plans.Lost})
	}
	zone := func() string { return fmt.Sprintf("z%03d", d.IntN(domains)) }
	const layers = 10
	for i := range nodes {
		n := plans.Node{ID: fmt.Sprintf("n%06d", i), Kind: plans.KindComponent, Replicas: []plans.Replica{{Domains: []string{zone()}}}}
		if d.chance(0.7) && !fragile {
			n.Replicas = append(n.Replicas, plans.Replica{Domains: []string{zone()}})
		}
		if below := i / max(1, nodes/layers) * (nodes / layers); below > 0 {
			ref := func() plans.Requirement {
				return plans.Requirement{Op: plans.Ref, Node: fmt.Sprintf("n%06d", d.IntN(below))}
			}
			op := plans.Any
			if fragile {
				op = plans.All
			}
			n.Requires.Run = plans.Requirement{Op: plans.All, Of: []plans.Requirement{ref(), {Op: op, Of: []plans.Requirement{ref(), ref()}}}}
			n.Requires.Start = plans.Requirement{Op: plans.All, Of: []plans.Requirement{ref()}}
		}
		if i >= nodes-20 {
			rto := 2 * plans.Hour
			n.Objectives = []plans.Objective{{Class: "default", RTO: &rto}}
		}
		m.Nodes = append(m.Nodes, n)
	}
	for p := 0; p < nodes/20; p++ {
		pr := plans.Procedure{ID: fmt.Sprintf("p%05d", p), Into: []string{"elsewhere"}, Drilled: "2026-01-01"}
		for i := p * 20; i < (p+1)*20; i++ {
			pr.Restores = append(pr.Restores, m.Nodes[i].ID)
		}
		pr.Steps = []plans.Step{
			{ID: "prepare", Known: true, Duration: plans.Interval{Lo: plans.Minute, Hi: 3 * plans.Minute}},
			{ID: "restore", Known: true, Duration: plans.Interval{Lo: plans.Minute, Hi: 5 * plans.Minute}, After: []string{"prepare"}},
		}
		m.Procedures = append(m.Procedures, pr)
	}
	return m
}

func BenchmarkScenario(b *testing.B) {
	for _, size := range []struct {
		nodes   int
		fragile bool
	}{{1_000, false}, {10_000, false}, {100_000, false}, {1_000, true}, {10_000, true}, {100_000, true}} {
		nodes := size.nodes
		b.Run(fmt.Sprintf("%d/fragile=%v", nodes, size.fragile), func(b *testing.B) {
			m := syntheticFleet(nodes, 200, size.fragile)
			g := compile(m)
			cfg := &Config{Runs: -1}
			down := 0
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				s, _ := solveScenario(g, &m.Scenarios[i%len(m.Scenarios)], cfg)
				down += len(s.recovery.Down)
			}
			b.ReportMetric(float64(b.N)*float64(nodes)/b.Elapsed().Seconds(), "scenario-nodes/s")
			b.ReportMetric(float64(down)/float64(b.N), "down/op")
		})
	}
}

func BenchmarkAllSingles(b *testing.B) {
	m := syntheticFleet(10_000, 200, false)
	b.ReportAllocs()
	for b.Loop() {
		solve(b, m)
	}
}

// BenchmarkAllStuck has no procedure at all: whatever falls is explained.
func BenchmarkAllStuck(b *testing.B) {
	m := syntheticFleet(10_000, 200, true)
	m.Procedures = nil
	for b.Loop() {
		solve(b, m)
	}
}

func BenchmarkAllPairs(b *testing.B) {
	m := syntheticFleet(10_000, 200, false)
	g := compile(m)
	_, _ = selected(m, nil)
	var all []*plans.Scenario
	for i := range m.Scenarios {
		all = append(all, &m.Scenarios[i])
	}
	b.ReportAllocs()
	for b.Loop() {
		p, err := g.pairs(context.Background(), all, &Config{})
		if err != nil || p.Solved != 19_900 {
			b.Fatal(p, err)
		}
	}
}

// BenchmarkMonteCarlo is 10,000 runs of a plan of 100 steps.
func BenchmarkMonteCarlo(b *testing.B) {
	m := &plans.Model{Scenarios: []plans.Scenario{{ID: "s", Nodes: []string{"app"}, Mode: plans.Lost}}}
	rto := plans.Day
	m.Nodes = []plans.Node{{ID: "app", Kind: plans.KindNode, Objectives: []plans.Objective{{Class: "default", RTO: &rto}}}}
	p := plans.Procedure{ID: "p", Restores: []string{"app"}, IntoKnown: true}
	for i := range 100 {
		s := plans.Step{ID: fmt.Sprintf("s%02d", i), Known: true, Duration: plans.Interval{Lo: plans.Minute, Hi: 9 * plans.Minute}}
		for k := max(0, i-2); k < i; k++ {
			s.After = append(s.After, fmt.Sprintf("s%02d", k))
		}
		p.Steps = append(p.Steps, s)
	}
	m.Procedures = []plans.Procedure{p}
	g := compile(m)
	r := read(g, &m.Scenarios[0], false, nil)
	b.ReportAllocs()
	for b.Loop() {
		sim, at := newSimulation(r.plan, []int32{0})
		if len(sim.deps) < 100 {
			b.Fatal("steps are missing")
		}
		sim.run(seed(&plans.Recovery{}), defaultRuns, at)
	}
}
