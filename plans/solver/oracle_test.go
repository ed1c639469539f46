package solver

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/darkstart-dev/darkstart/plans"
)

// The oracle reads the definitions of DESIGN §5 literally, by enumeration over
// subsets and ticks, on fleets that are small enough. It shares no code with
// the solver but the model.

// fleetSize bounds random fleets: the oracle enumerates pairs of subsets.
const fleetSize = 6

type dice struct{ *rand.Rand }

func (d dice) chance(p float64) bool { return d.Float64() < p }

func (d dice) some(ids []string, most int) []string {
	out := slices.Clone(ids)
	d.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out[:min(len(out), d.IntN(most+1))]
}

func (d dice) requirement(ids []string, depth int) plans.Requirement {
	r := plans.Requirement{Op: []plans.Op{plans.All, plans.Any, plans.AtLeast}[d.IntN(3)]}
	for _, id := range d.some(ids, 2) {
		r.Of = append(r.Of, plans.Requirement{Op: plans.Ref, Node: id})
	}
	if depth > 0 && d.chance(0.3) {
		r.Of = append(r.Of, d.requirement(ids, depth-1))
	}
	if r.Op == plans.AtLeast {
		r.K = 1
		if len(r.Of) > 0 {
			r.K += d.IntN(len(r.Of))
		} else {
			r.Op = plans.All
		}
	}
	return r
}

// randomFleet makes a model with one scenario. Durations are a few
// milliseconds, so that the oracle can tick.
func randomFleet(seed uint64, limited bool) *plans.Model {
	d := dice{rand.New(rand.NewPCG(seed, 7))}
	m := &plans.Model{}
	var domains, nodes, points []string
	for i := range 2 + d.IntN(3) {
		dom := plans.Domain{ID: fmt.Sprint("d", i), Kind: []plans.DomainKind{"zone", "account", "rollout-ring"}[d.IntN(3)], Parents: d.some(domains, 1)}
		m.Domains, domains = append(m.Domains, dom), append(domains, dom.ID)
	}
	for i := range 2 + d.IntN(fleetSize-1) {
		nodes = append(nodes, fmt.Sprint("n", i))
	}
	nodes = nodes[:min(len(nodes), fleetSize)]
	for i, id := range nodes {
		n := plans.Node{ID: id, Kind: plans.KindNode, Objectives: []plans.Objective{{Class: "default"}}}
		for range d.IntN(3) {
			r := plans.Replica{Domains: d.some(domains, 2)}
			if i > 0 && d.chance(0.2) {
				r.In = nodes[d.IntN(i)]
			}
			n.Replicas = append(n.Replicas, r)
		}
		n.Quorum = d.IntN(len(n.Replicas) + 1)
		if d.chance(0.6) {
			n.Requires.Run = d.requirement(nodes, 1)
		}
		if d.chance(0.3) && !limited {
			n.Requires.Start = d.requirement(nodes, 0)
		}
		if d.chance(0.4) && len(points) < 3 && !limited {
			n.Data = &plans.Data{}
			for k := range 1 + d.IntN(2) {
				p := plans.Point{Node: fmt.Sprintf("%s/p%d", id, k), Copy: true, Lag: plans.Duration(d.IntN(4))}
				n.Data.Points = append(n.Data.Points, p)
				points = append(points, p.Node)
				m.Nodes = append(m.Nodes, plans.Node{ID: p.Node, Kind: plans.KindPoint, Replicas: []plans.Replica{{Domains: d.some(domains, 1)}}})
			}
		}
		m.Nodes = append(m.Nodes, n)
	}
	if limited {
		m.Actors = []plans.Actor{{ID: "team", Shift: 1, Respond: plans.Exactly(plans.Duration(d.IntN(3)))}}
	}
	for i := range d.IntN(4) {
		m.Procedures = append(m.Procedures, d.procedure(fmt.Sprint("p", i), nodes, points, limited))
	}
	m.Scenarios = []plans.Scenario{{ID: "s", Domains: domains[:1+d.IntN(2)], Mode: []plans.Mode{plans.Lost, plans.Down, plans.Deleted, plans.BadChange}[d.IntN(4)]}}
	if d.chance(0.4) {
		m.Scenarios[0].Nodes = d.some(nodes, 2)
	}
	return m
}

func (d dice) procedure(id string, nodes, points []string, limited bool) plans.Procedure {
	p := plans.Procedure{ID: id, IntoKnown: true, Restores: d.some(nodes, 2), Detect: plans.Exactly(plans.Duration(d.IntN(3)))}
	var before []string
	for k := range 1 + d.IntN(2) {
		s := plans.Step{ID: fmt.Sprint("s", k), Known: true, Duration: plans.Exactly(plans.Duration(d.IntN(5))), After: d.some(before, 1)}
		if d.chance(0.4) {
			s.Needs = d.requirement(nodes, 0)
		}
		if d.chance(0.4) {
			s.Restores = d.some(nodes, 2)
		}
		if d.chance(0.4) && len(points) > 0 {
			s.From = points[d.IntN(len(points))]
		}
		if limited && d.chance(0.7) {
			s.By = "team"
		}
		p.Steps, before = append(p.Steps, s), append(before, s.ID)
	}
	if len(p.Restores) == 0 {
		p.Restores = nodes[:1]
	}
	return p
}

