package guard

import (
	"cmp"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/plans"
)

// This file is what rules see of a plan. A plan of a large fleet is megabytes,
// nearly all of it about what comes back in time; rules get the rest: the
// paradoxes, the cells that nobody settled, and the defects. Positions, which
// plan.json leaves out, are put back.

// edge is plans.Edge with the places a reader is sent to. Every edge has one
// where anything of it was declared at all.
type edge struct {
	From   string          `json:"from"`
	To     string          `json:"to"`
	Set    string          `json:"set"`
	Reason string          `json:"reason"`
	At     []diag.Position `json:"at"`
}

// disaster is a scenario as rules print it.
type disaster struct {
	ID      string   `json:"id"`
	Mode    string   `json:"mode"`
	Class   string   `json:"class"` // "bootstrap", "darkstart" or ""
	Cluster string   `json:"cluster"`
	Removes []string `json:"removes"` // failed domains and nodes, none for a bootstrap
	Domains bool     `json:"domains"` // whether any of them is a domain
	At      places   `json:"at"`
}

type places = []diag.Position

func (s *session) edges(es []plans.Edge) []edge {
	out := make([]edge, 0, len(es))
	for _, e := range es {
		x := edge{From: e.From, To: e.To, Set: e.Set, At: places{}}
		if e.Why != nil {
			x.Reason, x.At = e.Why.Reason, append(x.At, e.Why.At...)
		}
		if n := s.nodes()[e.From]; len(x.At) == 0 && n != nil {
			x.At = declared(n.At)
		}
		out = append(out, x)
	}
	return out
}

// declared is the one place that a reader should look at: positions are most
// specific first.
func declared(at places) places { return append(places{}, at[:min(1, len(at))]...) }

// nodes indexes the fleet graph by id.
func (s *session) nodes() map[string]*plans.Node {
	s.index.Do(func() {
		s.byID = map[string]*plans.Node{}
		if m := s.in.Fleet.Model; m != nil {
			for i := range m.Nodes {
				s.byID[m.Nodes[i].ID] = &m.Nodes[i]
			}
		}
	})
	return s.byID
}

func newDisaster(sc *plans.Scenario) disaster {
	d := disaster{
		ID: sc.ID, Mode: string(sc.Mode), Class: sc.Class, Domains: len(sc.Domains) > 0,
		Removes: slices.Clone(sc.Domains), At: append(places{}, sc.At...),
	}
	if sc.Class == "bootstrap" {
		_, d.Cluster, _ = strings.Cut(sc.ID, "/")
	}
	if sc.Class == "" {
		d.Removes = append(d.Removes, sc.Nodes...)
	}
	if d.Removes == nil {
		d.Removes = []string{}
	}
	return d
}

// priority orders scenarios by how much their name tells: what somebody wrote
// down, then what `assume` generated, then a bootstrap, then all of them.
func priority(sc *plans.Scenario) int {
	switch {
	case sc.Class == "" && !sc.Generated:
		return 0
	case sc.Class == "":
		return 1
	case sc.Class == "bootstrap":
		return 2
	}
	return 3
}

// byPriority returns the solved scenarios, the most telling first.
func byPriority(p *plans.Plan) []*plans.Recovery {
	out := make([]*plans.Recovery, 0, len(p.Scenarios))
	for i := range p.Scenarios {
		out = append(out, &p.Scenarios[i])
	}
	slices.SortStableFunc(out, func(a, b *plans.Recovery) int {
		return cmp.Or(priority(&a.Scenario)-priority(&b.Scenario), cmp.Compare(a.Scenario.ID, b.Scenario.ID))
	})
	return out
}

// defect is one class of defect and what it is about, over all the scenarios
// in which it was found.
type defect struct {
	Rule       string   `json:"rule"`
	Class      string   `json:"class"`
	Nodes      []string `json:"nodes"`
	Message    string   `json:"message"`
	Scenarios  []string `json:"scenarios"`
	At         places   `json:"at"`
	Edges      []edge   `json:"edges"`
	ValidUntil string   `json:"validUntil,omitempty"`
	// Judged says that it is about something with an objective; Declared that a
	// scenario shows it which is no start from nothing.
	Judged   bool `json:"judged"`
	Declared bool `json:"declared"`
	// Timed defects depend on now: something is too old.
	Timed bool `json:"timed"`
}

// defects are the plan's findings that are no notes: `defects[rule]`, each
// defect once however many scenarios show it, and `solved`, how many scenarios
// were looked at.
func (s *session) defects() map[string]any {
	byRule, solved := map[string][]*defect{}, 0
	if p := s.in.Plan; p != nil {
		solved = len(p.Scenarios)
		byRule = s.joinDefects(p)
	}
	return map[string]any{"solved": solved, "defects": byRule}
}

func (s *session) joinDefects(p *plans.Plan) map[string][]*defect {
	out, seen, builtin := map[string][]*defect{}, map[string]*defect{}, map[string]bool{}
	for i := range p.Scenarios {
		builtin[p.Scenarios[i].Scenario.ID] = p.Scenarios[i].Scenario.Class != ""
	}
	for i := range p.Findings {
		f := &p.Findings[i]
		if f.Note || f.Rule == "" {
			continue
		}
		key := strings.Join(append([]string{f.Class, f.Message}, f.Nodes...), "\x00")
		x := seen[key]
		if x == nil {
			x = &defect{
				Rule: f.Rule, Class: f.Class, Nodes: append([]string{}, f.Nodes...), Message: f.Message,
				Scenarios: []string{}, At: append(places{}, f.At...), Edges: s.edges(f.Edges), ValidUntil: f.ValidUntil, Timed: f.Timed,
			}
			x.Judged = slices.ContainsFunc(f.Nodes, func(id string) bool { n := s.nodes()[id]; return n != nil && len(n.Objectives) > 0 })
			seen[key] = x
			out[f.Rule] = append(out[f.Rule], x)
		}
		if f.Scenario != "" {
			x.Scenarios = append(x.Scenarios, f.Scenario)
			x.Declared = x.Declared || !builtin[f.Scenario]
		}
	}
	return out
}

// losses are the scenarios, starts from nothing apart, that take each credential
// below what it needs: `losses[credential]`.
func (s *session) losses() map[string]any {
	out := map[string][]string{}
	if p := s.in.Plan; p != nil {
		for _, rec := range byPriority(p) {
			if rec.Scenario.Class != "" {
				continue
			}
			for _, id := range rec.Fails {
				if n := s.nodes()[id]; n != nil && n.Kind == plans.KindCredential {
					out[id] = append(out[id], rec.Scenario.ID)
				}
			}
		}
	}
	return map[string]any{"losses": out}
}
