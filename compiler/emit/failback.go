package emit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/emit/runbook"
	"github.com/darkstart-dev/darkstart/plans"
)

// failback says what stays to be done when the disaster is over: what moved
// must be moved back or accepted where it is, and what lost its redundancy has
// none until then.
func (a *account) failback() runbook.Section {
	sec := runbook.Section{ID: "failback", Title: "Going back"}
	if a.st.number == 0 {
		return sec
	}
	moved := false
	for _, p := range a.procs {
		away := a.awayFrom(p)
		if len(away) == 0 {
			continue
		}
		moved = true
		sec.Add(runbook.Block{Text: runbook.Join(runbook.Codes(p.Restores), runbook.T(" now stands in "), runbook.Codes(p.Into), runbook.T("."))})
		sec.Add(a.wayBack(p, away)...)
	}
	if gone := a.redundancy(); len(gone) > 0 {
		sec.Add(runbook.Block{Warning: runbook.Join(runbook.T("Until they are rebuilt, these copies protect nothing: "), listed(gone, 10))})
	}
	switch {
	case moved:
	case a.r.Scenario.Mode == plans.Deleted || a.r.Scenario.Mode == plans.Lost || a.r.Scenario.Mode == plans.Compromised || len(a.procs) > 0:
		sec.Add(runbook.Block{Text: runbook.T("Nothing moves: this plan restores in place. When it is done there is nothing to go back to.")})
	default:
		sec.Add(runbook.Block{Text: runbook.T("Nothing moves for good: when what failed is back, what left it may be scheduled there again.")})
	}
	sec.Add(a.undoing()...)
	return sec
}

// awayFrom returns the failed domains that a procedure moves its targets out of:
// it restores into something else than what failed.
func (a *account) awayFrom(p *plans.Procedure) []string {
	if len(p.Into) == 0 || len(a.r.Scenario.Domains) == 0 {
		return nil
	}
	for _, d := range a.r.Scenario.Domains {
		if slices.ContainsFunc(p.Into, func(into string) bool { return a.within(into, d) || a.within(d, into) }) {
			return nil
		}
	}
	return a.r.Scenario.Domains
}

// within reports whether a domain is another one or lies in it.
func (l *library) within(domain, in string) bool {
	seen := map[string]bool{}
	var walk func(string) bool
	walk = func(d string) bool {
		if d == in {
			return true
		}
		if seen[d] {
			return false
		}
		seen[d] = true
		x := l.domains[d]
		return x != nil && slices.ContainsFunc(x.Parents, walk)
	}
	return walk(domain)
}

// wayBack lists the procedures that bring the same things into what failed.
func (a *account) wayBack(p *plans.Procedure, away []string) []runbook.Block {
	var list []runbook.Text
	for i := range a.f.Model.Procedures {
		q := &a.f.Model.Procedures[i]
		if q.Derived || q.ID == p.ID || !slices.ContainsFunc(q.Restores, func(n string) bool { return slices.Contains(p.Restores, n) }) {
			continue
		}
		into := slices.ContainsFunc(q.Into, func(d string) bool {
			return slices.ContainsFunc(away, func(x string) bool { return a.within(d, x) || a.within(x, d) })
		})
		if into {
			list = append(list, runbook.Join(runbook.C(q.ID), runbook.T(fmt.Sprintf(" brings it into %s, in %s%s; plan it as a change, in hours that suit you", q.Into[0], count(len(q.Steps), "step"), declaredFor(q)))))
		}
	}
	if list == nil {
		a.st.gaps = append(a.st.gaps, runbook.Join(runbook.T("No procedure brings "), runbook.Codes(p.Restores), runbook.T(" back into "), runbook.Codes(away)))
		return []runbook.Block{{Warning: runbook.Join(runbook.T("No declared procedure leads back into "), runbook.Codes(away), runbook.T(". Stay where you are and decide by day."))}}
	}
	return []runbook.Block{{List: list}}
}

// declaredFor says which disasters a procedure was written for: going back by
// day is not among them, and whoever plans it should know.
func declaredFor(p *plans.Procedure) string {
	if len(p.Modes) == 0 {
		return ""
	}
	words := make([]string, 0, len(p.Modes))
	for _, m := range p.Modes {
		words = append(words, string(m))
	}
	return " (written for: " + strings.Join(words, ", ") + ")"
}

// redundancy lists the recovery points of the restored stores that stay down.
func (a *account) redundancy() []string {
	var out []string
	for _, p := range a.procs {
		for _, id := range p.Restores {
			n := a.nodes[id]
			if n == nil || n.Data == nil {
				continue
			}
			for _, pt := range n.Data.Points {
				if a.down[pt.Node] && !slices.Contains(out, pt.Node) {
					out = append(out, pt.Node)
				}
			}
		}
	}
	return out
}

// undoing lists the rollbacks in reverse, as far as there is a way back.
func (a *account) undoing() []runbook.Block {
	var list []runbook.Text
	for _, b := range slices.Backward(a.st.blocks) {
		s := b.Step
		switch {
		case s == nil:
			continue
		case s.Final:
			list = append(list, runbook.Join(runbook.L(fmt.Sprintf("Step %d", s.Number), "#"+s.Anchor), runbook.T(": "), runbook.B("cannot be undone")))
		case s.RollbackCommand != nil:
			list = append(list, runbook.Join(runbook.L(fmt.Sprintf("Step %d", s.Number), "#"+s.Anchor), runbook.T(": "), runbook.C(s.RollbackCommand.Run)))
		case len(s.Rollback) > 0:
			list = append(list, runbook.Join(runbook.L(fmt.Sprintf("Step %d", s.Number), "#"+s.Anchor), runbook.T(": "), s.Rollback))
		}
	}
	if list == nil {
		return nil
	}
	return []runbook.Block{{Heading: "To give up half-way, undo in this order"}, {List: list}}
}
