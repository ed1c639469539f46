package solver

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/plans"
)

// sound is a model in which each bad input changes one thing.
func sound() *plans.Model {
	rto := plans.Hour
	return &plans.Model{
		Domains: []plans.Domain{{ID: "a", Kind: "zone"}, {ID: "b", Kind: "zone"}},
		Nodes: []plans.Node{
			{ID: "app", Kind: plans.KindService, Instances: []string{"vault"}, Objectives: []plans.Objective{{Class: "default", RTO: &rto}}},
			{ID: "vault", Kind: plans.KindComponent, Replicas: []plans.Replica{{Domains: []string{"a"}}}},
		},
		Actors:     []plans.Actor{{ID: "team", Shift: 1}},
		Procedures: []plans.Procedure{{ID: "p", Restores: []string{"vault"}, Into: []string{"b"}, Steps: []plans.Step{{ID: "s", Known: true}}}},
		Scenarios:  []plans.Scenario{{ID: "lose-a", Domains: []string{"a"}, Mode: plans.Lost}},
	}
}

func TestBadInput(t *testing.T) {
	need := func(r plans.Requirement) func(*plans.Model) {
		return func(m *plans.Model) { m.Nodes[0].Requires.Run = r }
	}
	deep := plans.Requirement{Op: plans.Ref, Node: "vault"}
	for range 100 {
		deep = plans.Requirement{Op: plans.Any, Of: []plans.Requirement{deep}}
	}
	cases := []struct {
		name, want string
		spoil      func(*plans.Model)
	}{
		{"sound", "", func(*plans.Model) {}},
		{"requirement on an unknown node", `PLN001: run of "app" names "valt", which does not exist`, need(refTo("valt"))},
		{"atLeast beyond its list", `PLN002: run of "app" wants at least 3 of a list of 1`, need(plans.Requirement{Op: plans.AtLeast, K: 3, Of: refTo("vault").Of})},
		{"unknown operator", `PLN002: run of "app" has an unknown operator "none"`, need(plans.Requirement{Op: "none"})},
		{"deep nesting", `PLN010: run of "app" is nested deeper than 64`, need(deep)},
		{"quorum beyond the instances", `PLN002: "app" wants 2 of 1 instances`, func(m *plans.Model) { m.Nodes[0].InstanceQuorum = 2 }},
		{"negative interval", `PLN003: the duration of "p/s" is negative (-1s…0s)`, func(m *plans.Model) { m.Procedures[0].Steps[0].Duration.Lo = -plans.Second }},
		{"inverted interval", `PLN003: detection time of "p" ends before it begins (2s…1s)`, func(m *plans.Model) {
			m.Procedures[0].Detect = plans.Interval{Lo: 2 * plans.Second, Hi: plans.Second}
		}},
		{"endless interval", `PLN003: the duration of "p/s" is longer than can be counted`, func(m *plans.Model) {
			m.Procedures[0].Steps[0].Duration.Hi = 1<<63 - 1
		}},
		{"negative units", `PLN003: "p/s" counts a negative number of units, lanes or bytes`, func(m *plans.Model) { m.Procedures[0].Steps[0].Units = -1 }},
		{"step cycle", `PLN004: steps of procedure "p" wait for each other: s → s`, func(m *plans.Model) { m.Procedures[0].Steps[0].After = []string{"s"} }},
		{"domain cycle", `PLN005: domains contain each other: a → b → a`, func(m *plans.Model) {
			m.Domains[0].Parents, m.Domains[1].Parents = []string{"b"}, []string{"a"}
		}},
		{"placement cycle", `PLN005: nodes are placed in each other: vault → vault`, func(m *plans.Model) { m.Nodes[1].Replicas[0].In = "vault" }},
		{"scenario that fails nothing", `PLN006: scenario "lose-a" fails nothing`, func(m *plans.Model) { m.Scenarios[0].Domains = nil }},
		{"procedure that restores nothing", `PLN007: procedure "p" restores nothing`, func(m *plans.Model) { m.Procedures[0].Restores = nil }},
		{"objective without a service", `PLN008: "app" has an objective but nothing that serves it`, func(m *plans.Model) { m.Nodes[0].Instances = nil }},
		{"overlapping nodes", `PLN009: two nodes are called "vault"`, func(m *plans.Model) { m.Nodes = append(m.Nodes, m.Nodes[1]) }},
		{"overlapping steps", `PLN009: procedure "p" has two steps called "s"`, func(m *plans.Model) { m.Procedures[0].Steps = append(m.Procedures[0].Steps, plans.Step{ID: "s"}) }},
		{"unknown kind", `PLN012: domain "a" has the unknown kind "planet"`, func(m *plans.Model) { m.Domains[0].Kind = "planet" }},
		{"unknown mode", `PLN012: scenario "lose-a" has the unknown mode "sad"`, func(m *plans.Model) { m.Scenarios[0].Mode = "sad" }},
		{"unknown domain", `PLN001: the placement of "vault" names "zz", which does not exist`, func(m *plans.Model) { m.Nodes[1].Replicas[0].Domains[0] = "zz" }},
		{"a million nodes", `PLN010: the fleet has 1000000 nodes, more than the solver takes on (400000)`, func(m *plans.Model) { m.Nodes = make([]plans.Node, 1_000_000) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := sound()
			c.spoil(m)
			p, list, err := Solve(context.Background(), m, nil)
			if err != nil || p == nil {
				t.Fatal(p, err)
			}
			var got []string
			for _, d := range list {
				got = append(got, d.Code+": "+d.Message)
				if len(d.Help) == 0 {
					t.Errorf("%s does not say how to fix it", d.Code)
				}
			}
			if strings.Join(got, "\n") != c.want {
				t.Errorf("got  %s\nwant %s", strings.Join(got, "\n"), c.want)
			}
			if c.want != "" && len(p.Scenarios) > 0 {
				t.Error("a malformed model was solved all the same")
			}
		})
	}
}

