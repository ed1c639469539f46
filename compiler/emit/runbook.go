package emit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

// bootstrapRunbook is what a person follows when the cluster does not exist
// and nothing may be assumed but a shell, the bundle and the public key.
func bootstrapRunbook(f *ir.Fleet, c *ir.Linked, o *order) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Bootstrap %s from nothing\n\n", c.Name)
	header(&b, c, o)
	b.WriteString("## Order\n\n```mermaid\n" + mermaid(c, o) + "```\n\n")
	before(&b, f, c)
	b.WriteString("## Steps\n")
	for _, w := range o.waves {
		waveSection(&b, c, o, w)
	}
	after(&b, c, o)
	return b.String()
}

func header(b *strings.Builder, c *ir.Linked, o *order) {
	s := c.Unit.Spec
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(b, "| %s | %s |\n", name, cell(value))
		}
	}
	b.WriteString("| | |\n|---|---|\n")
	row("Kubernetes", strings.TrimSpace(s.Kubernetes+" "+s.Distribution))
	row("Environment", s.Environment)
	row("Owner", s.Owner)
	if s.Placement != nil {
		row("Placement", placement(s.Placement))
	}
	row("Control plane", controlPlane(s.ControlPlane))
	row("Delivery", delivery(s.Delivery))
	row("Applied by hand", strings.Join(c.Seed, ", "))
	row("Parts", fmt.Sprintf("%d in %d waves", len(c.Parts), len(o.waves)))
	row("Expected time", expected(o))
	b.WriteByte('\n')
}

// expected prints the makespan of the bootstrap, and says when part of it is
// not known rather than print a number that looks like a promise (D7).
func expected(o *order) string {
	if o.recovery == nil {
		return ""
	}
	unknown := 0
	for _, w := range o.recovery.Waves {
		for _, s := range w.Steps {
			if !s.Known {
				unknown++
			}
		}
	}
	switch {
	case unknown > 0 && o.recovery.Makespan.Lo == 0:
		return fmt.Sprintf("unknown: %d steps declare no `gates.expected`", unknown)
	case unknown > 0:
		return fmt.Sprintf("at least %s (estimated); %d steps declare no `gates.expected`", o.recovery.Makespan.Lo, unknown)
	}
	return o.recovery.Makespan.String() + " (estimated)"
}

func before(b *strings.Builder, f *ir.Fleet, c *ir.Linked) {
	b.WriteString("## Before you start\n\n")
	b.WriteString("1. Verify the bundle; stop if this fails:\n\n")
	fmt.Fprintf(b, "   ```sh\n   darkstart verify OCI_LAYOUT --artifact %s --key release.pub\n   ```\n\n", c.Name)
	fmt.Fprintf(b, "2. Unpack it and stand in the unpacked folder; every command below is relative to it:\n\n")
	fmt.Fprintf(b, "   ```sh\n   darkstart inspect OCI_LAYOUT --artifact %s --extract %s && cd %s\n   ```\n", c.Name, c.Name, c.Name)
	if d := c.Unit.Spec.Delivery; d != nil && d.By != "" {
		fmt.Fprintf(b, "\n3. Who acts: **%s**%s\n", d.By, contact(f, d.By))
	}
	b.WriteByte('\n')
}

func contact(f *ir.Fleet, team string) string {
	if f.Units.Fleet == nil {
		return ""
	}
	t, ok := f.Units.Fleet.Spec.Teams[team]
	if !ok {
		return ""
	}
	var parts []string
	if t.Contact != "" {
		parts = append(parts, t.Contact)
	}
	if len(t.Escalation) > 0 {
		parts = append(parts, "escalates to "+strings.Join(t.Escalation, ", then "))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, "; ") + ")"
}

func waveSection(b *strings.Builder, c *ir.Linked, o *order, w wave) {
	fmt.Fprintf(b, "\n### Wave %d\n\n", w.number)
	for _, ph := range phasesFrom(c, o, w.number) {
		phaseIntro(b, ph)
	}
	for _, part := range w.parts {
		partSection(b, c, o, part)
	}
}

// phasesFrom returns the phases whose first run part is in this wave: their
// preflight and approval come before it.
func phasesFrom(c *ir.Linked, o *order, number int) []spec.Phase {
	var out []spec.Phase
	for _, ph := range c.Phases {
		first := 0
		for _, part := range c.Parts {
			if part.Name == ir.PartRun && part.Phase == ph.Name && (first == 0 || o.of[part] < first) {
				first = o.of[part]
			}
		}
		if first == number {
			out = append(out, ph)
		}
	}
	return out
}

