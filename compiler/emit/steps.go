package emit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/emit/runbook"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

// stepper turns the waves of a plan into the steps of a page and its diagram.
// A step of a procedure is one step; the parts of a cluster that go in at once
// are one step too, because a person runs them with one paste or watches the
// engine do it.
type stepper struct {
	*library
	critical map[string]bool
	blocks   []runbook.Block
	diagram  runbook.Diagram
	anchors  map[string]string // what a step does or restores, to its place
	gaps     []runbook.Text    // what no declaration says
	number   int
	phases   map[string]bool // cluster/phase already begun
}

func (l *library) stepper(waves []plans.Wave, critical []string) *stepper {
	st := &stepper{library: l, critical: map[string]bool{}, anchors: map[string]string{}, phases: map[string]bool{}}
	for _, id := range critical {
		st.critical[id] = true
	}
	for _, w := range waves {
		st.wave(w)
	}
	return st
}

func (st *stepper) wave(w plans.Wave) {
	label := fmt.Sprintf("Wave %d", w.Number)
	if w.Phase != "" {
		label += " · " + w.Phase
	}
	var done plans.Interval
	for _, s := range w.Steps {
		done.Lo, done.Hi = max(done.Lo, s.End.Lo), max(done.Hi, s.End.Hi)
	}
	st.blocks = append(st.blocks, runbook.Block{Heading: label + " · " + clock(done)})
	row := runbook.DiagramWave{Label: fmt.Sprint(w.Number), Note: "by T+" + short(done.Hi)}
	for _, g := range st.groups(w.Steps) {
		step, box := st.step(g)
		st.blocks = append(st.blocks, runbook.Block{Step: step})
		row.Boxes = append(row.Boxes, box)
	}
	st.diagram.Waves = append(st.diagram.Waves, row)
}

// group is planned steps that are one step on the page.
type group struct {
	planned []*plans.PlannedStep
	linked  *ir.Linked // of parts
	parts   []*ir.Part
	hand    bool // a person applies them
}

func (st *stepper) groups(steps []plans.PlannedStep) []*group {
	var out []*group
	byCluster := map[string]*group{}
	for i := range steps {
		s := &steps[i]
		c, part := st.partOf(s)
		if part == nil {
			out = append(out, &group{planned: []*plans.PlannedStep{s}})
			continue
		}
		hand := c.Unit.Spec.Delivery == nil || slices.Contains(c.Seed, part.Phase) || s.By != ""
		key := fmt.Sprint(c.Name, " ", hand)
		g := byCluster[key]
		if g == nil {
			g = &group{linked: c, hand: hand}
			byCluster[key] = g
			out = append(out, g)
		}
		g.planned, g.parts = append(g.planned, s), append(g.parts, part)
	}
	return out
}

// partOf returns the part that a step of a derived bootstrap applies, or nil.
func (l *library) partOf(s *plans.PlannedStep) (*ir.Linked, *ir.Part) {
	cluster, ok := strings.CutPrefix(s.Procedure, "bootstrap/")
	if !ok {
		return nil, nil
	}
	c := l.f.Cluster(cluster)
	if c == nil {
		return nil, nil
	}
	for _, p := range c.Parts {
		if slices.Contains(s.Restores, p.Node) {
			return c, p
		}
	}
	return nil, nil
}

func (st *stepper) step(g *group) (*runbook.Step, runbook.Box) {
	st.number++
	s := &runbook.Step{Number: st.number, Anchor: fmt.Sprintf("step-%d", st.number)}
	after := st.after(g)
	var end, length plans.Interval
	for _, p := range g.planned {
		st.anchors[p.ID] = s.Anchor
		for _, n := range p.Restores {
			st.anchors[n] = s.Anchor
		}
		s.Critical = s.Critical || st.critical[p.ID]
		end.Lo, end.Hi = max(end.Lo, p.End.Lo), max(end.Hi, p.End.Hi)
		length.Lo, length.Hi = max(length.Lo, p.Duration.Lo), max(length.Hi, p.Duration.Hi)
	}
	if g.parts != nil {
		st.applied(s, g, length, end, after)
	} else {
		st.procedural(s, g.planned[0], after)
	}
	box := runbook.Box{Title: fmt.Sprintf("%d. %s", s.Number, s.Title), Href: "#" + s.Anchor, Critical: s.Critical, Final: s.Final, After: after}
	if p := g.planned[0]; p.By != "" && g.parts == nil {
		box.Note = p.By + " · " + span(p.Duration)
	} else {
		box.Note = span(length)
	}
	return s, box
}

