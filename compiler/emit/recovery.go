package emit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/emit/runbook"
	"github.com/darkstart-dev/darkstart/plans"
)

// scene is one scenario of the plan, indexed: many runbooks are about it.
type scene struct {
	*library
	r       *plans.Recovery
	awaited *plans.Awaited
	down    map[string]bool
	stuck   map[string]bool
	falls   []runbook.Block // the same for every target
}

// recoveries compiles one runbook for each scenario and each target that it
// takes down. Bootstraps have a page of their own in the cluster's artifact.
func (l *library) recoveries(yield func(*Page)) {
	for i := range l.p.Scenarios {
		r := &l.p.Scenarios[i]
		if r.Scenario.Class == "bootstrap" {
			continue
		}
		var s *scene
		for _, c := range r.Cells {
			if c.Verdict == plans.Unaffected {
				continue
			}
			if s == nil {
				s = l.scene(r)
			}
			p := s.recovery(c)
			yield(&p)
		}
	}
}

func (l *library) scene(r *plans.Recovery) *scene {
	s := &scene{library: l, r: r, awaited: plans.NewAwaited(l.nodes, r), down: map[string]bool{}, stuck: map[string]bool{}}
	for _, n := range r.Down {
		s.down[n] = true
	}
	for _, n := range r.Stuck {
		s.stuck[n] = true
	}
	s.falls = s.whatFalls()
	return s
}

// account is the compilation of one recovery runbook.
type account struct {
	*scene
	c     *plans.Cell
	node  *plans.Node
	waves []plans.Wave
	st    *stepper
	procs []*plans.Procedure // declared ones in the plan, in order
}

func (s *scene) recovery(c *plans.Cell) Page {
	a := &account{scene: s, c: c, node: s.nodes[c.Node]}
	if a.node == nil {
		a.node = &plans.Node{ID: c.Node}
	}
	if !s.stuck[c.Node] {
		a.waves, _ = s.awaited.Waves(c.Node)
	}
	a.st = s.stepper(a.waves, c.Critical)
	seen := map[string]bool{}
	for _, w := range a.waves {
		for _, p := range w.Steps {
			if proc := s.procs[p.Procedure]; proc != nil && !proc.Derived && !seen[p.Procedure] {
				seen[p.Procedure] = true
				a.procs = append(a.procs, proc)
			}
		}
	}
	rb := &runbook.Runbook{
		Path: runbookPath(s.r.Scenario.ID, c.Node), Kind: "Recovery runbook", Title: c.Node, Subtitle: "after " + s.r.Scenario.ID,
		Verdict: verdict(c.Verdict), Lead: a.lead(), Tiles: a.tiles(), Facts: a.facts(),
	}
	for _, sec := range []runbook.Section{
		a.detection(), a.people(), a.before(), a.order(), a.todo(), a.failing(), a.failback(), a.timing(), a.unknowns(),
	} {
		if len(sec.Blocks) > 0 {
			rb.Sections = append(rb.Sections, sec)
		}
	}
	return Page{Runbook: rb, Scenario: s.r.Scenario.ID, Target: c.Node, Verdict: c.Verdict}
}

// verdict gives the badge its colour.
func verdict(v plans.Verdict) runbook.Verdict {
	tone := map[plans.Verdict]runbook.Tone{
		plans.Proven: runbook.Good, plans.Violated: runbook.Bad, plans.Unrecoverable: runbook.Bad,
		plans.UnknownV: runbook.Care, plans.AcceptedV: runbook.Care,
	}[v]
	return runbook.Verdict{Word: string(v), Tone: tone}
}

func (s *scene) disaster() runbook.Text {
	var what []runbook.Text
	for _, d := range s.r.Scenario.Domains {
		words := runbook.C(d)
		if x := s.domains[d]; x != nil {
			words = runbook.Join(runbook.T(string(x.Kind)+" "), words)
		}
		what = append(what, words)
	}
	if len(s.r.Scenario.Nodes) <= 8 {
		for _, n := range s.r.Scenario.Nodes {
			what = append(what, runbook.C(n))
		}
	} else {
		what = append(what, runbook.T(count(len(s.r.Scenario.Nodes), "node")))
	}
	out := runbook.Join(runbook.List(what...), runbook.T(": "+modes[s.r.Scenario.Mode]))
	if s.r.Scenario.Class == "darkstart" {
		out = runbook.T("every cluster at once: " + modes[s.r.Scenario.Mode])
	}
	if d := s.r.Scenario.During; d != "" {
		out = runbook.Join(out, runbook.T(", during "), runbook.C(d))
	}
	return out
}

