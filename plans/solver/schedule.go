package solver

import (
	"cmp"
	"slices"

	"github.com/darkstart-dev/darkstart/plans"
)

// schedule is one feasible joint schedule at the upper ends of all durations
// (DESIGN §5.3): people and links are used by one step at a time as far as
// they go, objectives are served in order of priority. Its times are upper
// bounds, and its order is the plan that people follow.
//
// It is a serial scheme: targets in order of priority, and for each the steps
// it needs, dependencies first, each at the earliest moment at which its
// predecessors are done and its people are free. So what matters less never
// delays what matters more.
type schedule struct {
	r      *rise
	ops    []op
	jobOf  map[int32]int32   // step to op
	baseOf map[string]int32  // procedure and actor to the op of reaching them
	slot   []int32           // by item: the op of its return, -1
	busy   map[string]*queue // by team or link
	seen   []bool            // by item: needed, and collected
	walked map[int32]bool    // steps collected
	fresh  []int32
}

// op is one thing that takes time, or a point in time at which items return.
type op struct {
	kind  opKind
	step  int32   // opJob
	items []int32 // opReturn
	deps  []int32 // ops that have to end before
	parts []plans.Interval
	start plans.Duration
	end   plans.Duration
	held  int32 // the op that gave up the people or link this one waited for, -1
	level int32 // wave
}

type opKind uint8

const (
	opBase   opKind = iota // detection, response and travel
	opJob                  // a step
	opReturn               // items come back
	opMove                 // a stateless node is rescheduled
)

func newSchedule(r *rise, targets []int32) *schedule {
	s := &schedule{
		r: r, jobOf: map[int32]int32{}, baseOf: map[string]int32{}, busy: map[string]*queue{},
		slot: r.w.arena.int(r.w.g.items, -1), seen: r.w.arena.bool(r.w.g.items, false), walked: map[int32]bool{},
	}
	for _, t := range targets {
		s.serve(t)
	}
	for _, i := range r.order {
		s.serve(i)
	}
	return s
}

// serve schedules all that target needs and that is not scheduled yet.
func (s *schedule) serve(target int32) {
	s.collect(target)
	todo := s.fresh
	s.fresh = nil
	slices.SortFunc(todo, func(a, b int32) int { return cmp.Or(cmp.Compare(s.r.batch[a], s.r.batch[b]), cmp.Compare(a, b)) })
	for len(todo) > 0 {
		n := 1
		for n < len(todo) && s.r.batch[todo[n]] == s.r.batch[todo[0]] {
			n++
		}
		s.together(todo[:n])
		todo = todo[n:]
	}
}

// collect gathers target and, transitively, what it waits for.
func (s *schedule) collect(target int32) {
	stack := []int32{target}
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if s.seen[i] || !s.r.w.down[i] || !s.r.in[i] {
			continue
		}
		s.seen[i] = true
		s.fresh = append(s.fresh, i)
		stack = append(stack, s.r.awaits(i)...)
		if s.r.by[i] >= 0 {
			stack = append(stack, s.r.support(s.r.w.g.back, i)...)
			stack = s.collectStep(s.r.by[i], stack)
		}
	}
}

func (s *schedule) collectStep(step int32, stack []int32) []int32 {
	if s.walked[step] {
		return stack
	}
	s.walked[step] = true
	stack = append(stack, s.r.support(s.r.w.g.back, int32(s.r.w.g.items)+step)...)
	for _, a := range s.r.w.g.steps[step].after {
		stack = s.collectStep(a, stack)
	}
	return stack
}

// together schedules items of one batch. Their steps need only earlier
// batches; among themselves they may run on each other, in cycles: the
// members of a cycle return at the latest of their times.
func (s *schedule) together(items []int32) {
	own := make(map[int32][]int32, len(items))
	for _, i := range items {
		own[i] = s.ownOps(i)
	}
	for _, group := range s.cycles(items) {
		o := op{kind: opReturn, items: group}
		for _, i := range group {
			o.deps = append(o.deps, own[i]...)
			for _, d := range s.r.awaits(i) {
				if s.slot[d] >= 0 {
					o.deps = append(o.deps, s.slot[d])
				}
			}
		}
		at := s.add(o)
		for _, i := range group {
			s.slot[i] = at
		}
	}
}

