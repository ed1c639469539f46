package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
)

// shownFields is how many fields of an object are shown unless all are asked for.
const shownFields = 6

// DeltaText writes a delta for people: what loses something first, then what
// to look at, then the rest; one screen, unless all is asked for with Verbose.
func DeltaText(w io.Writer, d *ir.Delta, o Options) error {
	p := newPrinter(o, &Result{})
	p.printf("%s\n", p.paint(bold, clean(d.Base)+" → "+clean(d.Head)))
	p.deltaObjects(deltaGroups(d, o.Verbose))
	p.deltaCells(d)
	if o.Verbose {
		for _, h := range d.Hidden {
			p.printf("noise: %s, %s\n", count(h.Fields, "field"), h.Reason)
		}
	}
	for _, m := range deltaMissing(d) {
		p.printf("%s %s\n", p.paint(yellow, "not compared:"), clean(m))
	}
	p.printf("%s\n", p.paint(bold, deltaSummary(d)))
	_, err := w.Write(p.Bytes())
	return err
}

var signStyle = map[string]style{"+": green, "-": red, "~": yellow, "±": cyan, " ": plain, "@": secondary}

func (p *printer) deltaObjects(gs []deltaGroup) {
	if len(gs) > 0 {
		p.print("\n")
	}
	short := 0
	for i := range gs {
		g := &gs[i]
		if !p.Verbose && i > 0 && p.full() {
			if !g.grave || short > 2*p.Lines { // what loses something is always named
				p.printf("… and %s: --verbose\n", count(len(gs)-i, "more change"))
				break
			}
			short++
		}
		p.deltaObject(g)
	}
	if len(gs) > 0 {
		p.print("\n")
	}
}

func (p *printer) deltaObject(g *deltaGroup) {
	sign := signs[g.Action]
	p.printf("%s %s  %s\n", p.paint(signStyle[sign], sign), p.paint(bold, clean(g.Object)), clean(g.where()))
	if from := g.origin(); from != "" {
		p.printf("    %s from %s\n", g.Action, clean(from))
	}
	for _, x := range g.Dangers {
		color, mark := yellow, "!"
		if g.grave && x.Kind != ir.RBACWidening && x.Kind != ir.ImageChange {
			color = red
		}
		p.printf("    %s %s\n", p.paint(color, mark+" "+x.Kind+":"), clean(short(x.Text)))
	}
	if e := g.effect(); e != "" {
		p.printf("    %s\n", e)
	}
	if at := deltaPlace(g.At); p.Verbose && at != "" {
		p.printf("    written at %s\n", clean(at))
	}
	fs := g.fields(p.Verbose)
	for i, f := range fs {
		if !p.Verbose && i == shownFields && len(fs) > shownFields+1 {
			p.printf("    … and %s\n", count(len(fs)-i, "more field"))
			return
		}
		p.deltaField(f)
	}
}

// deltaField puts a short change on one line, others below each other.
func (p *printer) deltaField(f fieldDiff) {
	note := ""
	if f.Note != "" {
		note = "  (" + f.Note + ")"
	}
	one := f.Where + ": " + deltaArrow(f.Lines)
	if len(f.Lines) <= 2 && widths.StringWidth(one)+4 <= p.Width && !strings.HasPrefix(strings.Join(f.Lines, ""), "@") {
		p.printf("    %s%s\n", one, note)
		return
	}
	p.printf("    %s%s\n", f.Where, note)
	for i, l := range f.Lines {
		if !p.Verbose && i == p.Lines/4 {
			p.printf("      … and %s\n", count(len(f.Lines)-i, "more line"))
			return
		}
		if short := shorten(l, p.Width-7); !p.Verbose {
			l = short
		}
		p.printf("      %s\n", p.paint(signStyle[l[:1]], l))
	}
}

// deltaArrow is "before → after" of a change of at most two lines.
func deltaArrow(lines []string) string {
	switch {
	case len(lines) == 2:
		return lines[0][1:] + " → " + lines[1][1:]
	case len(lines) == 1 && lines[0][0] == '-':
		return lines[0][1:] + " → nothing"
	case len(lines) == 1:
		return "nothing → " + lines[0][1:]
	}
	return "changed"
}

// shorten shortens a line to so many columns.
func shorten(s string, columns int) string {
	if widths.StringWidth(s) <= columns {
		return s
	}
	return widths.Truncate(s, max(columns, 8), "…")
}

func (p *printer) deltaCells(d *ir.Delta) {
	if len(d.Cells) == 0 {
		return
	}
	p.printf("%s\n", p.paint(bold, "recoverability"))
	for i, c := range deltaCells(d) {
		if !p.Verbose && i == p.Lines/2 {
			p.printf("  … and %s: --verbose\n", count(len(d.Cells)-i, "more cell"))
			break
		}
		p.printf("  %s\n", clean(fmt.Sprint(c)))
	}
	p.print("\n")
}
