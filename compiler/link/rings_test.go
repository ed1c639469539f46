package link_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/plans"
)

const ringed = `
-- project.yaml --
rings: [[west], [east]]
assume: {rollout-ring: bad-change}
-- fleet.yaml --
services:
  shop: {instances: [west/web, east/web], objectives: {"bad-change/rollout-ring": {rto: 1h}}, capacity: {load: 1, perReplica: 1}}
-- clusters/west.yaml --
kubernetes: "1.36"
components: {web: {source: {yaml: web}}}
-- clusters/east.yaml --
kubernetes: "1.36"
components: {web: {source: {yaml: web}}}
`

func actionOf(f *ir.Fleet, id string) *plans.Action {
	i := slices.IndexFunc(f.Model.Actions, func(a plans.Action) bool { return a.ID == id })
	if i < 0 {
		return nil
	}
	return &f.Model.Actions[i]
}

// TestRings: a ring is a domain of what changes together, its pin change an
// action; a bad release takes what runs in its clusters and nothing else.
func TestRings(t *testing.T) {
	f, ds := load(t, ringed)
	if len(ds) > 0 {
		t.Errorf("diagnostics: %s", ds)
	}
	p := solve(t, f)
	if msg := classOf(p, "unbounded-automation"); msg != "" {
		t.Errorf("two rings are reported: %s", msg)
	}
	if a := actionOf(f, "release/ring/2"); a == nil || !slices.Equal(a.Targets, []string{"east/@api"}) || a.At[0].File != "project.yaml" {
		t.Errorf("action %+v", a)
	}
	r := p.Recovery("rollout-ring-bad-change/ring/1")
	if r == nil || !slices.Contains(r.Down, "west/web") || slices.Contains(r.Down, "east/web") || slices.Contains(r.Down, "west/@machines") {
		t.Fatalf("a bad release in west: %+v", r)
	}
	if c := cellOf(t, p, "rollout-ring-bad-change/ring/1", "shop"); c.Verdict != plans.Unaffected {
		t.Errorf("one ring of two takes the shop: %s", c.Verdict)
	}
}

// TestAllAtOnce: from two clusters on, a fleet that is one ring is a finding.
func TestAllAtOnce(t *testing.T) {
	one := strings.Replace(ringed, "-- clusters/east", "-- unused/east", 1)
	for _, tc := range []struct {
		name, archive string
		found         bool
	}{
		{"declared as one", strings.Replace(ringed, "[[west], [east]]", "[[west, east]]", 1), true},
		{"no rings", strings.Replace(ringed, "rings: [[west], [east]]", "name: x", 1), true},
		{"two rings", ringed, false},
		{"one cluster", strings.Replace(strings.Replace(one, "rings: [[west], [east]]", "name: x", 1), "west/web, east/web", "west/web", 1), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, _ := load(t, tc.archive)
			p := solve(t, f)
			if msg := classOf(p, "unbounded-automation"); (msg != "") != tc.found {
				t.Errorf("found %q", msg)
			}
			if r := p.Recovery("rollout-ring-bad-change/ring/1"); tc.found && !slices.Contains(r.Down, "shop") {
				t.Errorf("a release to all clusters leaves the shop up")
			}
		})
	}
}
