package solver

import (
	"sync"

	"github.com/darkstart-dev/darkstart/plans"
)

// arena lends the lists that a scenario has for all items of the fleet. There
// are a scenario and more for each cluster, so that lists of their own would be
// memory by the square of the fleet, and most of the time of a large one.
type arena struct {
	durations []plans.Duration
	ints      []int32
	bools     []bool
	used      struct{ durations, ints, bools int }
}

// newArena has room for what every scenario needs, in both readings. What takes
// more, a search for ways out, makes lists of its own.
func newArena(g *graph) *arena {
	const readings, rises = 2, 4
	nodes, steps, gates := len(g.nodes), len(g.steps), len(g.run.full)+len(g.back.full)
	return &arena{
		durations: make([]plans.Duration, rises*(3*g.items+2*steps)),
		ints:      make([]int32, rises*(2*g.items+steps+gates+nodes)+readings*(nodes+gates+g.items)),
		bools:     make([]bool, rises*g.items+readings*(3*g.items+nodes+len(g.replicas)+2*len(g.domains))),
	}
}

// arenas of a graph, for the scenarios that are solved at one time.
type arenas struct{ pool sync.Pool }

func (a *arenas) get(g *graph) *arena {
	if x, ok := a.pool.Get().(*arena); ok {
		return x
	}
	return newArena(g)
}

// put takes an arena back: nothing that it lent is used any more.
func (a *arenas) put(x *arena) {
	x.used.durations, x.used.ints, x.used.bools = 0, 0, 0
	a.pool.Put(x)
}

// lend returns the next n of a list, and own ones where it has no more.
func lend[T any](list []T, used *int, n int) []T {
	if *used+n > len(list) {
		return make([]T, n)
	}
	out := list[*used : *used+n : *used+n]
	*used += n
	return out
}

// bool returns n times v; so do the others. A nil arena makes them.
func (a *arena) bool(n int, v bool) []bool {
	if a == nil {
		return filled(make([]bool, n), v)
	}
	return filled(lend(a.bools, &a.used.bools, n), v)
}

func (a *arena) int(n int, v int32) []int32 {
	if a == nil {
		return filled(make([]int32, n), v)
	}
	return filled(lend(a.ints, &a.used.ints, n), v)
}

func (a *arena) duration(n int, v plans.Duration) []plans.Duration {
	if a == nil {
		return filled(make([]plans.Duration, n), v)
	}
	return filled(lend(a.durations, &a.used.durations, n), v)
}

// clone copies a list.
func (a *arena) clone(list []int32) []int32 {
	if a == nil {
		return append([]int32(nil), list...)
	}
	out := lend(a.ints, &a.used.ints, len(list))
	copy(out, list)
	return out
}

func filled[T any](list []T, v T) []T {
	for i := range list {
		list[i] = v
	}
	return list
}
