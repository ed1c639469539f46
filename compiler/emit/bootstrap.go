package emit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/emit/runbook"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/plans"
)

// bootstrap is what a person follows when the cluster does not exist and
// nothing may be assumed but a shell, the bundle and the public key.
func (l *library) bootstrap(c *ir.Linked, o *order) Page {
	cell := decidingCell(o.recovery)
	st := l.stepper(o.recovery.Waves, chain(o.recovery))
	s := c.Unit.Spec
	rb := &runbook.Runbook{
		Path: "runbooks/bootstrap", Kind: "Bootstrap runbook", Title: c.Name, Subtitle: "from nothing",
		Lead:  runbook.T(fmt.Sprintf("%s of %s in %s.", count(len(c.Parts), "part"), count(len(s.Components), "component"), count(len(o.recovery.Waves), "wave"))),
		Tiles: bootTiles(c, o),
	}
	if cell != nil {
		rb.Verdict = verdict(cell.Verdict)
	}
	row := func(label string, value runbook.Text) {
		if value.String() != "" {
			rb.Facts = append(rb.Facts, runbook.Fact{Label: label, Value: value})
		}
	}
	row("Kubernetes", runbook.T(strings.TrimSpace(s.Kubernetes+" "+s.Distribution)))
	row("Environment", runbook.T(s.Environment))
	row("Owner", l.contact(s.Owner))
	if s.Placement != nil {
		row("Placement", runbook.T(placement(s.Placement)))
	}
	row("Control plane", runbook.T(controlPlane(s.ControlPlane)))
	row("Delivery", runbook.T(delivery(s.Delivery)))
	row("By hand", runbook.T(strings.Join(c.Seed, ", ")))
	for _, sec := range []runbook.Section{
		l.unpack(c), bootOrder(c, st), {ID: "steps", Title: "Steps", Blocks: st.blocks}, waits(c, o), standsWhen(c), undoAll(c, o), proves(o.recovery), slowest(o.recovery, st), bootUnknown(o.recovery, st),
	} {
		if len(sec.Blocks) > 0 {
			rb.Sections = append(rb.Sections, sec)
		}
	}
	p := Page{Runbook: rb, Scenario: o.recovery.Scenario.ID, Cluster: c.Name}
	if cell != nil {
		p.Verdict = cell.Verdict
	}
	return p
}

// decidingCell is the worst verdict of a bootstrap: its badge.
func decidingCell(r *plans.Recovery) *plans.Cell {
	rank := []plans.Verdict{plans.Unrecoverable, plans.Violated, plans.UnknownV, plans.AcceptedV, plans.Proven}
	var worst *plans.Cell
	for _, c := range r.Cells {
		if c.Verdict == plans.Unaffected || c.Class == "" {
			continue
		}
		if worst == nil || slices.Index(rank, c.Verdict) < slices.Index(rank, worst.Verdict) {
			worst = c
		}
	}
	return worst
}

// bootTiles says how long it takes, and says when part of it is not known
// rather than print a number that looks like a promise (D7).
func bootTiles(c *ir.Linked, o *order) []runbook.Tile {
	unknown, manual, steps, measured := 0, 0, 0, 0
	for _, w := range o.recovery.Waves {
		for _, s := range w.Steps {
			steps++
			if !s.Known {
				unknown++
			}
			if s.Manual {
				manual++
			}
			if s.Measured != nil {
				measured++
			}
		}
	}
	t := runbook.Tile{Label: "Takes", Value: span(o.recovery.Makespan), Note: "estimated"}
	switch {
	case unknown > 0:
		t.Value, t.Tone = "at least "+short(o.recovery.Makespan.Lo), runbook.Care
		t.Note = fmt.Sprintf("estimated; %s with no declared duration", count(unknown, "part"))
	case measured > 0:
		t.Note = fmt.Sprintf("%d of %d durations measured, the rest estimated", measured, steps)
	}
	hand := runbook.Tile{Label: "By people", Value: fmt.Sprintf("%d of %s", manual, count(steps, "action")), Note: "the rest is automation"}
	if c.Unit.Spec.Delivery == nil {
		hand.Note = "no engine is declared"
	}
	return []runbook.Tile{t, hand}
}

