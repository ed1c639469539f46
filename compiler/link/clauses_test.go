package link_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/link"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/plans"
)

const zones = `
-- fleet.yaml --
domains:
  eu: {kind: region}
  a: {kind: zone, parents: [eu]}
  b: {kind: zone, parents: [eu]}
  c: {kind: zone, parents: [eu]}
-- clusters/eu.yaml --
kubernetes: "1.36"
nodePools: {p: {zones: [a, b, c]}}
components: {db: {source: {yaml: x}}}
-- eu/db.yaml --
apiVersion: apps/v1
kind: KIND
metadata: {name: db, namespace: default}
spec:
  replicas: 3
  EXTRA
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: d, image: ghcr.io/d}]
      POD
`

// TestSpreadIsOnlyWhatIsGuaranteed: preferred rules, other keys and rules
// about other Pods promise nothing.
func TestSpreadIsOnlyWhatIsGuaranteed(t *testing.T) {
	const anti = "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: KEY, labelSelector: {matchLabels: {app: APP}}}]}}"
	const spread = "topologySpreadConstraints: [{topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: WHEN, labelSelector: {matchLabels: {app: db}}}]"
	rep := func(s string, kv ...string) string { return strings.NewReplacer(kv...).Replace(s) }
	for pod, want := range map[string]int{
		"":                                    1,
		rep(spread, "WHEN", "DoNotSchedule"):  3,
		rep(spread, "WHEN", "ScheduleAnyway"): 1,
		rep(anti, "KEY", "topology.kubernetes.io/zone", "APP", "db"):    3,
		rep(anti, "KEY", "kubernetes.io/hostname", "APP", "db"):         1,
		rep(anti, "KEY", "topology.kubernetes.io/zone", "APP", "other"): 1,
		"nodeSelector: {topology.kubernetes.io/zone: b}":                1,
	} {
		f, _ := load(t, rep(zones, "KIND", "Deployment", "EXTRA", "", "POD", pod))
		n := nodeOf(t, f, "eu/db")
		apart := map[string]bool{}
		for _, r := range n.Replicas {
			apart[strings.Join(r.Domains, "+")] = true
		}
		if len(n.Replicas) != 3 || len(apart) != want {
			t.Errorf("%q: %d replicas in %v, want %d places", pod, len(n.Replicas), apart, want)
		}
		if !n.Stateless {
			t.Errorf("%q: a Deployment without volumes is bound", pod)
		}
	}
	f, _ := load(t, rep(zones, "KIND", "StatefulSet", "EXTRA", "volumeClaimTemplates: [{metadata: {name: d}, spec: {}}]", "POD", ""))
	if nodeOf(t, f, "eu/db").Stateless {
		t.Error("a zonal volume does not bind its replica")
	}
}

// TestEdgesOfTheBootstrapAreNotEdgesOfTheNode: where etcd survives, what is
// written in it survives, and nothing waits for it again.
func TestEdgesOfTheBootstrapAreNotEdgesOfTheNode(t *testing.T) {
	f, _ := load(t, knots("", ""))
	start := conjuncts(nodeOf(t, f, "dev/app").Requires.Start)
	needs := conjuncts(stepOf(t, f, "bootstrap/dev", "app/run").Needs)
	for _, id := range []string{"dev/base@defs", "dev/app@extras/certs"} {
		if slices.Contains(start, id) || !slices.Contains(needs, id) {
			t.Errorf("%s: start %v, needs %v", id, start, needs)
		}
	}
}

// knots is a fleet of two phases whose app mounts a Secret that certs write.
func knots(app, certs string) string {
	return strings.NewReplacer("APP", app, "CERTS", certs).Replace(`
-- clusters/dev.yaml --
kubernetes: "1.36"
phases: [{name: one}, {name: two}]
components:
  app: {source: {yaml: x}APP}
  base: {source: {yaml: x}}
  certs: {source: {yaml: x}CERTS}
-- dev/base.yaml --
apiVersion: v1
kind: Namespace
metadata: {name: prod}
-- dev/certs.yaml --
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: certificates.cert-manager.io}
spec: {group: cert-manager.io, names: {kind: Certificate, plural: certificates}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: certs, namespace: default}
spec: {template: {spec: {containers: [{name: p, image: ghcr.io/p}]}}}
-- dev/app.yaml --
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: tls, namespace: prod}
spec: {secretName: tls, issuerRef: {name: missing}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, namespace: prod}
spec: {template: {spec: {containers: [{name: p, image: ghcr.io/p}], volumes: [{name: t, secret: {secretName: tls}}, {name: u, secret: {secretName: unwritten}}]}}}
`)
}

