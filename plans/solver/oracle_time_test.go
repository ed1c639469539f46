package solver

import (
	"context"
	"slices"
	"testing"

	"github.com/darkstart-dev/darkstart/plans"
)

// horizon is beyond the end of any recovery of a random fleet.
const horizon = 120

// times simulates tick by tick, without limits on people, or, with an order of
// the team's steps, with one step at a time in that order.
func (o *oracle) times(order []stepID) []plans.Duration {
	at := make([]plans.Duration, len(o.m.Nodes))
	set := o.all() &^ o.down
	for i := range at {
		if o.down>>i&1 == 1 {
			at[i] = plans.Forever
		}
	}
	began, startable := map[stepID]plans.Duration{}, map[int]plans.Duration{}
	queue := slices.Clone(order)
	for now := plans.Duration(0); now < horizon; now++ {
		for changed := true; changed; {
			changed = false
			for p := range o.m.Procedures {
				for s := range o.m.Procedures[p].Steps {
					id := stepID{p, s}
					if _, ok := began[id]; !ok && o.canBegin(id, now, set, began, order, queue) {
						began[id], changed = now, true
						if len(queue) > 0 && queue[0] == id {
							queue = queue[1:]
						}
					}
				}
			}
			owned := uint(0)
			for i := range o.m.Nodes {
				if _, ok := startable[i]; !ok && o.holds(o.m.Nodes[i].Requires.Start, o.in(set)) {
					startable[i] = now
				}
				if o.keeps(i, set) || o.back(i, now, began, startable) {
					owned |= 1 << i
				}
			}
			if next := set | o.greatest(owned, set); next != set {
				for i := range at {
					if next>>i&1 == 1 && set>>i&1 == 0 {
						at[i] = now
					}
				}
				set, changed = next, true
			}
		}
	}
	return at
}

type stepID struct{ proc, step int }

func (o *oracle) step(id stepID) *plans.Step { return &o.m.Procedures[id.proc].Steps[id.step] }

// ended reports whether a step that began has ended.
func (o *oracle) ended(id stepID, now plans.Duration, began map[stepID]plans.Duration) bool {
	b, ok := began[id]
	return ok && b+o.step(id).Duration.Lo <= now
}

func (o *oracle) canBegin(id stepID, now plans.Duration, set uint, began map[stepID]plans.Duration, order, queue []stepID) bool {
	st, proc := o.step(id), &o.m.Procedures[id.proc]
	base := proc.Detect.Lo
	if st.By != "" {
		base += o.m.Actors[0].Respond.Lo
	}
	if now < base || !o.holds(st.Needs, o.in(set)) || st.From != "" && !o.in(set)(st.From) {
		return false
	}
	for s := range proc.Steps {
		if slices.Contains(st.After, proc.Steps[s].ID) && !o.ended(stepID{id.proc, s}, now, began) {
			return false
		}
	}
	if order == nil || st.By == "" {
		return true
	}
	if len(queue) == 0 || queue[0] != id {
		return false
	}
	for _, other := range order[:len(order)-len(queue)] {
		if !o.ended(other, now, began) {
			return false
		}
	}
	return true
}

// back reports whether an alternative of node i has been executed since the
// node could start.
func (o *oracle) back(i int, now plans.Duration, began map[stepID]plans.Duration, startable map[int]plans.Duration) bool {
	start, ok := startable[i]
	if !ok {
		return false
	}
	for _, a := range o.alts[i] {
		if a.step >= 0 {
			id := stepID{a.proc, a.step}
			if b, ok := began[id]; ok && max(b, start)+o.step(id).Duration.Lo <= now {
				return true
			}
			continue
		}
		if !slices.ContainsFunc(a.last, func(s int) bool { return !o.ended(stepID{a.proc, s}, now, began) }) {
			return true
		}
	}
	return false
}

func judge(t *testing.T, m *plans.Model) (*graph, *reading) {
	t.Helper()
	if list := check(m); list.HasErrors() {
		t.Fatalf("the random fleet is malformed:\n%s", list)
	}
	g := compile(m)
	return g, read(g, &m.Scenarios[0], false, nil)
}

