package emit

import (
	"bytes"
	"testing"

	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/plans"
)

// TestWriteRecoveries: scenario by scenario, a plan is written as it is as a
// whole, which is what digests stand for.
func TestWriteRecoveries(t *testing.T) {
	p := &plans.Plan{Version: `a"scenarios": []`, Coverage: plans.Coverage{Nodes: 3}}
	for _, class := range []string{"", "bootstrap", "darkstart", ""} {
		plan, rest := recoveriesOnly(p)
		for _, r := range rest {
			plan.Scenarios = append(plan.Scenarios, withoutPositions(*r))
		}
		want, err := object.Encode(plan)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := writeRecoveries(&got, p); err != nil || !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%d scenarios: %v\n%s\nwant\n%s", len(p.Scenarios), err, &got, want)
		}
		p.Scenarios = append(p.Scenarios, plans.Recovery{
			Scenario: plans.Scenario{ID: "<" + class + ">", Class: class, Domains: []string{"a", "b"}},
			Cells:    []*plans.Cell{{Node: "shop & co", Unknowns: []plans.Unknown{{Node: "x"}}}, {}},
			Waves: []plans.Wave{
				{Number: 1, Steps: []plans.PlannedStep{{ID: "\n  \"steps\": [", Because: []plans.Edge{{From: "a", Why: &plans.Because{Reason: "r"}}}}, {Restores: []string{"x"}}}},
				{Number: 2},
			},
			Witnesses: []plans.Witness{{Target: "cells"}},
			Returns:   map[string]plans.Interval{"b": {}, "a": {}},
		})
	}
}
