package solver

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"

	"github.com/darkstart-dev/darkstart/plans"
)

// TestNothingGetsWorse: at fixed quorum, one more replica, one more choice,
// one more procedure, or one requirement less never makes Down, R*, loss or
// the lower bound of time worse.
func TestNothingGetsWorse(t *testing.T) {
	changed, fleets := 0, uint64(3000)
	if testing.Short() {
		fleets = 500
	}
	for seed := range fleets {
		m := randomFleet(seed, false)
		better := clone(t, m)
		what := improve(dice{rand.New(rand.NewPCG(seed, 99))}, better)
		g, before := judge(t, m)
		h, after := judge(t, better)
		for i := range m.Nodes {
			id := m.Nodes[i].ID
			x, y := g.ids[id], h.ids[id]
			if after.w.down[y] && !before.w.down[x] {
				t.Fatalf("seed %d: %s makes %s fall", seed, what, id)
			}
			if before.low.in[x] && !after.low.in[y] {
				t.Fatalf("seed %d: %s keeps %s from returning", seed, what, id)
			}
			if !before.low.in[x] {
				continue
			}
			if a, b := after.low.at[y], before.low.at[x]; a > b {
				t.Fatalf("seed %d: %s delays %s from %d to %d", seed, what, id, b, a)
			}
			if a, b := after.bounds[y].loss, before.bounds[x].loss; before.w.down[x] && a > b {
				t.Fatalf("seed %d: %s loses more of %s: %d, not %d", seed, what, id, a, b)
			}
			if after.low.at[y] != before.low.at[x] {
				changed++
			}
		}
	}
	if changed == 0 {
		t.Error("no improvement changed anything: the property is not tested")
	}
}

