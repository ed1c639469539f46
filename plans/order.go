package plans

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/digest"
)

// Order is a recovery or a bootstrap as an ordered list of steps.
type Order struct {
	Scenario string      `json:"scenario"`
	Service  string      `json:"service,omitempty"` // "" for all
	Waves    []Wave      `json:"waves"`
	Cells    []*Cell     `json:"cells,omitempty"`
	Stuck    []string    `json:"stuck,omitempty"`
	Empty    []string    `json:"startsEmpty,omitempty"`
	Witness  []Witness   `json:"witnesses,omitempty"`
	Makespan Interval    `json:"makespan"`
	Manual   Automation  `json:"automation"`
	Estimate Measurement `json:"durations"`
	// Closures maps each procedure that restores something the scenario takes to
	// the digest that a record of running it states (Plan.Closures): also those
	// that stand in no wave, since a first run is what they may wait for.
	Closures map[string]digest.Digest `json:"closures,omitempty"`
}

// Automation says how much of a plan runs without people.
type Automation struct {
	Steps  int      `json:"steps"`
	Manual int      `json:"manual"`
	Gates  []string `json:"gates,omitempty"` // steps that wait for a person, in order
}

// Ratio is the share of steps without people, in percent.
func (a Automation) Ratio() int {
	if a.Steps == 0 {
		return 100
	}
	return (a.Steps - a.Manual) * 100 / a.Steps
}

// Measurement counts where durations come from (D7).
type Measurement struct {
	Measured  int `json:"measured"`
	Estimated int `json:"estimated"`
	Unknown   int `json:"unknown"`
}

// BootstrapOrder is the bootstrap of a cluster; nil when the plan has none.
func BootstrapOrder(p *Plan, cluster string) *Order {
	r := p.Recovery("bootstrap/" + cluster)
	if r == nil {
		return nil
	}
	return newOrder(r, "", r.Waves)
}

// RecoveryOrder is the recovery from a scenario; with a service, only the
// steps that it waits for. It is nil when the plan has no such scenario or the
// model no such node.
func RecoveryOrder(m *Model, p *Plan, scenario, service string) *Order {
	r := p.Recovery(scenario)
	if r == nil {
		return nil
	}
	if service == "" {
		return newOrder(r, "", r.Waves).withClosures(m, p, r)
	}
	nodes := make(map[string]*Node, len(m.Nodes))
	for i := range m.Nodes {
		nodes[m.Nodes[i].ID] = &m.Nodes[i]
	}
	waves, ok := NewAwaited(nodes, r).Waves(service)
	if !ok {
		return nil
	}
	return newOrder(r, service, waves).withClosures(m, p, r)
}

func newOrder(r *Recovery, service string, waves []Wave) *Order {
	o := &Order{Scenario: r.Scenario.ID, Service: service, Waves: waves, Stuck: r.Stuck, Empty: r.Empty, Makespan: r.Makespan}
	about := func(node string) bool { return service == "" || node == service }
	o.Cells = slices.DeleteFunc(slices.Clone(r.Cells), func(c *Cell) bool { return !about(c.Node) || c.Verdict == Unaffected && service == "" })
	o.Witness = slices.DeleteFunc(slices.Clone(r.Witnesses), func(w Witness) bool { return !about(w.Target) })
	if service != "" {
		o.Makespan = r.Returns[service]
		o.Stuck = slices.DeleteFunc(slices.Clone(r.Stuck), func(n string) bool { return n != service })
	}
	for _, w := range waves {
		for _, s := range w.Steps {
			o.count(&s)
		}
	}
	return o
}

func (o *Order) withClosures(m *Model, p *Plan, r *Recovery) *Order {
	down := map[string]bool{}
	for _, id := range slices.Concat(r.Down, r.Fails) {
		down[id] = true
	}
	for _, d := range r.Scenario.Domains {
		down["domain:"+d] = true
	}
	o.Closures = map[string]digest.Digest{}
	for i := range m.Procedures {
		q := &m.Procedures[i]
		if d, ok := p.Closures[q.ID]; ok && slices.ContainsFunc(q.Restores, func(id string) bool { return down[id] }) {
			o.Closures[q.ID] = d
		}
	}
	return o
}

func (o *Order) count(s *PlannedStep) {
	o.Manual.Steps++
	if s.Manual {
		o.Manual.Manual++
		o.Manual.Gates = append(o.Manual.Gates, s.ID)
	}
	switch {
	case s.Measured != nil:
		o.Estimate.Measured++
	case s.Known:
		o.Estimate.Estimated++
	default:
		o.Estimate.Unknown++
	}
}

// Awaited answers which steps of a recovery a node waits for. It is an index:
// make one a recovery and ask it about many nodes.
type Awaited struct {
	recovery *Recovery
	nodes    map[string]*Node
	restorer map[string][]stepAt // by what they restore, and by their own id
	down     map[string]bool
}

