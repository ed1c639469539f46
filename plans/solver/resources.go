package solver

import (
	"cmp"
	"slices"

	"github.com/darkstart-dev/darkstart/plans"
)

type span struct {
	start, end plans.Duration
	people     int64
	op         int32
}

// queue is what a team or a link is busy with.
type queue struct {
	spans []span           // by start, then op
	until []plans.Duration // by span: the latest end up to it
}

func (q *queue) add(s span) {
	at, _ := slices.BinarySearchFunc(q.spans, s, func(a, b span) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.op, b.op)) })
	q.spans, q.until = slices.Insert(q.spans, at, s), slices.Insert(q.until, at, s.end)
	for i := max(at, 1); i < len(q.until); i++ {
		q.until[i] = max(q.until[i-1], q.spans[i].end)
	}
}

// between returns the spans that overlap [from, to).
func (q *queue) between(from, to plans.Duration) []span {
	var out []span
	first, _ := slices.BinarySearch(q.until, from+1)
	for _, s := range q.spans[first:] {
		if s.start >= to {
			break
		}
		if s.end > from {
			out = append(out, s)
		}
	}
	return out
}

// reserve delays an op until its resources are free, and takes them.
func (s *schedule) reserve(o *op, at int32, st *step) {
	type claim struct {
		key  string
		want int64
		have int64
	}
	var claims []claim
	if st.actor != nil {
		have := int64(max(1, st.actor.Shift))
		claims = append(claims, claim{"team " + st.actor.ID, min(st.people, have), have})
	}
	if st.Link != "" && st.Bytes > 0 {
		claims = append(claims, claim{"link " + st.Link, 1, 1})
	}
	length := o.end - o.start
	for moved := true; moved; {
		moved = false
		for _, c := range claims {
			if t, by := s.free(c.key, o.start, length, c.have-c.want); t > o.start {
				o.start, o.held, moved = t, by, true
			}
		}
	}
	o.end = add(o.start, length)
	for _, c := range claims {
		if s.busy[c.key] == nil {
			s.busy[c.key] = &queue{}
		}
		s.busy[c.key].add(span{o.start, o.end, c.want, at})
	}
}

// free finds the first moment from t on at which, for the length, no more
// than spare people are busy, and the op whose end it waited for.
func (s *schedule) free(key string, t, length plans.Duration, spare int64) (plans.Duration, int32) {
	held, busy := int32(-1), s.busy[key]
	for busy != nil {
		next, by := busy.clash(t, length, spare)
		if by < 0 {
			return t, held
		}
		t, held = next, by
		if t >= plans.Forever {
			return plans.Forever, held
		}
	}
	return t, held
}

// clash returns the end of the first span to end among those that overlap
// [t, t+length) at a moment when more than spare people are busy; -1 if none.
func (q *queue) clash(t, length plans.Duration, spare int64) (plans.Duration, int32) {
	near := q.between(t, max(add(t, length), t+1))
	for _, m := range near {
		moment, used := max(t, m.start), int64(0)
		first := span{end: plans.Forever, op: -1}
		for _, b := range near {
			if b.start <= moment && b.end > moment {
				used += b.people
				if b.end < first.end || first.op < 0 {
					first = b
				}
			}
		}
		if used > spare {
			return first.end, first.op
		}
	}
	return 0, -1
}
