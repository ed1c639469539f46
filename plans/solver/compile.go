package solver

import (
	"cmp"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/plans"
)

// graph is the Model with dense ids. Items are the nodes in the order of their
// ids, then the domains in the order of theirs: a domain is an item because a
// step can restore it. Sorting makes every result independent of the order in
// which the linker listed things.
type graph struct {
	model *plans.Model
	nodes []*plans.Node
	ids   map[string]int32 // node id to item
	items int              // nodes and domains

	domains    []*plans.Domain
	domainIDs  map[string]int32
	domainUp   [][]int32 // parents
	domainDown [][]int32 // children

	replicas   []replica
	replicasOf [][]int32 // by node
	placed     [][]int32 // by domain: replicas directly in it
	hosted     [][]int32 // by node: replicas inside it
	quorum     []int32   // by node, at least 1
	points     map[int32]*point
	pointIDs   []int32 // sorted
	tolerant   []int32 // nodes that tolerate a kind of domain

	run  *formulas // owner: node
	back *formulas // owner: node (start), or items+step
	see  *formulas // owner: node (observe)
	hand *formulas // owner: node (declared operate; whole operate of an API server)

	procs   []*proc
	steps   []*step
	alts    [][]int32 // by item: steps that restore it, in order
	actors  map[string]*plans.Actor
	links   map[string]*plans.Link
	tiers   map[string]*plans.Tier
	groups  map[string][]int32 // consistency group to stores
	judged  []int32            // nodes with objectives
	open    map[int32][]plans.Unknown
	digests map[string]digest.Digest // closure of each declared procedure
	arenas  arenas
	quiet   quietCells
}

// replica is one instance of a node.
type replica struct {
	node    int32
	domains []int32
	in      int32 // host node, -1
	unknown bool
}

// point is a recovery point: its node, and the store it belongs to.
type point struct {
	*plans.Point
	store int32
	realm []int32 // domains that can write it
}

// proc is a procedure; its steps are steps[first:last].
type proc struct {
	*plans.Procedure
	index       int32
	first, last int32
	into        []int32
	modes       uint8 // bit set over plans.Modes
	limited     bool  // some step takes people or bandwidth
}

// step is one step of a procedure. A procedure that restores something with
// several last steps gets one more, hidden and instantaneous, after them.
type step struct {
	*plans.Step
	index    int32
	proc     *proc
	hidden   bool
	id       string // procedure/step
	after    []int32
	next     []int32
	restores []int32 // items
	from     int32   // point node, -1
	actor    *plans.Actor
	people   int64          // of the actor, while the step runs
	work     plans.Interval // without approval
	time     plans.Interval // of work and approval
	base     plans.Interval // detection, response and travel: nothing starts before
	known    bool
	measured *plans.Measured
}

const instances = "a service is up when enough of its instances are"

// compile numbers everything. The model has passed check.
func compile(m *plans.Model) *graph {
	g := &graph{model: m, actors: map[string]*plans.Actor{}, links: map[string]*plans.Link{}, tiers: map[string]*plans.Tier{}}
	for i := range m.Actors {
		g.actors[m.Actors[i].ID] = &m.Actors[i]
	}
	for i := range m.Links {
		g.links[m.Links[i].ID] = &m.Links[i]
	}
	for i := range m.Tiers {
		g.tiers[m.Tiers[i].ID] = &m.Tiers[i]
	}
	g.number()
	g.place()
	g.protect()
	g.proceed()
	g.require()
	g.digests = g.closures()
	g.remeasure()
	g.open = map[int32][]plans.Unknown{}
	for _, u := range m.Unresolved {
		if n, ok := g.ids[u.Node]; ok {
			g.open[n] = append(g.open[n], u)
		}
	}
	for _, us := range g.open {
		slices.SortFunc(us, func(a, b plans.Unknown) int {
			return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(a.Settle, b.Settle))
		})
	}
	return g
}

