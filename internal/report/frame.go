package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// maxLabels is how many places of one diagnostic are shown by default.
const maxLabels = 8

// mark is one label in a frame. from and to are byte offsets in its line.
type mark struct {
	line     int
	from, to int
	text     string
	primary  bool
}

// excerpt is the labels of one diagnostic in one file.
type excerpt struct {
	first diag.Label // whose position heads it
	lines []string   // the source, nil when it cannot be shown
	marks []mark     // sorted by line and column
	bare  []diag.Label
}

// frames draws every contributing position: one frame a file, the primary
// one's first.
func (p *printer) frames(d *diag.Diagnostic) {
	labels := d.Labels
	if !p.Verbose && len(labels) > maxLabels {
		labels = labels[:maxLabels]
	}
	es := p.excerpts(labels)
	p.gutter = 1
	for _, e := range es {
		for _, m := range e.marks {
			p.gutter = max(p.gutter, len(fmt.Sprint(m.line)))
		}
	}
	for i, e := range es {
		p.excerpt(e, i == 0, d.Severity)
	}
	if n := len(d.Labels) - len(labels); n > 0 {
		p.aside("note", fmt.Sprintf("and %d more places", n))
	}
}

func (p *printer) excerpts(labels []diag.Label) []excerpt {
	var es []excerpt
	for i, l := range labels {
		j := slices.IndexFunc(es, func(e excerpt) bool { return e.first.File == l.File })
		if j < 0 {
			j = len(es)
			es = append(es, excerpt{first: l, lines: p.source(l.File)})
		}
		e := &es[j]
		if l.Line < 1 || l.Line > len(e.lines) || e.lines[l.Line-1] == missing {
			e.bare = append(e.bare, l)
			continue
		}
		m := mark{line: l.Line, text: clean(oneLine(l.Text)), primary: i == 0}
		m.from, m.to = span(e.lines[l.Line-1], l.Position)
		e.marks = append(e.marks, m)
	}
	for i := range es {
		slices.SortStableFunc(es[i].marks, func(a, b mark) int {
			return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.from, b.from))
		})
	}
	return es
}

// source returns the lines of a file that were kept, nil when there are none:
// a position without its text is still worth printing.
func (p *printer) source(file string) []string { return p.files[file] }

// span returns the bytes that a position underlines. Without an end it is the
// token at the column, without a column the whole line.
func span(line string, p diag.Position) (from, to int) {
	if p.Column < 1 || p.Column > len(line)+1 {
		trimmed := strings.TrimLeft(line, " \t")
		return len(line) - len(trimmed), len(strings.TrimRight(line, " \t"))
	}
	from = p.Column - 1
	if p.EndColumn > p.Column {
		return from, min(p.EndColumn-1, len(line))
	}
	return from, from + token(line[from:])
}

// token returns the length of the word or quoted string at the start of s.
func token(s string) int {
	if s == "" {
		return 0
	}
	if s[0] == '"' || s[0] == '\'' || s[0] == '`' {
		if i := strings.IndexByte(s[1:], s[0]); i >= 0 {
			return i + 2
		}
	}
	switch i := strings.IndexAny(s, " \t,;:(){}[]\"'`"); i {
	case -1:
		return len(s)
	case 0:
		return 1
	default:
		return i
	}
}

func (p *printer) excerpt(e excerpt, first bool, sev diag.Severity) {
	arrow := ":::"
	if first {
		arrow = "-->"
	}
	if len(e.marks) > 0 {
		head := e.first.Position
		if head.Line < 1 || head.Line > len(e.lines) {
			m := e.marks[0]
			head.Line, head.Column = m.line, m.from+1
		}
		p.place(arrow, head, "")
		arrow = ":::"
		if first {
			p.row("", "")
		}
		p.marks(e, sev)
	}
	for _, l := range e.bare {
		p.place(arrow, l.Position, l.Text)
		arrow = ":::"
	}
}

// place prints "--> file:line:column", with its text when no frame follows.
func (p *printer) place(arrow string, at diag.Position, text string) {
	p.printf("%s%s %s", strings.Repeat(" ", p.gutter), p.paint(gutter, arrow), clean(at.String()))
	if text = clean(oneLine(text)); text != "" {
		p.printf(": %s", text)
	}
	p.print("\n")
}

// row prints one line of a frame: a number or nothing, a bar, text.
func (p *printer) row(number, text string) {
	if text != "" {
		text = " " + text
	}
	p.printf("%s%s\n", p.paint(gutter, fmt.Sprintf("%*s |", p.gutter, number)), strings.TrimRight(text, " "))
}

// marks prints the marked lines of one file in order, with a line between two
// of them when it is the only one, and dots for more.
func (p *printer) marks(e excerpt, sev diag.Severity) {
	last := 0
	for len(e.marks) > 0 {
		line := e.marks[0].line
		n := slices.IndexFunc(e.marks, func(m mark) bool { return m.line != line })
		if n < 0 {
			n = len(e.marks)
		}
		switch {
		case last > 0 && line == last+2:
			p.plain(last+1, cells(e.lines[last]))
		case last > 0 && line > last+2:
			p.print(p.paint(gutter, "...") + "\n")
		}
		p.line(line, cells(e.lines[line-1]), e.marks[:n], sev)
		e.marks, last = e.marks[n:], line
	}
}

