package emit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/emit/runbook"
	"github.com/darkstart-dev/darkstart/plans"
)

// The head of a recovery runbook: what somebody reads who has ten seconds.

func (a *account) lead() runbook.Text {
	switch {
	case a.c.Verdict == plans.AcceptedV && a.stuck[a.c.Node]:
		return runbook.T("This plan does not bring it back. That is accepted.")
	case a.stuck[a.c.Node]:
		return runbook.T("Nothing that is declared brings it back. See why below, and escalate at once.")
	case len(a.waves) == 0 && a.c.Verdict != plans.Proven:
		return runbook.Join(runbook.T("No step is planned, and it is "), runbook.B("not proven"), runbook.T(" that it returns by itself: see "), runbook.L("what is not known", "#unknown"), runbook.T("."))
	case len(a.waves) == 0:
		return runbook.T("There is nothing to do: it returns by itself, as what it stands on is moved or comes back. Watch that it does.")
	}
	people := map[string]bool{}
	for _, w := range a.waves {
		for _, s := range w.Steps {
			if s.By != "" {
				people[s.By] = true
			}
		}
	}
	out := runbook.T(fmt.Sprintf("%s in %s", count(a.st.number, "step"), count(len(a.waves), "wave")))
	if len(people) > 0 {
		out = runbook.Join(out, runbook.T(", by "+strings.Join(slices.Sorted(maps.Keys(people)), ", ")))
	}
	for _, b := range a.st.blocks {
		if b.Step != nil && b.Step.Final {
			return runbook.Join(out, runbook.T(". There is no way back after "), runbook.L(fmt.Sprintf("step %d", b.Step.Number), "#"+b.Step.Anchor), runbook.T("."))
		}
	}
	return runbook.Join(out, runbook.T("."))
}

func (a *account) tiles() []runbook.Tile {
	return []runbook.Tile{a.backTile(), a.lossTile(), a.drillTile()}
}

func (a *account) backTile() runbook.Tile {
	c := a.c
	t := runbook.Tile{Label: "Back after", Value: span(plans.Interval{Lo: c.LB, Hi: c.UB})}
	if c.UB >= plans.Forever {
		t.Value = "at least " + short(c.LB)
	}
	if a.stuck[c.Node] {
		t.Value, t.Tone = "never by this plan", runbook.Bad
		if c.Verdict == plans.AcceptedV {
			t.Tone = runbook.Care
		}
	}
	var notes []string
	if len(a.waves) > 0 {
		notes = append(notes, a.measuredness())
	}
	if c.P90 > 0 && !a.stuck[c.Node] {
		notes = append(notes, "p90 "+short(c.P90))
	}
	if c.RTO != nil {
		switch {
		case c.LB > *c.RTO:
			t.Tone = runbook.Bad
		case c.UB <= *c.RTO:
			t.Tone = runbook.Good
			notes = append(notes, fmt.Sprintf("RTO %s, %s to spare", short(*c.RTO), (*c.RTO-c.UB)/plans.Minute*plans.Minute))
		default:
			t.Tone = runbook.Care
		}
		if t.Tone != runbook.Good {
			notes = append(notes, "RTO "+short(*c.RTO))
		}
	} else if c.Verdict != plans.AcceptedV {
		notes = append(notes, "no RTO declared")
	}
	t.Note = strings.Join(notes, " · ")
	return t
}

// measuredness says where the durations of the critical path come from (D7).
func (a *account) measuredness() string {
	measured, rest := 0, 0
	for _, p := range a.c.Path {
		if p.Measured != nil {
			measured++
		} else {
			rest++
		}
	}
	switch {
	case rest == 0 && measured > 0:
		return "measured"
	case measured > 0:
		return fmt.Sprintf("%d of %d durations measured", measured, measured+rest)
	}
	return "estimated"
}

func (a *account) lossTile() runbook.Tile {
	c := a.c
	t := runbook.Tile{Label: "Data lost", Value: "no data held"}
	if c.Loss != nil {
		t.Value = span(*c.Loss)
		if c.Loss.Hi == 0 {
			t.Value = "none"
		}
	}
	switch {
	case c.RPO == nil:
	case c.Loss == nil || c.Loss.Hi <= *c.RPO:
		t.Note, t.Tone = "RPO "+short(*c.RPO), runbook.Good
	case c.Loss.Lo > *c.RPO:
		t.Note, t.Tone = "RPO "+short(*c.RPO), runbook.Bad
	default:
		t.Note, t.Tone = "RPO "+short(*c.RPO), runbook.Care
	}
	return t
}

