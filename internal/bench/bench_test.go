package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/testkit/corpus"
	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
)

// TestReport guards the arithmetic of the page: medians, ratios of pairs, and
// figures divided by the number of clusters.
func TestReport(t *testing.T) {
	s := &size{
		Variant: 1, Clusters: 2, Objects: 7, Peers: true, Stages: []stageCost{{"render", 3}, {"seal", 1}},
		Staged: []usage{{CPU: 3 * time.Second, Wall: 2 * time.Second}},
	}
	for _, cpu := range []time.Duration{4, 2, 12} {
		s.Pairs = append(s.Pairs, pair{
			Ours:     usage{cpu * time.Second, time.Second, 1 << 20},
			Stock:    usage{8 * time.Second, 4 * time.Second, 3 << 20},
			Programs: map[string]usage{"tar": {CPU: cpu * time.Second / 2, RSS: 5 << 20}},
			Floor:    []step{{"read", 0.5}, {"parse", 1.5}},
		})
	}
	alone := *s
	alone.Peers, alone.Clusters = false, 1
	r := &report{Machine: "4 cores", Runs: 3, Manifests: "m", Note: "It was busy.", Sizes: []*size{s, &alone}}
	text := r.markdown()
	for _, want := range []string{
		"did.\n\nIt was busy.\n\n## Goals",
		"| cold compile of 100 clusters, CPU, stock / Darkstart | ≥ 20 | 2.0 | 2 clusters |",
		"| the same, Darkstart / floor | ≤ 3 | 2.0 | 2 clusters |",
		"in a fleet of 100, wall | ≤ 1 s | 2.0 s |",
		"| peak memory at 100 clusters | ≤ 700 MiB | 1 MiB |",
		"CPU per cluster | ≤ 1.1 × | 0.50 × | from 1 to 2 clusters |",
		"## Variant 1: 2 clusters of 7 objects",
		"| CPU seconds | 2.00 | 4.00 | 2.00 |",
		"| wall seconds | 0.50 | 2.00 | 4.00 |",
		"MiB, whole fleet | 1 | 3 | 3.00 |",
		"changed: 2.00 s wall, 3.00 s CPU",
		"| tar | 1.000 | 5 |",
		"| parse | 0.750 |",
		"| Darkstart / floor | 2.00 |",
		"| render | 1.500 | 75 % |",
		"| together | 2.000 | |",
		"## Variant 1: 1 cluster of 7 objects\n\n| per cluster | Darkstart |\n|---|---:|\n| CPU seconds | 4.00 |\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestFlags(t *testing.T) {
	for _, bad := range [][]string{{"-n", "0"}, {"-n", "x"}, {"-runs", "0"}, {"-variant", "3"}, {"-variant", ""}} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%v is accepted", bad)
		}
	}
	o, err := parse([]string{"-n", "2, 3", "-variant", "2"})
	if err != nil || !slices.Equal(o.clusters, []int{2, 3}) || !slices.Equal(o.variants, []int{2}) {
		t.Errorf("%+v, %v", o, err)
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
