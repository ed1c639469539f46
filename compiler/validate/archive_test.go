package validate

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/schemas/kubernetes"
)

// TestArchivesAreComplete makes the checker of every kind that every release
// serves: each definition decodes, and each reference leads somewhere.
func TestArchivesAreComplete(t *testing.T) {
	raw, err := fs.ReadFile(kubernetes.FS, "provenance.json")
	if err != nil {
		t.Fatal(err)
	}
	var sources []struct {
		Kubernetes, Version, Sum string
		Kinds                    int
	}
	if err := json.Unmarshal(raw, &sources); err != nil {
		t.Fatal(err)
	}
	catalog := NewCatalog(kubernetes.FS)
	releases, err := catalog.Releases()
	if err != nil || !slices.Equal(releases, []string{"1.33", "1.34", "1.35", "1.36", "1.37"}) {
		t.Fatalf("releases %v, %v", releases, err)
	}
	if len(sources) != len(releases) {
		t.Errorf("provenance of %d archives, there are %d", len(sources), len(releases))
	}
	for i, minor := range releases {
		r, err := catalog.release(minor)
		if err != nil {
			t.Fatal(err)
		}
		if s := sources[i]; s.Kubernetes != minor || s.Version != r.source || s.Kinds != len(r.kinds) || s.Sum == "" {
			t.Errorf("%s: provenance says %+v, the archive has %d kinds of %s", minor, s, len(r.kinds), r.source)
		}
		for id := range r.kinds {
			c, err := r.checker(id)
			if err != nil {
				t.Errorf("%s: %s: %v", minor, id, err)
			} else if c.structural.Properties == nil {
				t.Errorf("%s: %s has no fields", minor, id)
			}
		}
		if len(r.structural) < len(r.lines)/2 {
			t.Errorf("%s: %d of %d definitions were reached", minor, len(r.structural), len(r.lines))
		}
	}
}

func TestScopes(t *testing.T) {
	catalog := NewCatalog(kubernetes.FS)
	scopes, err := catalog.Scopes("v1.36.2-eks-1")
	if err != nil {
		t.Fatal(err)
	}
	for kind, namespaced := range map[GroupKind]bool{
		{"", "Pod"}: true, {"", "Namespace"}: false, {"apps", "Deployment"}: true,
		{"rbac.authorization.k8s.io", "ClusterRole"}: false, {"networking.k8s.io", "Ingress"}: true,
	} {
		if got, ok := scopes[kind]; !ok || got != namespaced {
			t.Errorf("%s: namespaced %v, known %v", kind, got, ok)
		}
	}
	if _, err := catalog.Scopes("1.99"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a release without schemas gives %v", err)
	}
	if _, err := catalog.Scopes("latest"); err == nil {
		t.Error("latest is taken for a version")
	}
}

func TestParseRelease(t *testing.T) {
	for in, want := range map[string]string{
		"1.36": "1.36", "v1.36.2": "1.36", "1.36+": "1.36", "1.36-gke": "1.36", "v1.35.4+k3s1": "1.35",
		"": "", "1": "", "latest": "", "1.x": "", "1.36rc": "", "v.1": "", "0.3": "",
	} {
		v, ok := parseRelease(in)
		if got := v.String(); ok && got != want || ok != (want != "") {
			t.Errorf("%q gives %s, %v", in, got, ok)
		}
	}
}

func TestCompareAPIVersions(t *testing.T) {
	versions := []string{"v2beta1", "v1", "v1alpha2", "v10", "v2", "v1beta1", "v1alpha10"}
	slices.SortFunc(versions, compareAPIVersions)
	want := []string{"v1alpha2", "v1alpha10", "v1beta1", "v2beta1", "v1", "v2", "v10"}
	if !slices.Equal(versions, want) {
		t.Errorf("got %v, want %v", versions, want)
	}
}

// TestResolve splits paths whose keys have the very characters that separate.
func TestResolve(t *testing.T) {
	content := map[string]any{
		"metadata": map[string]any{"labels": map[string]any{"a.b/c": "x", "a": "y", "a.b": "z"}},
		"spec":     map[string]any{"list": []any{map[string]any{"x[0]": 1}}},
	}
	for path, want := range map[string][]string{
		"metadata.labels.a.b/c": {"metadata", "labels", "a.b/c"},
		"metadata.labels.a.b":   {"metadata", "labels", "a.b"},
		"metadata.labels[a]":    {"metadata", "labels", "a"},
		"spec.list[0].x[0]":     {"spec", "list", "0", "x[0]"},
		"spec.absent.deep[3]":   {"spec", "absent", "deep", "3"},
		"":                      nil,
		".spec":                 {"spec"},
		"spec[":                 {"spec", "["},
	} {
		if got := resolve(content, path); !slices.Equal(got, want) {
			t.Errorf("%q gives %q, want %q", path, got, want)
		}
	}
}

// FuzzResolve demands an end and no panic for whatever a definition's author
// calls a field.
func FuzzResolve(f *testing.F) {
	f.Add("a.b[0]", "a.b")
	f.Fuzz(func(t *testing.T, path, key string) {
		content := map[string]any{key: map[string]any{key: []any{key}}}
		if got := resolve(content, path); len(got) > len(path) {
			t.Errorf("%q gives %d tokens", path, len(got))
		}
	})
}

// TestBrokenArchive tells damage from absence.
func TestBrokenArchive(t *testing.T) {
	damaged := fstest.MapFS{"v1.36.gz": {Data: []byte("no gzip")}}
	r := &ir.Rendered{}
	if _, _, err := Validate(context.Background(), r, "1.36", &Config{Schemas: damaged}); err == nil {
		t.Error("a damaged archive passes")
	}
	_, list, err := Validate(context.Background(), r, "1.36", &Config{Schemas: fstest.MapFS{}})
	if err != nil || len(list) != 1 || list[0].Code != codeVersion {
		t.Errorf("no archives: %v, %v", list, err)
	}
}

// TestHostileObjects feeds shapes that no renderer should let through.
func TestHostileObjects(t *testing.T) {
	for _, content := range []map[string]any{
		{},
		{"apiVersion": "v1", "kind": "ConfigMap"},
		{"apiVersion": "v1", "kind": "ConfigMap", "metadata": "text", "data": []any{}},
		{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": nil, "spec": map[string]any{"selector": "x", "template": []any{1.5}}},
		{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": map[string]any{"versions": "v1"}},
		{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": map[string]any{"versions": []any{map[string]any{"schema": map[string]any{"openAPIV3Schema": map[string]any{"$ref": "#/a"}}}}}},
	} {
		r := &ir.Rendered{Components: []ir.RenderedComponent{{Name: "x", Objects: []*object.Object{object.New(content, object.Origin{})}}}}
		counts, list, err := Validate(context.Background(), r, "1.37", &Config{Schemas: kubernetes.FS})
		if err != nil {
			t.Errorf("%v: %v", content, err)
			continue
		}
		if !list.HasErrors() && len(counts.NotEvaluated) == 0 {
			t.Errorf("%v passes: %+v", content, counts)
		}
	}
}

// BenchmarkCorpus judges the corpus as the second cluster of a fleet does,
// with everything decoded.
func BenchmarkCorpus(b *testing.B) {
	r := corpus(b)
	cfg := &Config{Catalog: NewCatalog(kubernetes.FS), Parallel: 1}
	for b.Loop() {
		if _, _, err := Validate(context.Background(), r, "1.37", cfg); err != nil {
			b.Fatal(err)
		}
	}
}
