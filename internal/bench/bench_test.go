package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/testkit/corpus"
	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/darkstart-dev/darkstart/schemas"
	"github.com/darkstart-dev/darkstart/schemas/kubernetes"
)

// fleet is what a measured fleet leaves: three pairs with the stock programs on
// half of the clusters.
func fleet(clusters int, cpu float64) records {
	r := &record{Measure: mCold, Variant: 1, Clusters: clusters, Stock: clusters / 2, Commit: "c0ffee", Machine: "m", Programs: "p", Note: "It was busy."}
	for _, x := range []float64{4, 2, 12} {
		r.Runs = append(r.Runs, pair{
			Ours:     usage{x * cpu, 1, 10},
			Stock:    &usage{8 * cpu, 4, 30},
			Programs: map[string]usage{"tar": {x * cpu / 2, 1, 5}},
			Floor:    []step{{"read", 0.5 * cpu}, {"parse", 1.5 * cpu}},
		})
	}
	return records{
		r,
		{Measure: mOne, Variant: 1, Clusters: clusters, Commit: "c0ffee", Machine: "m", Runs: []pair{{Ours: usage{CPU: 0.1 * cpu}}}},
		{Measure: mStages, Variant: 1, Clusters: clusters, Objects: 7, Commit: "c0ffee", Machine: "m", Stages: []stageCost{{"render", 300}, {"seal", 100}}},
		{Measure: mStagesWarm, Variant: 1, Clusters: clusters, Commit: "c0ffee", Machine: "m", Stages: []stageCost{{"seal", 50}}},
	}
}

// TestPage guards the arithmetic of the page: medians, ratios of pairs, figures
// divided by the number of clusters, what stock programs would cost for the
// rest, and which fleet a goal is judged by.
func TestPage(t *testing.T) {
	rs := records{}.with(fleet(100, 1)...).with(fleet(1000, 11)...)
	rs = rs.with(&record{Measure: mCold, Variant: 1, Clusters: 100, Stock: 100, Commit: "once", Machine: "m", Runs: []pair{{Ours: usage{4, 1, 90}, Stock: &usage{CPU: 20}}}})
	rs = rs.with(&record{Measure: mWarm, Variant: 1, Clusters: 100, Commit: "warm", Machine: "m", Runs: []pair{{Ours: usage{Wall: 0.25}}}})
	tenths := func(cpu float64) pair {
		return pair{Ours: usage{10, 4, 9}, Tenths: []usage{{cpu - 1, 2, 5}, {1, 4, 4}}}
	}
	rs = rs.with(&record{Measure: mGrowth, Variant: 1, Clusters: 1000, Commit: "g", Machine: "m", Runs: []pair{tenths(10), tenths(8), tenths(5)}})
	rs = rs.with(&record{Measure: mShards, Variant: 1, Clusters: 1000, Commit: "s", Machine: "m", Runs: []pair{{
		Ours: usage{9, 8, 7}, Programs: map[string]usage{partAll: {12, 11, 6}, partLargest: {2, 1, 6}, partAssemble: {3, 2, 5}},
	}}})
	text := rs.markdown()
	for _, want := range []string{
		"| cold, CPU, stock / Darkstart | ≥ 20 | 100 | 5.0 | 100 | 100 | 1 | once |\n",
		"| cold, CPU, Darkstart / floor | ≤ 3 | 100 | 2.00 | 100 | – | 3 | c0ffee |\n",
		"stock for the whole / Darkstart | ≥ 500 | 100 | 200 | 100 | 100 | 1 | c0ffee |\n",
		"| `compile`, warm, nothing changed, wall | ≤ 1 s | 1,000 | 0.25 s | 100 | – | 1 | warm |\n",
		"a component of all clusters changed, wall | ≤ 1 s | 100 | not yet | | | | |\n",
		"| peak memory, cold | ≤ 700 MiB | 100 | 10 MiB | 100 | – | 3 | c0ffee |\n",
		"| peak memory, cold | ≤ 1024 MiB | 1,000 | 10 MiB | 1,000 | – | 3 | c0ffee |\n",
		"| growth, cold, CPU per cluster, in fleets of 100 and 1,000 | ≤ 1.1 × | 1,000 | 1.25 × | 1,000 | – | 3 | g |\n",
		"| cold, between ten of a tenth of the clusters | 10.00 | 4.00 | 9 | 3 |\n| those ten together | 8.00 | 6.00 | 5 | 3 |\n| growth of the CPU per cluster, median, 1.00 to 2.00 | 1.25 | | | 3 |\n",
		"| 16 shards and `assemble` | same digests | 100 | same digests | 1,000 | – | 1 | s |\n",
		"| cold, `compile` | 9.00 | 8.00 | 7 | 1 |\n| 16 shards: all shards | 12.00 | 11.00 | 6 | 1 |\n| 16 shards: largest shard | 2.00 | 1.00 | 6 | 1 |\n| 16 shards: assemble | 3.00 | 2.00 | 5 | 1 |\n",
		"## Variant 1: 100 clusters of 7 objects\n",
		"| cold | 4.00 | 1.00 | 10 | 3 |\n| stock, 50 clusters | 8.00 | 4.00 | 30 | 3 |\n| stock / cold, each cluster, median of the pairs | 4.0 | 8.0 | | 3 |\n| cold | 4.00 |",
		"| warm | 0.00 | 0.25 |",
		"| stock program, of 50 clusters | CPU s a cluster | MiB |\n|---|---:|---:|\n| tar | 0.040 | 5 |\n",
		"| parse | 0.015 |\n| together | 0.020 |\n| cold / floor | 2.00 |\n",
		"| render | 3.0000 | 0.0000 |\n| seal | 1.0000 | 0.5000 |\n| together | 4.0000 | 0.5000 |\n",
		"cold: c0ffee, on m. Stock programs: p. It was busy.\n\ncold: once, on m.\n\nwarm: warm, on m.\n\none, stages, stages-warm: c0ffee, on m.\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if rs.find(mCold, 1, 100).Stock != 100 || len(rs) != 12 {
		t.Errorf("%d records", len(rs))
	}
}

