package render_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/darkstart-dev/darkstart/compiler/render"
	"github.com/darkstart-dev/darkstart/compiler/render/kustomize"
	"github.com/darkstart-dev/darkstart/compiler/render/yaml"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// TestOverridesEqualKustomize guards the claim of DESIGN §10: what the spec's
// `set` and `images` make of objects equals what kustomize's transformers make
// of them. It takes every corpus file, and one with the corner cases.
func TestOverridesEqualKustomize(t *testing.T) {
	t.Run("corners", func(t *testing.T) { overrideLikeKustomize(t, "corners", read(t, "testdata/corners.yaml")) })
	t.Run("corpus", func(t *testing.T) {
		tr, names := corpus(t)
		for _, name := range names {
			t.Run(name, func(t *testing.T) {
				b, err := tr.ReadFile("plain/" + name + "/" + name + ".yaml")
				if err != nil {
					t.Fatal(err)
				}
				overrideLikeKustomize(t, name, string(b))
			})
		}
	})
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func overrideLikeKustomize(t *testing.T, name, manifest string) {
	objects, _ := yaml.Decode("m.yaml", []byte(manifest), yaml.Limits{})
	set := spec.Overrides{
		Namespace:   "elsewhere",
		Labels:      map[string]string{"example.com/cluster": "c1", "app": "changed"},
		Annotations: map[string]string{"example.com/team": "a"},
		Replicas:    map[string]int{},
	}
	if name == "kube-prometheus" {
		set.Namespace = "" // Roles of one name in several namespaces cannot move into one
	}
	images := map[string]string{}
	for _, o := range objects {
		switch o.Kind {
		case "Deployment", "StatefulSet":
			set.Replicas[o.Name] = 7
		}
	}
	collectImages(anyMaps(objects), images)
	set.Patches = selecting(t, objects, name == "corners")
	dir := "m"
	tr := tree.FromMap(map[string]string{
		dir + "/m.yaml":           manifest,
		"over/m.yaml":             manifest,
		"over/kustomization.yaml": overlayText(set, images),
	})
	got := one(t, tr, spec.Component{Source: spec.Source{YAML: dir}, Set: set, Images: images})
	want := one(t, tr, spec.Component{Source: spec.Source{Kustomize: "over"}})
	w, g := index(want), index(got)
	for _, k := range slices.Sorted(maps.Keys(w)) {
		if d := cmp.Diff(w[k], g[k]); d != "" {
			t.Errorf("%s differs (-kustomize +typed):\n%s", k, d)
		}
	}
	if len(w) != len(g) || len(w) == 0 {
		t.Errorf("%d objects, want %d", len(g), len(w))
	}
}

// one renders a component and undoes the naming of Jobs on neither side: both
// are named after the overrides.
func one(t *testing.T, tr *tree.Tree, c spec.Component) []*object.Object {
	t.Helper()
	r, ds, err := render.Render(context.Background(), tr, cluster("c", map[string]spec.Component{"x": c}), nil)
	if err != nil || ds.HasErrors() {
		t.Fatalf("%v\n%s", err, ds)
	}
	return r.Components[0].Objects
}

// index keys objects by what they are; a cluster-scoped custom resource, the
// one deliberate difference, is taken without its namespace on both sides.
func index(objects []*object.Object) map[string]map[string]any {
	scopes := map[string]bool{}
	for _, o := range objects {
		if object.String(o.Content(), "spec", "scope") == "Cluster" {
			scopes[object.String(o.Content(), "spec", "group")+"/"+object.String(o.Content(), "spec", "names", "kind")] = true
		}
	}
	out := map[string]map[string]any{}
	for _, o := range objects {
		content := maps.Clone(o.Content())
		if scopes[o.Group()+"/"+o.Kind] {
			metadata := maps.Clone(object.Map(content, "metadata"))
			delete(metadata, "namespace")
			content["metadata"] = metadata
		}
		out[path.Join(o.APIVersion, o.Kind, o.Name)] = content
	}
	return out
}

func anyMaps(objects []*object.Object) []any {
	var out []any
	for _, o := range objects {
		if o.Kind != "CustomResourceDefinition" {
			out = append(out, o.Content())
		}
	}
	return out
}

// collectImages pins every image of a container to a digest.
func collectImages(v any, into map[string]string) {
	switch x := v.(type) {
	case []any:
		for _, e := range x {
			collectImages(e, into)
		}
	case map[string]any:
		for _, list := range []string{"containers", "initContainers"} {
			for _, c := range object.Slice(x, list) {
				if ref := object.String(c, "image"); ref != "" {
					name, _, _ := strings.Cut(ref, "@")
					if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
						name = name[:i]
					}
					into[name] = "mirror.example/" + path.Base(name) + ":v9@sha256:" + strings.Repeat("ab", 32)
				}
			}
		}
		for _, k := range slices.Sorted(maps.Keys(x)) {
			collectImages(x[k], into)
		}
	}
}

