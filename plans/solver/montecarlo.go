package solver

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"math/rand/v2"
	"slices"

	"github.com/darkstart-dev/darkstart/plans"
)

// Runs of the simulation by default, and the bound on runs × operations that
// keeps very large plans affordable.
const (
	defaultRuns = 10_000
	runBudget   = 2_000_000
	leastRuns   = 200
)

// simulation replays a schedule with durations drawn from their intervals:
// uniform, independent, whole milliseconds. The order in which people and
// links serve steps is the schedule's, so every run is feasible and none ends
// later than the upper bound.
type simulation struct {
	deps  [][]int32 // by op, into earlier ops
	fixed []plans.Duration
	draws [][]plans.Interval // what varies
}

// newSimulation keeps the ops that the targets wait for, in an order in which
// dependencies come first; it returns the place of each target.
func newSimulation(s *schedule, targets []int32) (*simulation, []int32) {
	deps := s.withQueues()
	keep := make([]bool, len(s.ops))
	var stack []int32
	for _, t := range targets {
		stack = append(stack, s.slot[t])
	}
	var order []int32
	for len(stack) > 0 {
		o := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if !keep[o] {
			keep[o] = true
			order = append(order, o)
			stack = append(stack, deps[o]...)
		}
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Or(cmp.Compare(s.ops[a].start, s.ops[b].start), cmp.Compare(a, b)) })
	place := make(map[int32]int32, len(order))
	sim := &simulation{}
	for k, o := range order {
		place[o] = int32(k)
		sim.add(s.ops[o].parts, deps[o], place)
	}
	at := make([]int32, len(targets))
	for k, t := range targets {
		at[k] = place[s.slot[t]]
	}
	return sim, at
}

func (m *simulation) add(parts []plans.Interval, deps []int32, place map[int32]int32) {
	var ds []int32
	for _, d := range deps {
		ds = append(ds, place[d])
	}
	fixed, draws := plans.Duration(0), []plans.Interval(nil)
	for _, p := range parts {
		switch {
		case p.Hi >= plans.Forever:
			fixed = plans.Forever
		case p.Lo == p.Hi:
			fixed = add(fixed, p.Lo)
		default:
			draws = append(draws, p)
		}
	}
	m.deps, m.fixed, m.draws = append(m.deps, ds), append(m.fixed, fixed), append(m.draws, draws)
}

// withQueues adds to the dependencies of every op those just before it in the
// queues for people and links: what ended before one of these began is behind
// it already.
func (s *schedule) withQueues() [][]int32 {
	deps := make([][]int32, len(s.ops))
	for i := range s.ops {
		deps[i] = s.ops[i].deps
	}
	for _, q := range s.busy {
		ended := slices.DeleteFunc(slices.Clone(q.spans), func(a span) bool { return a.start >= a.end })
		slices.SortFunc(ended, func(a, b span) int { return cmp.Compare(a.end, b.end) })
		begun := make([]plans.Duration, len(ended)) // the latest start up to each
		for i := range ended {
			begun[i] = max(begun[max(i-1, 0)], ended[i].start)
		}
		for _, b := range q.spans {
			n, _ := slices.BinarySearchFunc(ended, b.start+1, func(a span, t plans.Duration) int { return cmp.Compare(a.end, t) })
			for i := n - 1; i >= 0 && ended[i].end > begun[n-1]; i-- {
				deps[b.op] = append(deps[b.op][:len(deps[b.op]):len(deps[b.op])], ended[i].op)
			}
		}
	}
	return deps
}

// run fills the samples of each target.
func (m *simulation) run(seed [2]uint64, runs int, at []int32) [][]plans.Duration {
	rng := rand.NewPCG(seed[0], seed[1])
	out := make([][]plans.Duration, len(at))
	for k := range out {
		out[k] = make([]plans.Duration, runs)
	}
	end := make([]plans.Duration, len(m.deps))
	for n := range runs {
		for o, deps := range m.deps {
			t := plans.Duration(0)
			for _, d := range deps {
				t = max(t, end[d])
			}
			t += m.fixed[o]
			for _, p := range m.draws[o] {
				high, _ := bits.Mul64(rng.Uint64(), uint64(p.Hi-p.Lo)+1)
				t += p.Lo + plans.Duration(high)
			}
			end[o] = min(t, plans.Forever)
		}
		for k, o := range at {
			out[k][n] = end[o]
		}
	}
	return out
}

