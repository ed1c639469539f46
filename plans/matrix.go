package plans

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Matrix is every judged node against every scenario.
type Matrix struct {
	Scenarios []string    `json:"scenarios"`
	Rows      []MatrixRow `json:"rows"`
	Coverage  Coverage    `json:"coverage"`
}

// MatrixRow is one node; Cells has one entry a scenario, in their order.
type MatrixRow struct {
	Node  string       `json:"node"`
	Cells []MatrixCell `json:"cells"`
}

// MatrixCell is a verdict with its margin. The zero value is "not evaluated".
type MatrixCell struct {
	Verdict Verdict `json:"verdict"`
	// Margin is the RTO minus the upper bound, or, when violated, minus the
	// lower bound (then it is negative); nil without an RTO.
	Margin *Duration `json:"margin,omitempty"`
	Cell   *Cell     `json:"cell,omitempty"`
}

// NewMatrix collects the cells of a plan. Scenarios without any cell are left
// out.
func NewMatrix(p *Plan) *Matrix {
	m := &Matrix{Coverage: p.Coverage, Scenarios: []string{}, Rows: []MatrixRow{}}
	nodes := map[string]int{}
	for i := range p.Scenarios {
		r := &p.Scenarios[i]
		if len(r.Cells) == 0 {
			continue
		}
		m.Scenarios = append(m.Scenarios, r.Scenario.ID)
		for _, c := range r.Cells {
			if _, ok := nodes[c.Node]; !ok {
				nodes[c.Node] = len(m.Rows)
				m.Rows = append(m.Rows, MatrixRow{Node: c.Node})
			}
		}
	}
	for i := range m.Rows {
		m.Rows[i].Cells = make([]MatrixCell, len(m.Scenarios))
	}
	for col, id := range m.Scenarios {
		r := p.Recovery(id)
		for _, c := range r.Cells {
			m.Rows[nodes[c.Node]].Cells[col] = MatrixCell{Verdict: c.Verdict, Margin: c.margin(), Cell: c}
		}
	}
	slices.SortFunc(m.Rows, func(a, b MatrixRow) int { return cmp.Compare(a.Node, b.Node) })
	return m
}

func (c *Cell) margin() *Duration {
	if c.RTO == nil {
		return nil
	}
	var d Duration
	switch {
	case c.Verdict == Proven:
		d = *c.RTO - c.UB
	case c.Verdict == Violated && c.LB > *c.RTO:
		d = *c.RTO - c.LB
	default:
		return nil
	}
	return &d
}

// symbol is a cell in a few columns.
func (c MatrixCell) symbol() string {
	s := map[Verdict]string{Proven: "proven", Violated: "VIOLATED", UnknownV: "unknown", Unrecoverable: "STUCK", AcceptedV: "accepted", Unaffected: "·", "": "-"}[c.Verdict]
	if c.Margin == nil {
		return s
	}
	if *c.Margin >= 0 {
		return s + " +" + c.Margin.rounded().String()
	}
	return s + " " + c.Margin.String()
}

// touched leaves out the scenarios that touch nothing that is judged.
func (m *Matrix) touched() *Matrix {
	out := &Matrix{Coverage: m.Coverage, Rows: make([]MatrixRow, len(m.Rows))}
	for i, r := range m.Rows {
		out.Rows[i].Node = r.Node
	}
	for col, s := range m.Scenarios {
		if !slices.ContainsFunc(m.Rows, func(r MatrixRow) bool { return r.Cells[col].Verdict != "" && r.Cells[col].Verdict != Unaffected }) {
			continue
		}
		out.Scenarios = append(out.Scenarios, s)
		for i, r := range m.Rows {
			out.Rows[i].Cells = append(out.Rows[i].Cells, r.Cells[col])
		}
	}
	return out
}