func (a *account) detection() runbook.Section {
	sec := runbook.Section{ID: "detect", Title: "How you know"}
	var alerts []string
	var rows [][]runbook.Text
	for _, p := range a.procs {
		alerts = append(alerts, p.Alerts...)
		rows = append(rows, []runbook.Text{runbook.C(p.ID), runbook.Codes(p.Alerts), runbook.T(duration(p.Detect, p.Detect.Hi > 0, nil))})
	}
	if u := a.f.Units.Fleet; u != nil {
		if own := u.Spec.Services[a.c.Node].Alerts; len(own) > 0 && !slices.Equal(own, alerts) {
			rows = append(rows, []runbook.Text{runbook.C(a.c.Node), runbook.Codes(own), nil})
		}
	}
	if len(rows) > 0 {
		sec.Add(runbook.Block{Table: &runbook.Table{Head: []string{"For", "Alerts", "Seen within"}, Rows: rows}})
	}
	if eyes := leaves(a.node.Requires.Observe); len(eyes) > 0 {
		sec.Add(runbook.Block{List: a.standings(eyes, "Seen through ")})
	}
	return sec
}

// standings says of each node whether the disaster takes it.
func (a *account) standings(ids []string, words string) []runbook.Text {
	out := make([]runbook.Text, 0, len(ids))
	for _, id := range ids {
		out = append(out, runbook.Join(runbook.T(words), runbook.C(id), runbook.T(": "), a.standing(id)))
	}
	return out
}

func (a *account) standing(id string) runbook.Text {
	switch anchor := a.st.anchors[id]; {
	case !a.down[id]:
		return runbook.T("stands")
	case a.stuck[id]:
		return runbook.B("falls and does not come back")
	case anchor != "":
		return runbook.Join(runbook.B("falls"), runbook.T(", back with "), runbook.L("step "+strings.TrimPrefix(anchor, "step-"), "#"+anchor))
	}
	return runbook.Join(runbook.B("falls"), runbook.T(" and returns with what it runs on"))
}

// people lists who decides, approves and acts, and how to reach them.
func (a *account) people() runbook.Section {
	sec := runbook.Section{ID: "people", Title: "Who decides and who acts"}
	roles, order := map[string][]string{}, []string{}
	add := func(role, does string) {
		if role == "" {
			return
		}
		if roles[role] == nil {
			order = append(order, role)
		}
		if !slices.Contains(roles[role], does) {
			roles[role] = append(roles[role], does)
		}
	}
	for _, w := range a.waves {
		for _, s := range w.Steps {
			if s.Approval != nil {
				add(s.Approval.Role, "approves")
			}
			add(s.By, "acts")
		}
	}
	add(a.node.Owner, "owns "+a.c.Node)
	var rows [][]runbook.Text
	for _, r := range order {
		rows = append(rows, a.person(r, roles[r]))
	}
	if rows != nil {
		sec.Add(runbook.Block{Table: &runbook.Table{Head: []string{"Role", "Does", "May decide", "Reach", "Then"}, Rows: rows}})
	}
	return sec
}

func (a *account) person(role string, does []string) []runbook.Text {
	row := []runbook.Text{runbook.B(role), runbook.T(strings.Join(does, ", ")), nil, runbook.T("not declared"), nil}
	t, ok := a.team(role)
	if !ok {
		a.st.gaps = append(a.st.gaps, runbook.Join(runbook.C(role), runbook.T(" is no declared team: nobody says how to reach it")))
		return row
	}
	row[2] = runbook.T(strings.Join(t.Decides, ", "))
	if t.Contact != "" {
		row[3] = runbook.T(t.Contact)
	} else {
		a.st.gaps = append(a.st.gaps, runbook.Join(runbook.C(role), runbook.T(" declares no contact")))
	}
	row[3] = append(row[3], runbook.T(", answers in "+duration(t.Respond, t.Respond.Hi > 0, nil))...)
	row[4] = runbook.T(strings.Join(t.Escalation, ", then "))
	if len(t.Escalation) == 0 {
		row[4] = runbook.T("nobody: the last to escalate to")
	}
	return row
}

