package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/plans"
)

var (
	//go:embed page.gohtml
	pageSource string
	//go:embed page.css
	pageStyle string
)

var resultPage = template.Must(template.Must(template.New("delta.page").Parse(deltaSource)).New("page").Parse(pageSource))

type htmlFinding struct {
	Class, Severity, Code, Message, Also, Subject, Frame, ValidUntil string
	Open, Unknown                                                    bool
	Notes, Help                                                      []string
}

// htmlFold is a list below the findings; an open one is unfolded.
type htmlFold struct {
	Title string
	Lines []string
	Open  bool
}

type htmlTally struct {
	Class, Verdict string
	Cells          int
}

// HTML writes one page that needs nothing else: no script, no request, readable
// on a phone and on paper.
func HTML(w io.Writer, r *Result) error {
	style := deltaStyle + pageStyle
	v := map[string]any{
		"Policy": policy(style), "Style": template.CSS(style), //nolint:gosec // a constant
		"Verdict": plainVerdict(r), "Class": verdictClass(r), "Counts": markdownCounts(r), "Error": printable(r.Error),
		"Tool":     clean(r.Tool.Version + " " + r.Command),
		"Findings": pageFindings(r), "Folds": slices.Concat(pageRules(r), pageFolds(r), pageTests(r), pageMade(r)), "Base": "", "Delta": nil, "Revision": "",
		"Recovery": nil,
	}
	if r.Base != nil {
		v["Base"] = clean(r.Base.said())
	}
	if r.Diff != nil {
		v["Delta"] = deltaView(r.Diff)
	}
	if r.Plan != nil {
		v["Recovery"] = pageRecovery(r.Plan)
	}
	if x := r.Revision; x != nil {
		v["Revision"] = clean(strings.TrimSpace(x.Kind + " " + x.Commit + ", judged at " + x.Now))
	}
	return resultPage.Execute(w, v)
}

// plainVerdict is the verdict without its sign, for which a machine may have no
// font.
func plainVerdict(r *Result) string {
	_, words, _ := strings.Cut(verdictOf(r), " ")
	return words
}

func verdictClass(r *Result) string {
	switch {
	case r.Error != "" || r.ExitCode != 0:
		return "bad"
	case r.Summary.Warnings > 0:
		return "fair"
	}
	return "good"
}

// pageRecovery counts what comes back, from the best to the worst.
func pageRecovery(p *Plan) map[string]any {
	var tallies []htmlTally
	for _, x := range []struct {
		v     plans.Verdict
		class string
	}{
		{plans.Proven, "good"}, {plans.Unaffected, "good"}, {plans.AcceptedV, "fair"}, {plans.UnknownV, "fair"}, {plans.Violated, "bad"}, {plans.Unrecoverable, "bad"},
	} {
		if n := p.Verdicts[x.v]; n > 0 {
			tallies = append(tallies, htmlTally{x.class, string(x.v), n})
		}
	}
	if n := p.Coverage.NotEvaluated; n > 0 {
		tallies = append(tallies, htmlTally{"fair", "not evaluated", n})
	}
	return map[string]any{
		"Judged":  fmt.Sprintf("%s, %s; %s", count(p.Scenarios, "scenario"), count(p.Coverage.Objectives, "objective"), count(p.Coverage.Services, "service")),
		"Tallies": tallies,
	}
}

func pageFindings(r *Result) []htmlFinding {
	open := slices.DeleteFunc(slices.Clone(r.Diagnostics), func(d *diag.Diagnostic) bool { return d.Waived != nil || d.Old })
	files := map[string][]string{}
	for file, ls := range r.lines() {
		files[r.Path(file)] = ls
	}
	var out []htmlFinding
	for _, g := range groups(open) {
		d := g.lead
		f := htmlFinding{
			Class: map[diag.Severity]string{diag.Error: "grave", diag.Warning: "marked"}[d.Severity], Severity: d.Severity.String(), Code: clean(d.Code),
			Message: clean(oneLine(d.Message)), Subject: clean(subject(d.Subject)), Open: d.Severity == diag.Error,
			Frame: pageFrame(r, d, files), Unknown: d.Unknown, ValidUntil: clean(d.ValidUntil),
			Notes: oneLines(d.Notes), Help: oneLines(d.Help),
		}
		if n := len(g.more); n > 0 {
			f.Also = fmt.Sprintf("and %d more alike: %s", n, places(g.more, maxAlike))
		}
		out = append(out, f)
	}
	return out
}

// maxAlike is how many places of alike findings a page names.
const maxAlike = 50

// pageFrame draws the places of a finding as a terminal shows them, with paths
// from the root of the repository.
func pageFrame(r *Result, d *diag.Diagnostic, files map[string][]string) string {
	if len(d.Labels) == 0 {
		return ""
	}
	at := *d
	at.Labels = slices.Clone(d.Labels)
	for i := range at.Labels {
		at.Labels[i].File = r.Path(at.Labels[i].File)
	}
	p := printer{Options: Options{Width: 110}, files: files}
	p.frames(&at)
	return strings.TrimSuffix(p.String(), "\n")
}

func oneLines(ss []string) []string {
	out := make([]string, len(ss))
	for i, s := range ss {
		out[i] = clean(oneLine(s))
	}
	return out
}