// Text prints the matrix with one column a scenario as far as a screen goes;
// beyond, one line a node, and one for every cell that is not settled.
func (m *Matrix) Text() string {
	t := &textWriter{}
	full := m
	m = m.touched()
	widths, total := []int{0}, 0
	for _, r := range m.Rows {
		widths[0] = max(widths[0], len(r.Node))
	}
	for col, s := range m.Scenarios {
		w := len(s)
		for _, r := range m.Rows {
			w = max(w, len([]rune(r.Cells[col].symbol())))
		}
		widths = append(widths, w)
	}
	for _, w := range widths {
		total += w + 2
	}
	if total <= maxColumns && len(m.Rows) < maxLines {
		m.table(t, widths)
	} else {
		m.list(t)
	}
	full.summary(t)
	return t.String()
}

func (m *Matrix) table(t *textWriter, widths []int) {
	head := fmt.Sprintf("%-*s", widths[0], "")
	for i, s := range m.Scenarios {
		head += fmt.Sprintf("  %-*s", widths[i+1], s)
	}
	t.line("%s", head)
	for _, r := range m.Rows {
		line := fmt.Sprintf("%-*s", widths[0], r.Node)
		for i, c := range r.Cells {
			line += fmt.Sprintf("  %-*s", widths[i+1], c.symbol())
		}
		t.line("%s", line)
	}
}

// list prints a node a line, with its tightest margin, and below it each cell
// that is not settled; what does not fit on the screen is counted.
func (m *Matrix) list(t *textWriter) {
	var lines []string
	width := 0
	for _, r := range m.Rows {
		width = max(width, len(r.Node))
	}
	for _, r := range m.Rows {
		lines = append(lines, fmt.Sprintf("%-*s  %s", width, r.Node, m.tightest(r)))
		for i, c := range r.Cells {
			if c.Cell != nil && c.Verdict != Proven && c.Verdict != AcceptedV && c.Verdict != Unaffected {
				lines = append(lines, "  "+c.Cell.Line(m.Scenarios[i]))
			}
		}
	}
	for i, l := range lines {
		if i == maxLines-4 {
			t.line("… and %d more lines", len(lines)-i)
			return
		}
		t.line("%s", l)
	}
}

// tightest counts a row's verdicts and names the least margin that holds.
func (m *Matrix) tightest(r MatrixRow) string {
	count := map[Verdict]int{}
	best := -1
	for i, c := range r.Cells {
		count[c.Verdict]++
		if c.Verdict == Proven && c.Margin != nil && (best < 0 || *c.Margin < *r.Cells[best].Margin) {
			best = i
		}
	}
	out := verdicts(count)
	if best >= 0 {
		out += fmt.Sprintf("; tightest +%s under %s", r.Cells[best].Margin.rounded(), m.Scenarios[best])
	}
	return out
}

func verdicts(count map[Verdict]int) string {
	var parts []string
	for _, v := range []Verdict{Proven, Violated, Unrecoverable, UnknownV, AcceptedV, Unaffected} {
		if count[v] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[v], v))
		}
	}
	return strings.Join(parts, ", ")
}

func (m *Matrix) summary(t *textWriter) {
	count := map[Verdict]int{}
	for _, r := range m.Rows {
		for _, c := range r.Cells {
			count[c.Verdict]++
		}
	}
	said := verdicts(count)
	if said == "" {
		said = "nothing is judged: no objective matches a scenario"
	}
	t.line("%s; not evaluated: %d; %d objectives, %d scenarios, %d nodes, %d implied",
		said, m.Coverage.NotEvaluated, m.Coverage.Objectives, m.Coverage.Scenarios, m.Coverage.Nodes, m.Coverage.Implied)
}

// Mermaid draws the cells that touch something, grouped by scenario.
func (m *Matrix) Mermaid() string { return m.diagram().mermaid() }

// DOT draws the same as Mermaid.
func (m *Matrix) DOT() string { return m.diagram().dot() }

func (m *Matrix) diagram() *diagram {
	d := &diagram{title: "services and scenarios"}
	style := map[Verdict]string{Proven: "returns", AcceptedV: "falls", UnknownV: "falls", Violated: "failed", Unrecoverable: "stuck"}
	for i, s := range m.Scenarios {
		for _, r := range m.Rows {
			if st := style[r.Cells[i].Verdict]; st != "" {
				d.boxes = append(d.boxes, box{s + "\x00" + r.Node, r.Node + "\n" + r.Cells[i].symbol(), s, st})
			}
		}
	}
	return d
}