func TestOracle(t *testing.T) {
	fleets := uint64(4000)
	if testing.Short() {
		fleets = 400
	}
	recovered, stuck, lossy := 0, 0, 0
	for seed := range fleets {
		m := randomFleet(seed, false)
		o := newOracle(m)
		g, r := judge(t, m)
		set := o.recovered(anyAlternative)
		at := o.times(nil)
		for i := range m.Nodes {
			id := m.Nodes[i].ID
			n := g.ids[id]
			if down := o.down>>i&1 == 1; r.w.down[n] != down {
				t.Fatalf("seed %d: %s down: %v, the oracle says %v", seed, id, r.w.down[n], down)
			}
			back := set>>i&1 == 1
			if r.low.in[n] != back || r.high.in[n] != back && r.high.opts.barred == nil {
				t.Fatalf("seed %d: %s returns: %v, the oracle says %v", seed, id, r.low.in[n], back)
			}
			if !r.w.down[n] {
				continue
			}
			if !back {
				stuck++
				continue
			}
			recovered++
			if r.low.at[n] != at[i] {
				t.Fatalf("seed %d: %s returns at %d, the oracle says %d", seed, id, r.low.at[n], at[i])
			}
			if r.plan.at(n) < r.low.at[n] {
				t.Fatalf("seed %d: %s is scheduled at %d, before its lower bound %d", seed, id, r.plan.at(n), r.low.at[n])
			}
			if m.Nodes[i].Kind == plans.KindPoint {
				continue
			}
			loss := o.leastLoss(i)
			if r.bounds[n].loss != loss {
				t.Fatalf("seed %d: %s loses %d, the oracle says %d", seed, id, r.bounds[n].loss, loss)
			}
			if loss > 0 {
				lossy++
			}
		}
	}
	if recovered < int(fleets)/4 || stuck < int(fleets)/4 || lossy < int(fleets)/100 {
		t.Errorf("the random fleets are too tame: %d recovered, %d stuck, %d with loss", recovered, stuck, lossy)
	}
}

// TestOracleOfPeople holds LB ≤ optimum ≤ UB where one team executes steps.
func TestOracleOfPeople(t *testing.T) {
	fleets := uint64(1500)
	if testing.Short() {
		fleets = 150
	}
	contended := 0
	for seed := range fleets {
		m := randomFleet(seed, true)
		o := newOracle(m)
		g, r := judge(t, m)
		var manual []stepID
		for p := range m.Procedures {
			for s := range m.Procedures[p].Steps {
				if m.Procedures[p].Steps[s].By != "" {
					manual = append(manual, stepID{p, s})
				}
			}
		}
		if len(manual) == 0 || len(manual) > 5 {
			continue
		}
		best := slices.Repeat([]plans.Duration{plans.Forever}, len(m.Nodes))
		orders(manual, nil, func(order []stepID) {
			for i, at := range o.times(order) {
				best[i] = min(best[i], at)
			}
		})
		free := o.times(nil)
		for i := range m.Nodes {
			n := g.ids[m.Nodes[i].ID]
			if !r.w.down[n] || !r.low.in[n] {
				continue
			}
			if best[i] > free[i] {
				contended++
			}
			if lb, ub := r.low.at[n], r.plan.at(n); lb > best[i] || best[i] > ub {
				t.Fatalf("seed %d: %s returns at %d at best, the bounds are %d and %d", seed, m.Nodes[i].ID, best[i], lb, ub)
			}
		}
	}
	if contended == 0 {
		t.Error("no random fleet makes its team a bottleneck")
	}
}

// orders enumerates all sequences of all subsets, the empty one included.
func orders(rest, head []stepID, fn func([]stepID)) {
	fn(append(make([]stepID, 0, len(head)), head...))
	for i, s := range rest {
		others := slices.Delete(slices.Clone(rest), i, i+1)
		orders(others, append(slices.Clone(head), s), fn)
	}
}

func TestPermutedInputGivesEqualPlan(t *testing.T) {
	for seed := range uint64(300) {
		m := randomFleet(seed, seed%2 == 0)
		p := clone(t, m)
		reverse(p)
		a, _, err := Solve(context.Background(), m, &Config{Parallel: 1, Runs: 50})
		if err != nil {
			t.Fatal(err)
		}
		b, _, err := Solve(context.Background(), p, &Config{Parallel: 2, Runs: 50})
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Scenarios { // the scenario itself is quoted as it was written
			b.Scenarios[i].Scenario = a.Scenarios[i].Scenario
		}
		x, err1 := plans.JSON(a)
		y, err2 := plans.JSON(b)
		if err1 != nil || err2 != nil || string(x) != string(y) {
			t.Fatalf("seed %d: permuted input gives another plan (%v, %v)\n%s\n%s", seed, err1, err2, x, y)
		}
	}
}

// reverse reverses every list of a model whose order means nothing.
func reverse(m *plans.Model) {
	slices.Reverse(m.Nodes)
	slices.Reverse(m.Domains)
	slices.Reverse(m.Procedures)
	slices.Reverse(m.Scenarios[0].Domains)
	slices.Reverse(m.Scenarios[0].Nodes)
	for i := range m.Nodes {
		n := &m.Nodes[i]
		slices.Reverse(n.Replicas)
		reverseRequirement(&n.Requires.Run)
		reverseRequirement(&n.Requires.Start)
		if n.Data != nil {
			slices.Reverse(n.Data.Points)
		}
	}
	for i := range m.Procedures {
		p := &m.Procedures[i]
		slices.Reverse(p.Steps)
		slices.Reverse(p.Restores)
		for k := range p.Steps {
			slices.Reverse(p.Steps[k].Restores)
			slices.Reverse(p.Steps[k].After)
			reverseRequirement(&p.Steps[k].Needs)
		}
	}
}

func reverseRequirement(r *plans.Requirement) {
	slices.Reverse(r.Of)
	for i := range r.Of {
		reverseRequirement(&r.Of[i])
	}
}