// before lists what people must have in their hands, and whether it stands.
func (a *account) before() runbook.Section {
	sec := runbook.Section{ID: "before", Title: "What you need at hand"}
	needs := map[string]bool{}
	for _, w := range a.waves {
		for _, s := range w.Steps {
			if src := a.steps[s.ID]; src != nil && a.f.Cluster(strings.TrimPrefix(s.Procedure, "bootstrap/")) == nil {
				for _, n := range leaves(src.Needs) {
					needs[n] = true
				}
			}
			if x := a.actors[s.By]; x != nil {
				for _, n := range leaves(x.Needs) {
					needs[n] = true
				}
			}
		}
	}
	var rows [][]runbook.Text
	for _, id := range slices.Sorted(maps.Keys(needs)) {
		if n := a.nodes[id]; n != nil {
			rows = append(rows, []runbook.Text{runbook.C(id), runbook.T(string(n.Kind)), runbook.T(a.places(n)), a.standing(id)})
		}
	}
	if rows != nil {
		sec.Add(runbook.Block{Table: &runbook.Table{Head: []string{"Need", "Kind", "Where", "In this disaster"}, Rows: rows}})
	}
	return sec
}

func (a *account) order() runbook.Section {
	sec := runbook.Section{ID: "order", Title: "The plan"}
	if a.st.number > 0 {
		d := a.st.diagram
		d.Title = fmt.Sprintf("The plan for %s after %s", a.c.Node, a.r.Scenario.ID)
		d.Desc = describe(&d)
		sec.Add(runbook.Block{Text: clockNote}, runbook.Block{Diagram: &d})
	}
	return sec
}

// describe reads the diagram aloud.
func describe(d *runbook.Diagram) string {
	out := make([]string, 0, len(d.Waves))
	for _, w := range d.Waves {
		titles := make([]string, 0, len(w.Boxes))
		for _, b := range w.Boxes {
			titles = append(titles, b.Title)
		}
		out = append(out, fmt.Sprintf("Wave %s: %s.", w.Label, strings.Join(titles, "; ")))
	}
	return strings.Join(out, " ")
}

func (a *account) todo() runbook.Section {
	sec := runbook.Section{ID: "steps", Title: "Steps", Blocks: a.st.blocks}
	if a.stuck[a.c.Node] {
		sec.Title = "Why it does not come back"
		for i := range a.r.Witnesses {
			if w := &a.r.Witnesses[i]; w.Target == a.c.Node {
				sec.Add(witness(w)...)
			}
		}
	}
	return sec
}

// witness prints the chain that keeps a target down, and the ways out.
func witness(w *plans.Witness) []runbook.Block {
	var list []runbook.Text
	for i, e := range w.Path {
		t := runbook.Join(runbook.C(e.From), runbook.T(" needs "), runbook.C(e.To))
		if e.Why != nil && e.Why.Reason != "" {
			t = runbook.Join(t, runbook.T(": "+e.Why.Reason))
		}
		if i == w.Cycle {
			t = runbook.Join(t, runbook.B(" (here the circle begins)"))
		}
		list = append(list, t)
	}
	if w.Leaf != "" {
		list = append(list, runbook.Join(runbook.T("nothing restores "), runbook.C(w.Leaf)))
	}
	out := []runbook.Block{{List: list}}
	for i, b := range w.Breaks {
		if i == 3 {
			break
		}
		out = append(out, runbook.Block{Text: runbook.T("A way out, in the declarations: " + b.String() + ".")})
	}
	return out
}

func (a *account) failing() runbook.Section {
	return runbook.Section{ID: "falls", Title: "What falls", Blocks: a.falls}
}

