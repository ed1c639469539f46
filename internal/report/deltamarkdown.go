package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/plans"
)

// DeltaMarkdown writes a delta for a pull request: dangers and recoverability in
// sight, fields folded away. It stays below limit bytes (0: no limit) by leaving
// out fields of what comes last, and says so: a comment has a maximum length.
func DeltaMarkdown(w io.Writer, d *ir.Delta, limit int) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "### Changes: %s → %s\n\n%s\n", deltaSpan(d.Base), deltaSpan(d.Head), deltaSummary(d))
	gs := deltaGroups(d, false)
	markdownList(&b, "Dangers", dangerLines(gs), limit)
	judged, times := judgedCells(d)
	markdownList(&b, "Recoverability", cellLines(judged), limit)
	if len(times) > 0 {
		fold(&b, "cells with another time and the same verdict", cellLines(times))
	}
	markdownList(&b, "Not compared", deltaEscaped(deltaMissing(d)), limit)
	markdownDetails(&b, gs, limit)
	_, err := w.Write(b.Bytes())
	return err
}

func cellLines(cells []plans.CellChange) []string {
	out := make([]string, 0, len(cells))
	for _, c := range cells {
		mark := "✅"
		if c.After != nil && (c.After.Verdict == plans.Violated || c.After.Verdict == plans.Unrecoverable) {
			mark = "⛔"
		}
		out = append(out, mark+" "+deltaSpan(c.String()))
	}
	return out
}

func dangerLines(gs []deltaGroup) []string {
	var out []string
	for i := range gs {
		g := &gs[i]
		for _, x := range g.Dangers {
			mark := "⚠️"
			if g.grave && x.Kind != ir.RBACWidening && x.Kind != ir.ImageChange {
				mark = "⛔"
			}
			out = append(out, fmt.Sprintf("%s **%s** %s in %s: %s", mark, x.Kind, deltaSpan(g.Object), deltaSpan(g.where()), deltaEscape(short(x.Text))))
		}
	}
	return out
}

// markdownList writes a heading and a list that takes at most a third of the
// space.
func markdownList(b *bytes.Buffer, heading string, lines []string, limit int) {
	if len(lines) == 0 {
		return
	}
	start := b.Len()
	fmt.Fprintf(b, "\n#### %s\n\n", heading)
	for i, l := range lines {
		if limit > 0 && b.Len()+len(l)-start > limit/3-60 {
			fmt.Fprintf(b, "- … and %d more\n", len(lines)-i)
			return
		}
		fmt.Fprintf(b, "- %s\n", l)
	}
}

// markdownDetails folds every change; each has its own block, so that a reader
// opens one.
func markdownDetails(b *bytes.Buffer, gs []deltaGroup, limit int) {
	if len(gs) > 0 {
		b.WriteString("\n")
	}
	for i := range gs {
		one := markdownObject(&gs[i])
		if limit > 0 && b.Len()+len(one) > limit-120 {
			fmt.Fprintf(b, "\n%s left out: this is as long as it may be. `darkstart diff` shows all.\n", count(len(gs)-i, "more change"))
			return
		}
		b.WriteString(one)
	}
}

func markdownObject(g *deltaGroup) string {
	head := fmt.Sprintf("%s %s %s", signs[g.Action], deltaCode(g.Object), deltaText(g.where()))
	if from := g.origin(); from != "" {
		head += deltaText(", " + g.Action + " from " + from)
	}
	if e := g.effect(); e != "" {
		head += ": " + e
	}
	fs := g.fields(false)
	if len(fs) == 0 {
		return head + "<br>\n"
	}
	var body strings.Builder
	for _, f := range fs {
		body.WriteString("@@ " + f.Where)
		if f.Note != "" {
			body.WriteString(" (" + f.Note + ")")
		}
		body.WriteString(" @@\n")
		for _, l := range f.Lines {
			body.WriteString(l + "\n")
		}
	}
	f := deltaFence(body.String())
	return fmt.Sprintf("<details><summary>%s</summary>\n\n%sdiff\n%s%s\n\n</details>\n", head, f, body.String(), f)
}

// deltaFence is longer than any run of backticks in the text, so that the text cannot
// end it.
func deltaFence(text string) string {
	f := "```"
	for strings.Contains(text, f) {
		f += "`"
	}
	return f
}

// deltaSpan is a code span that its text cannot end.
func deltaSpan(s string) string {
	s = strings.ReplaceAll(clean(s), "\n", " ")
	f := "`"
	for strings.Contains(s, f) {
		f += "`"
	}
	if len(f) > 1 {
		return f + " " + s + " " + f
	}
	return f + s + f
}

// deltaCode is a code element, for places where Markdown is not read.
func deltaCode(s string) string { return "<code>" + deltaText(s) + "</code>" }

var deltaHTMLEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "@\u200b", "\n", " ")

func deltaText(s string) string { return deltaHTMLEscapes.Replace(clean(s)) }

var deltaEscapes = strings.NewReplacer("\\", "\\\\", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "]", "\\]", "<", "&lt;", ">", "&gt;", "|", "\\|", "@", "@\u200b", "#", "\\#", "~", "\\~", "\n", " ")

// deltaEscape makes text show as it is: no link, no mention, no HTML.
func deltaEscape(s string) string { return deltaEscapes.Replace(clean(s)) }

func deltaEscaped(ss []string) []string {
	out := make([]string, len(ss))
	for i, s := range ss {
		out[i] = deltaEscape(s)
	}
	return out
}
