package solver

import (
	"cmp"
	"slices"

	"github.com/darkstart-dev/darkstart/plans"
)

// byPriority orders the judged nodes that are down: tier, then declared
// priority, then RTO.
func (w *world) byPriority() []int32 {
	type place struct {
		rank, priority int
		rto            plans.Duration
		node           int32
	}
	var places []place
	for _, i := range w.g.judged {
		if !w.down[i] {
			continue
		}
		n := w.g.nodes[i]
		p := place{1 << 30, n.Priority, plans.Forever, i}
		if t := w.g.tiers[n.Tier]; t != nil {
			p.rank = t.Rank
		}
		if o := w.g.objective(i, w.sc); o != nil && o.RTO != nil {
			p.rto = *o.RTO
		}
		places = append(places, p)
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.priority, b.priority), cmp.Compare(a.rto, b.rto), cmp.Compare(a.node, b.node))
	})
	out := make([]int32, len(places))
	for i := range places {
		out[i] = places[i].node
	}
	return out
}

// scene is one scenario with all that is known about it.
type scene struct {
	g     *graph
	sc    *plans.Scenario
	opt   *reading // unknown facts at their best
	pess  *reading // and at their worst; the same where there are none
	cells []*plans.Cell
	cell  map[int32]*plans.Cell
	fine  bool // every cell is proven, accepted or unaffected
}

func newScene(g *graph, sc *plans.Scenario, a *arena) *scene {
	s := &scene{g: g, sc: sc, opt: read(g, sc, false, a), cell: map[int32]*plans.Cell{}, fine: true}
	s.pess = s.opt
	if s.opt.w.mayDiffer() {
		s.pess = read(g, sc, true, a)
	}
	return s
}

// judge fills the cells and returns how many objectives no class covers.
func (s *scene) judge() (notEvaluated int) {
	for _, u := range s.g.judged {
		obj := s.g.objective(u, s.sc)
		switch {
		case obj == nil && s.sc.Class == "":
			notEvaluated++
			continue
		case obj == nil && !s.opt.w.down[u]:
			continue // a bootstrap is about what it brings up
		}
		c := s.opt.cell(u, obj, s.pess)
		if s.sc.Class == "" && c.Verdict != plans.AcceptedV {
			c.Unknowns = append(c.Unknowns, s.capacityUnknown(u)...)
		}
		s.cells = append(s.cells, &c)
		s.cell[u] = &c
		s.fine = s.fine && settled(c.Verdict)
	}
	return notEvaluated
}

// settled verdicts need nobody's attention.
func settled(v plans.Verdict) bool {
	return v == plans.Proven || v == plans.AcceptedV || v == plans.Unaffected
}

// solveScenario is everything about one scenario.
func solveScenario(g *graph, sc *plans.Scenario, cfg *Config) (solvedScenario, error) {
	a := g.arenas.get(g)
	defer g.arenas.put(a)
	s := newScene(g, sc, a)
	out := solvedScenario{notEvaluated: s.judge()}
	out.findings = s.findings()
	opt := s.opt
	out.recovery = plans.Recovery{
		Scenario: *sc, Fails: g.fails(opt.w), Down: g.names(opt.w.fallen), Stuck: g.names(opt.low.stuck()),
		Waves: opt.plan.waves(opt.low), Cells: s.cells, Empty: opt.startsEmpty(), Returns: map[string]plans.Interval{},
	}
	rec := &out.recovery
	for _, i := range opt.high.order {
		if int(i) < len(g.nodes) {
			v := plans.Interval{Lo: opt.low.at[i], Hi: opt.plan.at(i)}
			rec.Returns[g.name(i)] = v
			rec.Makespan.Lo, rec.Makespan.Hi = max(rec.Makespan.Lo, v.Lo), max(rec.Makespan.Hi, v.Hi)
		}
	}
	rec.Witnesses = s.witnesses()
	err := opt.percentiles(rec, cfg)
	g.share(rec.Cells)
	return out, err
}

// startsEmpty lists the stores that come back without their data.
func (r *reading) startsEmpty() []string {
	var out []int32
	for _, i := range r.high.order {
		if int(i) < len(r.w.g.nodes) && r.w.g.nodes[i].Data != nil && r.high.by[i] >= 0 && r.w.lossOf(i, r.high.by[i]) >= plans.Forever {
			out = append(out, i)
		}
	}
	return r.w.g.names(out)
}

// fails lists F itself: failed nodes and what stands in failed domains.
func (g *graph) fails(w *world) []string {
	var out []int32
	for _, i := range w.fallen {
		if !w.own[i] {
			out = append(out, i)
		}
	}
	return g.names(out)
}

// stuck lists what is down and does not come back.
func (r *rise) stuck() []int32 {
	var out []int32
	for _, i := range r.w.fallen {
		if !r.in[i] {
			out = append(out, i)
		}
	}
	return out
}

// maxExplained bounds the witnesses that list their own ways out; the others
// share a root with one that does.
const maxExplained = 20

// witnesses explains the stuck targets: judged nodes whose loss nobody
// accepted, or, where a scenario brings a cluster up, all that it should have
// brought up. One witness is enough for all of these that end in the same
// cycle or leaf.
func (s *scene) witnesses() []plans.Witness {
	low := s.opt.low
	var out []plans.Witness
	seen := map[string]bool{}
	for _, i := range low.stuck() {
		if int(i) >= len(s.g.nodes) {
			continue
		}
		judged := s.cell[i] != nil && s.cell[i].Verdict == plans.Unrecoverable
		if !judged && (s.sc.Class == "" || !s.opt.w.struck[i]) {
			continue
		}
		w := low.witness(i)
		key := rootOf(w)
		if !judged && (seen[key] || w.Cycle > 0) { // the cycle's own members explain it better
			continue
		}
		if !seen[key] || len(out) < maxExplained {
			w.Breaks = low.breaks(i)
		}
		seen[key] = true
		out = append(out, w)
	}
	return out
}