// chain follows the latest predecessors back from the step that ends last.
func chain(r *plans.Recovery) []string {
	by := map[string]*plans.PlannedStep{}
	var last *plans.PlannedStep
	for w := range r.Waves {
		for i := range r.Waves[w].Steps {
			s := &r.Waves[w].Steps[i]
			by[s.ID] = s
			for _, n := range s.Restores {
				if by[n] == nil || s.End.Hi > by[n].End.Hi {
					by[n] = s
				}
			}
			if last == nil || s.End.Hi > last.End.Hi {
				last = s
			}
		}
	}
	var out []string
	for seen := map[string]bool{}; last != nil && !seen[last.ID]; {
		seen[last.ID] = true
		out = append(out, last.ID)
		var prev *plans.PlannedStep
		for _, e := range last.Because {
			if p := by[e.To]; p != nil && (prev == nil || p.End.Hi > prev.End.Hi) {
				prev = p
			}
		}
		last = prev
	}
	slices.Reverse(out)
	return out
}

func (l *library) unpack(c *ir.Linked) runbook.Section {
	sec := runbook.Section{ID: "before", Title: "Before you start"}
	sec.Add(
		runbook.Block{Text: runbook.Join(runbook.T("Verify the bundle. "), runbook.B("Stop if this fails."))},
		runbook.Block{Command: &runbook.Command{Run: fmt.Sprintf("darkstart verify OCI_LAYOUT --artifact %s --key release.pub", c.Name)}},
		runbook.Block{Text: runbook.T("Unpack it and stand in the unpacked folder: every command below is relative to it.")},
		runbook.Block{Command: &runbook.Command{Run: fmt.Sprintf("darkstart inspect %s --layout OCI_LAYOUT --extract %s && cd %s", c.Name, c.Name, c.Name)}},
	)
	if d := c.Unit.Spec.Delivery; d != nil && d.By != "" {
		t := runbook.Join(runbook.T("Who acts: "), l.contact(d.By))
		if team, ok := l.team(d.By); ok && len(team.Escalation) > 0 {
			t = runbook.Join(t, runbook.T("; escalates to "+strings.Join(team.Escalation, ", then ")))
		}
		sec.Add(runbook.Block{Text: t})
	}
	return sec
}

func bootOrder(c *ir.Linked, st *stepper) runbook.Section {
	d := st.diagram
	d.Title = "The order in which " + c.Name + " starts"
	d.Desc = describe(&d)
	return runbook.Section{ID: "order", Title: "The plan", Blocks: []runbook.Block{{Text: clockNote}, {Diagram: &d}}}
}

// waits is where a release stops for a human: who lets it go on, and how.
func waits(c *ir.Linked, o *order) runbook.Section {
	sec := runbook.Section{ID: "approvals", Title: "Where a release waits"}
	for _, s := range stops(c, o) {
		var parts []string
		for _, p := range s.parts {
			parts = append(parts, p.ID())
		}
		sec.Add(
			runbook.Block{Text: runbook.Join(runbook.T(fmt.Sprintf("Phase %s waits until ", s.phase)), runbook.B(s.approval.Role), runbook.T(" approves. Behind it: "+
				strings.Join(parts, ", ")+", and all that comes later. In the fleet's repository:"))},
			runbook.Block{Command: &runbook.Command{Run: fmt.Sprintf("darkstart promote --to %s --approve && git commit -m 'approve phase %s' deploy && git push", c.Name, s.phase)}},
		)
		if kind := c.Unit.Spec.Delivery.Kind; kind != "argocd" {
			for _, p := range s.parts {
				sec.Add(runbook.Block{Command: &runbook.Command{
					Where: "at once, with Flux, until the files are applied again",
					Run:   fmt.Sprintf("flux resume kustomization %s -n %s", kustomizationName(c, fluxName(p)), fluxNamespace),
				}})
			}
		}
		if kind := c.Unit.Spec.Delivery.Kind; kind != "flux" {
			sec.Add(runbook.Block{Command: &runbook.Command{Where: "once, with Argo CD", Run: fmt.Sprintf("argocd app sync %s --prune", c.Name)}})
		}
	}
	return sec
}