func (p *printer) plain(number int, cs []cell) {
	text, _, _ := cut(cs, 0, 0, p.room())
	p.row(fmt.Sprint(number), text)
}

// line prints a source line and what its marks say. Marks too far apart for
// one window get a window each.
func (p *printer) line(number int, cs []cell, ms []mark, sev diag.Severity) {
	for len(ms) > 0 {
		lo, hi, n := 0, 0, 0
		for i, m := range ms {
			from, to := column(cs, m.from), column(cs, m.to)
			to = max(to, from+1)
			if i == 0 {
				lo, hi = from, to
			}
			if i > 0 && max(hi, to)-lo > p.room()-2 {
				break
			}
			hi, n = max(hi, to), i+1
		}
		text, skip, width := cut(cs, lo, hi, p.room())
		p.row(fmt.Sprint(number), text)
		p.underline(cs, ms[:n], skip, width, sev)
		ms = ms[n:]
	}
}

// room is the number of columns for source text.
func (p *printer) room() int { return max(20, p.Width-p.gutter-3) }

// cut returns the part of a line that holds the columns lo to hi and fits into
// room, with dots where something is missing. skip is what to take off
// a column to find it there, width how wide the result is.
func cut(cs []cell, lo, hi, room int) (text string, skip, width int) {
	total := 0
	for _, c := range cs {
		total += c.width
	}
	if total <= room {
		return join(cs), 0, total
	}
	start := 0
	if hi > room-1 {
		hi = min(hi, lo+room-2)
		start = max(0, min(lo, (lo+hi)/2-room/2))
	}
	var b strings.Builder
	col, first := 0, true
	for _, c := range cs {
		if col < start {
			col += c.width
			continue
		}
		if first && start > 0 {
			b.WriteString("…")
			skip, width = col-1, 1
		}
		first = false
		if width+c.width > room-1 {
			b.WriteString("…")
			width++
			break
		}
		b.WriteString(c.text)
		width += c.width
		col += c.width
	}
	return b.String(), skip, width
}

func join(cs []cell) string {
	var b strings.Builder
	for _, c := range cs {
		b.WriteString(c.text)
	}
	return b.String()
}

// underline draws the marks of one line as rustc does: all of them in a row,
// the last one's text behind it, the others' texts below, right to left.
func (p *printer) underline(cs []cell, ms []mark, skip, width int, sev diag.Severity) {
	type drawn struct {
		mark
		from, to int
	}
	ds := make([]drawn, len(ms))
	end := 0
	for i, m := range ms {
		from := column(cs, m.from) - skip
		to := min(max(column(cs, m.to)-skip, from+1), max(width, from+1))
		ds[i], end = drawn{m, from, to}, max(end, to)
	}
	row := newCanvas(end)
	for _, primary := range []bool{false, true} {
		for _, d := range ds {
			if d.primary == primary {
				row.fill(d.from, d.to, d.primary, p.style(d.primary, sev))
			}
		}
	}
	last := ds[len(ds)-1]
	text := row.paint(p)
	if last.text != "" {
		text += " " + p.paint(p.style(last.primary, sev), last.text)
	}
	p.row("", text)
	for i := len(ds) - 2; i >= 0; i-- {
		if ds[i].text == "" {
			continue
		}
		bars := newCanvas(ds[i].from + 1)
		for _, d := range ds[:i+1] {
			if d.text != "" {
				bars.set(d.from, '|', p.style(d.primary, sev))
			}
		}
		p.row("", bars.paint(p))
		p.row("", bars.head(ds[i].from).paint(p)+p.paint(p.style(ds[i].primary, sev), ds[i].text))
	}
}

// style colours a primary mark by severity and the others alike.
func (p *printer) style(primary bool, sev diag.Severity) style {
	if primary {
		return severityStyle[sev]
	}
	return secondary
}

// canvas is one row of marks, a column each.
type canvas struct {
	runes  []rune
	styles []style
}

func newCanvas(n int) *canvas {
	return &canvas{runes: []rune(strings.Repeat(" ", n)), styles: make([]style, n)}
}

func (c *canvas) set(i int, r rune, s style) { c.runes[i], c.styles[i] = r, s }

func (c *canvas) fill(from, to int, primary bool, s style) {
	r := '-'
	if primary {
		r = '^'
	}
	for i := from; i < to; i++ {
		c.set(i, r, s)
	}
}

func (c *canvas) head(n int) *canvas { return &canvas{c.runes[:n], c.styles[:n]} }

func (c *canvas) paint(p *printer) string {
	var b strings.Builder
	for i := 0; i < len(c.runes); {
		j := i
		for j < len(c.runes) && c.styles[j] == c.styles[i] {
			j++
		}
		b.WriteString(p.paint(c.styles[i], string(c.runes[i:j])))
		i = j
	}
	return b.String()
}