func phaseIntro(b *strings.Builder, ph spec.Phase) {
	if len(ph.Preflight) == 0 && ph.Approval == nil && ph.Endpoint == "" && ph.Rollback == "" {
		return
	}
	fmt.Fprintf(b, "Phase **%s** begins here.\n\n", ph.Name)
	for _, p := range ph.Preflight {
		fmt.Fprintf(b, "- [ ] %s\n", check(p))
	}
	if a := ph.Approval; a != nil {
		fmt.Fprintf(b, "- [ ] approval by **%s** (expect to wait %s)\n", a.Role, a.Wait)
	}
	if ph.Endpoint != "" {
		fmt.Fprintf(b, "- watch: %s\n", ph.Endpoint)
	}
	if ph.Rollback != "" {
		fmt.Fprintf(b, "- to go back: %s\n", ph.Rollback)
	}
	b.WriteByte('\n')
}

func partSection(b *strings.Builder, c *ir.Linked, o *order, part *ir.Part) {
	comp := componentOf(c, part)
	fmt.Fprintf(b, "#### %s\n\n%d objects", part.ID(), len(part.Objects))
	if comp.Owner != "" {
		fmt.Fprintf(b, " · owner %s", comp.Owner)
	}
	if part.Phase != "" {
		fmt.Fprintf(b, " · phase %s", part.Phase)
	}
	if slices.Contains(c.Seed, part.Phase) {
		b.WriteString(" · applied by hand")
	} else {
		b.WriteString(" · applied by the engine; by hand only when it cannot")
	}
	b.WriteString("\n\n")
	for _, why := range reasons(o, part) {
		fmt.Fprintf(b, "- after %s\n", why)
	}
	if part.Name == ir.PartRun {
		for _, p := range comp.Preflight {
			fmt.Fprintf(b, "- [ ] before: %s\n", check(p))
		}
	}
	fmt.Fprintf(b, "\n```sh\nkubectl --context %s apply --server-side -k parts/%s\n", c.Name, part.ID())
	if part.Name == ir.PartRun {
		for _, g := range comp.Gates {
			b.WriteString(gateCommand(c.Name, g))
		}
	}
	b.WriteString("```\n\n")
	if part.Name == ir.PartRun && comp.Rollback != nil {
		fmt.Fprintf(b, "Rollback: %s\n\n", rollback(comp.Rollback))
	}
}

// reasons prints why the part comes after others, once per reason.
func reasons(o *order, part *ir.Part) []string {
	var out []string
	for _, w := range o.recovery.Waves {
		for _, s := range w.Steps {
			if !slices.Contains(s.Restores, part.Node) {
				continue
			}
			for _, e := range s.Because {
				line := "`" + e.To + "`"
				if e.Why != nil && e.Why.Reason != "" {
					line += ": " + e.Why.Reason
				}
				out = append(out, line)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// gateCommand waits for a gate the way a person can: `kubectl wait`, with the
// gate's own timeout.
func gateCommand(context string, g spec.Gate) string {
	kind, ns, name := splitObject(g.Object)
	scope := ""
	if ns != "" {
		scope = " -n " + ns
	}
	timeout := fmt.Sprintf("%ds", int64(g.Timeout/plans.Second))
	if g.Condition != "" {
		return fmt.Sprintf("kubectl --context %s%s wait --for=condition=%s %s/%s --timeout=%s\n", context, scope, g.Condition, strings.ToLower(kind), name, timeout)
	}
	return fmt.Sprintf("# until: %s\nkubectl --context %s%s get %s/%s -o yaml\n", g.CEL, context, scope, strings.ToLower(kind), name)
}

func after(b *strings.Builder, c *ir.Linked, o *order) {
	b.WriteString("## When it is up\n\n")
	fmt.Fprintf(b, "```sh\nkubectl --context %s get pods -A --field-selector=status.phase!=Running,status.phase!=Succeeded\n```\n\n", c.Name)
	b.WriteString("## Going back\n\nUndo in the reverse order; what holds data or definitions is left alone:\n\n")
	for i := len(o.waves) - 1; i >= 0; i-- {
		for _, part := range o.waves[i].parts {
			fmt.Fprintf(b, "- wave %d, %s: %s\n", o.waves[i].number, part.ID(), undo(c, part))
		}
	}
}

func undo(c *ir.Linked, part *ir.Part) string {
	if part.Name == ir.PartDefs {
		return "keep (definitions; deleting them deletes everything of their kind)"
	}
	for _, o := range part.Objects {
		if keeps(o) {
			return "keep (holds data)"
		}
	}
	if r := componentOf(c, part).Rollback; r != nil && part.Name == ir.PartRun {
		return rollback(r)
	}
	return fmt.Sprintf("`kubectl --context %s delete -k parts/%s`", c.Name, part.ID())
}

// runbookIndex is the entry page of the fleet artifact.
func runbookIndex(f *ir.Fleet, p *plans.Plan) string {
	var b strings.Builder
	b.WriteString("# Runbooks\n\n## Bootstrap\n\nEach cluster's artifact carries its own `runbooks/bootstrap.md`.\n\n| cluster | waves | parts | owner |\n|---|---|---|---|\n")
	for _, c := range f.Clusters {
		waves := 0
		if r := bootstrapOf(p, c.Name); r != nil {
			waves = len(r.Waves)
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %s |\n", c.Name, waves, len(c.Parts), cell(c.Unit.Spec.Owner))
	}
	return b.String()
}
