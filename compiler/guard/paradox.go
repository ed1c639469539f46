package guard

import (
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/plans"
)

// paradox is why something does not come back, and every place where the same
// reason shows. Cycle is empty for a lost leaf.
type paradox struct {
	Scenario disaster `json:"scenario"`
	Target   string   `json:"target"`
	Path     []edge   `json:"path"`  // from the target to where it ends
	Cycle    []edge   `json:"cycle"` // the needs that wait for each other
	Leaf     *leaf    `json:"leaf"`
	// Fallen are the members that the scenario takes by itself.
	Fallen []string `json:"fallen"`
	Breaks []way    `json:"breaks"`
	// Also are further scenarios, and Stuck further nodes, with this reason.
	Also  []string `json:"also"`
	Stuck []string `json:"stuck"`
}

// leaf is what nothing brings back.
type leaf struct {
	Node string `json:"node"`
	// Kind is a node kind; for a point "backup" or "copy", for an external its
	// kind in the spec, "domain" for a failed domain.
	Kind string `json:"kind"`
	At   places `json:"at"`
	// Tried are the procedures that restore it, and why each does not apply.
	Tried []tried `json:"tried"`
}

type tried struct {
	Procedure string `json:"procedure"`
	Why       string `json:"why"` // "mode", "into" or "source"
	What      string `json:"what"`
	At        places `json:"at"`
}

// way is one way out: all of it together is enough, and no part of it is.
type way struct {
	Edges    []edge   `json:"edges"`
	Replicas []string `json:"replicas"`
	Smallest bool     `json:"smallest"`
}

// paradoxes is `paradoxes`, one for each root in the most telling scenario,
// and `recoveries`, how many returns were judged.
func (s *session) paradoxes() map[string]any {
	found, judged := []*paradox{}, 0
	if p := s.in.Plan; p != nil {
		byRoot := map[string]*paradox{}
		for _, rec := range byPriority(p) {
			ws, n := unrecoverable(rec)
			judged += n
			for _, w := range ws {
				x := byRoot[root(w.Witness)]
				if x == nil {
					x = s.paradox(rec, w.Witness)
					byRoot[root(w.Witness)] = x
					found = append(found, x)
				}
				x.join(rec.Scenario.ID, w.Target)
				for _, t := range w.follow {
					x.join(rec.Scenario.ID, t)
				}
			}
		}
	}
	return map[string]any{"recoveries": judged, "paradoxes": found}
}

// stuck is a witness with the targets that would return if its own did.
type stuck struct {
	*plans.Witness
	follow []string
}

// unrecoverable lists the witnesses that fail something: a cell that is
// unrecoverable, or, where a cluster comes up from nothing, anything of it.
// It also returns how many returns the scenario asks for.
func unrecoverable(rec *plans.Recovery) (out []*stuck, judged int) {
	cells := make(map[string]plans.Verdict, len(rec.Cells))
	for _, c := range rec.Cells {
		cells[c.Node] = c.Verdict
		if c.Verdict != plans.AcceptedV {
			judged++
		}
	}
	if rec.Scenario.Class != "" {
		judged = max(judged, len(rec.Fails))
	}
	for i := range rec.Witnesses {
		w := &rec.Witnesses[i]
		v, ok := cells[w.Target]
		if v == plans.Unrecoverable || !ok && rec.Scenario.Class != "" {
			out = append(out, &stuck{Witness: w})
		}
	}
	return consequences(out), judged
}

// consequences folds a target that a copy of another target would bring back
// into that one: a service is down because its store is, and saying so twice
// hides which of the two to mend.
func consequences(ws []*stuck) []*stuck {
	byTarget := make(map[string]*stuck, len(ws))
	for _, w := range ws {
		byTarget[w.Target] = w
	}
	var out []*stuck
	for _, w := range ws {
		if cause := causeOf(w.Witness, byTarget); cause != nil && causeOf(cause.Witness, byTarget) == nil {
			cause.follow = append(cause.follow, w.Target)
			continue
		}
		out = append(out, w)
	}
	return out
}

func causeOf(w *plans.Witness, byTarget map[string]*stuck) *stuck {
	if w.Cycle == 0 {
		return nil // a member of the circle is its own cause
	}
	for _, b := range w.Breaks {
		if len(b.Edges) > 0 || len(b.Replicas) != 1 || b.Replicas[0] == w.Target {
			continue
		}
		if c := byTarget[b.Replicas[0]]; c != nil {
			return c
		}
	}
	return nil
}

// root names what a witness ends in, wherever it begins.
func root(w *plans.Witness) string {
	if w.Cycle < 0 {
		return "leaf\x00" + w.Leaf
	}
	var members []string
	for _, e := range w.Path[w.Cycle:] {
		members = append(members, e.From)
	}
	slices.Sort(members)
	return "cycle\x00" + strings.Join(members, "\x00")
}