// TestPublished: the page says what the figures beside it say.
func TestPublished(t *testing.T) {
	rs, err := load(filepath.Join("..", "..", data))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join("..", "..", page))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(rs.markdown(), string(got)); d != "" {
		t.Errorf("make it again, with `go run ./internal/bench -measure \"\" -write`:\n%s", d)
	}
}

// TestMeter guards that a program's memory is its own, and not that of who
// measures it, and that its children's time is counted.
func TestMeter(t *testing.T) {
	meter := filepath.Join(t.TempDir(), "meter")
	if _, err := output(t.Context(), ".", "go", "build", "-o", meter, "./meter"); err != nil {
		t.Fatal(err)
	}
	large := bytes.Repeat([]byte("x"), 200<<20)
	u, err := measure(t.Context(), meter, command{dir: t.TempDir(), args: []string{"true"}})
	if err != nil || u.MiB <= 0 || u.MiB > 50 {
		t.Errorf("true needs %.0f MiB beside %d: %v", u.MiB, len(large), err)
	}
	runtime.KeepAlive(large)
	busy := command{dir: t.TempDir(), args: []string{"sh", "-c", `sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'; exit 1`}}
	if _, err := measure(t.Context(), meter, busy); err == nil {
		t.Error("a program that fails does not")
	}
	busy.judges = true
	if u, err = measure(t.Context(), meter, busy); err != nil || u.CPU < 0.02 || u.Wall < u.CPU/2 {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := measure(t.Context(), meter, command{dir: t.TempDir(), args: []string{"no-such-program"}, judges: true}); err == nil {
		t.Error("a program that is not there runs")
	}
}

func TestFlags(t *testing.T) {
	for _, bad := range [][]string{
		{"-n", "0"}, {"-n", "x"}, {"-runs", "0"}, {"-variant", "3"}, {"-variant", ""}, {"-stock", "some"}, {"-stock", "-1"}, {"-measure", "hot"},
	} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%v is accepted", bad)
		}
	}
	o, err := parse([]string{"-n", "2, 3", "-variant", "2", "-measure", "cold,warm", "-stock", "4"})
	if err != nil || !slices.Equal(o.clusters, []int{2, 3}) || !slices.Equal(o.variants, []int{2}) || !o.wants(mCold) || o.wants("floor") || o.stock != 4 {
		t.Errorf("%+v, %v", o, err)
	}
}

