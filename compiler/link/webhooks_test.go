package link_test

import (
	"slices"
	"strings"
	"testing"
)

const policed = `
-- clusters/dev.yaml --
kubernetes: "1.36"
controlPlane: {self: {members: [[]], etcd: {init: INIT}, snapshots: {in: [], every: 1h}}}
PHASES
components:
  policy: {source: {yaml: x}PHASE2}
  cni: {source: {yaml: x}PHASE1}
  app: {source: {yaml: x}PHASE2}
-- dev/policy.yaml --
apiVersion: v1
kind: Namespace
metadata: {name: policy, labels: {team: x}}
---
apiVersion: v1
kind: Service
metadata: {name: hook, namespace: policy}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: policy, namespace: policy}
spec: {template: {metadata: {labels: {app: policy}}, spec: {containers: [{name: p, image: ghcr.io/p}]}}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: policy}
webhooks:
- name: pods.policy
  clientConfig: {service: {name: hook, namespace: policy}}
  failurePolicy: FAIL
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [OPERATION], resources: [pods]}]
  namespaceSelector: NSSELECTOR
  objectSelector: OBJSELECTOR
-- dev/cni.yaml --
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: cni, namespace: kube-system}
spec: {template: {spec: {containers: [{name: p, image: ghcr.io/p}]}}}
-- dev/app.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, namespace: default}
spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: p, image: ghcr.io/p}]}}}
`

func police(changes ...string) string {
	d := []string{
		"INIT", "new", "PHASES", "", "PHASE1", "", "PHASE2", "", "FAIL", "Fail", "OPERATION", "CREATE", "NSSELECTOR",
		"{matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [policy]}]}", "OBJSELECTOR", "{}",
	}
	return strings.NewReplacer(slices.Concat(changes, d)...).Replace(policed)
}

// TestInterceptionWhereEtcdStartsNew: the intercepted part waits for the
// webhook, unless the webhook is not asked about it.
func TestInterceptionWhereEtcdStartsNew(t *testing.T) {
	for name, c := range map[string]struct {
		fleet string
		waits bool
	}{
		"fail closed":        {police(), true},
		"fail open":          {police("FAIL", "Ignore"), false},
		"other operation":    {police("OPERATION", "DELETE"), false},
		"any operation":      {police("OPERATION", `"*"`), true},
		"namespace excluded": {police("NSSELECTOR", "{matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [prod]}]}"), false},
		"object excluded":    {police("OBJSELECTOR", "{matchLabels: {app: other}}"), false},
		"object selected":    {police("OBJSELECTOR", "{matchLabels: {app: web}}"), true},
	} {
		f, _ := load(t, c.fleet)
		got := slices.Contains(conjuncts(stepOf(t, f, "bootstrap/dev", "app/run").Needs), "dev/policy@hooks")
		if got != c.waits {
			t.Errorf("%s: app waits for the webhook: %v", name, got)
		}
		order(t, f, "dev")
	}
}

// TestInterceptionSparesWhatComesFirst: neither what the backend needs nor an
// earlier phase waits for the webhook.
func TestInterceptionSparesWhatComesFirst(t *testing.T) {
	needy := strings.Replace(police(), "policy: {source: {yaml: x}", "policy: {source: {yaml: x}, requires: {run: [cni]}", 1)
	phased := police("PHASES", "phases: [{name: one}, {name: two}]", "PHASE1", ", phase: one", "PHASE2", ", phase: two")
	for name, fleet := range map[string]string{"needed by the backend": needy, "in an earlier phase": phased} {
		f, _ := load(t, fleet)
		order(t, f, "dev")
		if slices.Contains(conjuncts(stepOf(t, f, "bootstrap/dev", "cni/run").Needs), "dev/policy@hooks") {
			t.Errorf("%s: cni waits for the webhook", name)
		}
		if len(f.Facts.Contradictions) > 0 {
			t.Errorf("%s: %+v", name, f.Facts.Contradictions)
		}
	}
}

// TestInterceptionWhereEtcdIsRestored: the configuration is there first, so
// every Pod waits for the backend, and a phase before it is a contradiction.
func TestInterceptionWhereEtcdIsRestored(t *testing.T) {
	f, _ := load(t, police("INIT", "restore", "PHASES", "phases: [{name: one}, {name: two}]", "PHASE1", ", phase: one", "PHASE2", ", phase: two"))
	needs := conjuncts(stepOf(t, f, "bootstrap/dev", "cni/run").Needs)
	if !slices.Contains(needs, "dev/policy") || slices.Contains(needs, "dev/policy@hooks") {
		t.Errorf("cni needs %v", needs)
	}
	if cs := f.Facts.Contradictions; len(cs) != 1 || cs[0].Component != "cni" || cs[0].Webhook != "pods.policy" || cs[0].NeedsPhase != "two" {
		t.Errorf("%+v", cs)
	}
	if s := stepOf(t, f, "bootstrap/dev", "@etcd"); s.From != "dev/@etcd/snapshots" {
		t.Errorf("etcd is restored from %q", s.From)
	}
	order(t, f, "dev")
}

// TestWebhookThatRefusesItsOwnBackend is a fact in either regime, and a circle
// where etcd is restored.
func TestWebhookThatRefusesItsOwnBackend(t *testing.T) {
	for _, init := range []string{"new", "restore"} {
		f, _ := load(t, police("INIT", init, "NSSELECTOR", "{}"))
		cs := f.Facts.Contradictions
		if len(cs) != 1 || cs[0].Component != "policy" || cs[0].Needs != "policy" || cs[0].Webhook == "" || len(cs[0].Path[0].Why.At) != 2 {
			t.Errorf("%s: %+v", init, cs)
		}
		if _, circle := sortSteps(f, "dev"); (circle != nil) != (init == "restore") {
			t.Errorf("%s: circle %v", init, circle)
		}
	}
}