// stepAt is the place of a step in the waves of a recovery.
type stepAt struct{ wave, step int }

// NewAwaited indexes one recovery over the nodes of the model, by id.
func NewAwaited(nodes map[string]*Node, r *Recovery) *Awaited {
	a := &Awaited{r, nodes, map[string][]stepAt{}, make(map[string]bool, len(r.Down))}
	for w := range r.Waves {
		for s := range r.Waves[w].Steps {
			st, at := &r.Waves[w].Steps[s], stepAt{w, s}
			a.restorer[st.ID] = append(a.restorer[st.ID], at)
			for _, n := range st.Restores {
				a.restorer[n] = append(a.restorer[n], at)
			}
		}
	}
	for _, n := range r.Down {
		a.down[n] = true
	}
	return a
}

// Waves returns the waves of the recovery with only the steps that the node
// waits for, numbered from 1; ok is false when the model has no such node. It
// looks at those steps alone: a disaster may have a thousand times as many.
func (a *Awaited) Waves(node string) (waves []Wave, ok bool) {
	if a.nodes[node] == nil {
		return nil, false
	}
	steps := a.steps(node)
	for len(steps) > 0 {
		w := &a.recovery.Waves[steps[0].wave]
		n := slices.IndexFunc(steps, func(s stepAt) bool { return s.wave != steps[0].wave })
		if n < 0 {
			n = len(steps)
		}
		of := make([]PlannedStep, n)
		for i, s := range steps[:n] {
			of[i] = w.Steps[s.step]
		}
		waves = append(waves, Wave{Number: len(waves) + 1, Phase: w.Phase, Steps: of})
		steps = steps[n:]
	}
	return waves, true
}

// steps collects those that restore the node or what it runs on, and,
// backwards over the edges of the plan, all before them, in order.
func (a *Awaited) steps(node string) []stepAt {
	var steps []stepAt
	known, seen, list := map[stepAt]bool{}, map[string]bool{node: true}, []string{node}
	visit := func(id string) {
		if !seen[id] {
			seen[id] = true
			list = append(list, id)
		}
	}
	for k := 0; k < len(list); k++ {
		for _, at := range a.restorer[list[k]] {
			if !known[at] {
				known[at] = true
				steps = append(steps, at)
				for _, e := range a.recovery.Waves[at.wave].Steps[at.step].Because {
					visit(e.To)
				}
			}
		}
		if n := a.nodes[list[k]]; n != nil && a.down[n.ID] {
			eachRef(n.Requires.Run, visit)
			for _, i := range n.Instances {
				visit(i)
			}
			for _, rep := range n.Replicas {
				if rep.In != "" {
					visit(rep.In)
				}
			}
		}
	}
	slices.SortFunc(steps, func(a, b stepAt) int { return cmp.Or(a.wave-b.wave, a.step-b.step) })
	return steps
}

func eachRef(r Requirement, fn func(string)) {
	if r.Op == Ref {
		fn(r.Node)
	}
	for _, k := range r.Of {
		eachRef(k, fn)
	}
}

// origin says where a duration comes from (D7).
func origin(known bool, m *Measured) string {
	switch {
	case m != nil:
		return fmt.Sprintf("measured (n=%d, p90 %s, %s)", m.N, m.P90, m.Age)
	case known:
		return "estimated"
	}
	return "not declared"
}

// maxLines is one screen.
const maxLines = 48

// gateLines names the steps that wait for a person, in order, as many lines as
// it takes: these are the ones to staff for.
func (o *Order) gateLines(t *textWriter) {
	line := "people:"
	for i, g := range o.Manual.Gates {
		if i < len(o.Manual.Gates)-1 {
			g += ","
		}
		if len(line)+1+len(g) > maxColumns {
			t.line("%s", line)
			line = "       "
		}
		line += " " + g
	}
	if len(o.Manual.Gates) > 0 {
		t.line("%s", line)
	}
}

// Text prints one step a line, or one wave a line where that is more than a
// screen.
func (o *Order) Text() string {
	t := &textWriter{}
	name := o.Scenario
	if o.Service != "" {
		name += ", " + o.Service
	}
	t.line("%s: %d steps in %d waves, %s; %d%% automated (%d of %d wait for people)",
		name, o.Manual.Steps, len(o.Waves), o.Makespan, o.Manual.Ratio(), o.Manual.Manual, o.Manual.Steps)
	if o.Manual.Steps+len(o.Waves) > maxLines-8 {
		o.waveLines(t)
	} else {
		o.stepLines(t)
	}
	o.gateLines(t)
	for _, c := range o.Cells {
		t.line("%s", c.Line(o.Scenario))
		if c.Verdict == Violated {
			c.pathLines(t)
		}
	}
	for i := range o.Witness {
		o.Witness[i].lines(t)
	}
	if len(o.Stuck) > 0 {
		t.line("does not come back: %s", strings.Join(o.Stuck, ", "))
	}
	if len(o.Empty) > 0 {
		t.line("starts empty: %s", strings.Join(o.Empty, ", "))
	}
	return t.String()
}

