package compiler_test

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/darkstart-dev/darkstart/schemas"
	"github.com/darkstart-dev/darkstart/schemas/kubernetes"
)

// cached is a fleet in which every stage has something to keep: two clusters
// that share a kustomization with a base and a patch, a chart, plain manifests,
// findings in each, and a policy of the user.
func cached() map[string]string {
	files := map[string]string{
		"cue.mod/module.cue": "module: \"fleet.example/f@v0\"\nlanguage: version: \"v0.17.0\"\n",
		"darkstart.cue":      "package darkstart\n\npolicies: namespaces: [\"main\"]\n",
		"shared/shared.cue":  "package shared\n\nweb: source: kustomize: \"components/web\"\n",
		"clusters/a/cluster.cue": `package clusters

import "fleet.example/f/shared"

kubernetes: "1.33"
components: {
	web: shared.web & {set: namespace: "a"}
	plain: source: yaml: "components/plain"
}
`,
		"clusters/b/cluster.cue": `package clusters

import "fleet.example/f/shared"

kubernetes: "1.33"
components: web: shared.web & {set: {namespace: "b", labels: tier: "x"}}
`,
		"components/web/kustomization.yaml":  "resources: [../base]\npatches: [{path: patch.yaml}]\n",
		"components/web/patch.yaml":          "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2}\n",
		"components/base/kustomization.yaml": "resources: [web.yaml]\n",
		"components/base/web.yaml": `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "docker.io/library/nginx:1.29"}]}
`,
		"components/plain/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: default}\ndata: {x: \"1\"}\n",
		"policies/own.rego":       "package main\n\nimport rego.v1\n\ndeny contains \"no replicas\" if {\n\tinput.kind == \"Deployment\"\n\tinput.spec.replicas < 2\n}\n",
	}
	return files
}

// shuffle makes one random change, of the kinds that people make: files that
// are added, removed, renamed, copied over others or cut short, and lines that move.
func shuffle(r *rand.Rand, files map[string]string) (map[string]string, string) {
	out := maps.Clone(files)
	names := slices.Sorted(maps.Keys(files))
	pick := func() string { return names[r.IntN(len(names))] }
	a, b := pick(), pick()
	switch r.IntN(9) {
	case 0:
		delete(out, a)
		return out, "remove " + a
	case 1:
		to := path.Join(path.Dir(b), path.Base(a))
		delete(out, a)
		out[to] = files[a]
		return out, "rename " + a + " to " + to
	case 2:
		out[a] = files[b]
		return out, "copy " + b + " over " + a
	case 3:
		to := path.Join(path.Dir(a), "x-"+path.Base(a))
		out[to] = files[a]
		return out, "copy " + a + " to " + to
	case 4:
		comment := map[string]string{".cue": "// moved\n", ".rego": "# moved\n", ".yaml": "# moved\n"}[path.Ext(a)]
		out[a] = comment + files[a]
		return out, "move the lines of " + a
	case 5:
		out[a] = strings.ReplaceAll(files[a], "web", "api")
		return out, "rename what is in " + a
	case 6:
		out[a] = strings.ReplaceAll(files[a], "1", "2")
		return out, "count in " + a
	case 7:
		out[a] = files[a][:r.IntN(len(files[a])+1)]
		return out, "cut " + a
	}
	return cached(), "start again"
}

var cacheSeed = flag.Uint64("cache.seed", 0, "make the random changes of this seed")

