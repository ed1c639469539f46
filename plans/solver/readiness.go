package solver

import (
	"fmt"

	"github.com/darkstart-dev/darkstart/plans"
)

// untestedBackups: a backup that fails, or without a complete restore test,
// or, judged against now, with one that is older than its tier asks for.
func (f *fleet) untestedBackups() []plans.Finding {
	var out []plans.Finding
	for _, q := range f.g.pointIDs {
		p := f.g.points[q]
		if p.Copy {
			continue
		}
		x := plans.Finding{Nodes: []string{f.g.name(p.store)}, At: p.At}
		cadence := f.cadence([]int32{p.store}, func(t *plans.Tier) plans.Duration { return t.RestoreCadence })
		until, ok := after(p.Tested, cadence)
		switch {
		case p.Failing:
			x.Message = fmt.Sprintf("backup %s fails", p.Node)
		case p.Tested == "":
			x.Message = fmt.Sprintf("backup %s was never restored as a test", p.Node)
		case p.Partial:
			x.Message = fmt.Sprintf("the restore test of %s covered less than the scenario", p.Node)
		case ok && f.now != "" && until < f.now:
			x.Message = fmt.Sprintf("backup %s was last restored on %s, its tier asks for every %s", p.Node, p.Tested, cadence)
			x.Timed = true
		default:
			continue
		}
		out = append(out, x)
	}
	return out
}

// staleRunbooks: a procedure whose runbook is missing or for other versions,
// or, judged against now, past its review.
func (f *fleet) staleRunbooks() []plans.Finding {
	var out []plans.Finding
	for _, p := range f.g.procs {
		switch {
		case p.Derived:
		case p.Runbook == plans.RunbookMissing:
			out = append(out, f.procedure(p, "has no runbook"))
		case p.Runbook == plans.RunbookStale:
			out = append(out, f.procedure(p, "has a runbook for other versions or conditions"))
		case p.Review != "" && f.now != "" && day(p.Review) < f.now:
			x := f.procedure(p, "is past its review date "+p.Review)
			x.Timed = true
			out = append(out, x)
		}
	}
	return out
}

// untracked: a credential whose expiry nobody tracks, or that has expired.
func (f *fleet) untracked() []plans.Finding {
	var out []plans.Finding
	for i, n := range f.g.nodes {
		switch {
		case n.Kind != plans.KindCredential || n.Implied:
		case !n.Tracked:
			out = append(out, f.g.about(int32(i), "nobody tracks when %s expires", n.ID))
		case n.Expiry != "" && f.now != "" && day(n.Expiry) < f.now:
			x := f.g.about(int32(i), "%s expired on %s", n.ID, n.Expiry)
			x.Timed = true
			out = append(out, x)
		}
	}
	return out
}

// drift: a declared pair that does not agree, or state that nothing declares.
func (f *fleet) drift() []plans.Finding {
	var out []plans.Finding
	for _, p := range f.g.model.Pins {
		switch {
		case p.Undeclared != "":
			out = append(out, plans.Finding{Nodes: []string{}, At: p.At, Message: p.Undeclared + " exists and is declared nowhere"})
		case p.Skew != "":
			out = append(out, plans.Finding{Nodes: []string{}, At: p.At, Message: fmt.Sprintf("%s and %s do not go together: %s", p.A, p.B, p.Skew)})
		}
	}
	return out
}
