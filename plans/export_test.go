package plans_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/plans"
	"github.com/darkstart-dev/darkstart/plans/solver"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func ptr(d plans.Duration) *plans.Duration { return &d }

func needs(why string, ids ...string) plans.Requirement {
	r := plans.Requirement{Op: plans.All}
	for _, id := range ids {
		r.Of = append(r.Of, plans.Requirement{Op: plans.Ref, Node: id, Why: &plans.Because{
			Reason: why, At: []diag.Position{{File: "recovery/procedures.cue", Line: 31, Column: 12}},
		}})
	}
	return r
}

// example is a service over a database in a region that is lost, a registry
// and a vault that wait for each other, and the bootstrap of a cluster.
func example() *plans.Model {
	at := func(d string) []plans.Replica { return []plans.Replica{{Domains: []string{d}}} }
	m := &plans.Model{
		Domains: []plans.Domain{{ID: "east", Kind: "region"}, {ID: "west", Kind: "region"}},
		Actors:  []plans.Actor{{ID: "lead", Shift: 1, Respond: plans.Interval{Lo: plans.Minute, Hi: 5 * plans.Minute}}},
		Nodes: []plans.Node{
			{
				ID: "payments", Kind: plans.KindService, Replicas: append(at("east"), at("west")...), Requires: plans.Requires{Run: needs("payments writes to db", "db")},
				Objectives: []plans.Objective{{Class: "default", RTO: ptr(plans.Hour)}}, Capacity: &plans.Capacity{Load: 10, PerDomain: map[string]float64{"west": 10}},
			},
			{
				ID: "db", Kind: plans.KindStore, Replicas: at("east"), Objectives: []plans.Objective{{Class: "default", RTO: ptr(10 * plans.Minute), RPO: ptr(plans.Minute)}},
				Data: &plans.Data{Points: []plans.Point{{Node: "db/standby", Copy: true, Lag: 10 * plans.Second}}}, Capacity: &plans.Capacity{Load: 1, PerDomain: map[string]float64{"west": 1}},
			},
			{ID: "db/standby", Kind: plans.KindPoint, Replicas: at("west")},
			{
				ID: "vault", Kind: plans.KindComponent, Replicas: at("east"), Requires: plans.Requires{Start: needs("vault's image is pulled from registry", "registry")},
				Objectives: []plans.Objective{{Class: "default", RTO: ptr(plans.Hour)}}, Capacity: &plans.Capacity{Load: 1, PerDomain: map[string]float64{"west": 1}},
			},
			{ID: "registry", Kind: plans.KindComponent, Replicas: at("east"), Requires: plans.Requires{Start: needs("registry reads its TLS key from \"vault\"", "vault")}},
			{ID: "C/@api", Kind: plans.KindAPI, Cluster: "C"},
			{ID: "C/cni", Kind: plans.KindComponent, Cluster: "C"},
			{ID: "C/dns", Kind: plans.KindComponent, Cluster: "C"},
		},
		Scenarios: []plans.Scenario{
			{ID: "lose-east", Domains: []string{"east"}, Mode: plans.Lost},
			{ID: "bootstrap/C", Nodes: []string{"C/@api", "C/cni", "C/dns"}, Mode: plans.Lost, Class: "bootstrap"},
		},
	}
	step := func(id string, lo, hi plans.Duration) plans.Step {
		return plans.Step{ID: id, Known: true, Duration: plans.Interval{Lo: lo * plans.Minute, Hi: hi * plans.Minute}}
	}
	decide, promote := step("decide", 10, 12), step("promote", 4, 6)
	decide.By, decide.Approval = "lead", &plans.Approval{Role: "duty-manager", Wait: plans.Interval{Hi: 3 * plans.Minute}}
	promote.From, promote.After, promote.Irreversible = "db/standby", []string{"decide"}, true
	install := step("install", 1, 2)
	install.Needs = needs("it signs in with a token of vault", "vault")
	m.Procedures = []plans.Procedure{
		{ID: "promote-db", Restores: []string{"db"}, Into: []string{"west"}, Steps: []plans.Step{decide, promote}, Drilled: "2026-01-01"},
		{ID: "rebuild-registry", Restores: []string{"registry"}, Into: []string{"west"}, Steps: []plans.Step{install}, Drilled: "2026-01-01"},
		{ID: "rebuild-vault", Restores: []string{"vault"}, Into: []string{"west"}, Steps: []plans.Step{step("install", 1, 2)}, Drilled: "2026-01-01"},
	}
	api, cni, dns := step("@api", 2, 4), step("cni/run", 1, 2), step("dns/run", 1, 3)
	api.Restores, cni.Restores, dns.Restores = []string{"C/@api"}, []string{"C/cni"}, []string{"C/dns"}
	cni.Needs, dns.Needs, cni.Phase, dns.Phase = needs("cni is applied through C/@api", "C/@api"), needs("Pods of dns need a network", "C/cni"), "seed", "base"
	m.Procedures = append(m.Procedures, plans.Procedure{ID: "bootstrap/C", Derived: true, IntoKnown: true, Steps: []plans.Step{api, cni, dns}})
	return m
}

func solved(t *testing.T, m *plans.Model) *plans.Plan {
	t.Helper()
	p, list, err := solver.Solve(context.Background(), m, &solver.Config{})
	if err != nil || len(list) > 0 {
		t.Fatal(err, list)
	}
	return p
}