// TestCacheChangesNothing: whatever was compiled before, a compile that takes
// from the cache says and makes what one without does, to the byte.
func TestCacheChangesNothing(t *testing.T) {
	seed := cmp.Or(*cacheSeed, rand.Uint64())
	r := rand.New(rand.NewPCG(seed, 1))
	dir, files, history := t.TempDir(), cached(), []string{"the fleet"}
	compiled, clean, whole := 0, 0, files
	var hits, misses int64
	for range 25 {
		if unclean(files) {
			files = whole
		}
		store := cache.Open(cache.Config{Dir: dir})
		want, got := everything(t, files, nil), everything(t, files, store)
		if want != got {
			t.Fatalf("seed %d: after\n%s\nthe cache changes the result:\n%s", seed, strings.Join(history, "\n"), diff(want, got))
		}
		run := store.Run()
		hits, misses, compiled = hits+run.Hits, misses+run.Misses, compiled+1
		if len(run.Problems) > 0 {
			t.Fatalf("seed %d: %v", seed, run.Problems)
		}
		if strings.Contains(want, `"Artifact`) {
			whole = files
			clean++
		} else if r.IntN(4) > 0 {
			files = whole
			history = append(history, "back to what compiled")
		}
		var step string
		files, step = shuffle(r, files)
		history = append(history, step)
	}
	if hits == 0 || misses == 0 || clean == 0 || clean == compiled {
		t.Errorf("seed %d: %d hits, %d misses, %d of %d compiles reached their end: one side was never tried", seed, hits, misses, clean, compiled)
	}
	if got := everything(t, cached(), cache.Open(cache.Config{Dir: dir, Check: true})); got != everything(t, cached(), nil) {
		t.Error("a compile that checks the cache gives another result")
	}
}

// unclean says that a file lies where a folder is: no tree holds that.
func unclean(files map[string]string) bool {
	for name := range files {
		if fi, err := fs.Stat(tree.FromMap(files).FS(), path.Dir(name)); err != nil || !fi.IsDir() {
			return true
		}
	}
	return false
}

// everything is all that a compile gives, as text.
func everything(t *testing.T, files map[string]string, kept *cache.Store) string {
	t.Helper()
	rules, err := guardrails()
	if err != nil {
		t.Fatal(err)
	}
	res, err := compiler.Compile(t.Context(), &compiler.Config{
		Tree: tree.FromMap(files), Revision: ir.Revision{Time: judgedAt}, Schemas: schemas.FS, Kubernetes: kubernetes.FS, Guardrails: rules, Cache: kept,
	})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, v := range []any{res.Units, res.Diagnostics, res.Verdict, res.Plan, res.Validations} {
		text, err := json.MarshalIndent(v, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		b.Write(text)
	}
	for _, a := range res.Artifacts {
		for _, f := range contentOf(t, a) {
			fmt.Fprintf(&b, "\"Artifact %s\" %s\n%s\n", a.Name, f.Path, f.Data)
		}
	}
	if res.Artifacts != nil {
		bundles, ds, err := compiler.Seal(t.Context(), tree.FromMap(files), res, ir.Revision{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&b, ds)
		for _, x := range bundles.Sealed {
			layer, err := x.Layer.Bytes()
			if err != nil || digest.Of(layer) != x.LayerDigest() {
				t.Fatalf("the layer of %s is not what its digest says: %v", x.Record.Artifact, err)
			}
			fmt.Fprintf(&b, "bundle of %d files, layer %s of %d bytes, tar %s, content %s\n%s\n%+v\n", x.Count, x.LayerDigest(), x.Layer.Size(), x.Tar, x.Content, x.Manifest, x.Record)
			if err := x.Validate(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return withoutNames(b.String())
}

// withoutNames removes the names under which stages keep what they made.
func withoutNames(s string) string {
	lines := strings.Split(s, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool {
		return strings.HasPrefix(strings.TrimSpace(l), `"ID": "`) && len(strings.TrimSpace(l)) > 60 || strings.TrimSpace(l) == `"ID": ""`
	}), "\n")
}

// diff is the first line that differs, and its neighbours.
func diff(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			from := max(0, i-5)
			return strings.Join(x[from:min(len(x), i+5)], "\n") + "\n--- with the cache:\n" + strings.Join(y[from:min(len(y), i+5)], "\n")
		}
	}
	return fmt.Sprintf("%d and %d lines", len(x), len(y))
}
