package solver

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/plans"
)

// all, refTo and step keep test models readable.
func refTo(ids ...string) plans.Requirement {
	r := plans.Requirement{Op: plans.All}
	for _, id := range ids {
		r.Of = append(r.Of, plans.Requirement{Op: plans.Ref, Node: id})
	}
	return r
}

// bootstrapModel is a cluster whose parts come up in the order of their
// needs; more edges can be added to make a paradox.
func bootstrapModel(edges ...string) *plans.Model {
	parts := []string{"C/@machines", "C/@api", "C/cni", "C/vault", "C/registry", "C/app"}
	edges = append([]string{"C/@api>C/@machines", "C/cni>C/@api", "C/vault>C/cni", "C/registry>C/cni", "C/app>C/vault", "C/app>C/registry"}, edges...)
	m := &plans.Model{}
	p := plans.Procedure{ID: "bootstrap/C", Derived: true, IntoKnown: true}
	for _, id := range parts {
		var needs plans.Requirement
		for _, e := range edges {
			if from, to, _ := strings.Cut(e, ">"); from == id {
				needs.Op = plans.All
				needs.Of = append(needs.Of, plans.Requirement{Op: plans.Ref, Node: to, Why: &plans.Because{Reason: from + " needs " + to}})
			}
		}
		m.Nodes = append(m.Nodes, plans.Node{ID: id, Kind: plans.KindComponent, Cluster: "C", Requires: plans.Requires{Start: needs}})
		p.Restores = append(p.Restores, id)
		p.Steps = append(p.Steps, plans.Step{
			ID: strings.TrimPrefix(id, "C/"), Restores: []string{id}, Needs: needs, Known: true,
			Duration: plans.Interval{Lo: plans.Minute, Hi: 2 * plans.Minute},
		})
	}
	m.Procedures = []plans.Procedure{p}
	m.Scenarios = []plans.Scenario{{ID: "bootstrap/C", Nodes: parts, Mode: plans.Lost, Class: "bootstrap"}}
	return m
}

func solve(t testing.TB, m *plans.Model) *plans.Plan {
	t.Helper()
	p, list, err := Solve(context.Background(), m, &Config{})
	if err != nil || list.HasErrors() {
		t.Fatal(err, list)
	}
	return p
}

func TestBootstrapWaves(t *testing.T) {
	r := solve(t, bootstrapModel()).Scenarios[0]
	var got []string
	for _, w := range r.Waves {
		var ids []string
		for _, s := range w.Steps {
			ids = append(ids, strings.TrimPrefix(s.ID, "bootstrap/C/"))
			if s.ID != "bootstrap/C/@machines" && (len(s.Because) == 0 || s.Because[0].Why.Reason == "") {
				t.Errorf("%s does not say why it comes where it comes: %v", s.ID, s.Because)
			}
		}
		got = append(got, fmt.Sprint(w.Number, ids, w.Steps[0].Start, w.Steps[0].End))
	}
	want := []string{
		"1 [@machines] 0s 1m…2m", "2 [@api] 1m…2m 2m…4m", "3 [cni] 2m…4m 3m…6m",
		"4 [registry vault] 3m…6m 4m…8m", "5 [app] 4m…8m 5m…10m",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(r.Stuck)+len(r.Witnesses) > 0 || r.Makespan != (plans.Interval{Lo: 5 * plans.Minute, Hi: 10 * plans.Minute}) {
		t.Errorf("stuck %v, makespan %v", r.Stuck, r.Makespan)
	}
}

func TestParadoxHasWitness(t *testing.T) {
	r := solve(t, bootstrapModel("C/vault>C/registry", "C/registry>C/vault")).Scenarios[0]
	if fmt.Sprint(r.Stuck) != "[C/app C/registry C/vault]" {
		t.Errorf("stuck: %v", r.Stuck)
	}
	if len(r.Witnesses) != 1 {
		t.Fatalf("want one witness for one cycle, got %+v", r.Witnesses)
	}
	w := r.Witnesses[0]
	var cycle []string
	for _, e := range w.Path[w.Cycle:] {
		cycle = append(cycle, e.From+">"+e.To+": "+e.Why.Reason)
	}
	if got := strings.Join(cycle, "; "); got != "C/registry>C/vault: C/registry needs C/vault; C/vault>C/registry: C/vault needs C/registry" {
		t.Errorf("cycle: %s", got)
	}
}