func standsWhen(c *ir.Linked) runbook.Section {
	return runbook.Section{ID: "up", Title: "When it is up", Blocks: []runbook.Block{
		{Text: runbook.T("This prints no Pod:")},
		{Command: &runbook.Command{Where: "in " + c.Name, Run: fmt.Sprintf("kubectl --context %s get pods -A --field-selector=status.phase!=Running,status.phase!=Succeeded", c.Name)}},
	}}
}

// undoAll is the reverse plan, one row a wave.
func undoAll(c *ir.Linked, o *order) runbook.Section {
	sec := runbook.Section{ID: "failback", Title: "Going back"}
	sec.Add(runbook.Block{Text: runbook.T("Undo in the reverse order. What holds data or definitions stays:")})
	t := &runbook.Table{Head: []string{"Part", "Sync wave", "How"}}
	for _, w := range slices.Backward(o.waves) {
		for _, part := range w.parts {
			t.Rows = append(t.Rows, []runbook.Text{runbook.C(part.ID()), runbook.T(fmt.Sprint(w.number)), runbook.T(undo(c, part))})
		}
	}
	sec.Add(runbook.Block{Table: t})
	return sec
}

// proves lists the objectives that this bootstrap was judged by.
func proves(r *plans.Recovery) runbook.Section {
	sec := runbook.Section{ID: "proves", Title: "What the plan was held to"}
	t := &runbook.Table{Head: []string{"Target", "Verdict", "Back after", "RTO", "Data lost", "RPO"}}
	for _, c := range r.Cells {
		if c.Verdict == plans.Unaffected {
			continue
		}
		row := []runbook.Text{runbook.C(c.Node), runbook.T(string(c.Verdict)), runbook.T(span(plans.Interval{Lo: c.LB, Hi: c.UB}) + " (" + cmp.Or(map[bool]string{true: "estimated"}[c.Estimated], "measured") + ")"), nil, nil, nil}
		if c.RTO != nil {
			row[3] = runbook.T(short(*c.RTO))
		}
		if c.Loss != nil {
			row[4] = runbook.T(span(*c.Loss))
		}
		if c.RPO != nil {
			row[5] = runbook.T(short(*c.RPO))
		}
		t.Rows = append(t.Rows, row)
	}
	if t.Rows != nil {
		sec.Add(runbook.Block{Table: t})
	}
	return sec
}

// slowest is the critical path of the whole bootstrap.
func slowest(r *plans.Recovery, st *stepper) runbook.Section {
	sec := runbook.Section{ID: "time", Title: "Where the time goes"}
	t := &runbook.Table{Head: []string{"What", "Takes", "Done by"}}
	for _, id := range chain(r) {
		s := r.Step(id)
		if s.Duration.Hi == 0 && s.Known {
			continue
		}
		a := st.anchors[id]
		t.Rows = append(t.Rows, []runbook.Text{
			runbook.Join(runbook.L("Step "+strings.TrimPrefix(a, "step-"), "#"+a), runbook.T(": "), runbook.C(strings.TrimPrefix(id, r.Scenario.ID+"/"))),
			runbook.T(duration(s.Duration, s.Known, s.Measured)), runbook.T(short(s.End.Hi)),
		})
	}
	if t.Rows != nil {
		sec.Add(runbook.Block{Table: t})
	}
	return sec
}

func bootUnknown(r *plans.Recovery, st *stepper) runbook.Section {
	list := slices.Clone(st.gaps)
	for _, id := range r.Empty {
		list = append(list, runbook.Join(runbook.C(id), runbook.T(" starts empty: no recovery point was named")))
	}
	if list == nil {
		list = []runbook.Text{runbook.T("Nothing: every part, role and time of this page was declared.")}
	}
	return runbook.Section{ID: "unknown", Title: "What is not known", Blocks: []runbook.Block{{List: list}}}
}