func (g *graph) number() {
	m := g.model
	for i := range m.Nodes {
		g.nodes = append(g.nodes, &m.Nodes[i])
	}
	for i := range m.Domains {
		g.domains = append(g.domains, &m.Domains[i])
	}
	slices.SortFunc(g.nodes, func(a, b *plans.Node) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(g.domains, func(a, b *plans.Domain) int { return cmp.Compare(a.ID, b.ID) })
	g.ids = make(map[string]int32, len(g.nodes))
	for i, n := range g.nodes {
		g.ids[n.ID] = int32(i)
		if len(n.Objectives) > 0 {
			g.judged = append(g.judged, int32(i))
		}
	}
	g.items = len(g.nodes) + len(g.domains)
	g.domainIDs = make(map[string]int32, len(g.domains))
	for i, d := range g.domains {
		g.domainIDs[d.ID] = int32(i)
	}
	g.domainUp, g.domainDown = make([][]int32, len(g.domains)), make([][]int32, len(g.domains))
	for i, d := range g.domains {
		g.domainUp[i] = g.domainList(d.Parents)
		for _, p := range g.domainUp[i] {
			g.domainDown[p] = append(g.domainDown[p], int32(i))
		}
	}
}

// place numbers replicas. A node without any has one that nothing takes.
func (g *graph) place() {
	g.replicasOf, g.hosted = make([][]int32, len(g.nodes)), make([][]int32, len(g.nodes))
	g.placed, g.quorum = make([][]int32, len(g.domains)), make([]int32, len(g.nodes))
	for i, n := range g.nodes {
		g.quorum[i] = int32(max(1, n.Quorum))
		if len(n.Tolerates) > 0 {
			g.tolerant = append(g.tolerant, int32(i))
		}
		for _, r := range n.Replicas {
			id := int32(len(g.replicas))
			rep := replica{node: int32(i), domains: g.domainList(r.Domains), in: -1, unknown: r.Unknown}
			if r.In != "" {
				rep.in = g.ids[r.In]
				g.hosted[rep.in] = append(g.hosted[rep.in], id)
			}
			for _, d := range rep.domains {
				g.placed[d] = append(g.placed[d], id)
			}
			g.replicas = append(g.replicas, rep)
			g.replicasOf[i] = append(g.replicasOf[i], id)
		}
		if len(n.Replicas) == 0 {
			g.quorum[i] = min(g.quorum[i], 1)
		}
	}
}

// protect finds the recovery points.
func (g *graph) protect() {
	g.points, g.groups = map[int32]*point{}, map[string][]int32{}
	for i, n := range g.nodes {
		if n.Data == nil {
			continue
		}
		for j := range n.Data.Points {
			p := &n.Data.Points[j]
			q := &point{Point: p, store: int32(i)}
			for _, r := range p.Realms {
				if d, ok := g.domainIDs[r]; ok {
					q.realm = append(q.realm, d)
				}
			}
			g.points[g.ids[p.Node]] = q
			g.pointIDs = append(g.pointIDs, g.ids[p.Node])
		}
		if n.Data.Group != "" {
			g.groups[n.Data.Group] = append(g.groups[n.Data.Group], int32(i))
		}
	}
	slices.Sort(g.pointIDs)
	for _, grp := range g.model.Groups {
		for _, s := range grp.Stores {
			if id, ok := g.ids[s]; ok && !slices.Contains(g.groups[grp.ID], id) {
				g.groups[grp.ID] = append(g.groups[grp.ID], id)
			}
		}
	}
}

// require compiles the requirement sets.
func (g *graph) require() {
	n := len(g.nodes)
	g.run, g.back = newFormulas(n, n), newFormulas(n, g.items+len(g.steps))
	g.see, g.hand = newFormulas(n, n), newFormulas(n, n)
	for i, node := range g.nodes {
		o, r := int32(i), node.Requires
		terms := []term{{r.Run, setRun}}
		if len(node.Instances) > 0 {
			terms = append(terms, term{instancesOf(node), setRun})
		}
		g.run.define(o, g.ids, terms...)
		g.back.define(o, g.ids, term{r.Start, setStart})
		g.see.define(o, g.ids, term{r.Observe, setObserve})
		hand := r.DeclaredOperate
		if node.Kind == plans.KindAPI {
			hand = r.Operate
		}
		g.hand.define(o, g.ids, term{hand, setOperate})
	}
	for _, s := range g.steps {
		if s.hidden {
			continue
		}
		terms := []term{{s.Needs, setNeed}}
		if s.actor != nil {
			terms = append(terms, term{s.actor.Needs, setActor})
		}
		if s.from >= 0 {
			terms = append(terms, term{ref(s.From, "restores from "+s.From, s.At), setPoint})
			if p := g.points[s.from]; p != nil && p.Key != "" {
				terms = append(terms, term{ref(p.Key, p.Key+" decrypts "+s.From, p.At), setCredential})
			}
		}
		g.back.define(int32(g.items)+s.index, g.ids, terms...)
	}
}

func ref(node, reason string, at plans.Source) plans.Requirement {
	return plans.Requirement{Op: plans.Ref, Node: node, Why: &plans.Because{Reason: reason, At: at}}
}

func instancesOf(n *plans.Node) plans.Requirement {
	r := plans.Requirement{Op: plans.AtLeast, K: max(1, n.InstanceQuorum)}
	for _, i := range n.Instances {
		r.Of = append(r.Of, ref(i, instances, n.At))
	}
	return r
}

func (g *graph) domainList(ids []string) []int32 {
	var out []int32
	for _, id := range ids {
		out = append(out, g.domainIDs[id])
	}
	return out
}

// item finds what a procedure restores: a node, or "domain:<id>".
func (g *graph) item(id string) (int32, bool) {
	if d, ok := strings.CutPrefix(id, "domain:"); ok {
		i, ok := g.domainIDs[d]
		return int32(len(g.nodes)) + i, ok
	}
	i, ok := g.ids[id]
	return i, ok
}

// name is the inverse of item.
func (g *graph) name(item int32) string {
	if int(item) < len(g.nodes) {
		return g.nodes[item].ID
	}
	return "domain:" + g.domains[int(item)-len(g.nodes)].ID
}

func (g *graph) names(items []int32) []string {
	out := make([]string, 0, len(items))
	for _, i := range items {
		if int(i) < len(g.nodes) {
			out = append(out, g.nodes[i].ID)
		}
	}
	slices.Sort(out)
	return out
}

// above calls fn for d and all its ancestors, each once, until fn returns
// false; it reports whether fn never did.
func (g *graph) above(d int32, fn func(int32) bool) bool {
	list := []int32{d}
	for i := 0; i < len(list); i++ {
		if !fn(list[i]) {
			return false
		}
		for _, p := range g.domainUp[list[i]] {
			if !slices.Contains(list, p) {
				list = append(list, p)
			}
		}
	}
	return true
}