// CellChange is what a change did to one cell.
type CellChange struct {
	Scenario string `json:"scenario"`
	Node     string `json:"node"`
	Before   *Cell  `json:"before,omitempty"` // nil: did not exist
	After    *Cell  `json:"after,omitempty"`
}

// String says it as one line: "payments under region-loss: 24m → 1h11m, RTO
// 1h, violated", or, where the data decides: "loses 12m → everything, RPO 15m".
func (c CellChange) String() string {
	head := c.Node + " under " + c.Scenario + ": "
	switch {
	case c.Before == nil:
		return head + "new, " + c.After.brief()
	case c.After == nil:
		return head + "no longer judged, was " + c.Before.brief()
	}
	out := head + c.Before.time() + " → " + c.After.time()
	switch {
	case c.Before.lossy() || c.After.lossy():
		out = head + "loses " + c.Before.lost() + " → " + c.After.lost() + ", RPO " + cmp.Or(c.After.RPO, c.Before.RPO).String()
	case c.After.RTO != nil:
		out += ", RTO " + c.After.RTO.String()
	}
	if c.Before.Verdict != c.After.Verdict {
		return out + fmt.Sprintf(", %s (was %s)", c.After.Verdict, c.Before.Verdict)
	}
	return out + ", " + string(c.After.Verdict)
}

// lossy: even at best more is lost than the objective allows.
func (c *Cell) lossy() bool { return c.RPO != nil && c.Loss != nil && c.Loss.Lo > *c.RPO }

// lost is how much of the data is gone, at worst.
func (c *Cell) lost() string {
	switch {
	case c.Loss == nil:
		return "nothing"
	case c.Loss.Hi >= Forever:
		return "everything"
	}
	return c.Loss.Hi.String()
}

func (c *Cell) brief() string {
	if c.RTO == nil {
		return c.time() + ", " + string(c.Verdict)
	}
	return c.time() + ", RTO " + c.RTO.String() + ", " + string(c.Verdict)
}

// time is the number that the verdict rests on.
func (c *Cell) time() string {
	switch c.Verdict {
	case Unaffected:
		return "not affected"
	case Unrecoverable:
		return "does not come back"
	case Violated:
		return c.LB.String()
	}
	return c.UB.String()
}

// Compare lists the cells whose verdict, bounds or loss differ between two
// plans, by scenario and node.
func Compare(base, head *Plan) []CellChange {
	type key struct{ scenario, node string }
	cells := func(p *Plan) map[key]*Cell {
		out := map[key]*Cell{}
		for i := range p.Scenarios {
			for _, c := range p.Scenarios[i].Cells {
				out[key{p.Scenarios[i].Scenario.ID, c.Node}] = c
			}
		}
		return out
	}
	before, after := cells(base), cells(head)
	var out []CellChange
	for k, b := range before {
		if a := after[k]; a == nil || !a.same(b) {
			out = append(out, CellChange{k.scenario, k.node, b, a})
		}
	}
	for k, a := range after {
		if before[k] == nil {
			out = append(out, CellChange{k.scenario, k.node, nil, a})
		}
	}
	slices.SortFunc(out, func(a, b CellChange) int {
		return cmp.Or(cmp.Compare(a.Scenario, b.Scenario), cmp.Compare(a.Node, b.Node))
	})
	return out
}

func (c *Cell) same(d *Cell) bool {
	eq := func(a, b *Duration) bool { return a == b || a != nil && b != nil && *a == *b }
	loss := c.Loss == d.Loss || c.Loss != nil && d.Loss != nil && *c.Loss == *d.Loss
	return c.Verdict == d.Verdict && c.LB == d.LB && c.UB == d.UB && loss && eq(c.RTO, d.RTO) && eq(c.RPO, d.RPO)
}
