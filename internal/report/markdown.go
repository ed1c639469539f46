package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// maxComment is how long a comment may be: GitHub takes 65,536 characters. Bytes
// are counted, which are never fewer.
const maxComment = 65_000

// Markdown writes a comment for a pull request: the verdict, what becomes of
// recovery, what is dangerous, what engines will do, and the findings, with
// details folded away. What does not fit is left out whole, and said.
func Markdown(w io.Writer, r *Result) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "## %s\n\n%s\n", verdictOf(r), markdownCounts(r))
	if r.Error != "" {
		fmt.Fprintf(&b, "\n> %s\n", deltaEscape(r.Error))
	}
	if r.Base != nil {
		fmt.Fprintf(&b, "\n%s\n", deltaEscape(r.Base.said()))
	}
	if r.Diff != nil {
		b.WriteString("\n")
		if err := DeltaMarkdown(&b, r.Diff, maxComment/3); err != nil {
			return err
		}
	}
	end := markdownEnd(r)
	markdownFindings(&b, r, maxComment-len(end)-200)
	b.WriteString(end)
	_, err := w.Write(b.Bytes())
	return err
}

// verdictOf is the first line, which is often all that is read.
func verdictOf(r *Result) string {
	s := r.Summary
	switch {
	case r.Error != "" || r.ExitCode == 2:
		return "⚠️ Darkstart could not judge this"
	case r.ExitCode != 0:
		return "❌ " + count(s.Errors, "error") + or(s.Warnings, ", ", "warning")
	case s.Warnings > 0:
		return "✅ No errors, " + count(s.Warnings, "warning")
	}
	return "✅ Clean"
}

func or(n int, sep, noun string) string {
	if n == 0 {
		return ""
	}
	return sep + count(n, noun)
}

func markdownCounts(r *Result) string {
	var parts []string
	if f := r.Fleet; f != nil {
		parts = append(parts, fmt.Sprintf("%s, %s", count(len(f.Clusters), "cluster"), count(f.Objects, "object")))
	}
	if p := r.Plan; p != nil {
		parts = append(parts, fmt.Sprintf("%s × %s: %s", count(p.Scenarios, "scenario"), count(p.Coverage.Objectives, "objective"), verdicts(p)))
	}
	if x := r.Rules; x != nil {
		parts = append(parts, fmt.Sprintf("%s evaluated, %d not", count(x.Evaluated, "rule"), x.Skipped))
	}
	parts = append(parts, fmt.Sprintf("%s waived, %d unknown", count(r.Summary.Waived, "finding"), r.Summary.Unknown))
	return strings.Join(parts, " · ")
}

// markdownFindings writes the findings that count, worst first; each is one line
// that unfolds.
func markdownFindings(b *bytes.Buffer, r *Result, limit int) {
	ds := slices.DeleteFunc(slices.Clone(r.Diagnostics), func(d *diag.Diagnostic) bool { return d.Waived != nil || d.Old })
	gs := groups(ds)
	if len(gs) == 0 {
		return
	}
	b.WriteString("\n### Findings\n\n")
	lines := r.lines()
	for i, g := range gs {
		one := markdownFinding(r, g, lines)
		if b.Len()+len(one) > limit {
			n := 0
			for _, g := range gs[i:] {
				n += 1 + len(g.more)
			}
			fmt.Fprintf(b, "\n%s left out: this is as long as a comment may be. `darkstart check` shows all.\n", count(n, "more finding"))
			return
		}
		b.WriteString(one)
	}
}

var icons = [...]string{diag.Note: "ℹ️", diag.Warning: "⚠️", diag.Error: "❌"}