// TestChanges guards what the warm measures measure: each change is another
// one, and the fleet means something else after it.
func TestChanges(t *testing.T) {
	dir := t.TempDir()
	files, err := corpus.Fleet(corpus.Need(t), corpus.Options{Clusters: 2, Kubernetes: release, Parameters: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := corpus.Write(dir, files); err != nil {
		t.Fatal(err)
	}
	s := &subject{fleet: dir}
	render := func() string {
		fleet := map[string]string{}
		if err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				var b []byte
				b, err = os.ReadFile(filepath.Join(dir, name))
				fleet[name] = string(b)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		res, err := compiler.Compile(t.Context(), &compiler.Config{Tree: tree.FromMap(fleet), Until: compiler.ToObjects, Schemas: schemas.FS, Kubernetes: kubernetes.FS})
		if err != nil || len(res.Rendered) != 2 {
			t.Fatal(err, res.Diagnostics)
		}
		var all []any
		for _, o := range res.Rendered[0].Components[0].Objects {
			all = append(all, object.Map(o.Content(), "metadata")["labels"])
		}
		text, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	seen := []string{render()}
	for i := range 3 {
		if err := []func() error{s.changeOne, s.changeOne, s.changeShared}[i](); err != nil {
			t.Fatal(err)
		}
		if now := render(); slices.Contains(seen, now) {
			t.Errorf("change %d changes nothing: %s", i, now)
		} else {
			seen = append(seen, now)
		}
	}
}

// TestEqual guards that sides which mean different objects are not compared in
// speed.
func TestEqual(t *testing.T) {
	dir := t.TempDir()
	content := map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a"}}
	r := &ir.Rendered{Cluster: "c", Components: []ir.RenderedComponent{{Name: "x", Objects: []*object.Object{object.New(content, object.Origin{})}}}}
	for text, want := range map[string]string{
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n":                     "",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n":       "do not mean the same, in 1 objects",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n":                     "in 2 objects",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\nkind: Service\n": "is missing",
	} {
		if err := os.WriteFile(filepath.Join(dir, "x.yaml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := equal(r, dir); (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if err := equal(r, t.TempDir()); err == nil {
		t.Error("a cluster that nothing was built for is equal")
	}
}

// TestSchemas guards that kubeconform judges with Darkstart's schemas: every
// object of the corpus finds one, a bad one is refused.
func TestSchemas(t *testing.T) {
	manifests := corpus.Need(t)
	s := &stock{programs: map[tools.Program]string{tools.Kubeconform: tools.Path(t, tools.Kubeconform)}, schemas: t.TempDir()}
	if err := writeSchemas(s.schemas, release, manifests); err != nil {
		t.Fatal(err)
	}
	run := func(file string) string {
		args := append(s.kubeconform(), file)
		out, _ := exec.Command(args[0], args[1:]...).CombinedOutput()
		return string(out)
	}
	files, err := filepath.Glob(filepath.Join(manifests, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	expanded := filepath.Join(t.TempDir(), "objects.yaml") // kubeconform knows no Lists
	for _, f := range files {
		objects, err := corpus.Objects(f)
		if err != nil {
			t.Fatal(err)
		}
		var text []byte
		for _, o := range objects {
			b, err := object.Encode(o)
			if err != nil {
				t.Fatal(err)
			}
			text = append(append(text, "---\n"...), b...)
		}
		if err := os.WriteFile(expanded, text, 0o644); err != nil {
			t.Fatal(err)
		}
		if out := run(expanded); !strings.Contains(out, "Errors: 0, Skipped: 0") {
			t.Errorf("%s:\n%.600s", f, out)
		}
	}
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {replicas: many}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := run(bad); !strings.Contains(out, "Invalid: 1") {
		t.Errorf("a bad Deployment passes:\n%s", out)
	}
}

// TestPolicies guards that the rules of the comparison judge: a comparison
// with rules that never fire would be worth nothing.
func TestPolicies(t *testing.T) {
	conftest := tools.Path(t, tools.Conftest)
	file := filepath.Join(t.TempDir(), "bad.yaml")
	bad := `{apiVersion: v1, kind: Namespace, metadata: {name: n}}
---
{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {k: dg==}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {template: {spec: {containers: [{name: c, image: "x:1", env: [{name: PASSWORD, value: v}]}]}}}}
`
	if err := os.WriteFile(file, []byte(bad), 0o644); err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command(conftest, "test", "--policy", "policy", file).CombinedOutput()
	for _, want := range []string{"Pod Security level", "holds k in plain text", "not pinned by digest", "PASSWORD is set", "4 failures"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
