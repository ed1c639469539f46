package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// folds drops the empty ones.
func folds(fs ...htmlFold) []htmlFold {
	return slices.DeleteFunc(fs, func(f htmlFold) bool { return len(f.Lines) == 0 })
}

// pageFolds is what does not count.
func pageFolds(r *Result) []htmlFold {
	var waived, old, fixed []string
	for _, d := range r.Diagnostics {
		switch {
		case d.Waived != nil:
			waived = append(waived, pageWaived(r, d))
		case d.Old:
			old = append(old, pageLine(r, d))
		}
	}
	if r.Base != nil {
		for _, f := range r.Base.Fixed {
			fixed = append(fixed, clean(oneLine(f.Code+": "+f.Message)))
		}
	}
	return folds(
		htmlFold{"Waived", waived, true}, htmlFold{"Fixed by this change", fixed, true}, htmlFold{"There before, not counted", old, false},
	)
}

func pageLine(r *Result, d *diag.Diagnostic) string {
	line := d.Code + ": " + d.Message
	if at := d.Primary(); at.File != "" {
		at.File = r.Path(at.File)
		line += " (" + at.String() + ")"
	}
	return clean(oneLine(line))
}

func pageWaived(r *Result, d *diag.Diagnostic) string {
	w := d.Waived
	line := fmt.Sprintf("%s: accepted by %s until %s: %s", pageLine(r, d), w.Owner, w.Expires, w.Reason)
	if w.Ticket != "" {
		line += ", " + w.Ticket
	}
	if at := w.At; at.File != "" {
		at.File = r.Path(at.File)
		line += ", by " + at.String()
	}
	return clean(oneLine(line))
}

// pageRules tells what was judged from what was not, and why: a rule that judged
// nothing has not passed (D6).
func pageRules(r *Result) []htmlFold {
	if r.Rules == nil {
		if r.Tests != nil {
			return nil
		}
		return folds(htmlFold{"Rules not evaluated", []string{"the guardrails were not reached, or this command has none"}, true})
	}
	titles := map[string]string{}
	for i := range r.Catalogue {
		titles[r.Catalogue[i].ID] = r.Catalogue[i].Title
	}
	var judged, not []string
	for _, x := range r.Rules.Results {
		name := x.ID
		if t := cmp.Or(x.Title, titles[x.ID]); t != "" {
			name += ", " + t
		}
		switch {
		case x.Skipped != "":
			not = append(not, clean(oneLine(name+": "+x.Skipped)))
		case x.Evaluated == 0:
			not = append(not, clean(oneLine(name+": nothing to evaluate")))
		default:
			judged = append(judged, clean(oneLine(name+": "+pageJudged(x))))
		}
	}
	return folds(htmlFold{"Rules not evaluated", not, true}, htmlFold{"Rules evaluated", judged, false})
}

func pageJudged(x ir.RuleResult) string {
	s := fmt.Sprintf("%d judged, %s, %d waived", x.Evaluated, count(x.Findings, "finding"), x.Waived)
	if x.Excepted > 0 {
		s += fmt.Sprintf(", %d excepted", x.Excepted)
	}
	return s
}

// pageTests is what tests of policies said, and which lines none of them reached.
func pageTests(r *Result) []htmlFold {
	if r.Tests == nil {
		return nil
	}
	var tests, uncovered []string
	for i := range r.Tests.Tests {
		t := &r.Tests.Tests[i]
		tests = append(tests, clean(oneLine(fmt.Sprintf("%s: %s.%s (%s)", t.Outcome, t.Package, t.Name, t.At))))
	}
	for _, f := range r.Tests.Coverage.Files {
		if len(f.Uncovered) > 0 {
			uncovered = append(uncovered, fmt.Sprintf("%s: %.1f%% covered; not covered: %s", clean(f.File), f.Percent, ranges(f)))
		}
	}
	return folds(htmlFold{"Tests", tests, false}, htmlFold{"Not covered by tests", uncovered, true})
}

// pageMade is what the run made.
func pageMade(r *Result) []htmlFold {
	var bundles, changes []string
	for _, a := range r.Artifacts {
		id := string(a.Manifest)
		if id == "" {
			id = "not sealed"
		}
		bundles = append(bundles, clean(oneLine(fmt.Sprintf("%s, %s: %s, content %s", a.Name, state(a), id, a.Content))))
	}
	for _, c := range r.Changes {
		changes = append(changes, clean(oneLine(c)))
	}
	return folds(htmlFold{"Bundles", bundles, true}, htmlFold{"Written", changes, true})
}
