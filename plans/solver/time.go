package solver

import (
	"slices"

	"github.com/darkstart-dev/darkstart/plans"
)

// granted is a lower bound for a stuck item with every need granted that is
// itself outside R* (§5.3): is the way back too slow on its own durations? It
// reports false where there is no way at all.
func (r *rise) granted(i int32) (plans.Duration, bool) {
	g := r.w.g
	if r.ownAt[i] >= 0 {
		return r.formula(g.run, i), true
	}
	best, found := plans.Forever, false
	for _, s := range g.alts[i] {
		if r.w.enabled(i, s) {
			begin, _ := r.grantedStep(s, map[int32]plans.Duration{})
			best, found = min(best, max(add(max(begin, r.formula(g.back, i)), r.length(s)), r.w.workload(s, r.high))), true
		}
	}
	return best, found
}

// grantedStep returns when a step can begin and end.
func (r *rise) grantedStep(s int32, ends map[int32]plans.Duration) (begin, end plans.Duration) {
	st := r.w.g.steps[s]
	begin = max(r.pick(st.base), r.formula(r.w.g.back, int32(r.w.g.items)+s))
	for _, a := range st.after {
		e, ok := ends[a]
		if !ok {
			_, e = r.grantedStep(a, ends)
			ends[a] = e
		}
		begin = max(begin, e)
	}
	return begin, max(add(begin, r.length(s)), r.w.workload(s, r.high))
}

// formula is when a requirement holds: the latest of all, the earliest of any,
// the k-th of atLeast k. What is outside R* counts nothing.
func (r *rise) formula(f *formulas, owner int32) plans.Duration {
	if g := f.root[owner]; g >= 0 {
		return r.gate(f, g)
	}
	return 0
}

func (r *rise) gate(f *formulas, g int32) plans.Duration {
	if f.need[g] == 0 {
		return 0
	}
	var at []plans.Duration
	for _, k := range f.kids[g] {
		switch {
		case k.to < 0:
			at = append(at, r.gate(f, ^k.to))
		case r.in[k.to]:
			at = append(at, r.at[k.to])
		default:
			at = append(at, 0)
		}
	}
	slices.Sort(at)
	return at[f.need[g]-1]
}

// critical lists the steps that decide when item i returned, first to last.
func (r *rise) critical(i int32) []plans.PathStep {
	c := &tracer{r: r, seen: map[int32]bool{}}
	c.item(i)
	slices.Reverse(c.rows)
	return c.rows
}

// tracer walks back from an item over whatever ended just when it was needed.
type tracer struct {
	r    *rise
	rows []plans.PathStep
	seen map[int32]bool
}

func (c *tracer) item(i int32) bool {
	r := c.r
	if c.seen[i] {
		return false
	}
	c.seen[i] = true
	if r.at[i] == 0 {
		return true
	}
	if r.at[i] > r.ownAt[i] || r.by[i] == byKept {
		for _, a := range r.awaits(i) {
			if r.at[a] == r.at[i] && c.item(a) {
				return true
			}
		}
		return false
	}
	if r.by[i] == byMoved {
		d := r.at[i] - r.startOK[i]
		c.rows = append(c.rows, plans.PathStep{Step: "reschedule " + r.w.g.name(i), Duration: d, End: r.at[i], Known: true})
		return c.any(r.support(r.w.g.back, i), r.startOK[i])
	}
	s := r.by[i]
	c.row(s, r.at[i])
	if r.startOK[i] > r.ready[s] {
		return c.any(r.support(r.w.g.back, i), r.startOK[i])
	}
	return c.before(s)
}

func (c *tracer) row(s int32, end plans.Duration) {
	st := c.r.w.g.steps[s]
	if st.hidden || c.r.w.idle(s) {
		return
	}
	begin := max(c.r.ready[s], 0)
	row := plans.PathStep{Step: st.id, By: st.By, Duration: c.r.length(s), End: end, Known: st.known, Measured: st.measured}
	if wait := end - begin - row.Duration; wait > 0 && end < plans.Forever {
		row.Waited = wait
	}
	c.rows = append(c.rows, row)
}

// before follows what let a step begin.
func (c *tracer) before(s int32) bool {
	r := c.r
	st := r.w.g.steps[s]
	for _, a := range st.after {
		if r.done[a] == r.ready[s] {
			c.row(a, r.done[a])
			return c.before(a)
		}
	}
	if b := r.pick(st.base); b == r.ready[s] && b > 0 {
		c.rows = append(c.rows, baseRow(st, b, b))
		return true
	}
	return c.any(r.support(r.w.g.back, int32(r.w.g.items)+s), r.ready[s])
}

func (c *tracer) any(items []int32, at plans.Duration) bool {
	for _, a := range items {
		if c.r.at[a] == at && c.item(a) {
			return true
		}
	}
	return at == 0
}

// baseRow is the row of noticing and of reaching people.
func baseRow(st *step, length, end plans.Duration) plans.PathStep {
	name := "detect " + st.proc.ID
	if st.actor != nil {
		name += ", reach " + st.actor.ID
	}
	return plans.PathStep{Step: name, By: st.By, Duration: length, End: end, Known: true}
}

// critical lists the steps that decide when item i returns in the schedule.
func (s *schedule) critical(i int32) []plans.PathStep {
	var out []plans.PathStep
	if s.slot[i] < 0 {
		return nil
	}
	for at := s.slot[i]; at >= 0; {
		o := &s.ops[at]
		if row, ok := s.row(o); ok {
			out = append(out, row)
		}
		next := o.held
		for _, d := range o.deps {
			if next < 0 || s.ops[d].end > s.ops[next].end {
				next = d
			}
		}
		at = next
	}
	slices.Reverse(out)
	return slices.Clone(out) // it stays: without room to grow
}

func (s *schedule) row(o *op) (plans.PathStep, bool) {
	g := s.r.w.g
	row := plans.PathStep{Duration: o.end - o.start, End: o.end, Known: true}
	switch o.kind {
	case opBase:
		return baseRow(g.steps[o.step], o.end-o.start, o.end), true
	case opMove:
		row.Step = "reschedule " + g.name(o.items[0])
		return row, true
	case opJob:
		st := g.steps[o.step]
		if st.hidden || s.r.w.idle(o.step) {
			return row, false
		}
		row.Step, row.By, row.Known, row.Measured = st.id, st.By, st.known, st.measured
		for _, d := range o.deps {
			row.Waited = max(row.Waited, s.ops[d].end)
		}
		if row.Waited = o.start - row.Waited; o.held < 0 {
			row.Waited = 0
		}
		return row, true
	}
	return row, false
}