// add appends an op that takes no people: it begins when its deps have ended.
func (s *schedule) add(o op) int32 {
	o.held = -1
	slices.Sort(o.deps)
	o.deps = slices.Compact(o.deps)
	for _, d := range o.deps {
		o.start, o.level = max(o.start, s.ops[d].end), max(o.level, s.ops[d].level)
	}
	o.end = o.start
	for _, p := range o.parts {
		o.end = add(o.end, p.Hi)
	}
	s.ops = append(s.ops, o)
	return int32(len(s.ops) - 1)
}

// ownOps schedules whatever gives item i its own quorum back.
func (s *schedule) ownOps(i int32) []int32 {
	switch by := s.r.by[i]; {
	case by >= 0:
		return []int32{s.jobFor(by, i)}
	case by == byMoved:
		return []int32{s.add(op{kind: opMove, items: []int32{i}, deps: s.slots(s.r.support(s.r.w.g.back, i)), parts: []plans.Interval{rescheduleTime}})}
	}
	return nil
}

func (s *schedule) slots(items []int32) []int32 {
	var out []int32
	for _, i := range items {
		if s.slot[i] >= 0 {
			out = append(out, s.slot[i])
		}
	}
	return out
}

// jobFor schedules a step for an item. If it ran before the item could start,
// it is run once more for it.
func (s *schedule) jobFor(step, item int32) int32 {
	start := s.slots(s.r.support(s.r.w.g.back, item))
	job, ok := s.jobOf[step]
	if !ok {
		return s.job(step, start)
	}
	for _, d := range start {
		if s.ops[d].end > s.ops[job].start {
			return s.place(step, append(start, job))
		}
	}
	return job
}

// job schedules a step and what comes before it.
func (s *schedule) job(step int32, extra []int32) int32 {
	if j, ok := s.jobOf[step]; ok {
		return j
	}
	g := s.r.w.g
	deps := append(extra, s.slots(s.r.support(g.back, int32(g.items)+step))...)
	for _, a := range g.steps[step].after {
		deps = append(deps, s.job(a, nil))
	}
	if b := g.steps[step].base; b != (plans.Interval{}) {
		deps = append(deps, s.base(g.steps[step]))
	}
	j := s.place(step, deps)
	s.jobOf[step] = j
	return j
}

// base is the op of noticing the disaster and reaching who executes the step.
func (s *schedule) base(st *step) int32 {
	key, parts := st.proc.ID, []plans.Interval{st.proc.Detect}
	if st.actor != nil {
		key += "\x00" + st.actor.ID
		parts = append(parts, st.actor.Respond, st.actor.Travel)
	}
	if o, ok := s.baseOf[key]; ok {
		return o
	}
	o := s.add(op{kind: opBase, step: st.index, parts: parts})
	s.baseOf[key] = o
	return o
}

// place puts one execution of a step at the earliest moment at which its
// predecessors have ended and its people and link are free.
func (s *schedule) place(step int32, deps []int32) int32 {
	st := s.r.w.g.steps[step]
	o := op{kind: opJob, step: step, deps: deps, parts: []plans.Interval{st.work}}
	if st.Approval != nil {
		o.parts = append(o.parts, st.Approval.Wait)
	}
	if s.r.w.idle(step) {
		o.parts = nil
	}
	at := s.add(o)
	p := &s.ops[at]
	if !st.hidden && !s.r.w.idle(step) {
		p.level++
		s.reserve(p, at, st)
	}
	return at
}

// at is when an item returns in this schedule: an upper bound.
func (s *schedule) at(i int32) plans.Duration {
	switch {
	case !s.r.w.down[i]:
		return 0
	case s.slot[i] < 0:
		return plans.Forever
	}
	return s.ops[s.slot[i]].end
}
