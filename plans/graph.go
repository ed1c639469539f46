package plans

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Graph is one scenario on the fleet graph: what falls, what survives, and
// what returns when.
type Graph struct {
	Scenario string      `json:"scenario"`
	Nodes    []GraphNode `json:"nodes"`
	Edges    []Edge      `json:"edges"`
	Survive  int         `json:"survive"` // nodes that the scenario does not touch
}

// GraphNode is a node and its fate: failed (in F), falls (with what it runs
// on), stuck, or stands (and something that fell needs it).
type GraphNode struct {
	ID      string    `json:"id"`
	Fate    string    `json:"fate"`
	Returns *Interval `json:"returns,omitempty"`
}

// Fates of a GraphNode.
const (
	FateFailed = "failed"
	FateFalls  = "falls"
	FateStuck  = "stuck"
	FateStands = "stands"
)

// NewGraph draws a scenario: what falls, and what stands directly beside it.
// It is nil when the plan has no such scenario.
func NewGraph(m *Model, p *Plan, scenario string) *Graph {
	r := p.Recovery(scenario)
	if r == nil {
		return nil
	}
	fate := map[string]string{}
	for _, n := range r.Down {
		fate[n] = FateFalls
	}
	for _, n := range r.Fails {
		fate[n] = FateFailed
	}
	for _, n := range r.Stuck {
		fate[n] = FateStuck
	}
	g := &Graph{Scenario: scenario, Nodes: []GraphNode{}, Edges: []Edge{}, Survive: len(m.Nodes) - len(r.Down)}
	for i := range m.Nodes {
		n := &m.Nodes[i]
		if fate[n.ID] == "" || fate[n.ID] == FateStands {
			continue
		}
		for _, s := range []struct {
			set string
			req Requirement
		}{{"run", n.Requires.Run}, {"start", n.Requires.Start}} {
			eachEdge(s.req, func(to string, why *Because) {
				if fate[to] == "" {
					fate[to] = FateStands
				}
				g.Edges = append(g.Edges, Edge{From: n.ID, To: to, Set: s.set, Why: why})
			})
		}
	}
	for id, f := range fate {
		gn := GraphNode{ID: id, Fate: f}
		if at, ok := r.Returns[id]; ok {
			gn.Returns = &at
		}
		g.Nodes = append(g.Nodes, gn)
	}
	slices.SortFunc(g.Nodes, func(a, b GraphNode) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortStableFunc(g.Edges, func(a, b Edge) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Set, b.Set))
	})
	g.Edges = slices.CompactFunc(g.Edges, func(a, b Edge) bool { return a.From == b.From && a.To == b.To })
	return g
}

func eachEdge(r Requirement, fn func(string, *Because)) {
	if r.Op == Ref {
		fn(r.Node, r.Why)
	}
	for _, k := range r.Of {
		eachEdge(k, fn)
	}
}

// Text lists the nodes by fate, what returns in the order of its return.
func (g *Graph) Text() string {
	t := &textWriter{}
	by := map[string][]GraphNode{}
	for _, n := range g.Nodes {
		by[n.Fate] = append(by[n.Fate], n)
	}
	t.line("%s: %d fail, %d fall with them, %d do not come back, %d survive",
		g.Scenario, len(by[FateFailed]), len(by[FateFalls]), len(by[FateStuck]), g.Survive)
	names := func(ns []GraphNode) string {
		var out []string
		for _, n := range ns {
			out = append(out, n.ID)
		}
		return strings.Join(out, ", ")
	}
	for _, f := range []string{FateFailed, FateFalls, FateStuck} {
		if len(by[f]) > 0 {
			t.line("%-8s %s", f+":", names(by[f]))
		}
	}
	back := slices.DeleteFunc(slices.Clone(g.Nodes), func(n GraphNode) bool { return n.Returns == nil })
	slices.SortStableFunc(back, func(a, b GraphNode) int { return cmp.Compare(a.Returns.Hi, b.Returns.Hi) })
	for i, n := range back {
		if i == maxLines-8 {
			t.line("… and %d more return", len(back)-i)
			break
		}
		t.line("  returns %-14s %s", *n.Returns, n.ID)
	}
	return t.String()
}

// Mermaid draws an arrow from each node to what it needs.
func (g *Graph) Mermaid() string { return g.diagram().mermaid() }

// DOT draws the same as Mermaid.
func (g *Graph) DOT() string { return g.diagram().dot() }

func (g *Graph) diagram() *diagram {
	d := &diagram{title: g.Scenario}
	for _, n := range g.Nodes {
		label := n.ID
		if n.Returns != nil {
			label += fmt.Sprintf("\nreturns %s", *n.Returns)
		}
		d.boxes = append(d.boxes, box{n.ID, label, "", n.Fate})
	}
	for _, e := range g.Edges {
		d.lines = append(d.lines, arrow{e.From, e.To, e.Set})
	}
	return d
}
