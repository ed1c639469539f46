package solver

import (
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/plans"
)

// Limits of a model. Beyond them a clear refusal is worth more than an answer
// after lunch.
const (
	maxNodes = 400_000
	maxRefs  = 4_000_000
	maxDepth = 64 // nesting of requirements
)

// checker refuses models that mean nothing.
type checker struct {
	m       *plans.Model
	list    diag.List
	nodes   map[string]bool
	domains map[string]bool
	refs    int
}

// check reports everything that is wrong with a model. Only models without
// an error can be compiled.
func check(m *plans.Model) diag.List {
	c := &checker{m: m, nodes: make(map[string]bool, len(m.Nodes)), domains: make(map[string]bool, len(m.Domains))}
	if len(m.Nodes) > maxNodes {
		c.list.Add(diag.Errorf("PLN010", "the fleet has %d nodes, more than the solver takes on (%d)", len(m.Nodes), maxNodes).
			Fix("split the fleet into folders that are solved on their own"))
		return c.list
	}
	c.unique()
	if len(c.list) > 0 {
		return c.list
	}
	c.domainsOK()
	for i := range m.Nodes {
		c.node(&m.Nodes[i])
	}
	c.hosts()
	for i := range m.Actors {
		a := &m.Actors[i]
		c.interval(a.Respond, "response time", a.ID, a.At)
		c.interval(a.Travel, "travel time", a.ID, a.At)
		c.requirement(a.Needs, a.ID, "needs", a.At)
	}
	for i := range m.Procedures {
		c.procedure(&m.Procedures[i])
	}
	for i := range m.Scenarios {
		c.scenario(&m.Scenarios[i])
	}
	c.references()
	if c.refs > maxRefs {
		c.list.Add(diag.Errorf("PLN010", "the fleet has %d requirement edges, more than the solver takes on (%d)", c.refs, maxRefs).
			Fix("split the fleet into folders that are solved on their own"))
	}
	return c.list.Sorted()
}

// unique refuses ids that two things of a kind share.
func (c *checker) unique() {
	seen := func(kind string) func(id string, at plans.Source) {
		first := map[string]plans.Source{}
		return func(id string, at plans.Source) {
			if prev, dup := first[id]; dup {
				c.list.Add(diag.Errorf("PLN009", "two %ss are called %q", kind, id).
					AtAll(at, "declared here").AtAll(prev, "and here").About(diag.Subject{Node: id}).
					Fix("rename one of them: everything refers to a %s by its id", kind))
			}
			first[id] = at
		}
	}
	node, domain := seen("node"), seen("domain")
	for i := range c.m.Nodes {
		node(c.m.Nodes[i].ID, c.m.Nodes[i].At)
		c.nodes[c.m.Nodes[i].ID] = true
	}
	for i := range c.m.Domains {
		domain(c.m.Domains[i].ID, c.m.Domains[i].At)
		c.domains[c.m.Domains[i].ID] = true
	}
	proc, actor, scen, link := seen("procedure"), seen("team"), seen("scenario"), seen("link")
	for i := range c.m.Procedures {
		proc(c.m.Procedures[i].ID, c.m.Procedures[i].At)
	}
	for i := range c.m.Actors {
		actor(c.m.Actors[i].ID, c.m.Actors[i].At)
	}
	for i := range c.m.Scenarios {
		scen(c.m.Scenarios[i].ID, c.m.Scenarios[i].At)
	}
	for i := range c.m.Links {
		link(c.m.Links[i].ID, c.m.Links[i].At)
	}
}

// unknown refuses a name that nothing has.
func (c *checker) unknown(who, what, name string, at plans.Source, known map[string]bool) {
	if known[name] {
		return
	}
	d := diag.Errorf("PLN001", "%s of %q names %q, which does not exist", what, who, name).
		AtAll(at, "named here").About(diag.Subject{Node: who})
	if near := nearest(name, known); near != "" {
		d.Fix("did you mean %q?", near)
	}
	c.list.Add(d.Fix("declare %q, or remove the reference", name))
}

func nearest(name string, known map[string]bool) string {
	if len(known) > 10_000 {
		return ""
	}
	names := make([]string, 0, len(known))
	for k := range known {
		names = append(names, k)
	}
	return diag.Nearest(name, names)
}

func (c *checker) interval(i plans.Interval, what, who string, at plans.Source) {
	switch {
	case i.Lo < 0 || i.Hi < 0:
		c.list.Add(diag.Errorf("PLN003", "%s of %q is negative (%s)", what, who, i).AtAll(at, "declared here").
			About(diag.Subject{Node: who}).Fix("a duration counts forward: write 0s or more"))
	case i.Lo > plans.Forever || i.Hi > plans.Forever:
		c.list.Add(diag.Errorf("PLN003", "%s of %q is longer than can be counted", what, who).AtAll(at, "declared here").
			About(diag.Subject{Node: who}).Fix("write a duration below %d years", int64(plans.Forever/plans.Day/365)))
	case i.Lo > i.Hi:
		c.list.Add(diag.Errorf("PLN003", "%s of %q ends before it begins (%s)", what, who, i).AtAll(at, "declared here").
			About(diag.Subject{Node: who}).Fix("write the shorter duration first: [%q, %q]", i.Hi, i.Lo))
	}
}

