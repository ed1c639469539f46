package solver

import (
	"cmp"
	"math"
	"slices"

	"github.com/darkstart-dev/darkstart/plans"
)

// proceed numbers procedures and their steps and resolves what each restores.
func (g *graph) proceed() {
	ps := make([]*plans.Procedure, 0, len(g.model.Procedures))
	for i := range g.model.Procedures {
		ps = append(ps, &g.model.Procedures[i])
	}
	slices.SortFunc(ps, func(a, b *plans.Procedure) int { return cmp.Compare(a.ID, b.ID) })
	g.alts = make([][]int32, g.items)
	for _, p := range ps {
		g.addProcedure(p)
	}
	for _, s := range g.steps {
		for _, item := range s.restores {
			g.alts[item] = append(g.alts[item], s.index)
		}
	}
}

func (g *graph) addProcedure(p *plans.Procedure) {
	pr := &proc{Procedure: p, index: int32(len(g.procs)), first: int32(len(g.steps)), into: g.domainList(p.Into), modes: modeSet(p.Modes)}
	g.procs = append(g.procs, pr)
	order := make([]*plans.Step, 0, len(p.Steps))
	for i := range p.Steps {
		order = append(order, &p.Steps[i])
	}
	slices.SortFunc(order, func(a, b *plans.Step) int { return cmp.Compare(a.ID, b.ID) })
	named := map[string]int32{}
	for _, s := range order {
		st := &step{Step: s, index: int32(len(g.steps)), proc: pr, id: p.ID + "/" + s.ID, from: -1}
		named[s.ID] = st.index
		if s.From != "" {
			st.from = g.ids[s.From]
		}
		g.measure(st)
		pr.limited = pr.limited || st.actor != nil || st.Link != ""
		g.steps = append(g.steps, st)
	}
	for _, st := range g.steps[pr.first:] {
		for _, a := range st.After {
			st.after = append(st.after, named[a])
			g.steps[named[a]].next = append(g.steps[named[a]].next, st.index)
		}
		slices.Sort(st.after)
		st.after = slices.Compact(st.after)
	}
	g.assign(pr)
	pr.last = int32(len(g.steps))
}

// assign gives each step what it restores; what no step names is restored by
// the last steps together.
func (g *graph) assign(pr *proc) {
	claimed := map[int32]bool{}
	var last []*step
	for _, st := range g.steps[pr.first:] {
		for _, id := range st.Restores {
			item, _ := g.item(id)
			claimed[item] = true
			st.restores = append(st.restores, item)
		}
		if len(st.next) == 0 {
			last = append(last, st)
		}
	}
	var rest []int32
	for _, id := range pr.Restores {
		if item, ok := g.item(id); ok && !claimed[item] {
			claimed[item] = true
			rest = append(rest, item)
		}
	}
	if len(rest) > 0 {
		if len(last) != 1 {
			last = []*step{g.join(pr, last)}
		}
		last[0].restores = append(last[0].restores, rest...)
	}
	for _, st := range g.steps[pr.first:] {
		slices.Sort(st.restores)
		st.restores = slices.Compact(st.restores)
	}
}

// join adds the hidden step after all last steps. Without any step it stands
// for the undeclared way, of which nothing is known.
func (g *graph) join(pr *proc, last []*step) *step {
	st := &step{Step: &plans.Step{ID: "@end"}, index: int32(len(g.steps)), proc: pr, hidden: true, id: pr.ID + "/@end", from: -1, known: len(last) > 0}
	if !st.known {
		st.work.Hi, st.time.Hi = plans.Forever, plans.Forever
		st.base = pr.Detect
	}
	for _, l := range last {
		st.after = append(st.after, l.index)
		l.next = append(l.next, st.index)
	}
	g.steps = append(g.steps, st)
	return st
}

func modeSet(modes []plans.Mode) uint8 {
	if len(modes) == 0 {
		return math.MaxUint8
	}
	set := uint8(0)
	for _, m := range modes {
		if i := slices.Index(plans.Modes, m); i >= 0 {
			set |= 1 << i
		}
	}
	return set
}