// TestPhaseThatAnEdgeForbids: the path leads over the part that floats.
func TestPhaseThatAnEdgeForbids(t *testing.T) {
	f, _ := load(t, knots(", phase: one", ", phase: two"))
	cs := f.Facts.Contradictions
	if len(cs) != 1 || cs[0].Component != "app" || cs[0].Needs != "certs" || cs[0].NeedsPhase != "two" || len(cs[0].Path) != 2 || cs[0].Path[0].Why == nil {
		t.Fatalf("%+v", cs)
	}
	order(t, f, "dev") // one mistake is one finding: no circle besides
	f, _ = load(t, knots(", phase: two", ", phase: one"))
	if len(f.Facts.Contradictions) > 0 {
		t.Errorf("%+v", f.Facts.Contradictions)
	}
	for _, p := range f.Clusters[0].Parts {
		if want := map[string]string{"app/run": "two", "certs/run": "one", "app/extras/certs": "two", "base/defs": "two"}[p.ID()]; want != "" && p.Phase != want {
			t.Errorf("%s is in phase %s, want %s", p.ID(), p.Phase, want)
		}
	}
}

func TestWhatNothingProvidesIsUnknown(t *testing.T) {
	f, ds := load(t, knots("", ""))
	if ds.HasErrors() {
		t.Errorf("a derived edge is an error:\n%s", ds)
	}
	var what []string
	for _, u := range f.Model.Unresolved {
		what = append(what, u.What)
		if u.Settle == "" {
			t.Errorf("%q names nothing that settles it", u.What)
		}
	}
	got := strings.Join(what, "\n")
	if len(what) != 2 || !strings.Contains(got, "unwritten") || !strings.Contains(got, "issuer missing") {
		t.Errorf("unknown:\n%s", got)
	}
	f, _ = load(t, knots(`, creates: ["Secret/prod/unw*", "Issuer/prod/missing"]`, ""))
	if len(f.Model.Unresolved) > 0 {
		t.Errorf("creates settles nothing: %+v", f.Model.Unresolved)
	}
}

// TestEngineOutsideTheSeedIsAParadox: it would have to apply itself.
func TestEngineOutsideTheSeedIsAParadox(t *testing.T) {
	const fleet = `
-- clusters/dev.yaml --
kubernetes: "1.36"
phases: [{name: one}, {name: two}]
delivery: {seed: [one], by: me, engine: flux}
components: {flux: {source: {yaml: x}, phase: PHASE}, app: {source: {yaml: x}, phase: two}}
`
	f, _ := load(t, strings.Replace(fleet, "PHASE", "one", 1))
	order(t, f, "dev")
	if s := stepOf(t, f, "bootstrap/dev", "app/run"); s.By != "" || !slices.Contains(conjuncts(s.Needs), "dev/flux") {
		t.Errorf("%+v", s)
	}
	if s := stepOf(t, f, "bootstrap/dev", "flux/run"); s.By != "me" {
		t.Errorf("the seed is applied by %q", s.By)
	}
	f, _ = load(t, strings.Replace(fleet, "PHASE", "two", 1))
	if _, circle := sortSteps(f, "dev"); !slices.Equal(circle, []string{"flux/run", "flux/run"}) && circle == nil {
		t.Error("no circle")
	}
}

// TestAsynchronousCopyHoldsNoReplica: its data is behind, so the store is down
// until somebody promotes it.
func TestAsynchronousCopyHoldsNoReplica(t *testing.T) {
	f, _ := load(t, `
-- fleet.yaml --
domains: {eu: {kind: region}, us: {kind: region}}
stores: {db: {holds: [StatefulSet/default/db], copies: {eu: {in: [eu], mode: sync}, us: {in: [us], mode: async, lag: 10s}}}}
-- clusters/eu.yaml --
kubernetes: "1.36"
placement: {replicas: [[eu]]}
components: {db: {source: {yaml: x}}}
-- clusters/us.yaml --
kubernetes: "1.36"
placement: {replicas: [[us]]}
components: {db: {source: {yaml: x}}}
-- eu/db.yaml --
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, namespace: default}}
-- us/db.yaml --
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, namespace: default}}
`)
	n := nodeOf(t, f, "db")
	if len(n.Replicas) != 1 || !slices.Equal(n.Replicas[0].Domains, []string{"eu"}) {
		t.Errorf("%+v", n.Replicas)
	}
	for _, s := range f.Model.Scenarios {
		if want := s.ID != "bootstrap/us"; slices.Contains(s.Nodes, "db") != want {
			t.Errorf("%s takes the store: %v", s.ID, !want)
		}
	}
	if s := stepOf(t, f, "bootstrap/eu", "db/run"); !slices.Contains(s.Restores, "db") {
		t.Error("the store does not start empty with its component")
	}
}

