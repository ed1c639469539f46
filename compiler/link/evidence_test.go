package link_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/plans"
	"github.com/darkstart-dev/darkstart/plans/solver"
)

// drilled is a fleet whose database is restored from a backup, with a place
// for records.
const drilled = `
-- fleet.yaml --
domains: {west: {kind: region}, north: {kind: region}}
teams: {dba: {shift: 1}}
tiers: {gold: {rank: 0, objectives: {default: {rto: 1h, rpo: 2d}}}}
stores:
  db:
    tier: gold
    placement: {replicas: [[west]]}
    capacity: {load: 1, perDomain: {west: 1, north: 1}}
    backups: {nightly: {in: [north], every: 1d, encrypted: true, immutable: true}}
-- recovery.yaml --
scenarios: {west-lost: {fails: {domains: [west]}, mode: lost}}
procedures:
  restore-db:
    restores: [db]
    into: [north]
    modes: [lost]
    steps:
      restore: {do: Restore the backup, by: dba, from: db.nightly, duration: [10m, 50m], restores: [db]}
-- clusters/eu.yaml --
kubernetes: "1.36"
components: {web: {source: {yaml: web}}}
`

func record(name, closure, fields string) string {
	return fmt.Sprintf("-- evidence/%s.json --\n{\"procedure\": \"restore-db\", \"scenario\": \"west-lost\", \"closure\": %q, %s}\n", name, closure, fields)
}

const passed = `"date": "2026-10-04", "result": "passed", "steps": {"restore": ["20m", "25m"]}`

func solve(t *testing.T, f *ir.Fleet) *plans.Plan {
	t.Helper()
	p, ds, err := solver.Solve(context.Background(), f.Model, &solver.Config{Now: "2026-11-01T00:00:00Z"})
	if err != nil || ds.HasErrors() {
		t.Fatal(err, ds)
	}
	return p
}

func cellOf(t *testing.T, p *plans.Plan, scenario, node string) *plans.Cell {
	t.Helper()
	for _, c := range p.Recovery(scenario).Cells {
		if c.Node == node {
			return c
		}
	}
	t.Fatalf("no cell of %s under %s", node, scenario)
	return nil
}

// restoreRow is the row of the restore step in the critical path.
func restoreRow(t *testing.T, c *plans.Cell) plans.PathStep {
	t.Helper()
	i := slices.IndexFunc(c.Path, func(p plans.PathStep) bool { return p.Step == "restore-db/restore" })
	if i < 0 {
		t.Fatalf("no restore step in %v", c.Path)
	}
	return c.Path[i]
}

// classOf returns the messages of a defect class.
func classOf(p *plans.Plan, class string) string {
	var out []string
	for _, f := range p.Findings {
		if f.Class == class {
			out = append(out, f.Message)
		}
	}
	return strings.Join(out, "\n")
}

// TestEvidenceMeasures goes the way of a user: take the closure from the plan,
// write the record, see the cell rest on a measurement; then change the
// procedure and see that the record is stale.
func TestEvidenceMeasures(t *testing.T) {
	f, _ := load(t, drilled)
	before := solve(t, f)
	if c := cellOf(t, before, "west-lost", "db"); c.Verdict != plans.UnknownV || restoreRow(t, c).Measured != nil {
		t.Fatalf("without a restore test the cell is %s, %+v", c.Verdict, restoreRow(t, c))
	}
	closure := plans.RecoveryOrder(f.Model, before, "west-lost", "").Closures["restore-db"]
	if closure == "" {
		t.Fatal("the order of a recovery does not print the closure of its procedure")
	}
	archive := drilled + record("autumn", string(closure), passed)
	f, ds := load(t, archive)
	if len(ds) > 0 {
		t.Errorf("a good record: %s", ds)
	}
	if e := f.Model.Evidence; len(e) != 1 || e[0].At[0].File != "evidence/autumn.json" {
		t.Errorf("evidence %+v", e)
	}
	after := solve(t, f)
	c := cellOf(t, after, "west-lost", "db")
	m := restoreRow(t, c).Measured
	if c.Verdict != plans.Proven || m == nil || m.N != 2 || m.P90 != 25*plans.Minute || c.UB != 25*plans.Minute {
		t.Errorf("with the record: %s by %s, measured %+v", c.Verdict, c.UB, m)
	}
	if msg := classOf(after, "never-drilled") + classOf(after, "backup-untested"); msg != "" {
		t.Errorf("still reported: %s", msg)
	}

	f, _ = load(t, strings.Replace(archive, "Restore the backup", "Restore it otherwise", 1))
	stale := solve(t, f)
	if m := restoreRow(t, cellOf(t, stale, "west-lost", "db")).Measured; m != nil {
		t.Errorf("a changed step keeps the measurement %+v", m)
	}
	if msg := classOf(stale, "never-drilled"); !strings.Contains(msg, "before it, or what it depends on, changed") {
		t.Errorf("a stale record is reported as %q", msg)
	}
	if plans.RecoveryOrder(f.Model, stale, "west-lost", "").Closures["restore-db"] == closure {
		t.Error("a changed step has the same closure")
	}
}

