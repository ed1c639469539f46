package link_test

import (
	"testing"

	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

// TestStepFormula: a step takes its duration, its units at their rate, or the
// bytes of what it restores from over its link (DESIGN §4).
func TestStepFormula(t *testing.T) {
	f, ds := load(t, `
-- fleet.yaml --
domains: {a: {kind: region}, b: {kind: region}}
links: {wan: {from: a, to: b, bandwidth: 100M}}
stores: {db: {size: 6G, placement: {replicas: [[a]]}, backups: {n: {in: [b], every: 1d}}}}
-- recovery.yaml --
procedures:
  p:
    restores: [db]
    steps:
      rate: {do: Restart machines, units: 100, parallel: 5, rate: [20/m, 40/m]}
      one: {do: Restart machines, units: 90, rate: 30/s}
      moved: {do: Copy it, from: db.n, link: wan}
      said: {do: Copy a part, from: db.n, link: wan, bytes: 1G}
-- clusters/eu.yaml --
kubernetes: "1.36"
components: {web: {source: {yaml: x}}}
`)
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	for id, want := range map[string]plans.Interval{"rate": {Lo: 150 * plans.Second, Hi: 5 * plans.Minute}, "one": plans.Exactly(3 * plans.Second)} {
		if s := stepOf(t, f, "p", id); !s.Known || s.Duration != want || s.Units > 1 || s.Parallel > 1 {
			t.Errorf("%s takes %s for each of %d units in %d lanes, want %s", id, s.Duration, s.Units, s.Parallel, want)
		}
	}
	for id, want := range map[string]int64{"moved": 6e9, "said": 1e9} {
		if s := stepOf(t, f, "p", id); s.Bytes != want || s.Link != "wan" {
			t.Errorf("%s moves %d bytes over %q, want %d", id, s.Bytes, s.Link, want)
		}
	}
}

func TestRate(t *testing.T) {
	for r, want := range map[spec.Rate]plans.Duration{"40/m": 1500, "3/s": 334, "0.5/h": 2 * plans.Hour, "7/d": 12342858} {
		if got, err := r.Time(1); err != nil || got != want {
			t.Errorf("one unit at %s takes %d ms (%v), want %d", r, got, err, want)
		}
	}
	for _, r := range []spec.Rate{"", "40", "0/m", "-1/m", "40/w", "NaN/m", "Inf/s"} {
		if d, err := r.Time(1); err == nil {
			t.Errorf("%q is read as %s", r, d)
		}
	}
}