// commonPatches are what fleets patch; cornerPatches are what merges can do.
const (
	commonPatches = `[
		{"target": {"kind": "Deployment"}, "patch": [{"op": "add", "path": "/spec/revisionHistoryLimit", "value": 3}]},
		{"target": {"group": "apps", "version": "v1", "kind": "Deployment|StatefulSet|DaemonSet"}, "patch": {"spec": {"template": {"spec": {
			"priorityClassName": "platform", "tolerations": [{"key": "x", "operator": "Exists"}],
			"containers": [{"name": "added", "image": "example.com/added:1", "ports": [{"containerPort": 9999}]}],
			"volumes": [{"name": "added", "emptyDir": {}}]
		}}}}},
		{"target": {"kind": "ConfigMap", "name": "d.*|.*-config"}, "patch": {"$patch": "delete"}},
		{"target": {"labelSelector": "app.kubernetes.io/name"}, "patch": {"metadata": {"annotations": {"example.com/selected": "yes"}}}},
		{"target": {"annotationSelector": "a=b"}, "patch": {"metadata": {"annotations": {"example.com/selected": "1e3"}}}},
		{"target": {"namespace": "default", "kind": "Service.*"}, "patch": {"metadata": {"labels": {"example.com/default": "true"}}}}
	]`
	cornerPatches = `[
		{"patch": {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "old", "annotations": {"example.com/old": null}}, "spec": {
			"strategy": {"$patch": "replace", "type": "Recreate"},
			"template": {"spec": {
				"automountServiceAccountToken": null,
				"containers": [
					{"name": "second", "$patch": "delete"},
					{"name": "first", "args": ["d"], "env": [{"name": "C", "value": "on"}, {"name": "A", "$patch": "delete"}],
					 "ports": [{"containerPort": 81, "protocol": "UDP"}, {"containerPort": 80, "protocol": "TCP", "name": "http"}]}
				],
				"tolerations": [{"key": "b"}]
			}}
		}}},
		{"target": {"kind": "Deployment", "name": "web"}, "patch": [
			{"op": "test", "path": "/spec/strategy/type", "value": "Recreate"},
			{"op": "copy", "from": "/metadata/labels", "path": "/spec/template/metadata"},
			{"op": "add", "path": "/spec/template/spec/tolerations/-", "value": {"key": "last", "tolerationSeconds": 9007199254740993}},
			{"op": "remove", "path": "/spec/template/spec/volumes/0"},
			{"op": "move", "from": "/spec/template/spec/containers/0/args", "path": "/spec/template/spec/containers/0/command"}
		]},
		{"target": {"kind": "Thing"}, "patch": {"spec": {"podTemplate": {"spec": {"containers": [{"name": "other", "image": "x"}]}}, "ratio": 0.5, "big": 1e21}}},
		{"target": {"kind": "Secret"}, "patch": {"kind": "Other", "metadata": {"name": "renamed", "namespace": "moved", "$deleteFromPrimitiveList/finalizers": ["a/b"]}}},
		{"target": {"kind": "ConfigMap", "name": "kept"}, "patch": [{"op": "replace", "path": "/data/number", "value": "1e3"}, {"op": "add", "path": "/data/~1a~0b", "value": "yes"}]},
		{"target": {"kind": "ConfigMap", "name": "kept"}, "patch": {"data": {"z": "off", "y": null}}},
		{"target": {"kind": "Namespace"}, "patch": [{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}]}
	]`
)

// selecting returns the patches that select an object; kustomize says nothing
// about the others, where the compiler does.
func selecting(t *testing.T, objects []*object.Object, corners bool) []spec.Patch {
	t.Helper()
	var out []spec.Patch
	texts := []string{commonPatches}
	if corners {
		texts = []string{cornerPatches, commonPatches}
	}
	for _, text := range texts {
		var ps []spec.Patch
		if err := json.Unmarshal([]byte(text), &ps); err != nil {
			t.Fatal(err)
		}
		for _, p := range ps {
			c, err := kustomize.NewPatch(p)
			if err != nil {
				t.Fatal(err)
			}
			if slices.ContainsFunc(objects, c.Selects) {
				out = append(out, p)
			} else if corners {
				t.Errorf("%s selects nothing", p.Patch)
			}
		}
	}
	if len(out) == 0 {
		t.Fatal("no patch selects anything")
	}
	return out
}

// patchText is a patch in a kustomization, which wants a kind and a name in a
// merge even where a target makes them mean nothing.
func patchText(p spec.Patch) string {
	entry := map[string]any{"patch": string(p.Patch)}
	var merge map[string]any
	if p.Target != nil {
		entry["target"] = p.Target
		if json.Unmarshal(p.Patch, &merge) == nil {
			child := func(k string) map[string]any {
				m, _ := merge[k].(map[string]any)
				if m == nil {
					m = map[string]any{}
				}
				merge[k] = m
				return m
			}
			if m := child("metadata"); m["name"] == nil {
				m["name"] = "any"
			}
			if merge["kind"] == nil {
				merge["kind"] = "Any"
			}
			merge["apiVersion"] = "v1"
			b, _ := json.Marshal(merge)
			entry["patch"] = string(b)
		}
	}
	b, _ := json.Marshal(entry)
	return string(b)
}

func overlayText(set spec.Overrides, images map[string]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "resources: [m.yaml]\nnamespace: %q\nlabels:\n- pairs: {", set.Namespace)
	for _, k := range slices.Sorted(maps.Keys(set.Labels)) {
		fmt.Fprintf(&b, "%q: %q, ", k, set.Labels[k])
	}
	b.WriteString("}\ncommonAnnotations:\n")
	for _, k := range slices.Sorted(maps.Keys(set.Annotations)) {
		fmt.Fprintf(&b, "  %q: %q\n", k, set.Annotations[k])
	}
	b.WriteString("replicas:\n")
	for _, k := range slices.Sorted(maps.Keys(set.Replicas)) {
		fmt.Fprintf(&b, "- {name: %q, count: %d}\n", k, set.Replicas[k])
	}
	b.WriteString("patches:\n")
	for _, p := range set.Patches {
		fmt.Fprintf(&b, "- %s\n", patchText(p))
	}
	b.WriteString("images:\n")
	for _, k := range slices.Sorted(maps.Keys(images)) {
		name, digest, _ := strings.Cut(images[k], "@")
		name, tag, _ := strings.Cut(name, ":")
		fmt.Fprintf(&b, "- {name: %q, newName: %q, newTag: %q, digest: %q}\n", k, name, tag, digest)
	}
	return b.String()
}
