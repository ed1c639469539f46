package solver

import (
	"sync"

	"github.com/darkstart-dev/darkstart/plans"
)

// quietCells are the cells of nodes that a scenario leaves alone. Of a thousand
// clusters nearly all cells are, and each node has the same one in every scenario
// that one objective covers.
type quietCells struct {
	mu    sync.Mutex
	known map[quietCell]*plans.Cell
}

// quietCell is all that a quiet cell says.
type quietCell struct {
	node, class string
	rto, rpo    *plans.Duration // of the objective
}

// share puts the cell that another scenario has in the place of each quiet one.
func (g *graph) share(cells []*plans.Cell) {
	q := &g.quiet
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.known == nil {
		q.known = map[quietCell]*plans.Cell{}
	}
	for i, c := range cells {
		if !quiet(c) {
			continue
		}
		k := quietCell{c.Node, c.Class, c.RTO, c.RPO}
		if have := q.known[k]; have != nil {
			cells[i] = have
		} else {
			q.known[k] = c
		}
	}
}

// quiet says that a cell tells of no harm, and nothing else either.
func quiet(c *plans.Cell) bool {
	return c.Verdict == plans.Unaffected && c.LB == 0 && c.UB == 0 && c.P50 == 0 && c.P90 == 0 && c.P99 == 0 && c.Loss == nil &&
		c.Critical == nil && c.Path == nil && c.Decides == "" && c.Point == "" && c.Unknowns == nil && c.Classes == nil && !c.Estimated
}