// oracle is the literal reading.
type oracle struct {
	m   *plans.Model
	ids map[string]int
	sc  *plans.Scenario
	up  map[string]map[string]bool // domain and its ancestors
	own []bool
	// point holds what the table of modes says of recovery points.
	point map[int]bool
	down  uint
	alts  [][]alternative
}

// alternative is a step that restores a node, with all that comes before it.
type alternative struct {
	proc, step int
	last       []int // steps that all have to end
	loss       plans.Duration
}

func newOracle(m *plans.Model) *oracle {
	o := &oracle{m: m, ids: map[string]int{}, sc: &m.Scenarios[0], up: map[string]map[string]bool{}}
	for i, n := range m.Nodes {
		o.ids[n.ID] = i
	}
	for _, d := range m.Domains { // parents come first
		o.up[d.ID] = map[string]bool{d.ID: true}
		for _, p := range d.Parents {
			for a := range o.up[p] {
				o.up[d.ID][a] = true
			}
		}
	}
	o.point = map[int]bool{}
	for i := range m.Nodes { // stores first fall by themselves, then their points
		o.own = append(o.own, o.keeps(i, o.all()))
	}
	for i := range m.Nodes {
		o.ownPoints(i)
	}
	o.down = o.leastDown()
	for i := range m.Nodes {
		o.own[i] = o.keeps(i, o.all()&^o.down)
	}
	for i := range m.Nodes {
		o.alts = append(o.alts, o.alternatives(i))
	}
	return o
}

func (o *oracle) dead(domains []string) bool {
	return slices.ContainsFunc(domains, func(d string) bool {
		return slices.ContainsFunc(o.sc.Domains, func(f string) bool { return o.up[d][f] })
	})
}

// keeps reports whether enough replicas stand: outside F, and, where they are
// placed in another node, with that in the set.
func (o *oracle) keeps(i int, set uint) bool {
	if is, ok := o.point[i]; ok {
		return is
	}
	n := &o.m.Nodes[i]
	if slices.Contains(o.sc.Nodes, n.ID) {
		return false
	}
	alive := 0
	for _, r := range n.Replicas {
		if !o.dead(r.Domains) && (r.In == "" || o.in(set)(r.In)) {
			alive++
		}
	}
	return len(n.Replicas) == 0 || alive >= max(1, n.Quorum)
}

// ownPoints applies the table of modes to the points of a store.
func (o *oracle) ownPoints(i int) {
	n := &o.m.Nodes[i]
	if n.Data == nil {
		return
	}
	for _, p := range n.Data.Points {
		switch o.sc.Mode {
		case plans.BadChange, plans.Overload:
			o.point[o.ids[p.Node]] = true
		case plans.Deleted:
			o.point[o.ids[p.Node]] = !p.Deletes || o.own[i]
		}
	}
}

func (o *oracle) holds(r plans.Requirement, is func(string) bool) bool {
	if r.Op == plans.Ref {
		return is(r.Node)
	}
	n := 0
	for _, k := range r.Of {
		if o.holds(k, is) {
			n++
		}
	}
	switch r.Op {
	case plans.Any:
		return n >= 1 || len(r.Of) == 0
	case plans.AtLeast:
		return n >= r.K
	}
	return n == len(r.Of)
}

func (o *oracle) in(set uint) func(string) bool {
	return func(id string) bool { return set>>o.ids[id]&1 == 1 }
}

func (o *oracle) all() uint { return 1<<len(o.m.Nodes) - 1 }

// leastDown intersects all sets that are closed under falling.
func (o *oracle) leastDown() uint {
	least := o.all()
	for set := uint(0); set <= o.all(); set++ {
		closed := true
		for i := range o.m.Nodes {
			falls := !o.keeps(i, o.all()&^set) || !o.holds(o.m.Nodes[i].Requires.Run, o.in(o.all()&^set))
			closed = closed && (!falls || set>>i&1 == 1)
		}
		if closed {
			least &= set
		}
	}
	return least
}

func (o *oracle) alternatives(i int) []alternative {
	var out []alternative
	id := o.m.Nodes[i].ID
	for p := range o.m.Procedures {
		proc := &o.m.Procedures[p]
		named, inner := false, map[string]bool{}
		for s := range proc.Steps {
			for _, a := range proc.Steps[s].After {
				inner[a] = true
			}
			if slices.Contains(proc.Steps[s].Restores, id) {
				named = true
				out = append(out, alternative{proc: p, step: s, last: []int{s}})
			}
		}
		if !named && slices.Contains(proc.Restores, id) {
			alt := alternative{proc: p, step: -1}
			for s := range proc.Steps {
				if !inner[proc.Steps[s].ID] {
					alt.last = append(alt.last, s)
				}
			}
			if len(alt.last) == 1 {
				alt.step = alt.last[0]
			}
			out = append(out, alt)
		}
	}
	for k := range out {
		out[k].loss = o.loss(i, out[k])
	}
	return out
}

