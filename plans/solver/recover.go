package solver

import (
	"slices"

	"github.com/darkstart-dev/darkstart/plans"
)

// rise computes what comes back and when, were people and bandwidth without
// limit: R* = µR.νX.{n : own(n,R) ∧ run(n) in R ∪ X} (DESIGN §5.2) and, in the
// same pass, the earliest completion of every item (§5.3).
//
// The outer, least fixpoint is time itself: events are taken in order, and a
// step can begin only after what it needs is in R. The inner, greatest one is
// settle: items that merely run on each other rise together. Only items that
// have fallen are ever looked at, so the cost is that of the impact.
type rise struct {
	w    *world
	high bool // durations at their upper end, else at their lower

	in    []bool           // by item: in R
	at    []plans.Duration // by item: when it rose; 0 for what never fell
	batch []int32          // by item: the how manieth settling raised it, 0 for what never fell
	by    []int32          // by item: the step that restored it; kept, hosted or moved
	order []int32          // items in the order of rising

	ready []plans.Duration // by step: when it could begin, -1 not yet
	done  []plans.Duration // by step: when it ended, -1 not yet

	ownAt   []plans.Duration // by item: when own(n,R) began to hold, -1 not yet
	wait    []int32          // by step: conditions that do not hold yet
	lacking []int32          // by item: failed domains that a point waits for
	startOK []plans.Duration // by item: when its start began to hold, -1 not yet
	runs    []int32
	backs   []int32
	alive   []int32
	events  events
	fresh   []int32
	active  []int32 // steps of applicable procedures that restore something fallen
	opts    riseOptions
	clock   plans.Duration
	batches int32
	known   map[int32][]obstacle // see obstacles
	onLoop  map[int32]bool       // see findLoops
	toLoop  map[int32]bool
	trials  int // see breaks
}

// riseOptions restrict or help recovery.
type riseOptions struct {
	barred func(item, step int32) bool // alternatives that may not be used
	copied map[int32]bool              // items that keep their quorum after all
	cuts   map[int32][]mention         // mentions of an item that count as true
}

// How an item came to hold its own quorum, where no step restored it.
const (
	byKept   int32 = -1 // it never lost it, or its host returned
	byMoved  int32 = -2 // rescheduled in a surviving domain
	neverYet       = plans.Duration(-1)
)

func newRise(w *world, high bool, opts riseOptions) *rise {
	n, s, a := w.g.items, len(w.g.steps), w.arena
	r := &rise{
		w: w, high: high, opts: opts,
		in: a.bool(n, false), at: a.duration(n, 0), batch: a.int(n, 0),
		by: a.int(n, byKept), ready: a.duration(s, neverYet), done: a.duration(s, neverYet),
		ownAt: a.duration(n, neverYet), wait: a.int(s, 0), startOK: a.duration(n, neverYet),
		runs: a.clone(w.runs), backs: a.clone(w.g.back.full), alive: a.clone(w.alive),
	}
	for i := range r.in {
		r.in[i] = !w.down[i]
	}
	for _, i := range w.fallen {
		r.at[i] = plans.Forever
	}
	r.begin()
	r.loop()
	return r
}

// begin sets the conditions that hold at the moment of the disaster.
func (r *rise) begin() {
	g := r.w.g
	var lost []int32
	for _, i := range r.w.fallen {
		if int(i) < len(g.nodes) {
			lost = g.back.drop(r.backs, i, lost[:0])
		}
	}
	r.cut()
	r.active = r.w.applicable()
	for _, s := range r.active {
		r.wait[s] = int32(len(g.steps[s].after))
		if !r.met(int32(g.items) + s) {
			r.wait[s]++
		}
	}
	for _, i := range r.w.fallen {
		r.beginItem(i)
	}
	for _, s := range r.active {
		if r.wait[s] == 0 {
			r.start(s)
		}
	}
}

func (r *rise) met(owner int32) bool { return r.w.g.back.holds(r.backs, owner) }

// cut makes the mentions of the cut edges true, for good.
func (r *rise) cut() {
	for _, ms := range r.opts.cuts {
		for _, m := range ms {
			f, count := r.forest(m.run)
			f.raiseGate(count, m.gate, nil)
		}
	}
}

// raise makes item i true in one of the forests; mentions that a cut made
// true already are left out.
func (r *rise) raise(run bool, i int32, out []int32) []int32 {
	f, count := r.forest(run)
	cuts := r.opts.cuts[i]
	for _, gate := range f.users[i] {
		if len(cuts) == 0 || !slices.Contains(cuts, mention{run, gate}) {
			out = f.raiseGate(count, gate, out)
		}
	}
	return out
}

