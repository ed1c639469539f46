package solver

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/plans"
)

// zonal is a region of three zones with a scenario for one zone and for two.
func zonal(nodes ...plans.Node) *plans.Model {
	m := &plans.Model{Domains: []plans.Domain{{ID: "r", Kind: "region"}}, Nodes: nodes}
	for _, z := range []string{"a", "b", "c"} {
		m.Domains = append(m.Domains, plans.Domain{ID: z, Kind: "zone", Parents: []string{"r"}})
	}
	m.Scenarios = []plans.Scenario{
		{ID: "one", Domains: []string{"a"}, Mode: plans.Lost},
		{ID: "two", Domains: []string{"a", "b"}, Mode: plans.Lost},
		{ID: "all", Domains: []string{"r"}, Mode: plans.Lost},
	}
	return m
}

func replicasIn(domains ...string) []plans.Replica {
	var out []plans.Replica
	for _, d := range domains {
		out = append(out, plans.Replica{Domains: []string{d}})
	}
	return out
}

func verdicts(t *testing.T, m *plans.Model, node string) string {
	t.Helper()
	var out []string
	for _, r := range solve(t, m).Scenarios {
		for _, c := range r.Cells {
			if c.Node == node {
				out = append(out, r.Scenario.ID+" "+string(c.Verdict))
			}
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func judged(n plans.Node, rto plans.Duration) plans.Node {
	n.Objectives = []plans.Objective{{Class: "default", RTO: &rto}}
	n.Capacity = &plans.Capacity{Load: 1, PerDomain: map[string]float64{"a": 1, "b": 1, "c": 1}}
	return n
}

// TestTolerates: one failed zone takes nothing of a regional service; of two,
// nobody knows; the region takes it.
func TestTolerates(t *testing.T) {
	m := zonal(judged(plans.Node{ID: "registry", Kind: plans.KindExternal, Replicas: replicasIn("r"), Tolerates: []plans.DomainKind{"zone"}}, plans.Hour))
	if got := verdicts(t, m, "registry"); got != "all unrecoverable, one unaffected, two unknown" {
		t.Error(got)
	}
}

// TestReschedule: stateless replicas return by themselves in a surviving zone,
// once what they start from is there.
func TestReschedule(t *testing.T) {
	web := judged(plans.Node{ID: "web", Kind: plans.KindComponent, Replicas: replicasIn("a"), Stateless: true, Elsewhere: []string{"a", "b", "c"}}, plans.Hour)
	web.Requires.Start = refTo("api")
	m := zonal(web, plans.Node{ID: "api", Kind: plans.KindAPI, Replicas: replicasIn("b")})
	if got := verdicts(t, m, "web"); got != "all unrecoverable, one proven, two unrecoverable" {
		t.Error(got)
	}
}

// TestPlacedInANode: a fleet node placed in a component falls and returns with
// it.
func TestPlacedInANode(t *testing.T) {
	m := zonal(
		judged(plans.Node{ID: "vault", Replicas: []plans.Replica{{In: "C/vault"}}}, plans.Hour),
		plans.Node{ID: "C/vault", Kind: plans.KindComponent, Replicas: replicasIn("a")},
	)
	m.Procedures = []plans.Procedure{{ID: "p", Restores: []string{"C/vault"}, Into: []string{"c"}, Steps: []plans.Step{{ID: "s", Known: true, Duration: plans.Exactly(plans.Minute)}}}}
	if got := verdicts(t, m, "vault"); got != "all unrecoverable, one proven, two proven" {
		t.Error(got)
	}
}

// TestCapacity: replicas count where no domain is declared, a quota caps them.
func TestCapacity(t *testing.T) {
	rto := plans.Hour
	n := plans.Node{ID: "web", Replicas: replicasIn("a", "b", "c"), Objectives: []plans.Objective{{Class: "default", RTO: &rto}}}
	for _, c := range []struct {
		capacity plans.Capacity
		want     string
	}{
		{plans.Capacity{Load: 20, PerReplica: 10}, "[]"},
		{plans.Capacity{Load: 21, PerReplica: 10}, "[web needs a capacity of 21 while recovering, 20 is left]"},
		{plans.Capacity{Load: 10, Surge: 2.5, PerReplica: 10, PerDomain: map[string]float64{"b": 14}}, "[web needs a capacity of 25 while recovering, 24 is left]"},
		{plans.Capacity{Load: 15, PerReplica: 10, Quota: 12}, "[web needs a capacity of 15 while recovering, 12 is left]"},
	} {
		n.Capacity = &c.capacity
		if got := messages(solve(t, zonal(n)), capacityShort, "one"); got != c.want {
			t.Errorf("%+v: got %s, want %s", c.capacity, got, c.want)
		}
	}
}

func messages(p *plans.Plan, class, scenario string) string {
	out := []string{}
	for _, f := range p.Findings {
		if f.Class == class && f.Scenario == scenario {
			out = append(out, f.Message)
		}
	}
	return fmt.Sprint(out)
}

// TestActions: how far an action gets before its stop condition is its blast.
func TestActions(t *testing.T) {
	rto := plans.Hour
	five := plans.Node{ID: "web", Replicas: replicasIn("a", "a", "b", "b", "c"), Quorum: 3, Objectives: []plans.Objective{{Class: "default", RTO: &rto}}}
	for _, c := range []struct {
		action plans.Action
		want   string
	}{
		{plans.Action{}, "[action x can reach all of its targets before anything stops it]"},
		{plans.Action{Guard: "canary"}, "[]"},
		{plans.Action{Blast: 1, Stop: "floor"}, "[]"},
		{plans.Action{Blast: 1, Interval: plans.Minute}, "[action x can reach all of its targets before anything stops it]"},
		{plans.Action{Blast: 1, Interval: plans.Minute, Detect: plans.Minute}, "[]"},
		{plans.Action{Blast: 1, Interval: plans.Minute, Detect: 2 * plans.Minute}, "[action x reaches 3 replicas before it is stopped: enough to take web below its quorum, and web with it]"},
		{plans.Action{Blast: 5, Interval: plans.Minute, Detect: plans.Minute}, "[action x can reach all of its targets before anything stops it]"},
	} {
		m := zonal(five)
		c.action.ID, c.action.Targets = "x", []string{"web"}
		m.Actions = []plans.Action{c.action}
		if got := messages(solve(t, m), unboundedAutomation, ""); got != c.want {
			t.Errorf("%+v: got %s, want %s", c.action, got, c.want)
		}
	}
}

// TestPeopleAreShared: what one person has to do for two objectives takes
// longer than for one, and the more important one goes first.
func TestPeopleAreShared(t *testing.T) {
	gold := judged(plans.Node{ID: "z-gold", Replicas: replicasIn("a"), Tier: "gold"}, plans.Hour)
	iron := judged(plans.Node{ID: "a-iron", Replicas: replicasIn("a"), Tier: "iron"}, plans.Hour)
	m := zonal(gold, iron)
	m.Tiers = []plans.Tier{{ID: "gold", Rank: 0}, {ID: "iron", Rank: 3}}
	m.Actors = []plans.Actor{{ID: "ops", Shift: 1}}
	for _, id := range []string{"z-gold", "a-iron"} {
		m.Procedures = append(m.Procedures, plans.Procedure{
			ID: "p-" + id, Restores: []string{id}, Into: []string{"c"},
			Steps: []plans.Step{{ID: "s", By: "ops", Known: true, Duration: plans.Exactly(20 * plans.Minute)}},
		})
	}
	for shift, want := range map[int]string{1: "a-iron 20m 40m, z-gold 20m 20m", 2: "a-iron 20m 20m, z-gold 20m 20m"} {
		m.Actors[0].Shift = shift
		var got []string
		for _, c := range solve(t, m).Recovery("one").Cells {
			got = append(got, fmt.Sprint(c.Node, " ", c.LB, " ", c.UB))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("shift of %d: %v, want %s", shift, got, want)
		}
	}
}

// TestAccepted: shown as accepted, never as green, and its classes are notes.
func TestAccepted(t *testing.T) {
	m := zonal(plans.Node{ID: "lab", Replicas: replicasIn("a"), Objectives: []plans.Objective{
		{Class: "lost/region", Accepted: &plans.Accepted{Reason: "a laboratory", Owner: "research"}}, {Class: "zone", RTO: new(plans.Duration)},
	}})
	if got := verdicts(t, m, "lab"); got != "all accepted, one unrecoverable, two unrecoverable" {
		t.Error(got)
	}
	for _, f := range solve(t, m).Findings {
		if f.Scenario != "" && f.Note != (f.Scenario == "all") {
			t.Errorf("%s in %s: note is %v", f.Class, f.Scenario, f.Note)
		}
	}
}