func (p *paradox) join(scenario, target string) {
	if scenario != p.Scenario.ID && !slices.Contains(p.Also, scenario) {
		p.Also = append(p.Also, scenario)
	}
	if target != p.Target && !slices.Contains(p.Stuck, target) {
		p.Stuck = append(p.Stuck, target)
	}
}

func (s *session) paradox(rec *plans.Recovery, w *plans.Witness) *paradox {
	p := &paradox{
		Scenario: newDisaster(&rec.Scenario), Target: w.Target, Path: s.edges(w.Path), Cycle: []edge{},
		Fallen: []string{}, Breaks: []way{}, Also: []string{}, Stuck: []string{},
	}
	members := []string{w.Leaf}
	if w.Cycle >= 0 {
		p.Path, p.Cycle = p.Path[:w.Cycle], p.Path[w.Cycle:]
		members = members[:0]
		for _, e := range p.Cycle {
			members = append(members, e.From)
		}
	} else {
		p.Leaf = s.leaf(rec, w.Leaf)
	}
	for _, m := range members {
		if slices.Contains(rec.Fails, m) {
			p.Fallen = append(p.Fallen, m)
		}
	}
	p.Breaks = s.ways(w, members)
	return p
}

// ways are the ways out, those that change one thing only where there are any,
// and those that mend the root before those that mend what leads to it.
func (s *session) ways(w *plans.Witness, members []string) []way {
	out := []way{}
	for _, b := range w.Breaks {
		if s.sensible(b) {
			out = append(out, way{s.edges(b.Edges), append([]string{}, b.Replicas...), b.Smallest})
		}
	}
	if size := func(b way) int { return len(b.Edges) + len(b.Replicas) }; slices.ContainsFunc(out, func(b way) bool { return size(b) == 1 }) {
		out = slices.DeleteFunc(out, func(b way) bool { return size(b) > 1 })
	}
	rank := func(b way) int {
		if slices.ContainsFunc(b.Replicas, func(id string) bool { return slices.Contains(members, id) }) {
			return 0
		}
		if slices.ContainsFunc(b.Edges, func(e edge) bool { return slices.Contains(members, e.To) }) {
			return 1
		}
		return 2
	}
	slices.SortStableFunc(out, func(a, b way) int { return rank(a) - rank(b) })
	return out
}

// sensible leaves out ways that nobody can take: a second copy of a cluster's
// own machines, or of a part of a component.
func (s *session) sensible(b plans.Break) bool {
	return !slices.ContainsFunc(b.Replicas, func(id string) bool {
		n := s.nodes()[id]
		if n == nil {
			return true
		}
		switch n.Kind {
		case plans.KindMachines, plans.KindEtcd, plans.KindAPI, plans.KindPart, plans.KindTeam:
			return true
		}
		return false
	})
}

func (s *session) leaf(rec *plans.Recovery, id string) *leaf {
	l := &leaf{Node: id, Kind: "node", At: places{}, Tried: []tried{}}
	if strings.HasPrefix(id, "domain:") {
		l.Kind = "domain"
	}
	if n := s.nodes()[id]; n != nil {
		l.Kind, l.At = s.kind(n), declared(n.At)
	}
	m := s.in.Fleet.Model
	for i := range m.Procedures {
		if p := &m.Procedures[i]; slices.Contains(p.Restores, id) && !p.Derived {
			why, what := s.inapplicable(rec, p, id)
			l.Tried = append(l.Tried, tried{p.ID, why, what, declared(p.At)})
		}
	}
	return l
}

// kind names a node as its owner would.
func (s *session) kind(n *plans.Node) string {
	if n.Kind == plans.KindPoint {
		return s.pointKind(n.ID)
	}
	if f := s.in.Fleet.Units.Fleet; f != nil && n.Kind == plans.KindExternal {
		if k := f.Spec.Externals[n.ID].Kind; k != "" && k != "other" {
			return k
		}
	}
	return string(n.Kind)
}

func (s *session) pointKind(id string) string {
	store, _, _ := strings.Cut(id, "/")
	if n := s.nodes()[store]; n != nil && n.Data != nil {
		for _, p := range n.Data.Points {
			if p.Node == id && p.Copy {
				return "copy"
			}
		}
	}
	return "backup"
}

// inapplicable says why a procedure does not bring a node back in a scenario.
func (s *session) inapplicable(rec *plans.Recovery, p *plans.Procedure, id string) (why, what string) {
	if len(p.Modes) > 0 && !slices.Contains(p.Modes, rec.Scenario.Mode) {
		modes := make([]string, len(p.Modes))
		for i, m := range p.Modes {
			modes[i] = string(m)
		}
		return "mode", strings.Join(modes, ", ")
	}
	for i := range p.Steps {
		st := &p.Steps[i]
		if st.From != "" && slices.Contains(rec.Down, st.From) {
			return "source", st.From
		}
	}
	return "into", strings.Join(p.Into, ", ")
}
