package link

import (
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/plans"
)

// fullStart is what a part waits for in a bootstrap of its cluster: its start,
// and the edges of the regime that etcd is in.
func (c *cluster) fullStart(p *part) plans.Requirement {
	var rs []plans.Requirement
	for i := range p.edges {
		if e := &p.edges[i]; e.set == setStart || e.set == setNew && c.fresh || e.set == setKept && !c.fresh {
			rs = append(rs, e.req())
		}
	}
	if p == p.comp.run {
		rs = append(rs, p.comp.requires().Start)
	}
	return all(rs...)
}

// bootstrapNeeds returns the parts of this cluster that p names in start or
// run, alternatives included: the cautious reading for closures.
func (c *cluster) bootstrapNeeds(p *part) []*part {
	var out []*part
	add := func(r *plans.Requirement) {
		if q := c.byNode[r.Node]; q != nil {
			out = append(out, q)
		}
	}
	for i := range p.edges {
		if p.edges[i].set != setOperate && p.edges[i].set != setKept {
			leaves(&p.edges[i].to, add)
		}
	}
	if p == p.comp.run {
		r := p.comp.requires()
		leaves(&r.Start, add)
		leaves(&r.Run, add)
	}
	return out
}

// orderPhases gives every part its phase. `run` has the declared one. The
// other parts float: as early as what needs them asks, else with their
// component, and never before what they need.
func (c *cluster) orderPhases() {
	order := c.topological()
	upper := map[*part]int{}
	for i := len(order) - 1; i >= 0; i-- { // what needs p comes before p here
		p := order[i]
		if p == p.comp.run {
			p.phase = c.declared(p.comp)
			upper[p] = p.phase
		}
		u, ok := upper[p]
		if !ok {
			u = c.declared(p.comp)
		}
		for _, q := range c.conjuncts(p) {
			if v, ok := upper[q]; !ok || u < v {
				upper[q] = u
			}
		}
	}
	for _, p := range order {
		if p != p.comp.run {
			want := c.declared(p.comp)
			if u, ok := upper[p]; ok {
				want = min(want, u)
			}
			p.phase = max(want, c.earliest(p))
		}
	}
	for _, p := range order {
		// What comes late is left out of the barrier of its phase, so that
		// one mistake is one finding and not a circle besides.
		p.late = c.earliest(p) > p.phase || slices.ContainsFunc(c.conjuncts(p), func(q *part) bool { return q.late })
	}
	for _, comp := range c.comps {
		c.contradict(comp.run)
	}
}

// topological orders parts so that needs come first; inside a circle the order
// is that of the walk, and the solver will name the circle.
func (c *cluster) topological() []*part {
	var order []*part
	state := map[*part]bool{}
	var visit func(p *part)
	visit = func(p *part) {
		if state[p] {
			return
		}
		state[p] = true
		for _, q := range c.conjuncts(p) {
			visit(q)
		}
		order = append(order, p)
	}
	for _, comp := range c.comps {
		for _, p := range comp.parts {
			visit(p)
		}
	}
	return order
}

// conjuncts returns the parts of this cluster that p cannot start without.
func (c *cluster) conjuncts(p *part) []*part {
	var out []*part
	r := c.fullStart(p)
	var walk func(r *plans.Requirement)
	walk = func(r *plans.Requirement) {
		switch r.Op {
		case plans.Ref:
			if q := c.byNode[r.Node]; q != nil && q != p {
				out = append(out, q)
			}
		case plans.All:
			for i := range r.Of {
				walk(&r.Of[i])
			}
		}
	}
	walk(&r)
	return out
}

// earliest is the first phase in which all that p needs can be there.
func (c *cluster) earliest(p *part) int {
	r := c.fullStart(p)
	return c.phaseOf(&r)
}

// phaseOf is the phase in which a requirement can hold: of alternatives the
// earliest that is enough.
func (c *cluster) phaseOf(r *plans.Requirement) int {
	phase, _ := c.decides(r)
	return phase
}

// decides returns the phase in which a requirement can hold, and the node that
// it waits for until then, nil when that is none of this cluster.
func (c *cluster) decides(r *plans.Requirement) (int, *plans.Requirement) {
	type kid struct {
		phase int
		leaf  *plans.Requirement
	}
	of := make([]kid, 0, len(r.Of))
	for i := range r.Of {
		phase, leaf := c.decides(&r.Of[i])
		of = append(of, kid{phase, leaf})
	}
	slices.SortStableFunc(of, func(a, b kid) int { return a.phase - b.phase })
	switch {
	case r.Op == plans.Ref && c.byNode[r.Node] != nil:
		return c.byNode[r.Node].phase, r
	case len(of) == 0:
		return 0, nil
	case r.Op == plans.Any:
		return of[0].phase, of[0].leaf
	case r.Op == plans.AtLeast:
		k := of[min(max(r.K, 1), len(of))-1]
		return k.phase, k.leaf
	}
	k := of[len(of)-1]
	return k.phase, k.leaf
}

// contradict records every edge that forces a run behind its declared phase
// (BS003): the path leads over floating parts to the run that comes later.
func (c *cluster) contradict(run *part) {
	if c.earliest(run) <= run.phase {
		return
	}
	con := ir.Contradiction{Cluster: c.name, Component: run.comp.name, Phase: c.phases[run.phase].Name}
	for p := run; ; {
		e, q := c.latest(p)
		if q == nil || len(con.Path) > len(c.byNode) {
			break
		}
		con.Path = append(con.Path, plans.Edge{From: p.id, To: q.id, Set: "start", Why: e.why})
		con.Needs, con.NeedsPhase = q.comp.name, c.phases[q.phase].Name
		if e.webhook != "" {
			con.Webhook = e.webhook
		}
		if q == q.comp.run {
			break
		}
		p = q
	}
	c.out.against = append(c.out.against, con)
}

// latest returns the edge of p whose target comes last, of alternatives the one
// that is enough.
func (c *cluster) latest(p *part) (edge, *part) {
	var best edge
	var to *part
	consider := func(e edge) {
		_, r := c.decides(&e.to)
		if r == nil {
			return
		}
		if q := c.byNode[r.Node]; q != p && (to == nil || q.phase > to.phase) {
			best, to = e, q
			if r.Why != nil {
				best.why = r.Why
			}
		}
	}
	for _, e := range p.edges {
		if e.set == setStart || e.set == setNew && c.fresh || e.set == setKept && !c.fresh {
			consider(e)
		}
	}
	if p == p.comp.run {
		consider(edge{to: p.comp.requires().Start})
	}
	return best, to
}
