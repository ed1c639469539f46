package solver

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/darkstart-dev/darkstart/plans"
)

// TestQueue: a queue finds what overlaps as a look at every span does, and the
// ops just before one in the queue lead to all that ended before it began.
func TestQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var spans []span
		q := &queue{}
		moment := rapid.OneOf(rapid.Int64Range(0, 12), rapid.Just(int64(plans.Forever)))
		for i := range rapid.IntRange(0, 12).Draw(t, "spans") {
			a, b := plans.Duration(moment.Draw(t, "start")), plans.Duration(moment.Draw(t, "end"))
			s := span{min(a, b), max(a, b), 1, int32(i)}
			spans = append(spans, s)
			q.add(s)
		}
		from, to := plans.Duration(rapid.Int64Range(0, 12).Draw(t, "from")), plans.Duration(moment.Draw(t, "to"))
		overlaps := func(s span) bool { return s.start < to && s.end > from }
		got, want := q.between(from, to), 0
		for _, s := range spans {
			if overlaps(s) {
				want++
			}
		}
		if len(got) != want || slices.ContainsFunc(got, func(s span) bool { return !overlaps(s) }) {
			t.Fatalf("between %d and %d: %v of %v", from, to, got, spans)
		}
		sched := &schedule{ops: make([]op, len(spans)), busy: map[string]*queue{"team": q}}
		deps := sched.withQueues()
		for _, b := range spans {
			before := map[int32]bool{}
			for todo := slices.Clone(deps[b.op]); len(todo) > 0; todo = todo[1:] {
				if !before[todo[0]] {
					before[todo[0]] = true
					todo = append(todo, deps[todo[0]]...)
				}
			}
			for _, a := range spans {
				if (a.start < a.end && a.end <= b.start) != before[a.op] {
					t.Fatalf("whether %v comes before %v of %v: %v", a, b, spans, before[a.op])
				}
			}
		}
	})
}

// TestPercentile: a rank is what stands there in order, whatever was asked
// before.
func TestPercentile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		samples := rapid.SliceOfN(rapid.Map(rapid.Int64Range(0, 30), func(n int64) plans.Duration { return plans.Duration(n) }), 1, 60).Draw(t, "samples")
		sorted := slices.Sorted(slices.Values(samples))
		for range 4 {
			p := rapid.IntRange(0, 100).Draw(t, "p")
			if got, want := percentile(samples, p), sorted[max(0, (len(sorted)*p+99)/100-1)]; got != want {
				t.Fatalf("%d: %d, want %d of %v", p, got, want, sorted)
			}
		}
	})
}