func clone(t *testing.T, m *plans.Model) *plans.Model {
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	out := &plans.Model{}
	if err := json.Unmarshal(b, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// improve changes a model for the better and says how.
func improve(d dice, m *plans.Model) string {
	n := &m.Nodes[d.IntN(len(m.Nodes))]
	other := plans.Requirement{Op: plans.Ref, Node: m.Nodes[d.IntN(len(m.Nodes))].ID}
	switch d.IntN(5) {
	case 0:
		n.Replicas = append(n.Replicas, plans.Replica{})
		return "a replica of " + n.ID
	case 1:
		if !trivial(n.Requires.Run) {
			n.Requires.Run = plans.Requirement{Op: plans.Any, Of: []plans.Requirement{n.Requires.Run, other}}
		}
		return "a choice for the run of " + n.ID
	case 2:
		if r := &n.Requires.Run; r.Op == plans.All && len(r.Of) > 0 {
			r.Of = r.Of[1:]
		}
		n.Requires.Start = plans.Requirement{}
		return "fewer requirements of " + n.ID
	case 3:
		for p := range m.Procedures {
			for s := range m.Procedures[p].Steps {
				m.Procedures[p].Steps[s].Needs = plans.Requirement{}
			}
		}
		return "procedures without needs"
	}
	m.Procedures = append(m.Procedures, plans.Procedure{
		ID: "extra", IntoKnown: true, Restores: []string{n.ID}, Steps: []plans.Step{{ID: "x", Known: true, Duration: plans.Exactly(plans.Duration(d.IntN(4)))}},
	})
	return "a procedure for " + n.ID
}

// TestPercentiles: between the bounds, in order, and equal on every run.
func TestPercentiles(t *testing.T) {
	m := bootstrapModel()
	rto := plans.Hour
	m.Nodes[len(m.Nodes)-1].Objectives = []plans.Objective{{Class: "bootstrap", RTO: &rto}}
	c := solve(t, m).Scenarios[0].Cells[0]
	if !(c.LB < c.P50 && c.P50 < c.P90 && c.P90 < c.P99 && c.P99 < c.UB) {
		t.Errorf("want LB < p50 < p90 < p99 < UB, got %v %v %v %v %v", c.LB, c.P50, c.P90, c.P99, c.UB)
	}
	// Four steps of 1m to 2m in a row and the later of two: a median near 7m40s. The numbers are
	// integers from a seeded generator, so they are the same everywhere.
	if got := fmt.Sprint(c.P50, c.P90, c.P99); got != "7m40s529ms 8m28s418ms 9m2s969ms" {
		t.Errorf("percentiles changed: %s", got)
	}
}

// TestBreaks: a cycle of two is broken by either edge, or a copy of either.
func TestBreaks(t *testing.T) {
	r := solve(t, bootstrapModel("C/vault>C/registry", "C/registry>C/vault")).Scenarios[0]
	var got []string
	for _, b := range r.Witnesses[0].Breaks {
		if !b.Smallest {
			t.Errorf("%s is a single change, nothing is smaller", b)
		}
		got = append(got, b.String())
	}
	want := []string{
		"C/registry no longer needs C/vault", "C/vault no longer needs C/registry",
		"a copy of C/registry that survives", "a copy of C/vault that survives",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestBreakOfTwo: two separate cycles that both hold the target back need two
// changes, and that is proven.
func TestBreakOfTwo(t *testing.T) {
	m := bootstrapModel("C/vault>C/vault", "C/registry>C/registry")
	rto := plans.Hour
	m.Nodes = append(m.Nodes, plans.Node{
		ID: "svc", Requires: plans.Requires{Run: refTo("C/vault", "C/registry")},
		Objectives: []plans.Objective{{Class: "bootstrap", RTO: &rto}},
	})
	r := solve(t, m).Scenarios[0]
	w := r.Witnesses[len(r.Witnesses)-1]
	if w.Target != "svc" || len(w.Breaks) != 3*3 {
		t.Fatalf("want three ways out on each side: %+v", w)
	}
	for _, b := range w.Breaks {
		if len(b.Edges)+len(b.Replicas) != 2 || !b.Smallest {
			t.Errorf("break %s: smallest %v", b, b.Smallest)
		}
	}
}

func TestPairs(t *testing.T) {
	rto := plans.Hour
	m := &plans.Model{
		Domains:   []plans.Domain{{ID: "a", Kind: "zone"}, {ID: "b", Kind: "zone"}, {ID: "c", Kind: "zone"}},
		Nodes:     []plans.Node{{ID: "db", Kind: plans.KindStore, Replicas: []plans.Replica{{Domains: []string{"a"}}, {Domains: []string{"b"}}}, Objectives: []plans.Objective{{Class: "default", RTO: &rto}}}},
		Scenarios: []plans.Scenario{{ID: "lose-a", Domains: []string{"a"}, Mode: plans.Lost}, {ID: "lose-b", Domains: []string{"b"}, Mode: plans.Down}, {ID: "lose-c", Domains: []string{"c"}, Mode: plans.Lost}},
	}
	p, _, err := Solve(t.Context(), m, &Config{Pairs: true})
	if err != nil {
		t.Fatal(err)
	}
	if p.Pairs.Solved != 3 || fmt.Sprint(p.Pairs.Losses) != "[{lose-a lose-b [db]}]" {
		t.Errorf("got %+v", p.Pairs)
	}
}

// TestKeptPercentiles: what was drawn for other fleets, and kept by its name, is
// taken for a fleet that draws the same and for no other.
func TestKeptPercentiles(t *testing.T) {
	var mu sync.Mutex
	known, taken := map[string][]Ranks{}, 0
	kept := func(name string, work func() ([]Ranks, error)) ([]Ranks, error) {
		mu.Lock()
		defer mu.Unlock()
		r, ok := known[name]
		if ok {
			taken++
			return r, nil
		}
		r, err := work()
		known[name] = r
		return r, err
	}
	fleets := []*plans.Model{bootstrapModel(), bootstrapModel()}
	for _, m := range fleets {
		rto := plans.Hour
		m.Nodes[len(m.Nodes)-1].Objectives = []plans.Objective{{Class: "bootstrap", RTO: &rto}}
	}
	fleets[1].Procedures[0].Steps[0].Duration.Hi += plans.Minute
	for seed := range uint64(300) {
		fleets = append(fleets, randomFleet(seed, true))
	}
	for i, m := range fleets {
		for range 2 {
			want, _, err := Solve(t.Context(), m, &Config{Runs: leastRuns})
			if err != nil {
				t.Fatal(err)
			}
			got, _, err := Solve(t.Context(), m, &Config{Runs: leastRuns, Kept: kept})
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("fleet %d: %v, or another plan", i, err)
			}
		}
	}
	if taken < 100 || len(known) < 100 {
		t.Errorf("%d kept, %d taken: the property is hardly tested", len(known), taken)
	}
	refused := errors.New("refused")
	if _, _, err := Solve(t.Context(), fleets[0], &Config{Kept: func(string, func() ([]Ranks, error)) ([]Ranks, error) { return nil, refused }}); !errors.Is(err, refused) {
		t.Errorf("the error of who keeps is lost: %v", err)
	}
}