// percentiles fills P50, P90 and P99 of the cells that come back. The seed is
// the recovery as it stands without them, so equal plans give equal numbers.
func (r *reading) percentiles(rec *plans.Recovery, cfg *Config) error {
	runs := cfg.Runs
	if runs == 0 {
		runs = defaultRuns
	}
	var cells []*plans.Cell
	var targets []int32
	for _, c := range rec.Cells {
		u := r.w.g.ids[c.Node]
		if r.w.down[u] && r.high.in[u] && r.plan.at(u) < plans.Forever && r.plan.at(u) > 0 {
			cells, targets = append(cells, c), append(targets, u)
		}
	}
	if len(cells) == 0 || runs < 0 {
		return nil
	}
	sim, at := newSimulation(r.plan, targets)
	runs = min(runs, max(leastRuns, runBudget/len(sim.deps)))
	from := seed(rec)
	ranks, err := cfg.kept(sim.name(from, runs, at), func() ([]Ranks, error) {
		var out []Ranks
		for _, samples := range sim.run(from, runs, at) {
			out = append(out, Ranks{percentile(samples, 50), percentile(samples, 90), percentile(samples, 99)})
		}
		return out, nil
	})
	if err != nil {
		return err
	}
	for k, r := range ranks {
		cells[k].P50, cells[k].P90, cells[k].P99 = r[0], r[1], r[2]
	}
	return nil
}

// Ranks are the 50th, 90th and 99th percentile of how long a node takes.
type Ranks [3]plans.Duration

func (c *Config) kept(name string, work func() ([]Ranks, error)) ([]Ranks, error) {
	if c.Kept == nil {
		return work()
	}
	return c.Kept(name, work)
}

// name is equal for runs that draw the same and give the same.
func (m *simulation) name(seed [2]uint64, runs int, at []int32) string {
	b := binary.BigEndian.AppendUint64(nil, seed[0])
	b = binary.BigEndian.AppendUint64(b, seed[1])
	number := func(n int64) { b = binary.AppendVarint(b, n) }
	places := func(list []int32) {
		number(int64(len(list)))
		for _, i := range list {
			number(int64(i))
		}
	}
	number(int64(runs))
	places(at)
	number(int64(len(m.deps)))
	for o, deps := range m.deps {
		places(deps)
		number(int64(m.fixed[o]))
		number(int64(len(m.draws[o])))
		for _, p := range m.draws[o] {
			number(int64(p.Lo))
			number(int64(p.Hi))
		}
	}
	return string(b)
}

// seed draws from what the plan says, never from where that is written: a
// comment above a declaration changes no digest (D2).
func seed(rec *plans.Recovery) [2]uint64 {
	said := *rec
	said.Waves = slices.Clone(rec.Waves)
	for i := range said.Waves {
		w := &said.Waves[i]
		w.Steps = slices.Clone(w.Steps)
		for j := range w.Steps {
			w.Steps[j].Because = nil
		}
	}
	said.Cells = slices.Clone(rec.Cells)
	for i, c := range said.Cells {
		if c.Unknowns != nil {
			known := *c
			known.Unknowns = nil
			said.Cells[i] = &known
		}
	}
	said.Witnesses = nil
	b, _ := json.Marshal(said) // plain data: cannot fail
	sum := sha256.Sum256(b)
	return [2]uint64{binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])}
}

// percentile is the nearest rank of samples, which it reorders.
func percentile(samples []plans.Duration, p int) plans.Duration {
	return nth(samples, max(0, (len(samples)*p+99)/100-1))
}

// nth returns what would stand at index n if the list were sorted (Hoare's
// selection): three ranks of ten thousand samples need no order of all.
func nth(list []plans.Duration, n int) plans.Duration {
	for low, high := 0, len(list)-1; low < high; {
		pivot, i, j := list[(low+high)/2], low, high
		for i <= j {
			for list[i] < pivot {
				i++
			}
			for list[j] > pivot {
				j--
			}
			if i <= j {
				list[i], list[j] = list[j], list[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case n <= j:
			high = j
		case n >= i:
			low = i
		default:
			return list[n]
		}
	}
	return list[n]
}
