package plans

import "strings"

// Text lists what pairs of scenarios take for good that neither takes alone.
func (p *Pairs) Text() string {
	t := &textWriter{}
	if len(p.Losses) == 0 {
		t.line("%d pairs of scenarios solved: none takes for good what neither takes alone", p.Solved)
		return t.String()
	}
	t.line("%d pairs of scenarios solved, %d take for good what neither takes alone:", p.Solved, len(p.Losses))
	for i, l := range p.Losses {
		if i == maxLines-4 {
			t.line("… and %d more pairs", len(p.Losses)-i)
			break
		}
		t.line("  %s and %s: %s", l.A, l.B, strings.Join(l.Stuck, ", "))
	}
	return t.String()
}

// Mermaid draws a line between two scenarios that together take something.
func (p *Pairs) Mermaid() string { return p.diagram().mermaid() }

// DOT draws the same as Mermaid.
func (p *Pairs) DOT() string { return p.diagram().dot() }

func (p *Pairs) diagram() *diagram {
	d := &diagram{title: "pairs of scenarios"}
	seen := map[string]bool{}
	for _, l := range p.Losses {
		for _, s := range []string{l.A, l.B} {
			if !seen[s] {
				seen[s] = true
				d.boxes = append(d.boxes, box{s, s, "", "failed"})
			}
		}
		d.lines = append(d.lines, arrow{l.A, l.B, strings.Join(l.Stuck, ", ")})
	}
	return d
}
