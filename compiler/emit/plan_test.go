package emit

import (
	"bytes"
	"slices"
	"testing"

	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/plans"
)

// TestAppendRecoveries: scenario by scenario, a plan is written as it is as a
// whole, which is what digests stand for.
func TestAppendRecoveries(t *testing.T) {
	p := &plans.Plan{Version: `a"scenarios": []`, Coverage: plans.Coverage{Nodes: 3}}
	for _, class := range []string{"", "bootstrap", "darkstart", ""} {
		plan, rest := recoveriesOnly(p)
		plan.Scenarios = append(plan.Scenarios, slices.Collect(rest)...)
		want, err := object.Encode(plan)
		if err != nil {
			t.Fatal(err)
		}
		got, err := appendRecoveries([]byte("before"), p)
		if err != nil || !bytes.Equal(got, append([]byte("before"), want...)) {
			t.Errorf("%d scenarios: %v\n%s\nwant\n%s", len(p.Scenarios), err, got, want)
		}
		p.Scenarios = append(p.Scenarios, plans.Recovery{
			Scenario: plans.Scenario{ID: "<" + class + ">", Class: class, Domains: []string{"a", "b"}},
			Cells:    []*plans.Cell{{Node: "shop & co", Unknowns: []plans.Unknown{{Node: "x"}}}, {}},
			Returns:  map[string]plans.Interval{"b": {}, "a": {}},
		})
	}
}
