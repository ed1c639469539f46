package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

//go:embed page.gohtml
var pageSource string

var resultPage = template.Must(template.Must(template.New("delta.page").Parse(deltaSource)).New("page").Parse(pageSource))

type htmlFinding struct {
	Class, Severity, Code, Message, Also, Subject string
	Open                                          bool
	Places                                        []htmlPlace
	Notes, Help                                   []string
}

type htmlPlace struct{ At, Text, Source string }

type htmlFold struct {
	Title string
	Lines []string
}

// HTML writes one page that needs nothing else: no script, no request, readable
// on a phone and on paper.
func HTML(w io.Writer, r *Result) error {
	v := map[string]any{
		"Policy": policy(deltaStyle), "Style": template.CSS(deltaStyle), //nolint:gosec // a constant
		"Verdict": plainVerdict(r), "Counts": markdownCounts(r), "Error": printable(r.Error), "Tool": clean(r.Tool.Version + " " + r.Command),
		"Findings": pageFindings(r), "Folds": pageFolds(r), "Base": "", "Delta": nil, "Revision": "",
	}
	if r.Base != nil {
		v["Base"] = clean(r.Base.said())
	}
	if r.Diff != nil {
		v["Delta"] = deltaView(r.Diff)
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

func pageFindings(r *Result) []htmlFinding {
	open := slices.DeleteFunc(slices.Clone(r.Diagnostics), func(d *diag.Diagnostic) bool { return d.Waived != nil || d.Old })
	lines := r.lines()
	var out []htmlFinding
	for _, g := range groups(open) {
		d := g.lead
		f := htmlFinding{
			Class: map[diag.Severity]string{diag.Error: "grave", diag.Warning: "marked"}[d.Severity], Severity: d.Severity.String(), Code: clean(d.Code),
			Message: clean(oneLine(d.Message)), Subject: clean(subject(d.Subject)), Open: d.Severity == diag.Error,
		}
		if n := len(g.more); n > 0 {
			f.Also = fmt.Sprintf("and %d more alike", n)
		}
		for _, l := range d.Labels {
			at := l.Position
			at.File = r.Path(at.File)
			p := htmlPlace{At: clean(at.String()), Text: clean(oneLine(l.Text))}
			if ls := lines[l.File]; l.Line > 0 && l.Line <= len(ls) && ls[l.Line-1] != missing {
				p.Source = clean(strings.TrimSpace(ls[l.Line-1]))
			}
			f.Places = append(f.Places, p)
		}
		for _, n := range d.Notes {
			f.Notes = append(f.Notes, clean(oneLine(n)))
		}
		for _, h := range d.Help {
			f.Help = append(f.Help, clean(oneLine(h)))
		}
		out = append(out, f)
	}
	return out
}

// pageFolds is what does not count, and what was not judged.
func pageFolds(r *Result) []htmlFold {
	var waived, old, fixed, rules []string
	for _, d := range r.Diagnostics {
		switch {
		case d.Waived != nil:
			waived = append(waived, clean(oneLine(fmt.Sprintf("%s: %s. Accepted by %s until %s: %s", d.Code, d.Message, d.Waived.Owner, d.Waived.Expires, d.Waived.Reason))))
		case d.Old:
			old = append(old, clean(oneLine(d.Code+": "+d.Message)))
		}
	}
	if r.Base != nil {
		for _, f := range r.Base.Fixed {
			fixed = append(fixed, clean(oneLine(f.Code+": "+f.Message)))
		}
	}
	if r.Rules != nil {
		for _, x := range r.Rules.Results {
			line := fmt.Sprintf("%s %s: %d judged, %s, %d waived", x.ID, x.Title, x.Evaluated, count(x.Findings, "finding"), x.Waived)
			if x.Evaluated == 0 {
				line = fmt.Sprintf("%s %s: not evaluated, %s", x.ID, x.Title, x.Skipped)
			}
			rules = append(rules, clean(oneLine(line)))
		}
	}
	var out []htmlFold
	for _, f := range []htmlFold{{"Fixed by this change", fixed}, {"There before, not counted", old}, {"Waived", waived}, {"Rules", rules}} {
		if len(f.Lines) > 0 {
			out = append(out, f)
		}
	}
	return out
}