func (o *Order) stepLines(t *textWriter) {
	for _, w := range o.Waves {
		head := fmt.Sprintf("wave %d", w.Number)
		if w.Phase != "" {
			head += " (" + w.Phase + ")"
		}
		t.line("%s", head)
		for _, s := range w.Steps {
			by := s.By
			if by == "" {
				by = "automatic"
			}
			if s.Approval != nil {
				by += ", approved by " + s.Approval.Role
			}
			t.line("  %-38s %-12s ends %-14s %-14s %s", s.ID, s.Duration, s.End, by, origin(s.Known, s.Measured))
		}
	}
}

func (o *Order) waveLines(t *textWriter) {
	for i, w := range o.Waves {
		if i == maxLines-10 {
			t.line("… and %d more waves", len(o.Waves)-i)
			return
		}
		var ids []string
		end := Interval{}
		for _, s := range w.Steps {
			ids = append(ids, s.ID[strings.LastIndexByte(s.Procedure, '/')+1:])
			end.Lo, end.Hi = max(end.Lo, s.End.Lo), max(end.Hi, s.End.Hi)
		}
		steps := "steps,"
		if len(w.Steps) == 1 {
			steps = "step, "
		}
		t.line("wave %-3d %-10s %3d %s done %-15s %s", w.Number, w.Phase, len(w.Steps), steps, end, strings.Join(ids, " "))
	}
}

// rounded drops what nobody reads: milliseconds of minutes, seconds of hours.
func (d Duration) rounded() Duration {
	unit := Millisecond
	switch {
	case d >= Forever:
		return d
	case d >= 6*Hour:
		unit = Minute
	case d >= Minute:
		unit = Second
	}
	return (d + unit/2) / unit * unit
}

// Line prints a cell as one sentence.
func (c *Cell) Line(scenario string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s under %s: %s", c.Node, scenario, c.Verdict)
	switch c.Verdict {
	case Unaffected, AcceptedV, Unrecoverable:
	default:
		fmt.Fprintf(&b, ", %s to %s", c.LB, c.UB)
		if c.P90 > 0 {
			fmt.Fprintf(&b, " (p90 %s)", c.P90.rounded())
		}
		if c.RTO != nil {
			fmt.Fprintf(&b, ", RTO %s", *c.RTO)
		}
		if c.Loss != nil && c.RPO != nil {
			fmt.Fprintf(&b, ", loss %s, RPO %s", *c.Loss, *c.RPO)
		}
	}
	for _, u := range c.Unknowns {
		fmt.Fprintf(&b, "; unknown: %s %s", u.Node, u.What)
	}
	return b.String()
}

func (c *Cell) pathLines(t *textWriter) {
	for _, p := range c.Path {
		mark := ""
		if p.Step == c.Decides {
			mark = "  ← decides"
		}
		t.line("    %-38s %-14s %8s  at %-8s %s%s", p.Step, p.By, p.Duration, p.End, origin(p.Known, p.Measured), mark)
	}
}

func (w *Witness) lines(t *textWriter) {
	t.line("%s does not come back:", w.Target)
	for i, e := range w.Path {
		mark := ""
		if i == w.Cycle {
			mark = "  ← cycle"
		}
		t.line("    %s needs %s (%s)%s%s", e.From, e.To, e.Set, e.reason(), mark)
	}
	if w.Leaf != "" {
		t.line("    nothing restores %s", w.Leaf)
	}
	for i, b := range w.Breaks {
		if i == 3 {
			t.line("    … and %d more", len(w.Breaks)-i)
			break
		}
		t.line("    a way out: %s", b)
	}
}

// String names the changes of a break.
func (b Break) String() string {
	var parts []string
	for _, e := range b.Edges {
		parts = append(parts, fmt.Sprintf("%s no longer needs %s", e.From, e.To))
	}
	for _, r := range b.Replicas {
		parts = append(parts, "a copy of "+r+" that survives")
	}
	return strings.Join(parts, " and ")
}

func (e Edge) reason() string {
	if e.Why == nil {
		return ""
	}
	s := ""
	if e.Why.Reason != "" {
		s = ": " + e.Why.Reason
	}
	for _, p := range e.Why.At {
		return s + " [" + p.String() + "]"
	}
	return s
}

// textWriter collects lines of bounded width.
type textWriter struct{ strings.Builder }

const maxColumns = 120

func (t *textWriter) line(format string, args ...any) {
	r := []rune(strings.TrimRight(fmt.Sprintf(format, args...), " "))
	if len(r) > maxColumns {
		r = append(r[:maxColumns-1], '…')
	}
	t.WriteString(string(r))
	t.WriteByte('\n')
}