func TestUnknownScenarioProposesTheNearest(t *testing.T) {
	_, list, err := Solve(context.Background(), sound(), &Config{Scenarios: []string{"lose-b"}})
	if err != nil || len(list) != 1 || list[0].Code != "PLN013" || !strings.Contains(fmt.Sprint(list[0].Help), `"lose-a"`) {
		t.Errorf("%v %v", list, err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := Solve(ctx, sound(), nil); err == nil {
		t.Error("a cancelled context must be reported")
	}
}

// TestExtremes: numbers at their ends neither overflow nor divide by zero.
func TestExtremes(t *testing.T) {
	m := sound()
	s := &m.Procedures[0].Steps[0]
	s.Duration = plans.Interval{Lo: plans.Forever / 2, Hi: plans.Forever}
	s.Units, s.Parallel, s.By, s.Link, s.Bytes = 1<<62, 1<<62, "team", "l", 1<<62
	m.Links = []plans.Link{{ID: "l", Bandwidth: 1}}
	m.Actors[0].Shift = -5
	m.Actions = []plans.Action{{ID: "a", Targets: []string{"vault"}, Blast: 1 << 62, Interval: 1, Detect: plans.Forever}}
	c := solve(t, m).Scenarios[0].Cells[0]
	if c.LB != plans.Forever || c.UB != plans.Forever || c.Verdict != plans.Violated {
		t.Errorf("%s %d %d", c.Verdict, c.LB, c.UB)
	}
}

// TestLongChains: neither a chain of 100,000 requirements nor of steps nor of
// domains overflows or crawls.
func TestLongChains(t *testing.T) {
	const n = 20_000
	m := &plans.Model{Scenarios: []plans.Scenario{{ID: "s", Domains: []string{"d0"}, Mode: plans.Lost}}}
	p := plans.Procedure{ID: "p", IntoKnown: true, Derived: true}
	for i := range n {
		d, v := fmt.Sprint("d", i), plans.Node{ID: fmt.Sprint("n", i), Replicas: []plans.Replica{{Domains: []string{fmt.Sprint("d", i)}}}}
		dom, step := plans.Domain{ID: d, Kind: "zone"}, plans.Step{ID: fmt.Sprint("s", i), Known: true, Restores: []string{v.ID}}
		if i > 0 {
			v.Requires.Run = refTo(fmt.Sprint("n", i-1))
			step.After = []string{fmt.Sprint("s", i-1)}
		}
		if i > 0 && i < 200 { // ancestors of a domain are few in any real fleet
			dom.Parents = []string{fmt.Sprint("d", i-1)}
		}
		m.Nodes, m.Domains, p.Steps = append(m.Nodes, v), append(m.Domains, dom), append(p.Steps, step)
	}
	m.Procedures = []plans.Procedure{p}
	r := solve(t, m).Scenarios[0]
	if len(r.Down) != n || len(r.Stuck) != 0 || len(r.Waves) != 200 {
		t.Errorf("%d down, %d stuck, %d waves", len(r.Down), len(r.Stuck), len(r.Waves))
	}
}

// TestCodes: every code that is used is documented, and the other way round.
func TestCodes(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") || f == "codes.go" {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range regexp.MustCompile(`"PLN\d+"`).FindAllString(string(b), -1) {
			used[strings.Trim(c, `"`)] = true
		}
	}
	for c := range used {
		if !slices.ContainsFunc(Codes, func(e diag.Entry) bool { return e.Code == c }) {
			t.Errorf("%s is not documented", c)
		}
	}
	for _, e := range Codes {
		if !used[e.Code] {
			t.Errorf("%s is documented and never used", e.Code)
		}
		if e.Why == "" || e.Fix == "" || e.Title == "" {
			t.Errorf("the documentation of %s is incomplete", e.Code)
		}
	}
}
