package link_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/darkstart-dev/darkstart/internal/object"
)

const corpusCluster = `
-- clusters/eu.yaml --
kubernetes: "1.36"
nodePools: {general: {zones: []}}
components:
  calico: {source: {yaml: x}}
  metallb: {source: {yaml: x}}
  ingress-nginx: {source: {yaml: x}, creates: ["Secret/ingress-nginx/ingress-nginx-admission"]}
  gatekeeper: {source: {yaml: x}}
  kube-prometheus: {source: {yaml: x}}
  online-boutique: {source: {yaml: x}}
  certs: {source: {yaml: x}}
  extra: {source: {yaml: x}}
`

// extras tie the corpus into the knots of a real fleet: a CNI that is scraped,
// monitoring with a certificate, certificates that are scraped, Ingresses.
const extras = `
-- eu/calico.yaml --
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: calico, namespace: kube-system}
-- eu/kube-prometheus.yaml --
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: grafana, namespace: monitoring}
spec: {secretName: grafana-tls, issuerRef: {kind: ClusterIssuer, name: internal}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: grafana, namespace: monitoring}
spec: {ingressClassName: nginx, rules: [{host: grafana.example.com}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: auth-proxy, namespace: monitoring}
spec:
  template:
    spec:
      containers: [{name: p, image: "ghcr.io/x/proxy:1", env: [{name: UP, value: "http://grafana.monitoring.svc:3000"}]}]
      volumes: [{name: tls, secret: {secretName: grafana-tls}}]
-- eu/certs.yaml --
apiVersion: v1
kind: Namespace
metadata: {name: cert-manager}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: certificates.cert-manager.io}
spec: {group: cert-manager.io, names: {kind: Certificate, plural: certificates}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: clusterissuers.cert-manager.io}
spec: {group: cert-manager.io, names: {kind: ClusterIssuer, plural: clusterissuers}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cert-manager, namespace: cert-manager}
spec: {template: {spec: {containers: [{name: c, image: "quay.io/jetstack/cert-manager-controller:v1"}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: webhook, namespace: cert-manager}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: cert-manager-webhook}
webhooks:
- name: webhook.cert-manager.io
  clientConfig: {service: {name: webhook, namespace: cert-manager}}
  rules: [{apiGroups: [cert-manager.io], apiVersions: ["*"], operations: [CREATE, UPDATE], resources: ["*/*"]}]
---
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: internal}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: cert-manager, namespace: cert-manager}
`

func corpusFixture(t testing.TB) *fixture {
	dir := corpus(t)
	f := parse(t, txtar.Parse([]byte(corpusCluster+extras)))
	for _, file := range []string{"calico", "metallb", "ingress-nginx", "gatekeeper", "kube-prometheus", "online-boutique"} {
		data, err := os.Open(filepath.Join(dir, file+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		f.add(file, decode(t, file, file+".yaml", data))
		data.Close()
	}
	return f
}

func (f *fixture) add(component string, os []*object.Object) {
	r := f.rendered[0]
	for i := range r.Components {
		if r.Components[i].Name == component {
			r.Components[i].Objects = append(r.Components[i].Objects, os...)
			return
		}
	}
	all := map[string][]*object.Object{component: os}
	for _, c := range r.Components {
		all[c.Name] = c.Objects
	}
	f.rendered = nil
	f.render("eu", all)
}

func TestCorpusHasNoFalseCircle(t *testing.T) {
	f := corpusFixture(t)
	fleet, ds := f.link(t, nil)
	if len(ds) > 0 {
		t.Errorf("diagnostics:\n%s", ds)
	}
	pos := order(t, fleet, "eu")
	for _, u := range fleet.Model.Unresolved {
		t.Logf("unknown: %s: %s (%s)", u.Node, u.What, u.Settle)
	}
	for _, c := range fleet.Facts.Contradictions {
		t.Errorf("contradiction: %+v", c)
	}
	for _, later := range [][2]string{
		{"eu/calico@extras/kube-prometheus", "eu/kube-prometheus@defs"},
		{"eu/kube-prometheus", "eu/certs"},
		{"eu/kube-prometheus@extras/certs", "eu/certs@hooks"},
		{"eu/kube-prometheus@extras/ingress-nginx", "eu/ingress-nginx@hooks"},
		{"eu/metallb@defs", "eu/gatekeeper@hooks"},
	} {
		if pos[later[0]] == 0 || pos[later[1]] == 0 || pos[later[0]] < pos[later[1]] {
			t.Errorf("%s (%d) does not come after %s (%d)", later[0], pos[later[0]], later[1], pos[later[1]])
		}
	}
	var parts []string
	for _, p := range fleet.Clusters[0].Parts {
		parts = append(parts, p.ID())
	}
	t.Log(strings.Join(parts, " "))
}
