package solver

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/darkstart-dev/darkstart/plans"
)

// mayDiffer reports whether the pessimistic reading can differ at all.
func (w *world) mayDiffer() bool {
	if w.doubts || len(w.g.open) > 0 {
		return true
	}
	for i := range w.g.replicas {
		if w.g.replicas[i].unknown && len(w.failed) > 0 {
			return true
		}
	}
	w.applicable()
	for _, p := range w.g.procs {
		if w.usable[p.index] && w.lacksInto(p) {
			return true
		}
	}
	for _, s := range w.active {
		if p := w.g.points[w.g.steps[s].from]; p != nil && untested(p.Point) {
			return true
		}
	}
	return false
}

// unknowns lists the facts of §5.8 behind item u, in a world in which they are
// the worst they can be.
func (w *world) unknowns(u int32, opt *world) []plans.Unknown {
	c := &collector{w: w, opt: opt, seen: map[int32]bool{u: true}, list: []int32{u}, procs: map[int32]bool{}}
	for k := 0; k < len(c.list); k++ {
		c.item(c.list[k])
	}
	slices.SortStableFunc(c.out, func(a, b plans.Unknown) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.What, b.What), cmp.Compare(a.Settle, b.Settle))
	})
	return slices.CompactFunc(c.out, func(a, b plans.Unknown) bool { return a.Node == b.Node && a.What == b.What })
}

type collector struct {
	w, opt *world
	list   []int32
	seen   map[int32]bool
	procs  map[int32]bool
	out    []plans.Unknown
}

func (c *collector) add(node, what, settle string, at plans.Source) {
	c.out = append(c.out, plans.Unknown{Node: node, What: what, Settle: settle, At: at})
}

func (c *collector) follow(e edge) {
	if !c.seen[e.to] && c.w.down[e.to] {
		c.seen[e.to] = true
		c.list = append(c.list, e.to)
	}
}

func (c *collector) item(i int32) {
	g := c.w.g
	if int(i) >= len(g.nodes) {
		return
	}
	n := g.nodes[i]
	for _, r := range g.replicasOf[i] {
		c.replica(n, &g.replicas[r])
	}
	for _, u := range g.open[i] {
		if u.Set != "operate" && u.Set != "observe" {
			c.out = append(c.out, u)
		}
	}
	g.run.each(i, c.follow)
	if c.w.own[i] {
		return
	}
	g.back.each(i, c.follow)
	c.opt.applicable()
	for _, s := range g.alts[i] {
		if p := g.steps[s].proc; c.opt.usable[p.index] && !c.procs[p.index] {
			c.procs[p.index] = true
			c.procedure(p)
		}
	}
}

func (c *collector) replica(n *plans.Node, r *replica) {
	if len(c.w.failed) == 0 {
		return
	}
	if r.unknown {
		c.add(n.ID, "nobody says where it runs", fmt.Sprintf("placement of %q", n.ID), n.At)
		return
	}
	if dead, unknown := c.w.fate(r); unknown && !dead {
		c.add(n.ID, "only a part of the domain that it is placed in fails",
			fmt.Sprintf("a narrower placement of %q, or tolerates: [%s]", n.ID, c.w.g.domains[c.w.failed[0]].Kind), n.At)
	}
}

func (c *collector) procedure(p *proc) {
	g := c.w.g
	if c.w.lacksInto(p) {
		c.add(p.ID, "it does not say into which domain it recovers", fmt.Sprintf("into: […] of procedure %q", p.ID), p.At)
	}
	for s := p.first; s < p.last; s++ {
		st := g.steps[s]
		if !st.known && !c.opt.idle(s) {
			c.add(st.id, "it has no duration", fmt.Sprintf("duration: [\"…\", \"…\"] of step %q", st.id), st.At)
		}
		if q := g.points[st.from]; q != nil && untested(q.Point) {
			c.add(st.From, "no complete restore test is on record", fmt.Sprintf("tested: of %q, after a restore test", st.From), q.At)
		}
		g.back.each(int32(g.items)+s, c.follow)
	}
}
