package solver

import (
	"cmp"

	"github.com/darkstart-dev/darkstart/plans"
)

// event is the end of a step (item < 0), or the return of an item by a step.
type event struct {
	at   plans.Duration
	item int32
	step int32
}

func (e event) compare(f event) int {
	return cmp.Or(cmp.Compare(e.at, f.at), cmp.Compare(e.item, f.item), cmp.Compare(e.step, f.step))
}

// events is a binary heap, earliest first and otherwise in a fixed order.
type events []event

func (h *events) push(e event) {
	*h = append(*h, e)
	s := *h
	for i := len(s) - 1; i > 0; {
		p := (i - 1) / 2
		if s[p].compare(s[i]) <= 0 {
			return
		}
		s[p], s[i] = s[i], s[p]
		i = p
	}
}

func (h *events) pop() event {
	s := *h
	top := s[0]
	s[0] = s[len(s)-1]
	s = s[:len(s)-1]
	*h = s
	for i := 0; ; {
		c := 2*i + 1
		if c >= len(s) {
			return top
		}
		if c+1 < len(s) && s[c+1].compare(s[c]) < 0 {
			c++
		}
		if s[i].compare(s[c]) <= 0 {
			return top
		}
		s[i], s[c] = s[c], s[i]
		i = c
	}
}