// whatFalls counts by cluster what is down, and names what stays down. Long
// lists help nobody: the plan.json beside holds all of it.
func (s *scene) whatFalls() []runbook.Block {
	byCluster, fleet := map[string][2]int{}, []string(nil)
	for _, id := range s.r.Down {
		n := s.nodes[id]
		switch {
		case n == nil || n.Kind == plans.KindPart:
		case n.Cluster == "":
			fleet = append(fleet, id)
		default:
			c := byCluster[n.Cluster]
			c[0]++
			if s.stuck[id] {
				c[1]++
			}
			byCluster[n.Cluster] = c
		}
	}
	var rows [][]runbook.Text
	for i, c := range slices.Sorted(maps.Keys(byCluster)) {
		if i == 12 {
			rows = append(rows, []runbook.Text{runbook.T(fmt.Sprintf("%d more clusters", len(byCluster)-i)), nil, nil})
			break
		}
		n := byCluster[c]
		rows = append(rows, []runbook.Text{runbook.C(c), runbook.T(count(n[0], "node")), runbook.T(backOf(n))})
	}
	var out []runbook.Block
	if rows != nil {
		out = append(out, runbook.Block{Table: &runbook.Table{Head: []string{"Cluster", "Falls", "Comes back"}, Rows: rows}})
	}
	if fleet != nil {
		var back, gone []string
		for _, id := range fleet {
			if s.stuck[id] {
				gone = append(gone, id)
			} else {
				back = append(back, id)
			}
		}
		var list []runbook.Text
		if back != nil {
			list = append(list, runbook.Join(runbook.T("Falls and comes back: "), listed(back, 10)))
		}
		if gone != nil {
			list = append(list, runbook.Join(runbook.T("Falls and stays down: "), listed(gone, 10)))
		}
		out = append(out, runbook.Block{List: list})
	}
	return out
}

func backOf(n [2]int) string {
	switch n[1] {
	case 0:
		return "all"
	case n[0]:
		return "none by this plan"
	}
	return fmt.Sprintf("all but %d", n[1])
}

// timing is the critical path as a table.
func (a *account) timing() runbook.Section {
	sec := runbook.Section{ID: "time", Title: "Where the time goes"}
	if len(a.c.Path) == 0 || a.stuck[a.c.Node] {
		return sec
	}
	sec.Add(runbook.Block{Table: criticalPath(a.c, a.st)})
	if d := a.c.Decides; d != "" {
		sec.Add(runbook.Block{Text: runbook.Join(runbook.C(d), runbook.T(" decides: shortening anything else helps less."))})
	}
	return sec
}

func criticalPath(c *plans.Cell, st *stepper) *runbook.Table {
	t := &runbook.Table{Head: []string{"What", "Who", "At most", "Source", "Done by"}}
	for _, p := range c.Path {
		what := runbook.T(p.Step)
		if anchor := st.anchors[p.Step]; anchor != "" {
			what = runbook.Join(runbook.L("Step "+strings.TrimPrefix(anchor, "step-"), "#"+anchor), runbook.T(": "), runbook.C(p.Step))
		}
		took := short(p.Duration)
		if p.Waited > 0 {
			took += ", after waiting " + short(p.Waited)
		}
		t.Rows = append(t.Rows, []runbook.Text{what, runbook.T(cmp.Or(p.By, "automation")), runbook.T(took), runbook.T(provenance(p.Known, p.Measured)), runbook.T(short(p.End))})
	}
	return t
}

// unknowns is what this page does not say, and which declaration would.
func (a *account) unknowns() runbook.Section {
	sec := runbook.Section{ID: "unknown", Title: "What is not known"}
	var list []runbook.Text
	for _, u := range a.c.Unknowns {
		t := runbook.Join(runbook.C(u.Node), runbook.T(": "+u.What))
		if u.Settle != "" {
			t = runbook.Join(t, runbook.T("; "+u.Settle+" would settle it"))
		}
		list = append(list, t)
	}
	for _, p := range a.procs {
		if a.evidence(p.ID) == "" {
			list = append(list, runbook.Join(runbook.C(p.ID), runbook.T(" has no passed drill that matches it as it is now and covers this disaster: its durations are estimates")))
		}
		if len(p.Alerts) == 0 {
			list = append(list, runbook.Join(runbook.C(p.ID), runbook.T(" names no alert that calls for it")))
		}
	}
	for _, id := range a.r.Empty {
		list = append(list, runbook.Join(runbook.C(id), runbook.T(" starts empty: no recovery point was named")))
	}
	list = append(list, a.st.gaps...)
	if list == nil {
		list = []runbook.Text{runbook.T("Nothing: every step, role and time of this page was declared.")}
	}
	sec.Add(runbook.Block{List: list})
	return sec
}
