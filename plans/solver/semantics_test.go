package solver

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/plans"
)

// storeModel is a store in zone a with a procedure that restores it from one
// point; mode, place and the point are what the tests vary.
func storeModel(mode plans.Mode, point plans.Point, into string) *plans.Model {
	rto, rpo := plans.Hour, 30*plans.Minute
	m := &plans.Model{
		Domains: []plans.Domain{{ID: "a", Kind: "zone"}, {ID: "b", Kind: "zone"}, {ID: "realm", Kind: "identity-realm"}},
		Nodes: []plans.Node{{
			ID: "db", Kind: plans.KindStore, Replicas: []plans.Replica{{Domains: []string{"a"}}}, Data: &plans.Data{Points: []plans.Point{point}},
			Objectives: []plans.Objective{{Class: "default", RTO: &rto, RPO: &rpo}}, Capacity: &plans.Capacity{Load: 1, PerDomain: map[string]float64{"b": 1}},
		}},
		Scenarios: []plans.Scenario{{ID: "s", Domains: []string{"a"}, Mode: mode}},
	}
	m.Procedures = []plans.Procedure{{
		ID: "p", Into: []string{into}, IntoKnown: true, Drilled: "2026-01-01", Restores: []string{"db"},
		Steps: []plans.Step{
			{ID: "power", Known: true, Duration: plans.Exactly(10 * plans.Minute), Restores: []string{"domain:a"}, Rebuilds: []string{"domain:a"}},
			{ID: "restore", Known: true, Duration: plans.Interval{Lo: 5 * plans.Minute, Hi: 20 * plans.Minute}, From: point.Node, After: []string{"power"}},
		},
	}}
	return m
}

