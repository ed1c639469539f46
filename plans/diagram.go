package plans

import (
	"fmt"
	"strings"
)

// diagram is nodes and edges before they are written in a language.
type diagram struct {
	title string
	boxes []box
	lines []arrow
}

type box struct {
	id, label, group string
	style            string // one of the keys of fills
}

type arrow struct{ from, to, label string }

// fills are colours that also differ in brightness.
var fills = map[string]string{
	"failed": "#f4b6b6", "falls": "#fbe3c0", "returns": "#d7ecd2", "stands": "#eef1f4", "stuck": "#d98080", "manual": "#dbe4f7", "auto": "#eef1f4",
}

// order of styles in the output.
var styles = []string{"failed", "falls", "returns", "stands", "stuck", "manual", "auto"}

func (d *diagram) names() map[string]string {
	out := map[string]string{}
	for i, b := range d.boxes {
		out[b.id] = fmt.Sprintf("n%d", i)
	}
	return out
}

// groups lists the groups in order of appearance, "" first.
func (d *diagram) groups() []string {
	out, seen := []string{""}, map[string]bool{"": true}
	for _, b := range d.boxes {
		if !seen[b.group] {
			seen[b.group] = true
			out = append(out, b.group)
		}
	}
	return out
}

func (d *diagram) mermaid() string {
	var b strings.Builder
	names := d.names()
	b.WriteString("flowchart LR\n")
	for gi, group := range d.groups() {
		indent := "  "
		if group != "" {
			fmt.Fprintf(&b, "  subgraph g%d[\"%s\"]\n", gi, mermaidText(group))
			indent = "    "
		}
		for _, x := range d.boxes {
			if x.group == group {
				fmt.Fprintf(&b, "%s%s[\"%s\"]:::%s\n", indent, names[x.id], mermaidText(x.label), x.style)
			}
		}
		if group != "" {
			b.WriteString("  end\n")
		}
	}
	for _, l := range d.lines {
		if names[l.from] == "" || names[l.to] == "" {
			continue
		}
		if l.label == "" {
			fmt.Fprintf(&b, "  %s --> %s\n", names[l.from], names[l.to])
		} else {
			fmt.Fprintf(&b, "  %s -- \"%s\" --> %s\n", names[l.from], mermaidText(l.label), names[l.to])
		}
	}
	for _, s := range styles {
		if d.uses(s) {
			fmt.Fprintf(&b, "  classDef %s fill:%s,stroke:#555,color:#111\n", s, fills[s])
		}
	}
	return b.String()
}

func (d *diagram) uses(style string) bool {
	for _, b := range d.boxes {
		if b.style == style {
			return true
		}
	}
	return false
}

// mermaidText escapes what ends a quoted label or begins markup.
func mermaidText(s string) string {
	return strings.NewReplacer(`"`, "#quot;", "<", "#lt;", ">", "#gt;", "\n", "<br>", "`", "#96;").Replace(s)
}

func (d *diagram) dot() string {
	var b strings.Builder
	names := d.names()
	fmt.Fprintf(&b, "digraph plan {\n  label=%s\n  rankdir=LR\n  node [shape=box style=filled fontname=\"sans-serif\"]\n", dotText(d.title))
	for gi, group := range d.groups() {
		indent := "  "
		if group != "" {
			fmt.Fprintf(&b, "  subgraph cluster_%d {\n    label=%s\n", gi, dotText(group))
			indent = "    "
		}
		for _, x := range d.boxes {
			if x.group == group {
				fmt.Fprintf(&b, "%s%s [label=%s fillcolor=%q]\n", indent, names[x.id], dotText(x.label), fills[x.style])
			}
		}
		if group != "" {
			b.WriteString("  }\n")
		}
	}
	for _, l := range d.lines {
		if names[l.from] != "" && names[l.to] != "" {
			fmt.Fprintf(&b, "  %s -> %s", names[l.from], names[l.to])
			if l.label != "" {
				fmt.Fprintf(&b, " [label=%s]", dotText(l.label))
			}
			b.WriteByte('\n')
		}
	}
	b.WriteString("}\n")
	return b.String()
}

func dotText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

// Mermaid draws the steps, one box each, waves as groups, edges as they force
// the order.
func (o *Order) Mermaid() string { return o.diagram().mermaid() }

// DOT draws the same as Mermaid.
func (o *Order) DOT() string { return o.diagram().dot() }

func (o *Order) diagram() *diagram {
	d := &diagram{title: o.Scenario}
	by := map[string]string{} // node or step to step
	for _, w := range o.Waves {
		for _, s := range w.Steps {
			by[s.ID] = s.ID
			for _, n := range s.Restores {
				by[n] = s.ID
			}
		}
	}
	seen := map[arrow]bool{}
	for _, w := range o.Waves {
		group := fmt.Sprintf("wave %d", w.Number)
		if w.Phase != "" {
			group += ": " + w.Phase
		}
		for _, s := range w.Steps {
			style, who := "auto", ""
			if s.Manual {
				style, who = "manual", "\n"+s.By
			}
			d.boxes = append(d.boxes, box{s.ID, fmt.Sprintf("%s\n%s%s", strings.TrimPrefix(s.ID, "bootstrap/"), s.Duration, who), group, style})
			for _, e := range s.Because {
				l := arrow{from: by[e.To], to: s.ID}
				if l.from != "" && l.from != l.to && !seen[l] {
					seen[l] = true
					d.lines = append(d.lines, l)
				}
			}
		}
	}
	o.stuckBoxes(d)
	return d
}

// stuckBoxes draws each witness: its cycle is what the reader looks for.
func (o *Order) stuckBoxes(d *diagram) {
	seen, edges := map[string]bool{}, map[arrow]bool{}
	for _, w := range o.Witness {
		for _, e := range w.Path {
			for _, n := range []string{e.From, e.To} {
				if !seen[n] {
					seen[n] = true
					d.boxes = append(d.boxes, box{n, n, "does not come back", "stuck"})
				}
			}
			if l := (arrow{e.From, e.To, "needs"}); !edges[l] {
				edges[l] = true
				d.lines = append(d.lines, l)
			}
		}
		if !seen[w.Target] {
			seen[w.Target] = true
			d.boxes = append(d.boxes, box{w.Target, w.Target, "does not come back", "stuck"})
		}
	}
}