// drillTile is the date of the last evidence that covers this very case: the
// procedures as they are now, and at least these failures (DESIGN §5.7).
func (a *account) drillTile() runbook.Tile {
	t := runbook.Tile{Label: "Last matching drill", Value: "never", Tone: runbook.Care}
	var have, want []string
	oldest := ""
	for _, p := range a.procs {
		want = append(want, p.ID)
		if d := a.evidence(p.ID); d != "" {
			have = append(have, p.ID)
			if oldest == "" || d < oldest {
				oldest = d
			}
		}
	}
	switch {
	case len(want) == 0:
		t.Value, t.Note, t.Tone = "none needed", "no declared procedure takes part", runbook.Plain
	case len(have) == len(want):
		t.Value, t.Note, t.Tone = oldest, strings.Join(want, ", "), runbook.Good
	case len(have) > 0:
		t.Value, t.Note = oldest, "only "+strings.Join(have, ", ")
	default:
		t.Note = strings.Join(want, ", ")
	}
	return t
}

// evidence returns the date of the newest passed run of a procedure that
// covers the scenario, "" for none.
func (a *account) evidence(proc string) string {
	date := ""
	for i := range a.f.Model.Evidence {
		e := &a.f.Model.Evidence[i]
		if e.Procedure == proc && e.Result == "passed" && (e.Closure == "" || e.Closure == string(a.p.Closures[proc])) && a.covers(e) {
			date = max(date, e.Date)
		}
	}
	return date
}

// covers reports whether a drill failed at least what the scenario fails.
func (a *account) covers(e *plans.Evidence) bool {
	if len(e.Scope) == 0 {
		return e.Scenario == "" || e.Scenario == a.r.Scenario.ID
	}
	for _, d := range a.r.Scenario.Domains {
		if !slices.ContainsFunc(e.Scope, func(in string) bool { return a.within(d, in) }) {
			return false
		}
	}
	return !slices.ContainsFunc(a.r.Scenario.Nodes, func(n string) bool { return !slices.Contains(e.Scope, n) })
}

func (a *account) facts() []runbook.Fact {
	var out []runbook.Fact
	row := func(label string, value runbook.Text) {
		if len(value) > 0 {
			out = append(out, runbook.Fact{Label: label, Value: value})
		}
	}
	row("Disaster", a.disaster())
	row("Owner", a.contact(a.node.Owner))
	if o := a.objective(); o != nil && o.Accepted != nil {
		row("Accepted", runbook.T(o.Accepted.Reason))
		row("Accepted by", runbook.Join(a.contact(o.Accepted.Owner), runbook.T(", to be reviewed by "+o.Accepted.Review)))
	} else if a.c.Class != "" {
		row("Objective", runbook.Join(runbook.C(a.c.Class), runbook.T(tierOf(a.node))))
	}
	if a.c.Point != "" {
		row("Data from", runbook.C(a.c.Point))
	}
	ids := make([]string, 0, len(a.procs))
	for _, p := range a.procs {
		ids = append(ids, p.ID)
	}
	row("Procedures", runbook.Codes(ids))
	return out
}

func tierOf(n *plans.Node) string {
	if n.Tier == "" {
		return ""
	}
	return " of tier " + n.Tier
}

// objective is the one that the cell was judged by.
func (a *account) objective() *plans.Objective {
	i := slices.IndexFunc(a.node.Objectives, func(o plans.Objective) bool { return o.Class == a.c.Class })
	if i < 0 {
		return nil
	}
	return &a.node.Objectives[i]
}

// modes says what each mode means, after the name of what failed.
var modes = map[plans.Mode]string{
	plans.Down:        "cannot be reached; data there is intact",
	plans.Lost:        "gone for good, with the data there",
	plans.Deleted:     "deleted; copies that follow deletions are gone too",
	plans.Compromised: "taken over; nothing there is trusted",
	plans.BadChange:   "broken by a change, until it is reversed",
	plans.Overload:    "overloaded; data is intact",
	plans.Partition:   "cut off from the rest",
}
