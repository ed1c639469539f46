package solver

import (
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/plans"
)

// age is how much is lost when a store is restored from a point (§5.4). A
// point inside F that a step can use at all stands in a domain that came back
// with its data: nothing is lost.
func (w *world) age(q int32) plans.Duration {
	p := w.g.points[q]
	switch {
	case w.sc.Mode == plans.Down && !w.own[q]:
		return 0
	case p.Copy && p.Sync:
		return 0
	case p.Copy:
		return p.Lag
	}
	return add(p.Every, p.Takes)
}

// canUse reports whether the point that a step restores from can be used: a
// failing backup cannot; one without a full restore test proves nothing, so
// the pessimistic reading does without (§5.4, §5.8).
func (w *world) canUse(s *step) bool {
	p := w.g.points[s.from]
	if p == nil {
		return true
	}
	return !p.Failing && !(w.pess && untested(p.Point))
}

// untested: copies are exercised by drills, backups by restore tests.
func untested(p *plans.Point) bool { return !p.Copy && (p.Tested == "" || p.Partial) }

// lossOf is what is lost of item i when step s brings it back. The point used
// is the one the step names, else those of the steps before it.
func (w *world) lossOf(i, s int32) plans.Duration {
	if int(i) >= len(w.g.nodes) || w.g.nodes[i].Data == nil {
		return 0
	}
	if q := w.g.steps[s].from; q >= 0 && w.pointOf(q, i) {
		return w.age(q)
	}
	worst, found := plans.Duration(0), false
	for _, c := range w.g.closureOf(s) {
		if q := w.g.steps[c].from; q >= 0 && w.pointOf(q, i) {
			worst, found = max(worst, w.age(q)), true
		}
	}
	if found {
		return worst
	}
	if w.intact(i, s) {
		return 0
	}
	return plans.Forever // it starts empty
}

func (w *world) pointOf(q, store int32) bool {
	p := w.g.points[q]
	return p != nil && p.store == store
}

// intact is the column "data in F" of the table of modes, for a store that is
// restored where it was.
func (w *world) intact(i, s int32) bool {
	switch w.sc.Mode {
	case plans.Overload:
		return true
	case plans.BadChange:
		return !w.destroyed(i)
	case plans.Down:
		return !w.placedDead(i) || len(w.inside(w.g.steps[s].proc)) > 0
	case plans.Partition:
		return !w.placedDead(i)
	}
	return false
}

func (w *world) placedDead(i int32) bool {
	for _, r := range w.g.replicasOf[i] {
		for _, d := range w.g.replicas[r].domains {
			if w.dead[d] {
				return true
			}
		}
	}
	return false
}

// destroyed: a bad change loses data if an irreversible action has the store,
// or a domain that failed, among its targets.
func (w *world) destroyed(i int32) bool {
	for k := range w.g.model.Actions {
		a := &w.g.model.Actions[k]
		if !a.Irreversible {
			continue
		}
		for _, t := range a.Targets {
			item, ok := w.g.item(t)
			if ok && (item == i || int(item) >= len(w.g.nodes) && w.down[item]) {
				return true
			}
		}
	}
	return false
}

// storesUnder lists the stores without quorum in the run closure of item u,
// as far as it fell, with the members of their consistency groups.
func (w *world) storesUnder(u int32) []int32 {
	seen, list := map[int32]bool{u: true}, []int32{u}
	var out []int32
	visit := func(n int32) {
		if w.down[n] && !seen[n] {
			seen[n] = true
			list = append(list, n)
		}
	}
	for k := 0; k < len(list); k++ {
		n := w.g.nodes[list[k]]
		if n.Data != nil && !w.own[list[k]] {
			out = append(out, list[k])
			for _, mate := range w.mates(list[k]) {
				visit(mate)
			}
		}
		w.g.run.each(list[k], func(e edge) { visit(e.to) })
	}
	slices.Sort(out)
	return out
}

// mates lists the stores that must be restored to the same point in time.
func (w *world) mates(store int32) []int32 {
	var out []int32
	for _, members := range w.g.groups {
		if slices.Contains(members, store) {
			out = append(out, members...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// lossBound is what can be achieved for one judged item.
type lossBound struct {
	stores []int32
	loss   plans.Duration // the least with which the item returns
	low    *rise          // times over the alternatives that lose no more than allowed
	limit  plans.Duration // what these lose at most
}

// bound finds the least loss with which u returns, and the times over the
// alternatives whose loss is within the RPO, or, if there are none, over those
// of least loss (§5.4).
func (r *reading) bound(u int32, rpo *plans.Duration) lossBound {
	b := lossBound{low: r.low, limit: plans.Forever}
	if !r.w.down[u] || !r.low.in[u] {
		return b
	}
	if b.stores = r.w.storesUnder(u); len(b.stores) == 0 {
		return b
	}
	for _, l := range r.losses(b.stores) {
		if r.within(b.stores, l).together(u, b.stores, r.low) {
			b.loss = l
			break
		}
		b.loss = plans.Forever
	}
	if rpo != nil {
		b.limit = max(*rpo, b.loss)
		b.low = r.within(b.stores, b.limit)
	}
	return b
}

// together reports whether u is back, and with it the stores of its
// consistency groups, as far as they come back at all.
func (r *rise) together(u int32, stores []int32, free *rise) bool {
	if !r.in[u] {
		return false
	}
	for _, s := range stores {
		if free.in[s] && !r.in[s] && len(r.w.mates(s)) > 1 {
			return false
		}
	}
	return true
}

// losses lists the candidates for the least loss, ascending from nothing.
func (r *reading) losses(stores []int32) []plans.Duration {
	out := []plans.Duration{0, plans.Forever}
	for _, i := range stores {
		for _, s := range r.w.g.alts[i] {
			if r.w.enabled(i, s) {
				out = append(out, r.w.lossOf(i, s))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// within recomputes recovery with the stores' alternatives that lose at most
// limit.
func (r *reading) within(stores []int32, limit plans.Duration) *rise {
	bars := false
	for _, i := range stores {
		for _, s := range r.w.g.alts[i] {
			bars = bars || r.w.enabled(i, s) && r.w.lossOf(i, s) > limit
		}
	}
	if !bars {
		return r.low
	}
	var key strings.Builder
	for _, i := range stores {
		key.WriteString(r.w.g.name(i))
		key.WriteByte(0)
	}
	key.WriteString(limit.String())
	if r.bounded == nil {
		r.bounded = map[string]*rise{}
	}
	got, ok := r.bounded[key.String()]
	if !ok {
		got = newRise(r.w, false, riseOptions{barred: func(i, s int32) bool {
			return slices.Contains(stores, i) && r.w.lossOf(i, s) > limit
		}})
		r.bounded[key.String()] = got
	}
	return got
}

// bestPoint is the least loss that the surviving points of a store allow, had
// every procedure what it needs.
func (w *world) bestPoint(i int32) plans.Duration {
	best, alts := plans.Forever, 0
	for _, s := range w.g.alts[i] {
		if !w.enabled(i, s) {
			continue
		}
		alts++
		if q := w.g.steps[s].from; q < 0 || !w.pointOf(q, i) || w.own[q] {
			best = min(best, w.lossOf(i, s))
		}
	}
	if alts > 0 {
		return best
	}
	if w.sc.Mode == plans.Overload || w.sc.Mode == plans.BadChange && !w.destroyed(i) {
		return 0
	}
	for _, p := range w.g.nodes[i].Data.Points {
		if q := w.g.ids[p.Node]; w.own[q] && !p.Failing {
			best = min(best, w.age(q))
		}
	}
	return best
}
