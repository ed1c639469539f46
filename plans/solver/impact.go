package solver

import (
	"slices"

	"github.com/darkstart-dev/darkstart/plans"
)

// world is one scenario in one reading of what is unknown: what it takes
// (DESIGN §5.1). In the pessimistic reading unknown facts are the worst they
// can be: down, infinite, absent.
type world struct {
	g     *graph
	sc    *plans.Scenario
	pess  bool
	arena *arena // nil where the world outlives its scenario

	failed []int32 // domains in F, sorted
	dead   []bool  // by domain: in F or below
	part   []bool  // by domain: only something below is in F
	struck []bool  // by node: in F itself
	gone   []bool  // by replica
	alive  []int32 // by node: surviving replicas
	own    []bool  // by item: keeps its quorum under F
	down   []bool  // by item
	fallen []int32 // items that are down, in the order in which they fell
	runs   []int32 // gate counts of run with everything fallen false
	doubts bool    // the fate of some replica is unknown

	active []int32                  // steps of applicable procedures, see applicable
	usable map[int32]bool           // procedures that apply
	work   map[int32]plans.Duration // see workload
}

// newWorld computes the impact of a scenario.
func newWorld(g *graph, sc *plans.Scenario, pess bool, a *arena) *world {
	w := &world{
		g: g, sc: sc, pess: pess, arena: a,
		dead: a.bool(len(g.domains), false), part: a.bool(len(g.domains), false),
		struck: a.bool(len(g.nodes), false), gone: a.bool(len(g.replicas), false),
		alive: a.int(len(g.nodes), 0), own: a.bool(g.items, true), down: a.bool(g.items, false),
		runs: a.clone(g.run.full),
	}
	for i, rs := range g.replicasOf {
		w.alive[i] = int32(max(1, len(rs)))
	}
	w.failDomains()
	w.takeReplicas()
	for _, id := range sc.Nodes {
		n := g.ids[id]
		w.struck[n] = true
		w.lose(n)
	}
	for _, q := range g.pointIDs {
		if !w.survives(q, g.points[q]) {
			w.lose(q)
		}
	}
	if pess {
		w.assumeWorst()
	}
	w.spread()
	slices.Sort(w.fallen)
	return w
}

func (w *world) failDomains() {
	for _, id := range w.sc.Domains {
		w.failed = append(w.failed, w.g.domainIDs[id])
	}
	slices.Sort(w.failed)
	w.failed = slices.Compact(w.failed)
	for _, d := range w.failed {
		w.kill(d)
		w.lose(int32(len(w.g.nodes)) + d)
	}
	for _, d := range w.failed {
		w.g.above(d, func(a int32) bool { w.part[a] = !w.dead[a]; return true })
	}
}

func (w *world) kill(d int32) {
	if !w.dead[d] {
		w.dead[d] = true
		for _, c := range w.g.domainDown[d] {
			w.kill(c)
		}
	}
}

// takeReplicas applies the failed domains to what stands in them.
func (w *world) takeReplicas() {
	for d := range w.dead {
		if w.dead[d] || w.part[d] {
			for _, r := range w.g.placed[d] {
				w.hit(r)
			}
		}
	}
}

// hit takes a replica if F does. One that stands in a domain of which only a
// part failed has an unknown fate (§5.8).
func (w *world) hit(r int32) {
	rep := &w.g.replicas[r]
	n := rep.node
	if w.gone[r] || w.g.points[n] != nil && w.sc.Mode != plans.Down && w.sc.Mode != plans.Lost && w.sc.Mode != plans.Partition {
		return
	}
	if w.sc.Mode == plans.Overload && !loaded(w.g.nodes[n]) {
		return
	}
	dead, unknown := w.fate(rep)
	w.doubts = w.doubts || unknown && !dead
	if dead || unknown && w.pess {
		w.take(r)
	}
}

func (w *world) take(r int32) {
	w.gone[r] = true
	n := w.g.replicas[r].node
	if w.alive[n]--; w.alive[n] < w.g.quorum[n] {
		w.lose(n)
	}
}

