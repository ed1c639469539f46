package emit

import (
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/internal/spec"
)

// TestHealthExprs guards what Flux takes: one expression for each kind, and
// none that is true of the status of the release before. internal/e2e shows
// what Flux makes of them.
func TestHealthExprs(t *testing.T) {
	set := func(name, cel string) gated {
		return gated{"apps/v1", "StatefulSet", "db", name, spec.Gate{CEL: cel}}
	}
	cert := func(name, condition string) gated {
		return gated{"cert-manager.io/v1", "Certificate", "db", name, spec.Gate{Condition: condition}}
	}
	const allReady = "status.readyReplicas == spec.replicas"
	for name, tc := range map[string]struct {
		gates     []gated
		want, not []string // in the only expression
	}{
		"a workload's own generation first": {
			[]gated{set("a", allReady)},
			[]string{"status.observedGeneration == metadata.generation && ", "status.updatedReplicas", " && (" + allReady + ")"},
			[]string{"metadata.name"},
		},
		"two that say the same": {[]gated{set("a", allReady), set("b", allReady)}, []string{allReady}, []string{"metadata.name"}},
		"two that differ go by name": {
			[]gated{set("a", allReady), set("b", "status.readyReplicas >= 2")},
			[]string{`metadata.name == "a" && metadata.namespace == "db" ? (`, `: metadata.name == "b" &&`, "(status.readyReplicas >= 2)", "(spec.replicas == 0 || " + allReady + "))"},
			nil,
		},
		"conditions of a custom kind": {
			[]gated{cert("a", "Ready"), cert("b", "Issued")},
			[]string{`metadata.name == "a"`, `c.type == "Ready"`, `c.type == "Issued"`, ": (true)"},
			[]string{"observedGeneration"},
		},
	} {
		out := healthExprs(tc.gates)
		if len(out) != 1 {
			t.Errorf("%s: %d expressions; Flux refuses a second for one kind", name, len(out))
			continue
		}
		expr := out[0].(map[string]any)["current"].(string)
		for _, want := range tc.want {
			if !strings.Contains(expr, want) {
				t.Errorf("%s: no %q in %s", name, want, expr)
			}
		}
		for _, not := range tc.not {
			if strings.Contains(expr, not) {
				t.Errorf("%s: %q in %s", name, not, expr)
			}
		}
	}
	if out := healthExprs([]gated{{"apps/v1", "Deployment", "db", "a", spec.Gate{Condition: "Available"}}}); out != nil {
		t.Errorf("kstatus knows Deployments: %v", out)
	}
	if out := healthExprs([]gated{cert("a", "Ready"), set("a", allReady)}); len(out) != 2 {
		t.Errorf("two kinds: %v", out)
	}
}