func (c *checker) requirement(r plans.Requirement, who, what string, at plans.Source) {
	c.nested(r, who, what, at, 0)
}

func (c *checker) nested(r plans.Requirement, who, what string, at plans.Source, depth int) {
	if depth > maxDepth {
		c.list.Add(diag.Errorf("PLN010", "%s of %q is nested deeper than %d", what, who, maxDepth).AtAll(at, "declared here").
			About(diag.Subject{Node: who}).Fix("name the inner parts as nodes of their own"))
		return
	}
	switch r.Op {
	case plans.Ref:
		c.refs++
		if r.Why != nil && len(r.Why.At) > 0 {
			at = r.Why.At
		}
		c.unknown(who, what, r.Node, at, c.nodes)
		return
	case plans.AtLeast:
		if r.K < 1 || r.K > len(r.Of) {
			c.list.Add(diag.Errorf("PLN002", "%s of %q wants at least %d of a list of %d", what, who, r.K, len(r.Of)).
				AtAll(at, "declared here").About(diag.Subject{Node: who}).Fix("write a number from 1 to %d, or add to the list", max(1, len(r.Of))))
		}
	case plans.All, plans.Any, "":
	default:
		c.list.Add(diag.Errorf("PLN002", "%s of %q has an unknown operator %q", what, who, r.Op).AtAll(at, "declared here").
			About(diag.Subject{Node: who}).Fix("use a name, all, any or atLeast"))
	}
	for _, kid := range r.Of {
		c.nested(kid, who, what, at, depth+1)
	}
}

func (c *checker) domainsOK() {
	parents := make(map[string][]string, len(c.m.Domains))
	at := map[string]plans.Source{}
	for i := range c.m.Domains {
		d := &c.m.Domains[i]
		parents[d.ID], at[d.ID] = d.Parents, d.At
		for _, p := range d.Parents {
			c.unknown(d.ID, "a parent", p, d.At, c.domains)
		}
		if d.Kind.Family() == "" {
			c.list.Add(diag.Errorf("PLN012", "domain %q has the unknown kind %q", d.ID, d.Kind).AtAll(d.At, "declared here").
				About(diag.Subject{Node: d.ID}).Fix("use one of the kinds of DESIGN §4: region, zone, account, rollout-ring, window, …"))
		}
	}
	if cyc := findCycle(parents); cyc != nil {
		d := diag.Errorf("PLN005", "domains contain each other: %s", strings.Join(cyc, " → ")).About(diag.Subject{Node: cyc[0]}).
			Fix("a domain cannot be inside itself: remove one of these parents")
		for _, id := range cyc[:len(cyc)-1] {
			d.AtAll(at[id], "%s", id)
		}
		c.list.Add(d)
	}
}

// hosts refuses nodes that are placed in each other.
func (c *checker) hosts() {
	in, at := map[string][]string{}, map[string]plans.Source{}
	for i := range c.m.Nodes {
		n := &c.m.Nodes[i]
		for _, r := range n.Replicas {
			if r.In != "" {
				in[n.ID], at[n.ID] = append(in[n.ID], r.In), n.At
			}
		}
	}
	if cyc := findCycle(in); cyc != nil {
		d := diag.Errorf("PLN005", "nodes are placed in each other: %s", strings.Join(cyc, " → ")).About(diag.Subject{Node: cyc[0]}).
			Fix("nothing runs inside itself: place one of them in a domain")
		for _, id := range cyc[:len(cyc)-1] {
			d.AtAll(at[id], "%s", id)
		}
		c.list.Add(d)
	}
}

func (c *checker) domainRefs(ids []string, who, what string, at plans.Source) {
	for _, id := range ids {
		c.unknown(who, what, id, at, c.domains)
	}
}

func (c *checker) node(n *plans.Node) {
	r := n.Requires
	for _, s := range []struct {
		set string
		req plans.Requirement
	}{{"run", r.Run}, {"start", r.Start}, {"operate", r.Operate}, {"observe", r.Observe}, {"operate", r.DeclaredOperate}} {
		c.requirement(s.req, n.ID, s.set, n.At)
	}
	for _, rep := range n.Replicas {
		c.domainRefs(rep.Domains, n.ID, "the placement", n.At)
		if rep.In != "" {
			c.unknown(n.ID, "the placement", rep.In, n.At, c.nodes)
		}
	}
	c.domainRefs(n.Elsewhere, n.ID, "the placement", n.At)
	for _, i := range n.Instances {
		c.unknown(n.ID, "an instance", i, n.At, c.nodes)
	}
	if len(n.Instances) > 0 && n.InstanceQuorum > len(n.Instances) {
		c.list.Add(diag.Errorf("PLN002", "%q wants %d of %d instances", n.ID, n.InstanceQuorum, len(n.Instances)).
			AtAll(n.At, "declared here").About(diag.Subject{Node: n.ID}).Fix("lower the quorum, or declare more instances"))
	}
	c.objectives(n)
	if n.Data != nil {
		for i := range n.Data.Points {
			c.point(n, &n.Data.Points[i])
		}
	}
}
