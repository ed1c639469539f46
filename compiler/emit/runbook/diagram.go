package runbook

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Diagram is the plan as a picture: waves from top to bottom, because a phone
// is narrow and scrolls one way, and what may happen at once side by side.
type Diagram struct {
	Title string // a short name, read aloud
	Desc  string // what the picture shows, in words
	Waves []DiagramWave
}

// DiagramWave is one row of boxes.
type DiagramWave struct {
	Label string // "1"
	Note  string // "done by 28m"
	Boxes []Box
}

// Box is one step.
type Box struct {
	Title, Note string
	Href        string
	Critical    bool
	Final       bool     // point of no return
	After       []string // titles' Hrefs of boxes it waits for
}

// Sizes of the picture in units of its view box, which is as wide as a small
// phone. Widths of letters are estimated: nothing here can measure a font.
const (
	width     = 360
	left      = 40 // the rail with the numbers of the waves
	gap       = 8
	boxHeight = 46
	rowGap    = 26
	letter    = 7 // of a title
	small     = 6 // of a note
)

// Mermaid draws the diagram for Markdown.
func (d *Diagram) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart TB\n")
	id := map[string]string{}
	for i, w := range d.Waves {
		fmt.Fprintf(&b, "  subgraph w%d[\"wave %s\"]\n", i, quoted(w.Label))
		for j, x := range w.Boxes {
			id[x.Href] = fmt.Sprintf("w%ds%d", i, j)
			fmt.Fprintf(&b, "    %s[\"%s\"]\n", id[x.Href], quoted(x.Title))
		}
		b.WriteString("  end\n")
	}
	if !d.edges() {
		for i := 1; i < len(d.Waves); i++ {
			fmt.Fprintf(&b, "  w%d --> w%d\n", i-1, i)
		}
		return b.String()
	}
	for _, w := range d.Waves {
		for _, x := range w.Boxes {
			for _, a := range x.After {
				if id[a] != "" {
					fmt.Fprintf(&b, "  %s --> %s\n", id[a], id[x.Href])
				}
			}
		}
	}
	return b.String()
}

// quoted makes a label safe inside Mermaid's double quotes.
func quoted(s string) string { return quotes.Replace(s) }

var quotes = strings.NewReplacer(`"`, "#quot;", "<", "#lt;", ">", "#gt;", "\n", " ", "`", "'")

// edges reports whether single arrows stay readable: above a dozen boxes, or
// with more than two in a row, only the order of the waves is drawn.
func (d *Diagram) edges() bool {
	n := 0
	for _, w := range d.Waves {
		n += len(w.Boxes)
		if len(w.Boxes) > 2 {
			return false
		}
	}
	return n <= 12
}

// Placed is a Diagram with coordinates, as the HTML template draws it.
type Placed struct {
	*Diagram
	Width, Height int
	Rows          []row
	Arrows        []string // path data
	Rail          rail
}

type rail struct{ X, Top, Bottom int }

type row struct {
	DiagramWave
	Y, Mid int // centre of the number
	NoteY  int
	Boxes  []placedBox
}

type placedBox struct {
	Box
	X, Y, W, H int
	TextX      int
	Lines      []line
}

type line struct {
	Y     int
	Words string
	Small bool
}

// Place lays the diagram out.
func (d *Diagram) Place() *Placed {
	p := &Placed{Diagram: d, Width: width}
	at := map[string]*placedBox{}
	y := 4
	for _, w := range d.Waves {
		r := row{DiagramWave: w, Y: y, Mid: y + boxHeight/2}
		columns := min(2, len(w.Boxes))
		for i, x := range w.Boxes {
			bw := width - left - 4
			bx := left
			if columns == 2 {
				bw = (bw - gap) / 2
				bx += i % 2 * (bw + gap)
			}
			r.Boxes = append(r.Boxes, placedBox{Box: x, X: bx, Y: y + i/2*(boxHeight+gap), W: bw, H: boxHeight, TextX: bx + 12})
		}
		for i := range r.Boxes {
			r.Boxes[i].letter()
			at[r.Boxes[i].Href] = &r.Boxes[i]
		}
		y += (len(w.Boxes)+columns-1)/max(columns, 1)*(boxHeight+gap) - gap
		r.NoteY = y + 16
		y += rowGap
		p.Rows = append(p.Rows, r)
	}
	p.Height = y
	if len(p.Rows) > 0 {
		p.Rail = rail{18, p.Rows[0].Mid, p.Rows[len(p.Rows)-1].Mid}
	}
	if d.edges() {
		p.arrows(at)
	}
	return p
}

// letter breaks the title into at most two lines, and puts the note on the
// second one where it is free.
func (b *placedBox) letter() {
	fits := (b.W - 20) / letter
	first, rest := split(b.Title, fits)
	if rest != "" {
		b.Lines = []line{{b.Y + 19, first, false}, {b.Y + 35, shorten(rest, fits), false}}
		return
	}
	if b.Note == "" {
		b.Lines = []line{{b.Y + 28, first, false}}
		return
	}
	b.Lines = []line{{b.Y + 19, first, false}, {b.Y + 35, shorten(b.Note, (b.W-20)/small), true}}
}

// split cuts after the last word that fits.
func split(s string, fits int) (first, rest string) {
	if utf8.RuneCountInString(s) <= fits {
		return s, ""
	}
	cut := -1
	for i, r := range []rune(s) {
		if i > fits {
			break
		}
		if r == ' ' || r == '/' {
			cut = i
		}
	}
	rs := []rune(s)
	if cut <= 0 {
		return string(rs[:fits]), string(rs[fits:])
	}
	if rs[cut] == '/' && cut < fits {
		return string(rs[:cut+1]), string(rs[cut+1:])
	}
	return string(rs[:cut]), strings.TrimPrefix(string(rs[cut:]), " ")
}

func shorten(s string, fits int) string {
	rs := []rune(s)
	if len(rs) <= fits {
		return s
	}
	return strings.TrimRight(string(rs[:fits-1]), " ") + "…"
}

// arrows draws the edges between neighbouring waves; longer ones follow from
// the order of the waves and would cross the boxes between.
func (p *Placed) arrows(at map[string]*placedBox) {
	for i := 1; i < len(p.Rows); i++ {
		for _, b := range p.Rows[i].Boxes {
			for _, a := range b.After {
				from := at[a]
				if from == nil || from.Y >= b.Y || !p.holds(i-1, a) {
					continue
				}
				x1, y1, x2, y2 := from.X+from.W/2, from.Y+from.H, b.X+b.W/2, b.Y
				p.Arrows = append(p.Arrows, fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, y1, x1, (y1+y2)/2, x2, (y1+y2)/2, x2, y2-5))
			}
		}
	}
}

func (p *Placed) holds(row int, href string) bool {
	for _, b := range p.Rows[row].Boxes {
		if b.Href == href {
			return true
		}
	}
	return false
}