// closureOf returns the step and all steps before it.
func (g *graph) closureOf(s int32) []int32 {
	seen, out := map[int32]bool{s: true}, []int32{s}
	for i := 0; i < len(out); i++ {
		for _, a := range g.steps[out[i]].after {
			if !seen[a] {
				seen[a] = true
				out = append(out, a)
			}
		}
	}
	return out
}

// measure fills in how long a step takes. A measured p90 replaces the upper
// estimate (D7); an unknown duration is anything between nothing and forever.
func (g *graph) measure(s *step) {
	s.actor = g.actors[s.By]
	if s.By != "" && s.actor == nil {
		s.actor = &plans.Actor{ID: s.By, Shift: 1} // implied (D15)
	}
	units, par := int64(max(1, s.Units)), int64(max(1, s.Parallel))
	if s.actor != nil {
		par = min(par, int64(max(1, s.actor.Shift)))
		s.people = par
	}
	s.known = s.Known || s.Duration != (plans.Interval{})
	one := s.Duration
	if s.known {
		rounds := (units-1)/par + 1
		s.time = plans.Interval{Lo: times(one.Lo, rounds), Hi: times(one.Hi, rounds)}
	}
	if l := g.links[s.Link]; l != nil && s.Bytes > 0 && l.Bandwidth > 0 {
		t := plans.Duration(math.Ceil(float64(s.Bytes) * 1000 / float64(l.Bandwidth)))
		s.time.Lo, s.time.Hi, s.known = max(s.time.Lo, t), max(s.time.Hi, t), true
	}
	if p := g.points[s.from]; !s.known && p != nil && p.Restore != (plans.Interval{}) {
		s.time, s.known = p.Restore, true
	}
	if s.measured = s.Measured; s.measured != nil {
		s.time, s.known = plans.Interval{Lo: min(s.time.Lo, s.measured.P90), Hi: s.measured.P90}, true
	}
	if !s.known {
		s.time = plans.Interval{Hi: plans.Forever}
	}
	s.work = s.time
	if s.Approval != nil {
		s.time = plus(s.time, s.Approval.Wait)
	}
	s.base = s.proc.Detect
	if s.actor != nil {
		s.base = plus(s.base, plus(s.actor.Respond, s.actor.Travel))
	}
}

// add sums durations; forever and anything is forever.
func add(a, b plans.Duration) plans.Duration { return min(a+b, plans.Forever) }

func times(d plans.Duration, n int64) plans.Duration {
	if d > 0 && n > int64(plans.Forever/d) {
		return plans.Forever
	}
	return d * plans.Duration(n)
}

func plus(a, b plans.Interval) plans.Interval {
	return plans.Interval{Lo: add(a.Lo, b.Lo), Hi: add(a.Hi, b.Hi)}
}

// remeasure replaces estimates by what drills measured: the p90 of passed runs
// whose closure is today's (D7).
func (g *graph) remeasure() {
	f := &fleet{g: g}
	if len(g.model.Evidence) == 0 {
		return
	}
	for _, p := range g.procs {
		fresh, _ := f.evidenceFor(p)
		for _, s := range g.steps[p.first:p.last] {
			if m := measured(s.Step, fresh); m != nil {
				c := *s.Step
				c.Measured = m
				s.Step = &c
				g.measure(s)
			}
		}
	}
}

func measured(s *plans.Step, runs []*plans.Evidence) *plans.Measured {
	var all []plans.Duration
	date := ""
	for _, e := range runs {
		if ds := e.Steps[s.ID]; len(ds) > 0 {
			all, date = append(all, ds...), max(date, e.Date)
		}
	}
	if len(all) == 0 || s.Measured != nil {
		return nil
	}
	slices.Sort(all)
	return &plans.Measured{N: len(all), P90: min(max(all[(len(all)*9+9)/10-1], 0), plans.Forever), Age: date}
}