// TestModes is the table of modes of DESIGN §4, cell by cell.
func TestModes(t *testing.T) {
	backup := plans.Point{Node: "db/b", Every: 20 * plans.Minute, Tested: "2026-01-01"}
	with := func(change func(*plans.Point)) plans.Point {
		p := backup
		change(&p)
		return p
	}
	cases := []struct {
		name  string
		mode  plans.Mode
		point plans.Point
		at    string // where the point is
		into  string
		want  string
	}{
		{"down, point outside", plans.Down, backup, "b", "b", "proven loss 20m"},
		{"down, point inside comes back with the domain", plans.Down, backup, "a", "b", "proven loss 0s"},
		{"down, restored in place", plans.Down, backup, "b", "a", "proven loss 20m"},
		{"lost, point outside", plans.Lost, backup, "b", "b", "proven loss 20m"},
		{"lost, point inside", plans.Lost, backup, "a", "b", "unrecoverable loss forever"},
		{"lost, not in place", plans.Lost, backup, "b", "a", "unrecoverable loss 20m"},
		{"deleted, deletes propagate", plans.Deleted, with(func(p *plans.Point) { p.Deletes = true }), "b", "b", "unrecoverable loss forever"},
		{"deleted, immutable", plans.Deleted, with(func(p *plans.Point) { p.Deletes, p.Immutable = true, true }), "b", "b", "proven loss 20m"},
		{"deleted, restored in place", plans.Deleted, backup, "b", "a", "proven loss 20m"},
		{"compromised, writable by the realm", plans.Compromised, with(func(p *plans.Point) { p.Realms = []string{"a"} }), "b", "b", "unrecoverable loss forever"},
		{"compromised, written by another realm", plans.Compromised, with(func(p *plans.Point) { p.Realms = []string{"realm"} }), "b", "b", "proven loss 20m"},
		{"compromised, rebuilt in place", plans.Compromised, with(func(p *plans.Point) { p.Realms = []string{"realm"} }), "b", "a", "proven loss 20m"},
		{"bad change leaves all points", plans.BadChange, backup, "a", "b", "proven loss 20m"},
		{"overload takes only what has load", plans.Overload, backup, "a", "b", "proven loss 20m"},
		{"partition, point inside", plans.Partition, backup, "a", "b", "unrecoverable loss forever"},
		{"a failing backup is none", plans.Lost, with(func(p *plans.Point) { p.Failing = true }), "b", "b", "unrecoverable loss forever"},
		{"an untested backup proves nothing", plans.Lost, with(func(p *plans.Point) { p.Tested = "" }), "b", "b", "unknown loss 20m"},
		{"too old", plans.Lost, with(func(p *plans.Point) { p.Every = plans.Hour }), "b", "b", "violated loss 1h"},
	}
	for _, c := range cases {
		m := storeModel(c.mode, c.point, c.into)
		m.Nodes = append(m.Nodes, plans.Node{ID: "db/b", Kind: plans.KindPoint, Replicas: []plans.Replica{{Domains: []string{c.at}}}})
		cell := solve(t, m).Scenarios[0].Cells[0]
		if got := fmt.Sprintf("%s loss %s", cell.Verdict, cell.Loss.Lo); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// TestUnknownFacts: each fact of §5.8 makes a cell unknown and is named.
func TestUnknownFacts(t *testing.T) {
	cases := []struct {
		name, want string
		forget     func(*plans.Model)
	}{
		{"nothing", "proven", func(*plans.Model) {}},
		{"placement", `unknown: placement of "db"`, func(m *plans.Model) {
			m.Nodes[0].Replicas = append(m.Nodes[0].Replicas, plans.Replica{Unknown: true})
			m.Procedures[0].Restores, m.Procedures[0].Steps[0].Restores = []string{"domain:a"}, []string{"domain:a"}
			m.Procedures[0].Steps = m.Procedures[0].Steps[:1]
		}},
		{"half a domain", `unknown: a narrower placement of "db", or tolerates: [zone]`, func(m *plans.Model) {
			m.Domains = append(m.Domains, plans.Domain{ID: "region", Kind: "region"})
			m.Domains[0].Parents = []string{"region"}
			m.Nodes[0].Replicas[0].Domains = []string{"region"}
			m.Procedures[0].Steps[1].Duration.Hi = plans.Day
		}},
		{"a reference that nothing provides", `unknown: declare the secret`, func(m *plans.Model) {
			m.Unresolved = []plans.Unknown{{Node: "db", What: "nothing writes secret db/tls", Settle: "declare the secret"}}
		}},
		{"into", `unknown: into: […] of procedure "p"`, func(m *plans.Model) { m.Procedures[0].Into, m.Procedures[0].IntoKnown = nil, false }},
		{"duration", `unknown: duration: ["…", "…"] of step "p/power"`, func(m *plans.Model) {
			m.Procedures[0].Steps[0].Known, m.Procedures[0].Steps[0].Duration = false, plans.Interval{}
		}},
		{"restore test", `unknown: tested: of "db/b", after a restore test`, func(m *plans.Model) { m.Nodes[0].Data.Points[0].Tested = "" }},
		{"capacity", `proven: capacity: {load, surge, perDomain} of "db"`, func(m *plans.Model) { m.Nodes[0].Capacity = nil }},
		{"width", `unknown: a measured or narrower duration of "p/restore"`, func(m *plans.Model) { m.Procedures[0].Steps[1].Duration.Hi = 2 * plans.Hour }},
	}
	for _, c := range cases {
		m := storeModel(plans.Lost, plans.Point{Node: "db/b", Every: 20 * plans.Minute, Tested: "2026-01-01"}, "b")
		m.Nodes = append(m.Nodes, plans.Node{ID: "db/b", Kind: plans.KindPoint, Replicas: []plans.Replica{{Domains: []string{"b"}}}})
		c.forget(m)
		cell := solve(t, m).Scenarios[0].Cells[0]
		got := string(cell.Verdict)
		for _, u := range cell.Unknowns {
			got += ": " + u.Settle
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// TestViolatedPath: a violated objective prints its critical path, and which
// step decides it.
func TestViolatedPath(t *testing.T) {
	m := storeModel(plans.Lost, plans.Point{Node: "db/b", Tested: "2026-01-01"}, "b")
	m.Nodes = append(m.Nodes, plans.Node{ID: "db/b", Kind: plans.KindPoint, Replicas: []plans.Replica{{Domains: []string{"b"}}}})
	m.Actors = []plans.Actor{{ID: "dba", Shift: 2, Respond: plans.Interval{Lo: 5 * plans.Minute, Hi: plans.Hour}}}
	m.Procedures[0].Detect = plans.Exactly(plans.Minute)
	m.Procedures[0].Steps[1].By, m.Procedures[0].Steps[1].Units, m.Procedures[0].Steps[1].Parallel = "dba", 100, 10
	c := solve(t, m).Scenarios[0].Cells[0]
	var rows []string
	for _, p := range c.Path {
		rows = append(rows, fmt.Sprintf("%s %s at %s", p.Step, p.Duration, p.End))
	}
	// 100 units by two people, 5m each: 250m; the team of two is the limit,
	// not the ten lanes.
	want := "detect p 1m at 1m; p/power 10m at 11m; p/restore 4h10m at 4h21m"
	if got := strings.Join(rows, "; "); got != want || c.Verdict != plans.Violated || c.Decides != "p/restore" || c.LB != 261*plans.Minute {
		t.Errorf("got %s: %s, LB %s, decided by %s\nwant %s", c.Verdict, got, c.LB, c.Decides, want)
	}
}

// TestEvidence: drills cover a scenario by scope and closure, and measure.
func TestEvidence(t *testing.T) {
	build := func(e ...plans.Evidence) *plans.Plan {
		m := storeModel(plans.Lost, plans.Point{Node: "db/b", Tested: "2026-01-01"}, "b")
		m.Nodes = append(m.Nodes, plans.Node{ID: "db/b", Kind: plans.KindPoint, Replicas: []plans.Replica{{Domains: []string{"b"}}}})
		m.Procedures[0].Drilled = ""
		m.Tiers = []plans.Tier{{ID: "gold", DrillCadence: 90 * plans.Day}}
		m.Nodes[0].Tier = "gold"
		m.Evidence = e
		p, _, err := Solve(t.Context(), m, &Config{Now: "2026-06-01"})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	closure := string(build().Closures["p"])
	run := plans.Evidence{ID: "e", Procedure: "p", Date: "2026-05-01", Result: "passed", Closure: closure, Scope: []string{"a"}}
	with := func(change func(*plans.Evidence)) plans.Evidence { e := run; change(&e); return e }
	cases := []struct {
		name, want string
		evidence   []plans.Evidence
	}{
		{"none", "procedure p was never run as a drill", nil},
		{"fits", "", []plans.Evidence{run}},
		{"failed", "procedure p was never run as a drill", []plans.Evidence{with(func(e *plans.Evidence) { e.Result = "failed" })}},
		{"smaller", "procedure p was drilled only in a smaller scope than s", []plans.Evidence{with(func(e *plans.Evidence) { e.Scope = []string{"b"} })}},
		{"changed", "procedure p was drilled only before it, or what it depends on, changed", []plans.Evidence{with(func(e *plans.Evidence) { e.Closure = "sha256:0" })}},
		{"overdue", "procedure p was last drilled on 2026-01-01, its tier asks for every 90d", []plans.Evidence{with(func(e *plans.Evidence) { e.Date = "2026-01-01" })}},
	}
	for _, c := range cases {
		p := build(c.evidence...)
		var got []string
		for _, f := range p.Findings {
			if f.Class == neverDrilled {
				got = append(got, f.Message)
			}
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		timed := slices.ContainsFunc(p.Content().Findings, func(f plans.Finding) bool { return f.Timed })
		if timed {
			t.Errorf("%s: content depends on now", c.name)
		}
	}
	measured := with(func(e *plans.Evidence) {
		e.Steps = map[string][]plans.Duration{"restore": {plans.Minute, 9 * plans.Minute}}
	})
	s := build(measured).Scenarios[0].Step("p/restore")
	if s.Measured == nil || s.Measured.N != 2 || s.Duration.Hi != 9*plans.Minute {
		t.Errorf("a measured p90 replaces the estimate: %+v", s)
	}
}

// TestRunCycle: nodes that run on each other rise together, at the latest of
// their times; a start cycle does not.
func TestRunCycle(t *testing.T) {
	m := &plans.Model{
		Domains:   []plans.Domain{{ID: "a", Kind: "zone"}},
		Scenarios: []plans.Scenario{{ID: "s", Domains: []string{"a"}, Mode: plans.BadChange}},
	}
	for i, id := range []string{"x", "y"} {
		other := []string{"y", "x"}[i]
		m.Nodes = append(m.Nodes, plans.Node{ID: id, Replicas: []plans.Replica{{Domains: []string{"a"}}}, Requires: plans.Requires{Run: refTo(other)}})
		m.Procedures = append(m.Procedures, plans.Procedure{
			ID: "p" + id, Restores: []string{id}, Steps: []plans.Step{{ID: "s", Known: true, Duration: plans.Exactly(plans.Duration(i+1) * plans.Minute)}},
		})
	}
	r := solve(t, m).Scenarios[0]
	if len(r.Stuck) > 0 || r.Returns["x"] != plans.Exactly(2*plans.Minute) || r.Returns["y"] != r.Returns["x"] {
		t.Errorf("stuck %v, returns %v", r.Stuck, r.Returns)
	}
	for i := range m.Nodes {
		m.Nodes[i].Requires.Start, m.Nodes[i].Requires.Run = m.Nodes[i].Requires.Run, plans.Requirement{}
	}
	if r = solve(t, m).Scenarios[0]; fmt.Sprint(r.Stuck) != "[x y]" {
		t.Errorf("a start cycle is a paradox: stuck %v", r.Stuck)
	}
}
