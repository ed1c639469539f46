package kustomize

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/darkstart-dev/darkstart/compiler/render/yaml"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// both builds a folder without and with kustomize's own trace. The first is
// nil where names do not tell.
func both(t *testing.T, files map[string]string, dir string) (placed, traced []*object.Object) {
	t.Helper()
	build := func(trace bool) []*object.Object {
		s, err := scan(context.Background(), tree.FromMap(files), dir, yaml.Limits{})
		if err != nil || s.diags.HasErrors() {
			t.Fatal(err, s.diags)
		}
		objects, ds, err := s.build(context.Background(), dir, trace)
		if err != nil || ds.HasErrors() {
			t.Fatal(err, ds)
		}
		if !trace && (s.renames || !s.place(objects)) {
			return nil
		}
		return objects
	}
	return build(false), build(true)
}

// TestPlaceAgreesWithKustomize guards that finding documents by name gives the
// objects and the lines that kustomize's own trace gives.
func TestPlaceAgreesWithKustomize(t *testing.T) {
	archives, err := filepath.Glob("testdata/stock/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, name := range archives {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, build, _ := strings.Cut(string(a.Comment), "build: ")
		files := map[string]string{}
		for _, f := range a.Files {
			files[f.Name] = string(f.Data)
		}
		placed, traced := both(t, files, strings.TrimSpace(build))
		if placed == nil {
			continue
		}
		compared++
		if d := cmp.Diff(traced, placed); d != "" {
			t.Errorf("%s (-traced +placed):\n%s", name, d)
		}
	}
	if compared == 0 {
		t.Error("no fixture can be told by names")
	}
}

func TestPlace(t *testing.T) {
	const a, b = "{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: a}}\n", "{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: b}}\n"
	for name, c := range map[string]struct {
		build string
		told  bool
	}{
		"namespaces tell":          {"resources: [a.yaml, b.yaml]\n", true},
		"labels change no name":    {"resources: [a.yaml]\nlabels: [{pairs: {k: v}}]\n", true},
		"a moved one":              {"resources: [a.yaml]\nnamespace: c\n", true},
		"a prefix":                 {"resources: [a.yaml]\nnamePrefix: p-\n", false},
		"a generator":              {"resources: [a.yaml]\nconfigMapGenerator: [{name: g, literals: [k=v]}]\n", false},
		"a patch that renames":     {"resources: [a.yaml]\npatches: [{target: {name: x}, patch: '[{\"op\":\"replace\",\"path\":\"/metadata/name\",\"value\":\"y\"}]'}]\n", false},
		"a patch that moves":       {"resources: [a.yaml]\npatches: [{target: {name: x}, patch: '[{\"op\":\"replace\",\"path\":\"/metadata/namespace\",\"value\":\"c\"}]'}]\n", false},
		"two folders, one file":    {"resources: [p, q]\n", false},
		"two documents, one place": {"resources: [p, a.yaml]\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			placed, traced := both(t, map[string]string{
				"o/kustomization.yaml": c.build, "o/a.yaml": a, "o/b.yaml": b,
				"o/p/kustomization.yaml": "resources: [r.yaml]\nnamespace: p\n", "o/p/r.yaml": a,
				"o/q/kustomization.yaml": "resources: [r.yaml]\nnamespace: q\n", "o/q/r.yaml": a,
			}, "o")
			if told := placed != nil; told != c.told {
				t.Fatalf("told by names: %v", told)
			}
			if d := cmp.Diff(traced, placed); c.told && d != "" {
				t.Errorf("(-traced +placed):\n%s", d)
			}
		})
	}
}