// TestEvidenceNames: what a record names is resolved, and what is gone is said
// at its place, as a warning.
func TestEvidenceNames(t *testing.T) {
	for _, tc := range []struct{ name, record, want string }{
		{"procedure", `{"procedure": "restore-bd", "scenario": "west-lost", "date": "2026-10-04", "result": "passed"}`, `warning LNK021 evidence/r.json:1:2 restore-db`},
		{"scenario", `{"procedure": "restore-db", "scenario": "west-loss", "closure": "sha256:0", "date": "2026-10-04", "result": "passed"}`, `warning LNK021 evidence/r.json:1:29 west-lost`},
		{"step", `{"procedure": "restore-db", "scope": ["west"], "closure": "sha256:0", "date": "2026-10-04", "result": "passed", "steps": {"restor": ["1m"]}}`, `warning LNK021 evidence/r.json:1:123 restore`},
		{"scope", `{"procedure": "restore-db", "scope": ["domain:wst"], "closure": "sha256:0", "date": "2026-10-04", "result": "passed"}`, `warning LNK021 evidence/r.json:1:39 `},
		{"owner", `{"procedure": "restore-db", "scope": ["west"], "closure": "sha256:0", "date": "2026-10-04", "result": "passed", "followUps": [{"what": "x", "owner": "dbas", "due": "2026-12-01"}]}`, `error LNK009 evidence/r.json:1:141 dba`},
		{"closure", `{"procedure": "restore-db", "scope": ["db"], "date": "2026-10-04", "result": "passed"}`, `note LNK023 evidence/r.json:1:1 plan recover`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, ds := load(t, drilled+"-- evidence/r.json --\n"+tc.record+"\n")
			if len(ds) != 1 {
				t.Fatalf("%d diagnostics: %s", len(ds), ds)
			}
			want := strings.SplitN(tc.want, " ", 4)
			d := ds[0]
			if d.Severity.String() != want[0] || d.Code != want[1] || d.Labels[0].Position.String() != want[2] || !strings.Contains(strings.Join(d.Help, " "), want[3]) {
				t.Errorf("%s %s %s %q, want %s", d.Severity, d.Code, d.Labels[0].Position, d.Help, tc.want)
			}
		})
	}
}

// TestRestoreTests: the newest run of a procedure that restores from a backup
// is its restore test.
func TestRestoreTests(t *testing.T) {
	tested := func(declared string, records ...string) (string, diag.List) {
		a := strings.Replace(drilled, "immutable: true", "immutable: true, tested: '"+declared+"'", 1)
		for i, r := range records {
			a += record(fmt.Sprint(i), "sha256:0", r)
		}
		f, ds := load(t, a)
		return nodeOf(t, f, "db").Data.Points[0].Tested, ds
	}
	at := func(date, result string) string { return fmt.Sprintf(`"date": %q, "result": %q`, date, result) }
	for _, tc := range []struct {
		declared string
		records  []string
		want     string
		warns    bool
	}{
		{"", []string{at("2026-10-04", "passed")}, "2026-10-04", false},
		{"2026-10-10", []string{at("2026-10-04", "passed")}, "2026-10-10", false},
		{"2026-01-01", []string{at("2026-10-04", "passed"), at("2026-08-01", "passed")}, "2026-10-04", false},
		{"", []string{at("2026-10-04", "passed"), at("2026-08-01", "failed")}, "2026-10-04", false},
		{"2026-01-01", []string{at("2026-10-04", "failed"), at("2026-08-01", "passed")}, "", true},
	} {
		got, ds := tested(tc.declared, tc.records...)
		warns := slices.ContainsFunc(ds, func(d *diag.Diagnostic) bool { return d.Code == "LNK022" })
		if got != tc.want || warns != tc.warns {
			t.Errorf("declared %q and %v: tested %q, warned %v", tc.declared, tc.records, got, warns)
		}
	}
}

// TestImpliedIsCounted: what nobody declared is assumed up and counted: a
// cluster's place, its provider, and roles of a fleet without teams (D15).
func TestImpliedIsCounted(t *testing.T) {
	f, _ := load(t, `
-- recovery.yaml --
procedures: {rebuild: {restores: [eu/web], steps: {go: {do: Rebuild it, by: anyone, duration: [1m, 2m]}}}}
-- clusters/eu.yaml --
kubernetes: "1.36"
components: {web: {source: {yaml: web}}}
`)
	if got := solve(t, f).Coverage.Implied; got != 3 {
		t.Errorf("%d implied, want the domain, the provider and the role", got)
	}
}