// fate says whether F takes a replica. Tolerated kinds take nothing as long
// as one domain of the kind fails.
func (w *world) fate(rep *replica) (dead, unknown bool) {
	node := w.g.nodes[rep.node]
	if len(node.Tolerates) == 0 {
		for _, d := range rep.domains {
			dead, unknown = dead || w.dead[d], unknown || w.part[d]
		}
		return dead, unknown
	}
	for _, f := range w.failed {
		if w.tolerated(node, f) {
			continue
		}
		for _, d := range rep.domains {
			dead = dead || w.covers(f, d)
			unknown = unknown || f != d && w.covers(d, f)
		}
	}
	return dead, unknown
}

// tolerated reports whether the failure of f alone takes nothing of node.
func (w *world) tolerated(node *plans.Node, f int32) bool {
	kind, same := w.g.domains[f].Kind, 0
	for _, o := range w.failed {
		if w.g.domains[o].Kind == kind {
			same++
		}
	}
	return same == 1 && slices.Contains(node.Tolerates, kind)
}

// covers reports whether a is d or above it.
func (w *world) covers(a, d int32) bool {
	return !w.g.above(d, func(u int32) bool { return u != a })
}

// returnsWithHost reports whether a replica is gone only because its host is.
func (w *world) returnsWithHost(r int32) bool {
	rep := &w.g.replicas[r]
	dead, unknown := w.fate(rep)
	return w.gone[r] && !dead && !(w.pess && (unknown || rep.unknown && len(w.failed) > 0))
}

func loaded(n *plans.Node) bool { return n.Capacity != nil && n.Capacity.Load > 0 }

// survives is the column "recovery points that survive" of the table of modes.
func (w *world) survives(q int32, p *point) bool {
	if w.struck[q] {
		return false
	}
	switch w.sc.Mode {
	case plans.Deleted:
		return p.Immutable || !p.Deletes || w.own[p.store]
	case plans.Compromised:
		return p.Immutable || !w.writable(q, p)
	case plans.BadChange, plans.Overload:
		return true
	}
	return w.own[q]
}

// writable reports whether a compromised realm can write the point. Without
// declared writers, whoever holds its domains can.
func (w *world) writable(q int32, p *point) bool {
	if len(p.Realms) > 0 {
		return slices.ContainsFunc(p.realm, func(d int32) bool { return w.dead[d] })
	}
	for _, r := range w.g.replicasOf[q] {
		for _, d := range w.g.replicas[r].domains {
			if w.dead[d] {
				return true
			}
		}
	}
	return false
}

// assumeWorst applies unknown placements and unresolved run requirements.
func (w *world) assumeWorst() {
	for r := range w.g.replicas {
		if w.g.replicas[r].unknown && !w.gone[r] && len(w.failed) > 0 {
			w.take(int32(r))
		}
	}
	for n, us := range w.g.open {
		if slices.ContainsFunc(us, func(u plans.Unknown) bool { return u.Set == "run" }) && !w.down[n] {
			w.down[n] = true
			w.fallen = append(w.fallen, n)
		}
	}
}

// lose marks an item that does not keep its own quorum.
func (w *world) lose(n int32) {
	w.own[n] = false
	w.fell(n)
}

func (w *world) fell(n int32) {
	if !w.down[n] {
		w.down[n] = true
		w.fallen = append(w.fallen, n)
	}
}

// spread carries the failure along run requirements and into whatever is
// placed inside a fallen node.
func (w *world) spread() {
	var lost []int32
	for i := 0; i < len(w.fallen); i++ {
		n := w.fallen[i]
		if int(n) >= len(w.g.nodes) {
			continue
		}
		lost = w.g.run.drop(w.runs, n, lost[:0])
		for _, o := range lost {
			w.fell(o)
		}
		for _, r := range w.g.hosted[n] {
			if !w.gone[r] {
				w.take(r)
			}
		}
	}
}