func markdownFinding(r *Result, g group, lines map[string][]string) string {
	d := g.lead
	var b strings.Builder
	also := ""
	if n := len(g.more); n > 0 {
		also = fmt.Sprintf(" <em>and %d more alike</em>", n)
	}
	fmt.Fprintf(&b, "<details><summary>%s <b>%s</b> %s%s</summary>\n\n", icons[d.Severity], deltaText(d.Code), deltaText(d.Message), also)
	for i, l := range d.Labels {
		if i == maxLabels {
			fmt.Fprintf(&b, "- and %s\n", count(len(d.Labels)-i, "more place"))
			break
		}
		at := l.Position
		at.File = r.Path(at.File)
		fmt.Fprintf(&b, "- %s", deltaSpan(at.String()))
		if l.Text != "" {
			fmt.Fprintf(&b, " %s", deltaEscape(l.Text))
		}
		b.WriteString("\n")
		if ls := lines[l.File]; l.Line > 0 && l.Line <= len(ls) && ls[l.Line-1] != missing {
			fmt.Fprintf(&b, "  %s\n", deltaSpan(strings.TrimSpace(ls[l.Line-1])))
		}
	}
	for _, x := range g.more[:min(len(g.more), 5)] {
		fmt.Fprintf(&b, "- also %s\n", deltaEscape(subject(x.Subject)))
	}
	if s := subject(d.Subject); s != "" {
		fmt.Fprintf(&b, "\nIn %s.\n", deltaEscape(s))
	}
	for _, n := range d.Notes {
		fmt.Fprintf(&b, "\n%s\n", deltaEscape(n))
	}
	for _, h := range d.Help {
		fmt.Fprintf(&b, "\n**Help:** %s\n", deltaEscape(h))
	}
	b.WriteString("\n</details>\n")
	return b.String()
}

// markdownEnd is what stands below the findings: what was accepted, what was
// fixed, what was not judged. It is short whatever the fleet.
func markdownEnd(r *Result) string {
	var b bytes.Buffer
	var waived, old, fixed, idle []string
	for _, d := range r.Diagnostics {
		switch {
		case d.Waived != nil:
			waived = append(waived, fmt.Sprintf("%s %s: by %s until %s, %s", deltaSpan(d.Code), deltaEscape(d.Message), deltaEscape(d.Waived.Owner), deltaEscape(d.Waived.Expires), deltaEscape(d.Waived.Reason)))
		case d.Old:
			old = append(old, fmt.Sprintf("%s %s", deltaSpan(d.Code), deltaEscape(d.Message)))
		}
	}
	if r.Base != nil {
		for _, f := range r.Base.Fixed {
			fixed = append(fixed, fmt.Sprintf("%s %s", deltaSpan(f.Code), deltaEscape(f.Message)))
		}
	}
	if r.Rules != nil {
		for _, x := range r.Rules.Results {
			if x.Evaluated == 0 {
				idle = append(idle, fmt.Sprintf("%s %s", deltaSpan(x.ID), deltaEscape(x.Skipped)))
			}
		}
	}
	fold(&b, "fixed by this change", fixed)
	fold(&b, "there before, not counted", old)
	fold(&b, "waived", waived)
	fold(&b, "rules that judged nothing", idle)
	fmt.Fprintf(&b, "\n<sub>darkstart %s %s", deltaText(r.Tool.Version), deltaText(r.Command))
	if v := r.Revision; v != nil && v.Commit != "" {
		fmt.Fprintf(&b, " at %s", deltaText(v.Commit[:min(12, len(v.Commit))]))
	}
	b.WriteString("; `darkstart explain CODE` says more about a code</sub>\n")
	return b.String()
}

// maxFold is how many lines of one sort are shown.
const maxFold = 20

func fold(b *bytes.Buffer, what string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "\n<details><summary>%d %s</summary>\n\n", len(lines), what)
	for i, l := range lines {
		if i == maxFold {
			fmt.Fprintf(b, "- and %d more\n", len(lines)-i)
			break
		}
		fmt.Fprintf(b, "- %s\n", abridge(l, 300))
	}
	b.WriteString("\n</details>\n")
}

// abridge shortens a line at a rune.
func abridge(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
