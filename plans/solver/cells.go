package solver

import (
	"fmt"
	"slices"

	"github.com/darkstart-dev/darkstart/plans"
)

// reading is a scenario solved in one reading of the unknown facts.
type reading struct {
	w       *world
	low     *rise               // durations at their lower ends
	high    *rise               // at their upper ends, resources without limit
	plan    *schedule           // at their upper ends, with people and links
	bounds  map[int32]lossBound // by judged item that fell
	bounded map[string]*rise
}

// read solves impact, recoverability, loss and time. The reading is over when
// the arena is put back.
func read(g *graph, sc *plans.Scenario, pess bool, a *arena) *reading {
	w := newWorld(g, sc, pess, a)
	r := &reading{w: w, low: newRise(w, false, riseOptions{}), bounds: map[int32]lossBound{}}
	limit := map[int32]plans.Duration{} // by store: what the joint plan may lose
	for _, u := range g.judged {
		if !w.down[u] {
			continue
		}
		b := r.bound(u, g.rpo(u, sc))
		r.bounds[u] = b
		for _, s := range b.stores {
			if l, ok := limit[s]; !ok || b.limit < l {
				limit[s] = b.limit
			}
		}
	}
	r.high = newRise(w, true, riseOptions{barred: func(i, s int32) bool {
		l, ok := limit[i]
		return ok && w.lossOf(i, s) > l
	}})
	r.plan = newSchedule(r.high, w.byPriority())
	return r
}

func (g *graph) rpo(u int32, sc *plans.Scenario) *plans.Duration {
	if o := g.objective(u, sc); o != nil {
		return o.RPO
	}
	return nil
}

// outcome is what one reading says about one judged item.
type outcome struct {
	down, back   bool
	lb, ub, loss plans.Duration
	low          *rise
}

func (r *reading) outcome(u int32) outcome {
	o := outcome{down: r.w.down[u], low: r.low}
	if !o.down {
		o.back = true
		return o
	}
	if !r.low.in[u] {
		o.lb, _ = r.low.granted(u)
		o.ub, o.loss = plans.Forever, r.grantedLoss(u)
		return o
	}
	b := r.bounds[u]
	o.back, o.low, o.loss = true, b.low, b.loss
	o.lb, o.ub = b.low.at[u], r.plan.at(u)
	return o
}

// grantedLoss is the least loss of a stuck item, had it what it needs.
func (r *reading) grantedLoss(u int32) plans.Duration {
	worst := plans.Duration(0)
	for _, s := range r.w.storesUnder(u) {
		worst = max(worst, r.w.bestPoint(s))
	}
	return worst
}

// cell judges one (scenario, objective).
func (r *reading) cell(u int32, obj *plans.Objective, pess *reading) plans.Cell {
	c := plans.Cell{Node: r.w.g.name(u)}
	if obj != nil {
		c.Class, c.RTO, c.RPO = obj.Class, obj.RTO, obj.RPO
	}
	best, worst := r.outcome(u), pess.outcome(u)
	c.LB, c.UB = best.lb, max(best.ub, worst.ub)
	if best.down || worst.down {
		c.Loss = &plans.Interval{Lo: best.loss, Hi: max(best.loss, worst.loss)}
		if best.back {
			c.Loss.Hi = max(c.Loss.Hi, r.planLoss(u))
		}
	}
	c.Verdict = verdict(obj, best, worst)
	c.Point = r.pointUsed(u)
	r.explain(&c, u, best, pess)
	return c
}

// verdict is three-valued: violated if even the best reading is, proven if
// the worst one is, else unknown (§5.3, §5.8).
func verdict(obj *plans.Objective, best, worst outcome) plans.Verdict {
	rto, rpo := plans.Forever, plans.Forever
	if obj != nil && obj.RTO != nil {
		rto = *obj.RTO
	}
	if obj != nil && obj.RPO != nil {
		rpo = *obj.RPO
	}
	switch {
	case !best.down && !worst.down:
		return plans.Unaffected
	case obj != nil && obj.Accepted != nil:
		return plans.AcceptedV
	case best.down && !best.back:
		return plans.Unrecoverable
	case best.down && (best.lb > rto || best.loss > rpo):
		return plans.Violated
	case worst.back && worst.ub <= rto && worst.loss <= rpo:
		return plans.Proven
	}
	return plans.UnknownV
}

// explain adds the critical path, the step that decides, and what is unknown.
func (r *reading) explain(c *plans.Cell, u int32, best outcome, pess *reading) {
	if !best.down && c.Verdict != plans.UnknownV {
		return
	}
	switch {
	case !best.back || !best.down:
	case c.Verdict == plans.Violated:
		c.Path = best.low.critical(u)
	default:
		c.Path = r.plan.critical(u)
	}
	longest := plans.Duration(-1)
	if len(c.Path) > 0 {
		c.Critical = make([]string, len(c.Path))
	}
	for i, p := range c.Path {
		c.Critical[i] = p.Step
		c.Estimated = c.Estimated || p.Measured == nil
		if p.Duration > longest {
			longest, c.Decides = p.Duration, p.Step
		}
	}
	if c.Verdict != plans.UnknownV {
		return
	}
	c.Unknowns = pess.w.unknowns(u, r.w)
	if len(c.Unknowns) == 0 && c.Decides != "" {
		c.Unknowns = []plans.Unknown{{
			Node: c.Node, What: fmt.Sprintf("recovery takes from %s to %s, and the objective lies between", c.LB, c.UB),
			Settle: fmt.Sprintf("a measured or narrower duration of %q", c.Decides), At: r.w.g.nodes[u].At,
		}}
	}
}

// stores lists the stores without quorum that u waits for in the joint plan:
// its own data, and that of what it runs on.
func (r *reading) stores(u int32) []int32 {
	seen, list := map[int32]bool{u: true}, []int32{u}
	var out []int32
	for k := 0; k < len(list); k++ {
		i := list[k]
		if !r.w.down[i] || !r.high.in[i] {
			continue
		}
		if int(i) < len(r.w.g.nodes) && r.w.g.nodes[i].Data != nil && r.high.by[i] >= 0 {
			out = append(out, i)
		}
		for _, a := range r.high.awaits(i) {
			if !seen[a] {
				seen[a] = true
				list = append(list, a)
			}
		}
	}
	slices.Sort(out)
	return out
}

// planLoss is what the joint plan loses of u: not the least that is possible,
// but what the alternatives cost that it uses.
func (r *reading) planLoss(u int32) plans.Duration {
	worst := plans.Duration(0)
	for _, s := range r.stores(u) {
		worst = max(worst, r.w.lossOf(s, r.high.by[s]))
	}
	return worst
}

// pointUsed names the recovery point that the plan restores u from: its own,
// or the oldest among the stores under it.
func (r *reading) pointUsed(u int32) string {
	name, oldest := "", plans.Duration(-1)
	for _, s := range r.stores(u) {
		for _, c := range r.w.g.closureOf(r.high.by[s]) {
			if q := r.w.g.steps[c].from; q >= 0 && r.w.pointOf(q, s) && r.w.age(q) > oldest {
				name, oldest = r.w.g.name(q), r.w.age(q)
			}
		}
	}
	return name
}