// TestOrderOfInputDoesNotMatter: clusters keep their order, objects and
// processors do not change the graph (D2).
func TestOrderOfInputDoesNotMatter(t *testing.T) {
	a, err := txtar.ParseFile("testdata/platform.txtar")
	if err != nil {
		t.Fatal(err)
	}
	want := dump(parse(t, a).link(t, &link.Config{Parallel: 1}))
	for seed := range uint64(8) {
		f := parse(t, a)
		r := rand.New(rand.NewPCG(seed, 0))
		for _, c := range f.rendered[0].Components {
			r.Shuffle(len(c.Objects), func(i, j int) { c.Objects[i], c.Objects[j] = c.Objects[j], c.Objects[i] })
		}
		if got := dump(f.link(t, nil)); got != want {
			t.Fatalf("seed %d gives another graph:\n%s", seed, got)
		}
	}
}

func TestUserProcedureKnowsItsRegime(t *testing.T) {
	fleet := police("NSSELECTOR", "{}") + `
-- recovery.yaml --
procedures:
  restart: {restores: [dev/app], steps: {go: {do: restart}}}
  rebuild: {restores: ["dev/@etcd", "dev/@api", dev/app], steps: {go: {do: rebuild}}}
`
	f, _ := load(t, fleet)
	for proc, want := range map[string]string{"restart": "dev/policy", "rebuild": "dev/policy@hooks"} {
		if needs := conjuncts(stepOf(t, f, proc, "go").Needs); !slices.Equal(needs, []string{want}) {
			t.Errorf("%s needs %v, want %s", proc, needs, want)
		}
	}
	if p := procOf(t, f, "restart"); p.IntoKnown || p.Derived {
		t.Errorf("%+v", p)
	}
}

// TestRenamedJobs: gates and holds name what a user wrote; the objects have the
// names they are applied with.
func TestRenamedJobs(t *testing.T) {
	f := parse(t, txtar.Parse([]byte(`
-- fleet.yaml --
stores: {schema: {holds: [Job/app/migrate]}}
-- clusters/eu.yaml --
kubernetes: "1.36"
components:
  app:
    source: {yaml: app}
    gates:
    - {object: Job/app/migrate, expected: [1m, 2m], timeout: 5m}
    - {object: Certificate/app/tls, timeout: 1m}
    creates: [Certificate/app/tls]
-- eu/app.yaml --
apiVersion: v1
kind: Namespace
metadata: {name: app}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate-0a1b2c3d, namespace: app}
spec: {template: {spec: {containers: [{name: m, image: r.example/m@sha256:0}]}}}
`)))
	job := object.Key{Group: "batch", Kind: "Job", Namespace: "app", Name: "migrate"}
	to := job
	to.Name = "migrate-0a1b2c3d"
	for i := range f.rendered {
		for k := range f.rendered[i].Components {
			f.rendered[i].Components[k].Renamed = []ir.Rename{{From: job, To: to}}
		}
	}
	fleet, ds := f.link(t, nil)
	if len(ds) > 0 {
		t.Errorf("diagnostics: %s", ds)
	}
	for _, d := range fleet.Facts.Dangling {
		if d.Set == "holds" {
			t.Errorf("the store holds nothing: %+v", d)
		}
	}
	if d := stepOf(t, fleet, "bootstrap/eu", "app/run"); d.Duration != (plans.Interval{Lo: plans.Minute, Hi: 2 * plans.Minute}) {
		t.Errorf("the gate lends no duration: %s", d.Duration)
	}
	for _, p := range fleet.Cluster("eu").Parts {
		var got []string
		for _, g := range p.Gates {
			got = append(got, g.Object)
		}
		want := map[ir.PartName]string{ir.PartRun: "Job/app/migrate-0a1b2c3d Certificate/app/tls"}[p.Name]
		if strings.Join(got, " ") != want {
			t.Errorf("gates of %s: %q, want %q", p.ID(), got, want)
		}
	}
}

// TestOneStoreInTwoClustersIsTwoSetsOfData: a pattern that holds objects of
// several clusters makes no redundancy; only copies do.
func TestOneStoreInTwoClustersIsTwoSetsOfData(t *testing.T) {
	f, _ := load(t, `
-- fleet.yaml --
domains: {eu: {kind: region}, us: {kind: region}}
stores: {db: {holds: [StatefulSet/default/db]}}
-- clusters/eu.yaml --
kubernetes: "1.36"
placement: {replicas: [[eu]]}
components: {db: {source: {yaml: x}}}
-- clusters/us.yaml --
kubernetes: "1.36"
placement: {replicas: [[us]]}
components: {db: {source: {yaml: x}}}
-- eu/db.yaml --
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, namespace: default}}
-- us/db.yaml --
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, namespace: default}}
`)
	if n := nodeOf(t, f, "db"); len(n.Replicas) != 2 || n.Quorum != 2 {
		t.Errorf("quorum %d of %+v: losing either cluster must take the store", n.Quorum, n.Replicas)
	}
}