// after lists the anchors of the steps that come before, each once, in order.
func (st *stepper) after(g *group) []string {
	var out []string
	for _, p := range g.planned {
		for _, e := range p.Because {
			if a := st.anchors[e.To]; a != "" {
				out = append(out, "#"+a)
			}
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(out)
}

func afterFact(after []string) runbook.Text {
	ts := make([]runbook.Text, 0, len(after))
	for _, a := range after {
		ts = append(ts, runbook.L("step "+strings.TrimPrefix(a, "#step-"), a))
	}
	return runbook.List(ts...)
}

func fact(s *runbook.Step, label string, value runbook.Text) {
	if len(value) > 0 {
		s.Facts = append(s.Facts, runbook.Fact{Label: label, Value: value})
	}
}

// procedural is a step of a declared procedure.
func (st *stepper) procedural(s *runbook.Step, p *plans.PlannedStep, after []string) {
	src := st.steps[p.ID]
	if src == nil {
		src = &plans.Step{ID: p.ID, Do: p.Do, By: p.By, Approval: p.Approval}
	}
	s.ID, s.Final = p.ID, src.Irreversible
	s.Title = src.Do
	if s.Title == "" {
		s.Title = p.ID
	}
	who := st.contact(p.By)
	if who == nil {
		who = runbook.T("automation")
	}
	fact(s, "Who", who)
	took := duration(p.Duration, p.Known, p.Measured)
	if a := p.Approval; a != nil {
		s.Before = append(s.Before, runbook.Join(runbook.T("Approval by "), st.contact(a.Role), runbook.T(" (expect to wait "+span(a.Wait)+", estimated)")))
		took += ", approval included"
	}
	fact(s, "Takes", runbook.T(took))
	fact(s, "Done", runbook.T(clock(p.End)))
	fact(s, "After", afterFact(after))
	fact(s, "Where", where(src.On))
	if src.From != "" {
		fact(s, "From", runbook.C(src.From))
	}
	fact(s, "Restores", runbook.Codes(p.Restores))
	if needs := leaves(src.Needs); len(needs) > 0 {
		fact(s, "Needs", runbook.Codes(needs))
	}
	if src.Guard != "" {
		s.Before = append(s.Before, runbook.T("Only while: "+src.Guard))
	}
	about := fmt.Sprintf("step %q of procedure %q", src.ID, p.Procedure)
	if src.Command != "" {
		s.Commands = append(s.Commands, st.command(s, src.Command, src.On, about, src.At))
	}
	st.verify(s, src, about)
	if isCommand(src.Rollback) {
		c := st.command(s, src.Rollback, src.On, "the rollback of "+about, src.At)
		s.RollbackCommand = &c
	} else if src.Rollback != "" {
		s.Rollback = runbook.T(src.Rollback)
	}
	st.missing(s, src, p)
}

// clock is a time on the clock of the disaster, which starts at T.
func clock(i plans.Interval) string {
	if short(i.Lo) == short(i.Hi) {
		return "T+" + short(i.Lo)
	}
	return "T+" + short(i.Lo) + "…" + short(i.Hi)
}

// clockNote says once a page what T is.
var clockNote = runbook.T("T is the moment of the disaster. Of two times the first is the best case and the second the worst.")

func where(cluster string) runbook.Text {
	if cluster == "" {
		return nil
	}
	return runbook.Join(runbook.T("cluster "), runbook.C(cluster))
}

// command puts a command into its cluster and notes what it names.
func (st *stepper) command(s *runbook.Step, run, on, about string, at []diag.Position) runbook.Command {
	out := runbook.Command{Run: inContext(run, on)}
	if on != "" {
		out.Where = "in " + on
	}
	for _, j := range st.check(run, on, about, at) {
		switch j.standing {
		case contradicted:
			s.Warnings = append(s.Warnings, runbook.Join(runbook.C(j.String()), runbook.T(": "+j.why+". Do not trust this command.")))
		case runtime:
			s.Notes = append(s.Notes, runbook.Join(runbook.C(j.String()), runbook.T(" exists at run time: "+j.why)))
		case unjudged:
			s.Notes = append(s.Notes, runbook.Join(runbook.C(j.String()), runbook.T(" was not checked: "+j.why)))
		}
	}
	return out
}

func (st *stepper) verify(s *runbook.Step, src *plans.Step, about string) {
	v := src.Verify
	if v == nil {
		return
	}
	s.Verify = &runbook.Verify{Do: v.Do, Expect: v.Expect}
	if v.Run != "" {
		c := st.command(s, v.Run, src.On, "the verification of "+about, src.At)
		s.Verify.Command = &c
	}
}

// missing notes what nobody declared: a person in the night should learn here,
// and not from a blank.
func (st *stepper) missing(s *runbook.Step, src *plans.Step, p *plans.PlannedStep) {
	gap := func(words string) {
		st.gaps = append(st.gaps, runbook.Join(runbook.L(fmt.Sprintf("Step %d", s.Number), "#"+s.Anchor), runbook.T(" declares "+words)))
	}
	if !p.Known {
		gap("no duration: the times after it are not bounded")
	}
	if src.Verify == nil {
		gap("no verification: look twice before you go on")
	}
	if src.Rollback == "" && !src.Irreversible {
		gap("no rollback")
	}
	if src.Command == "" && !isDecision(src) {
		gap("no command: it is done by hand")
	}
	if src.Irreversible && src.Approval == nil {
		gap("no approval, and cannot be undone")
	}
}

// isDecision reports whether people only decide in a step.
func isDecision(s *plans.Step) bool { return s.Approval != nil && len(s.Restores) == 0 && s.From == "" }

// applied is the parts of one cluster that go in at once.
func (st *stepper) applied(s *runbook.Step, g *group, length, end plans.Interval, after []string) {
	c := g.linked
	ids, owners := make([]string, 0, len(g.parts)), map[string]bool{}
	for _, p := range g.parts {
		ids = append(ids, p.ID())
		if o := componentOf(c, p).Owner; o != "" {
			owners[o] = true
		}
	}
	verb := "The engine applies "
	if g.hand {
		verb = "Apply "
	}
	s.ID, s.Title = g.planned[0].ID, verb+titleOf(ids)
	who := runbook.Text(nil)
	for i, o := range slices.Sorted(maps.Keys(owners)) {
		if i > 0 {
			who = append(who, runbook.T(", ")...)
		}
		who = append(who, st.contact(o)...)
	}
	by := g.planned[0].By
	fact(s, "Who", st.contact(by))
	if len(owners) > 1 || !owners[by] {
		fact(s, "Owner", who)
	}
	fact(s, "Parts", runbook.Codes(ids))
	fact(s, "Takes", runbook.T(duration(length, allKnown(g), nil)))
	fact(s, "Done", runbook.T(clock(end)))
	fact(s, "After", afterFact(after))
	st.phaseBegins(s, g)
	apply := runbook.Command{Where: "in " + c.Name + ", from its unpacked bundle"}
	for _, id := range ids {
		apply.Run += fmt.Sprintf("kubectl --context %s apply --server-side -k parts/%s\n", c.Name, id)
	}
	apply.Run = strings.TrimSuffix(apply.Run, "\n")
	if !g.hand {
		apply.Where += "; only when the engine cannot"
	}
	s.Commands = append(s.Commands, apply)
	st.gates(s, g)
	st.rollbacks(s, g)
	for _, p := range g.planned {
		if !p.Known {
			st.gaps = append(st.gaps, runbook.Join(runbook.C(strings.TrimPrefix(p.ID, "bootstrap/")), runbook.T(" declares no `gates.expected`: its duration is not known")))
		}
	}
}

func allKnown(g *group) bool {
	return !slices.ContainsFunc(g.planned, func(p *plans.PlannedStep) bool { return !p.Known })
}

// titleOf names up to three parts.
func titleOf(ids []string) string {
	switch {
	case len(ids) == 1:
		return ids[0]
	case len(ids) <= 3:
		return strings.Join(ids[:len(ids)-1], ", ") + " and " + ids[len(ids)-1]
	}
	return fmt.Sprintf("%s, %s and %d more parts", ids[0], ids[1], len(ids)-2)
}

// phaseBegins adds what comes before the first part of a phase, and the
// preflight of each component.
func (st *stepper) phaseBegins(s *runbook.Step, g *group) {
	c := g.linked
	for _, part := range g.parts {
		if part.Name != ir.PartRun {
			continue
		}
		if key := c.Name + "/" + part.Phase; !st.phases[key] {
			st.phases[key] = true
			i := slices.IndexFunc(c.Phases, func(p spec.Phase) bool { return p.Name == part.Phase })
			if i >= 0 {
				st.phase(s, c, i)
			}
		}
		for i, p := range componentOf(c, part).Preflight {
			at := c.Unit.Pos.At(ir.Pointer("components", part.Component, "preflight", fmt.Sprint(i), "run"))
			s.Before = append(s.Before, st.preflight(s, c, p, "the preflight of "+c.Name+"/"+part.Component, at))
		}
	}
}

func (st *stepper) phase(s *runbook.Step, c *ir.Linked, i int) {
	ph := c.Phases[i]
	for k, p := range ph.Preflight {
		at := c.Unit.Pos.At(ir.Pointer("phases", fmt.Sprint(i), "preflight", fmt.Sprint(k), "run"))
		s.Before = append(s.Before, st.preflight(s, c, p, fmt.Sprintf("the preflight of phase %q of %s", ph.Name, c.Name), at))
	}
	if a := ph.Approval; a != nil {
		s.Before = append(s.Before, runbook.Join(runbook.T("Approval by "), st.contact(a.Role), runbook.T(" (expect to wait "+span(a.Wait)+", estimated)")))
	}
	if ph.Endpoint != "" {
		fact(s, "Watch", runbook.C(inContext(ph.Endpoint, c.Name)))
	}
	if ph.Rollback != "" {
		s.Notes = append(s.Notes, runbook.T("To leave phase "+ph.Name+": "+ph.Rollback))
	}
}

func (st *stepper) preflight(s *runbook.Step, c *ir.Linked, p spec.Check, about string, at []diag.Position) runbook.Text {
	out := runbook.T(p.Do)
	if p.Run != "" {
		cmd := st.command(s, p.Run, c.Name, about, at)
		out = runbook.Join(out, runbook.T(" "), runbook.C(cmd.Run))
	}
	if p.Expect != "" {
		out = runbook.Join(out, runbook.T(" → "+p.Expect))
	}
	return out
}

// gates waits the way a person can: `kubectl wait`, with the gate's timeout.
// The linker has judged the object that a gate names already.
func (st *stepper) gates(s *runbook.Step, g *group) {
	var run []string
	for _, part := range g.parts {
		for _, gate := range part.Gates {
			run = append(run, inContext(gateCommand(gate), g.linked.Name))
		}
	}
	if run == nil {
		return
	}
	s.Verify = &runbook.Verify{Command: &runbook.Command{Run: strings.Join(run, "\n"), Where: "in " + g.linked.Name}, Expect: "every condition met"}
}

func gateCommand(g spec.Gate) string {
	kind, ns, name := splitObject(g.Object)
	object := strings.ToLower(kind) + "/" + name
	if ns != "" {
		object += " -n " + ns
	}
	if g.Condition != "" {
		return fmt.Sprintf("kubectl wait --for=condition=%s --timeout=%ds %s", g.Condition, int64(g.Timeout/plans.Second), object)
	}
	return fmt.Sprintf("kubectl get %s -o yaml # until %s, at most %s", object, g.CEL, g.Timeout)
}

// rollbacks names the way back of each component, once where all agree.
func (st *stepper) rollbacks(s *runbook.Step, g *group) {
	ways, order := map[string][]string{}, []string{}
	for _, part := range g.parts {
		way := undo(g.linked, part)
		if ways[way] == nil {
			order = append(order, way)
		}
		ways[way] = append(ways[way], part.ID())
	}
	for i, way := range order {
		if i > 0 {
			s.Rollback = append(s.Rollback, runbook.T("; ")...)
		}
		if len(order) > 1 {
			s.Rollback = append(s.Rollback, runbook.Join(runbook.Codes(ways[way]), runbook.T(": "))...)
		}
		s.Rollback = append(s.Rollback, runbook.T(way)...)
	}
}

// undo says how one part is taken back. What holds data or definitions stays.
func undo(c *ir.Linked, part *ir.Part) string {
	if part.Name == ir.PartDefs {
		return "keep: deleting definitions deletes everything of their kind"
	}
	if slices.ContainsFunc(part.Objects, func(o *object.Object) bool { return ir.Keeps(o.Key()) }) {
		return "keep: it holds data"
	}
	if r := componentOf(c, part).Rollback; r != nil && part.Name == ir.PartRun {
		return rollback(r)
	}
	return fmt.Sprintf("kubectl --context %s delete -k parts/%s", c.Name, part.ID())
}