// drop takes back a raise of run.
func (r *rise) drop(i int32, out []int32) []int32 {
	cuts := r.opts.cuts[i]
	for _, gate := range r.w.g.run.users[i] {
		if len(cuts) == 0 || !slices.Contains(cuts, mention{true, gate}) {
			out = r.w.g.run.dropGate(r.runs, gate, out)
		}
	}
	return out
}

func (r *rise) forest(run bool) (*formulas, []int32) {
	if run {
		return r.w.g.run, r.runs
	}
	return r.w.g.back, r.backs
}

func (r *rise) beginItem(i int32) {
	w := r.w
	if w.own[i] || r.opts.copied[i] {
		r.owned(i, byKept)
		return
	}
	if r.met(i) && !w.blocked(i) {
		r.startOK[i] = 0
		r.move(i)
	}
	if p := w.g.points[i]; p != nil && w.sc.Mode == plans.Down {
		r.await(i)
	}
}

// loop takes the events in order of time.
func (r *rise) loop() {
	for {
		r.settle()
		if len(r.events) == 0 {
			return
		}
		r.clock = r.events[0].at
		for len(r.events) > 0 && r.events[0].at == r.clock {
			e := r.events.pop()
			if e.item < 0 {
				r.finish(e.step)
			} else {
				r.owned(e.item, e.step)
			}
		}
	}
}

// start is called when all conditions of a step hold.
func (r *rise) start(s int32) {
	st := r.w.g.steps[s]
	r.ready[s] = max(r.clock, r.pick(st.base))
	end := max(add(r.ready[s], r.length(s)), r.w.workload(s, r.high))
	r.events.push(event{end, -1, s})
	for _, i := range st.restores {
		r.offer(i, s)
	}
}

// offer plans the return of an item by a step, once both are possible.
func (r *rise) offer(i, s int32) {
	if !r.w.down[i] || r.ownAt[i] >= 0 || r.startOK[i] < 0 || r.ready[s] < 0 || !r.w.enabled(i, s) {
		return
	}
	if r.opts.barred != nil && r.opts.barred(i, s) {
		return
	}
	at := max(add(max(r.ready[s], r.startOK[i]), r.length(s)), r.w.workload(s, r.high))
	r.events.push(event{at, i, s})
}

// move offers a stateless node a place in any surviving domain.
func (r *rise) move(i int32) {
	if at, ok := r.w.reschedules(i, r.high); ok {
		r.events.push(event{add(r.clock, at), i, byMoved})
	}
}

func (r *rise) pick(i plans.Interval) plans.Duration {
	if r.high {
		return i.Hi
	}
	return i.Lo
}

// length of a step. A derived procedure does nothing for a part that stands.
func (r *rise) length(s int32) plans.Duration {
	if r.w.idle(s) {
		return 0
	}
	return r.pick(r.w.g.steps[s].time)
}

func (r *rise) finish(s int32) {
	if r.done[s] >= 0 {
		return
	}
	r.done[s] = r.clock
	for _, n := range r.w.g.steps[s].next {
		if r.wait[n]--; r.wait[n] == 0 {
			r.start(n)
		}
	}
}

// owned is called when an item holds its own quorum again.
func (r *rise) owned(i, by int32) {
	if r.ownAt[i] < 0 {
		r.ownAt[i], r.by[i] = r.clock, by
		r.fresh = append(r.fresh, i)
	}
}

// rose tells everything that needs the item that it is back.
func (r *rise) rose(i int32) {
	g := r.w.g
	if int(i) >= len(g.nodes) {
		r.domainBack(i)
		return
	}
	for _, o := range r.raise(false, i, nil) {
		if int(o) < g.items {
			r.canStart(o)
		} else if s := o - int32(g.items); r.wait[s] > 0 {
			if r.wait[s]--; r.wait[s] == 0 {
				r.start(s)
			}
		}
	}
}

func (r *rise) canStart(i int32) {
	if !r.w.down[i] || r.startOK[i] >= 0 || r.w.blocked(i) {
		return
	}
	r.startOK[i] = r.clock
	r.move(i)
	for _, s := range r.w.g.alts[i] {
		r.offer(i, s)
	}
}

// await makes a recovery point inside F wait for the failed domains over it:
// in mode down its data is intact once they are restored.
func (r *rise) await(q int32) {
	if r.lacking == nil {
		r.lacking = make([]int32, r.w.g.items)
	}
	r.lacking[q] = int32(len(r.w.over(q)))
}

func (r *rise) domainBack(item int32) {
	d := item - int32(len(r.w.g.nodes))
	for _, q := range r.w.g.pointIDs {
		if r.lacking == nil || r.lacking[q] == 0 || !slices.Contains(r.w.over(q), d) {
			continue
		}
		if r.lacking[q]--; r.lacking[q] == 0 {
			r.owned(q, byKept)
		}
	}
}
