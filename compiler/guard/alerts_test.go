package guard

import (
	"fmt"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// TestAlerts: alerts that clusters share, and those that one cluster has otherwise,
// are what each object says.
func TestAlerts(t *testing.T) {
	rule := func(name, severity string) map[string]any {
		return map[string]any{"alert": name, "labels": map[string]any{"severity": severity}, "annotations": map[string]any{"runbook_url": "https://r.example/" + name}}
	}
	base := map[string]any{
		"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": map[string]any{"name": "rules", "namespace": "m"},
		"spec": map[string]any{"groups": []any{
			map[string]any{"rules": []any{map[string]any{"record": "r"}, rule("A", "critical")}},
			map[string]any{"name": "no rules"},
			map[string]any{"rules": []any{rule("B", "warning"), map[string]any{"alert": "C"}}},
		}},
	}
	shared := object.New(base, object.Origin{})
	labelled := shared.With(object.Edit{Path: []string{"metadata", "labels"}, Value: map[string]any{"a": "b"}, Merge: true})
	raised := shared.With(object.Edit{Path: []string{"spec", "groups", "2", "rules", "0", "labels", "severity"}, Value: "critical"})
	sole := object.New(base, object.Origin{})
	sole.Sole = true
	other := object.New(map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "no rules"}}, object.Origin{})

	in := &Input{Fleet: &ir.Fleet{Units: &ir.Units{}, Clusters: []*ir.Linked{{Name: "none"}}}}
	for i, o := range []*object.Object{shared, raised, labelled, sole, shared} {
		name := fmt.Sprintf("c%d", i)
		in.Fleet.Clusters = append(in.Fleet.Clusters, &ir.Linked{Name: name})
		in.Rendered = append(in.Rendered, &ir.Rendered{Cluster: name, Components: []ir.RenderedComponent{{Name: "monitoring", Objects: []*object.Object{other, o}}}})
	}
	want := []any{}
	for _, r := range in.Rendered {
		groups := object.Slice(r.Components[0].Objects[1].Content(), "spec", "groups")
		for i, g := range groups {
			for k, x := range object.Slice(g, "rules") {
				if name := object.String(x, "alert"); name != "" {
					want = append(want, map[string]any{
						"cluster": r.Cluster, "component": "monitoring", "object": "monitoring.coreos.com/PrometheusRule/m/rules", "alert": name,
						"path":     fmt.Sprintf("/spec/groups/%d/rules/%d", i, k),
						"severity": object.String(x, "labels", "severity"), "runbook": object.String(x, "annotations", "runbook_url"),
					})
				}
			}
		}
	}
	got, err := newSession(in, &Config{}, &Prepared{}).document(nil).alerts()
	if err != nil {
		t.Fatal(err)
	}
	all, err := ast.InterfaceToValue(want)
	if err != nil || len(want) != 15 {
		t.Fatal(len(want), err)
	}
	if got["alerts"].Value.Compare(all) != 0 {
		t.Errorf("got\n%v\nwant\n%v", got["alerts"], all)
	}
}
