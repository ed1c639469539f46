package solver

import (
	"cmp"
	"slices"

	"github.com/darkstart-dev/darkstart/plans"
)

// reading is a scenario solved in one reading of the unknown facts.
type reading struct {
	w    *world
	low  *rise // durations at their lower ends
	high *rise // at their upper ends, resources without limit
	plan *schedule
}

func read(g *graph, sc *plans.Scenario, pess bool) *reading {
	w := newWorld(g, sc, pess)
	r := &reading{w: w, low: newRise(w, false, riseOptions{}), high: newRise(w, true, riseOptions{})}
	r.plan = newSchedule(r.high, g.byPriority(sc))
	return r
}

// byPriority orders the judged nodes: tier, then declared priority, then RTO.
func (g *graph) byPriority(sc *plans.Scenario) []int32 {
	key := func(i int32) (int, int, plans.Duration) {
		n := g.nodes[i]
		rank := 1 << 30
		if t := g.tiers[n.Tier]; t != nil {
			rank = t.Rank
		}
		rto := plans.Forever
		if o := g.objective(i, sc); o != nil && o.RTO != nil {
			rto = *o.RTO
		}
		return rank, n.Priority, rto
	}
	out := slices.Clone(g.judged)
	slices.SortFunc(out, func(a, b int32) int {
		r1, p1, t1 := key(a)
		r2, p2, t2 := key(b)
		return cmp.Or(cmp.Compare(r1, r2), cmp.Compare(p1, p2), cmp.Compare(t1, t2), cmp.Compare(a, b))
	})
	return out
}

// solveScenario is everything about one scenario.
func solveScenario(g *graph, sc *plans.Scenario, cfg *Config) solvedScenario {
	opt := read(g, sc, false)
	rec := plans.Recovery{
		Scenario: *sc,
		Fails:    g.fails(opt.w),
		Down:     g.names(opt.w.fallen),
		Stuck:    g.names(opt.low.stuck()),
		Waves:    opt.plan.waves(opt.low),
		Returns:  map[string]plans.Interval{},
	}
	for _, i := range opt.high.order {
		if int(i) < len(g.nodes) {
			v := plans.Interval{Lo: opt.low.at[i], Hi: opt.plan.at(i)}
			rec.Returns[g.name(i)] = v
			rec.Makespan.Lo, rec.Makespan.Hi = max(rec.Makespan.Lo, v.Lo), max(rec.Makespan.Hi, v.Hi)
		}
	}
	rec.Witnesses = opt.witnesses()
	return solvedScenario{recovery: rec}
}

// fails lists F itself: failed nodes and what stands in failed domains.
func (g *graph) fails(w *world) []string {
	var out []int32
	for _, i := range w.fallen {
		if !w.own[i] {
			out = append(out, i)
		}
	}
	return g.names(out)
}

// stuck lists what is down and does not come back.
func (r *rise) stuck() []int32 {
	var out []int32
	for _, i := range r.w.fallen {
		if !r.in[i] {
			out = append(out, i)
		}
	}
	return out
}

// witnesses explains the stuck targets: judged nodes, or, where a scenario
// brings a cluster up, all that it should have brought up. One witness is
// enough for all targets that end in the same cycle or leaf.
func (r *reading) witnesses() []plans.Witness {
	g := r.w.g
	var out []plans.Witness
	seen := map[string]bool{}
	for _, i := range r.low.stuck() {
		if int(i) >= len(g.nodes) {
			continue
		}
		judged := len(g.nodes[i].Objectives) > 0
		if !judged && (r.w.sc.Class == "" || !r.w.struck[i]) {
			continue
		}
		w := r.low.witness(i)
		key := rootOf(w)
		if !judged && (seen[key] || w.Cycle > 0) { // the cycle's own members explain it better
			continue
		}
		seen[key] = true
		out = append(out, w)
	}
	return out
}