// before lists the steps of an alternative.
func (o *oracle) before(a alternative) []int {
	steps := o.m.Procedures[a.proc].Steps
	out := slices.Clone(a.last)
	for k := 0; k < len(out); k++ {
		for s := range steps {
			if slices.Contains(steps[out[k]].After, steps[s].ID) && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

// loss follows §5.4: the point of the step itself, else the worst before it.
func (o *oracle) loss(i int, a alternative) plans.Duration {
	n := &o.m.Nodes[i]
	if n.Data == nil {
		return 0
	}
	lag := func(from string) (plans.Duration, bool) {
		k := slices.IndexFunc(n.Data.Points, func(p plans.Point) bool { return p.Node == from })
		if k < 0 {
			return 0, false
		}
		if o.sc.Mode == plans.Down && !o.own[o.ids[from]] {
			return 0, true
		}
		return n.Data.Points[k].Lag, true
	}
	steps := o.m.Procedures[a.proc].Steps
	if a.step >= 0 {
		if l, ok := lag(steps[a.step].From); ok {
			return l
		}
	}
	worst, found := plans.Duration(0), false
	for _, s := range o.before(a) {
		if l, ok := lag(steps[s].From); ok {
			worst, found = max(worst, l), true
		}
	}
	placed := false
	for _, r := range n.Replicas {
		placed = placed || o.dead(r.Domains)
	}
	switch {
	case found:
		return worst
	case o.sc.Mode == plans.BadChange || o.sc.Mode == plans.Down && !placed:
		return 0
	}
	return plans.Forever
}

// owns is own(n,R) with the alternatives that are allowed.
func (o *oracle) owns(i int, set uint, allowed func(node, alt int) bool) bool {
	if o.keeps(i, set) {
		return true
	}
	if !o.holds(o.m.Nodes[i].Requires.Start, o.in(set)) {
		return false
	}
	for k, a := range o.alts[i] {
		ok := allowed(i, k)
		for _, s := range o.before(a) {
			st := &o.m.Procedures[a.proc].Steps[s]
			ok = ok && o.holds(st.Needs, o.in(set)) && (st.From == "" || o.in(set)(st.From))
		}
		if ok {
			return true
		}
	}
	return false
}

// greatest is νX: the union of all X that hold together.
func (o *oracle) greatest(owned, set uint) uint {
	out := uint(0)
	for x := uint(0); x <= o.all(); x++ {
		good := true
		for i := range o.m.Nodes {
			if good && x>>i&1 == 1 { // a host counts like something to run on
				good = (owned>>i&1 == 1 || o.keeps(i, set|x)) && o.holds(o.m.Nodes[i].Requires.Run, o.in(set|x))
			}
		}
		if good {
			out |= x
		}
	}
	return out
}

// recovered is µR.νX.
func (o *oracle) recovered(allowed func(node, alt int) bool) uint {
	set := uint(0)
	for {
		owned := uint(0)
		for i := range o.m.Nodes {
			if o.owns(i, set, allowed) {
				owned |= 1 << i
			}
		}
		next := set | o.greatest(owned, set)
		if next == set {
			return set
		}
		set = next
	}
}

func anyAlternative(int, int) bool { return true }

// leastLoss enumerates which single alternative each store uses, or none.
func (o *oracle) leastLoss(u int) plans.Duration {
	var stores []int
	under := o.runClosure(u)
	for i := range o.m.Nodes {
		if o.m.Nodes[i].Data != nil && !o.own[i] && under>>i&1 == 1 {
			stores = append(stores, i)
		}
	}
	best := plans.Forever
	choice := map[int]int{}
	var try func(k int, loss plans.Duration)
	try = func(k int, loss plans.Duration) {
		if loss >= best {
			return
		}
		if k < len(stores) {
			i := stores[k]
			choice[i] = -1
			try(k+1, loss)
			for a := range o.alts[i] {
				choice[i] = a
				try(k+1, max(loss, o.alts[i][a].loss))
			}
			return
		}
		set := o.recovered(func(node, alt int) bool {
			c, chosen := choice[node]
			return !chosen || c == alt
		})
		if set>>u&1 == 1 {
			best = loss
		}
	}
	try(0, 0)
	return best
}

// runClosure is what fell among the things u runs on, u included.
func (o *oracle) runClosure(u int) uint {
	set := uint(1) << u
	for range o.m.Nodes {
		for i := range o.m.Nodes {
			if set>>i&1 == 1 {
				var refs func(plans.Requirement)
				refs = func(r plans.Requirement) {
					if r.Op == plans.Ref && o.in(o.down)(r.Node) {
						set |= 1 << o.ids[r.Node]
					}
					for _, k := range r.Of {
						refs(k)
					}
				}
				refs(o.m.Nodes[i].Requires.Run)
			}
		}
	}
	return set & o.down
}
