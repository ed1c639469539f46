package link_test

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/darkstart-dev/darkstart/internal/object"
)

// wide is a fleet of n clusters with 16 components each, and for every cluster
// a region, a service, a store with a backup, a procedure and an external host:
// what grows with a fleet is all there.
func wide(t testing.TB, n int) *fixture {
	t.Helper()
	var domains, services, stores, externals, procs, clusters strings.Builder
	for i := range n {
		fmt.Fprintf(&domains, "  r%d: {kind: region}\n  r%da: {kind: zone, parents: [r%d]}\n  r%db: {kind: zone, parents: [r%d]}\n", i, i, i, i, i)
		fmt.Fprintf(&services, "  s%d: {instances: [c%d/app3, c%d/app3], tier: gold}\n", i, i, (i+1)%n)
		fmt.Fprintf(&stores, "  d%d: {tier: gold, holds: [c%d/StatefulSet/ns1/app1], backups: {b: {in: [r%d], every: 1d}}}\n", i, i, (i+1)%n)
		fmt.Fprintf(&externals, "  e%d: {kind: other, hosts: [e%d.example.com], placement: {replicas: [[r%d]]}}\n", i, i, i)
		fmt.Fprintf(&procs, "  p%d: {restores: [d%d], into: [r%d], steps: {restore: {by: ops, from: d%d.b, duration: [1m, 2m]}}}\n", i, i, (i+1)%n, i)
		fmt.Fprintf(&clusters, "-- clusters/c%d.yaml --\nkubernetes: \"1.36\"\nnodePools: {g: {zones: [r%da, r%db]}}\nrequires: {start: [e%d]}\ncomponents:\n", i, i, i, i)
		for k := range 16 {
			fmt.Fprintf(&clusters, "  app%d: {source: {yaml: x}, owner: ops, requires: {run: [e%d, app%d]}}\n", k, i, (k+1)%16)
		}
	}
	f := parse(t, txtar.Parse([]byte("-- fleet.yaml --\nteams: {ops: {shift: 2}}\ntiers: {gold: {rank: 0, objectives: {default: {rto: 1h}}}}\ndomains:\n"+domains.String()+
		"services:\n"+services.String()+"stores:\n"+stores.String()+"externals:\n"+externals.String()+
		"-- recovery.yaml --\nprocedures:\n"+procs.String()+"-- project.yaml --\nassume: {region: lost}\n"+clusters.String())))
	f.rendered = nil
	for i := range n {
		all := map[string][]*object.Object{}
		for k := range 16 {
			all[fmt.Sprintf("app%d", k)] = decode(t, "x", "x.yaml", strings.NewReader(fmt.Sprintf(`
{apiVersion: v1, kind: Namespace, metadata: {name: ns%[1]d}}
---
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: app%[1]d, namespace: ns%[1]d}, spec: {replicas: 2, template: {spec: {containers: [{name: x, image: registry.example.com/app@sha256:00, env: [{name: URL, value: "https://e%[2]d.example.com"}]}]}}}}
---
{apiVersion: v1, kind: Service, metadata: {name: app%[1]d, namespace: ns%[1]d}}
`, k, i)))
		}
		f.render(fmt.Sprintf("c%d", i), all)
	}
	return f
}

// BenchmarkFleet links fleets of up to 10,000 nodes and more: the cost of a
// node must not grow with their number.
func BenchmarkFleet(b *testing.B) {
	for _, n := range []int{25, 200} {
		f := wide(b, n)
		b.Run(fmt.Sprintf("%dclusters", n), func(b *testing.B) {
			nodes := 0
			for b.Loop() {
				fleet, _ := f.link(b, nil)
				nodes = len(fleet.Model.Nodes)
			}
			b.ReportMetric(float64(nodes), "nodes")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*nodes), "ns/node")
		})
	}
}
