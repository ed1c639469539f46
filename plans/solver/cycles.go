package solver

import "slices"

// cycles groups items of a batch by strongly connected run requirements,
// dependencies first (Tarjan).
func (s *schedule) cycles(items []int32) [][]int32 {
	in := make(map[int32]bool, len(items))
	for _, i := range items {
		in[i] = true
	}
	t := &tarjan{index: map[int32]int32{}, low: map[int32]int32{}, on: map[int32]bool{}}
	t.next = func(i int32) []int32 {
		return slices.DeleteFunc(s.r.awaits(i), func(d int32) bool { return !in[d] })
	}
	for _, i := range items {
		if _, ok := t.index[i]; !ok {
			t.visit(i)
		}
	}
	return t.out
}

type tarjan struct {
	next       func(int32) []int32
	index, low map[int32]int32
	on         map[int32]bool
	stack      []int32
	out        [][]int32
}

func (t *tarjan) visit(i int32) {
	t.index[i], t.low[i] = int32(len(t.index)), int32(len(t.index))
	t.stack, t.on[i] = append(t.stack, i), true
	for _, d := range t.next(i) {
		if _, ok := t.index[d]; !ok {
			t.visit(d)
			t.low[i] = min(t.low[i], t.low[d])
		} else if t.on[d] {
			t.low[i] = min(t.low[i], t.index[d])
		}
	}
	if t.low[i] != t.index[i] {
		return
	}
	k := len(t.stack) - 1
	for t.stack[k] != i {
		k--
	}
	group := slices.Clone(t.stack[k:])
	for _, d := range group {
		t.on[d] = false
	}
	t.stack = t.stack[:k]
	slices.Sort(group)
	t.out = append(t.out, group)
}