// TestViews compares every view in every format with testdata/views.txtar.
func TestViews(t *testing.T) {
	m := example()
	p := solved(t, m)
	views := []struct {
		name string
		view plans.View
	}{
		{"bootstrap", plans.BootstrapOrder(p, "C")},
		{"recover", plans.RecoveryOrder(m, p, "lose-east", "")},
		{"recover-payments", plans.RecoveryOrder(m, p, "lose-east", "payments")},
		{"matrix", plans.NewMatrix(p)},
		{"graph", plans.NewGraph(m, p, "lose-east")},
		{"pairs", &plans.Pairs{Solved: 3, Losses: []plans.Pair{{A: "lose-east", B: "lose-west", Stuck: []string{"db", "payments"}}}}},
	}
	got := &txtar.Archive{Comment: []byte("Every view of one plan in every format. Rewrite with: go test ./plans -update\n\n")}
	for _, v := range views {
		b, err := plans.JSON(v.view)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range []struct{ ext, data string }{{"txt", v.view.Text()}, {"mmd", v.view.Mermaid()}, {"dot", v.view.DOT()}, {"json", string(b) + "\n"}} {
			got.Files = append(got.Files, txtar.File{Name: v.name + "." + f.ext, Data: []byte(f.data)})
		}
	}
	const golden = "testdata/views.txtar"
	if *update {
		if err := os.WriteFile(golden, txtar.Format(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := txtar.ParseFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Files) != len(got.Files) {
		t.Fatalf("%d golden files, %d views", len(want.Files), len(got.Files))
	}
	for i, f := range got.Files {
		if w := want.Files[i]; w.Name != f.Name || !bytes.Equal(w.Data, f.Data) {
			t.Errorf("%s differs from the golden file:\n%s", f.Name, f.Data)
		}
	}
}

func TestTextFitsAScreen(t *testing.T) {
	m := example()
	for i := range 200 {
		id := "C/part" + strings.Repeat("x", i%40) + string(rune('a'+i%26)) + strings.Repeat("y", i/26)
		m.Nodes = append(m.Nodes, plans.Node{ID: id, Kind: plans.KindComponent})
		m.Scenarios[1].Nodes = append(m.Scenarios[1].Nodes, id)
		m.Procedures[3].Steps = append(m.Procedures[3].Steps, plans.Step{ID: strings.TrimPrefix(id, "C/"), Known: true, Restores: []string{id}, Needs: needs("order", "C/dns")})
	}
	text := plans.BootstrapOrder(solved(t, m), "C").Text()
	if n := strings.Count(text, "\n"); n > 50 {
		t.Errorf("%d lines are more than a screen", n)
	}
	for _, l := range strings.Split(text, "\n") {
		if len([]rune(l)) > 120 {
			t.Errorf("%d columns: %s", len([]rune(l)), l)
		}
	}
}

func TestCompare(t *testing.T) {
	m := example()
	base := solved(t, m)
	slow := example()
	slow.Procedures[0].Steps[1].Duration = plans.Interval{Lo: plans.Hour, Hi: 90 * plans.Minute}
	slow.Nodes[3].Objectives = nil
	var got []string
	for _, c := range plans.Compare(base, solved(t, slow)) {
		got = append(got, c.String())
	}
	want := []string{
		"db under lose-east: 15m → 1h11m, RTO 10m, violated",
		"payments under lose-east: 26m → 1h11m, RTO 1h, violated (was proven)",
		"vault under lose-east: no longer judged, was does not come back, RTO 1h, unrecoverable",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if d := plans.Compare(base, solved(t, m)); len(d) > 0 {
		t.Errorf("a plan differs from itself: %v", d)
	}
}

// TestPlanRoundTrip: a plan that is read back is the plan that was written.
func TestPlanRoundTrip(t *testing.T) {
	p := solved(t, example())
	b, err := plans.JSON(p)
	if err != nil {
		t.Fatal(err)
	}
	var back plans.Plan
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	again, err := plans.JSON(&back)
	if err != nil || !bytes.Equal(b, again) {
		t.Errorf("%v\n%s\n%s", err, b, again)
	}
	if !reflect.DeepEqual(back.Recovery("lose-east").Returns, p.Recovery("lose-east").Returns) {
		t.Error("returns were lost")
	}
}

// TestCanonical: RFC 8785 orders keys by UTF-16 code units and writes numbers
// as ECMAScript does.
func TestCanonical(t *testing.T) {
	b, err := plans.JSON(map[string]any{"\u20ac": 1e21, "\r": 0.5, "1": 333333333.33333329, "\U0001f600": "<&>", "\ufb33": 4.50})
	want := "{\"\\r\":0.5,\"1\":333333333.3333333,\"\u20ac\":1e+21,\"\U0001f600\":\"<&>\",\"\ufb33\":4.5}"
	if err != nil || string(b) != want {
		t.Errorf("got %s, want %s (%v)", b, want, err)
	}
}

func TestDurations(t *testing.T) {
	for in, want := range map[string]string{"1w": "7d", "90m": "1h30m", "1h0.5s": "1h500ms", "0": "0s", "2d3h": "2d3h"} {
		d, err := plans.ParseDuration(in)
		if err != nil || d.String() != want {
			t.Errorf("%s: got %s (%v), want %s", in, d, err, want)
		}
	}
	for _, in := range []string{"", "5", "m", "-1m", "1m1h", "1m1m", "1y", "1e999s"} {
		if d, err := plans.ParseDuration(in); err == nil {
			t.Errorf("%q was read as %s", in, d)
		}
	}
}
