package compiler_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/render/yaml"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/compiler/validate"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/darkstart-dev/darkstart/schemas/kubernetes"
)

// engineCRDs are the definitions that stock engines ship, by module and the
// file inside it: the same versions that are known to apply our bundles.
var engineCRDs = []struct{ module, file string }{
	{"github.com/fluxcd/source-controller@v1.9.3", "config/crd/bases/source.toolkit.fluxcd.io_ocirepositories.yaml"},
	{"github.com/fluxcd/kustomize-controller@v1.9.5", "config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml"},
	{"github.com/argoproj/argo-cd/v3@v3.2.11", "manifests/crds/application-crd.yaml"},
	{"github.com/argoproj/argo-cd/v3@v3.2.11", "manifests/crds/appproject-crd.yaml"},
	{"github.com/argoproj/argo-cd/v3@v3.2.11", "manifests/crds/applicationset-crd.yaml"},
}

var kindLine = regexp.MustCompile(`(?m)^\s*kind:\s*"flux"\n`)

// TestDeployObjectsAreWhatEnginesTake judges what a release pins by the
// engines' own definitions, with the API server's validation: an unknown field
// here would be a release that no cluster applies.
func TestDeployObjectsAreWhatEnginesTake(t *testing.T) {
	files := filesOf(t, os.DirFS(fleets+"/example"))
	base := files["clusters/base.cue"]
	// Without a kind of engine there are objects for both.
	if files["clusters/base.cue"] = kindLine.ReplaceAllString(base, ""); files["clusters/base.cue"] == base {
		t.Fatal("the example fleet names no kind of engine any more")
	}
	res := compileFleet(t, files)
	crds := map[string]string{}
	for _, c := range engineCRDs {
		crds[filepath.Base(c.file)] = moduleFile(t, c.module, c.file)
	}
	bundles, ds, err := compiler.Seal(t.Context(), tree.FromMap(nil), res, ir.Revision{}, nil)
	if err != nil || ds.HasErrors() {
		t.Fatal(err, ds)
	}
	kinds := map[string]int{}
	for _, b := range bundles.Sealed {
		if b.Record.Artifact == ir.FleetArtifact {
			continue
		}
		files, ds, err := compiler.Pins(res, res.Units.Project.Spec.Releases.Registry, b, nil)
		if err != nil || ds.HasErrors() {
			t.Fatal(err, ds)
		}
		docs := map[string]string{}
		for name, text := range crds {
			docs["crds/"+name] = text
		}
		for _, f := range files {
			docs["deploy/"+f.Path] = string(f.Data)
		}
		all, err := b.Files()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range all { // what is in it is judged by every compile, but for the guard
			if strings.HasPrefix(f.Path, seal.GuardDir+"/") && path.Base(f.Path) != "kustomization.yaml" {
				docs["guard/"+path.Base(f.Path)] = string(f.Data)
			}
		}
		for _, o := range judgeAll(t, docs) {
			kinds[o.Kind]++
		}
	}
	for _, want := range []string{"OCIRepository", "Kustomization", "Application", "AppProject", "Role", "ClusterRoleBinding", "ServiceAccount", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"} {
		if kinds[want] == 0 {
			t.Errorf("no %s was judged: the test says nothing (%v)", want, kinds)
		}
	}
}

// judgeAll validates a folder of manifests as one cluster and returns its
// objects.
func judgeAll(t *testing.T, docs map[string]string) []*object.Object {
	t.Helper()
	var all []*object.Object
	tr := tree.FromMap(docs)
	for _, e := range tr.Entries() {
		objs, ds, err := yaml.Render(tr, e.Path, yaml.Limits{})
		if err != nil || ds.HasErrors() {
			t.Fatal(err, ds)
		}
		all = append(all, objs...)
	}
	slices.SortFunc(all, func(a, b *object.Object) int { return a.Key().Compare(b.Key()) })
	v, ds, err := validate.Validate(t.Context(), &ir.Rendered{
		Cluster: "engine", Components: []ir.RenderedComponent{{Name: "deploy", Objects: all}},
	}, "1.36", &validate.Config{Schemas: kubernetes.FS, Lines: validate.NewLines(tr.FS())})
	if err != nil || ds.HasErrors() {
		t.Fatal(err, ds)
	}
	if len(v.NotEvaluated) > 0 {
		t.Fatalf("not judged: %v", v.NotEvaluated)
	}
	return all
}

// moduleFile returns a file of a module, from the module cache or the proxy.
func moduleFile(t *testing.T, module, file string) string {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Dir = t.TempDir() // no go.mod: the module is nobody's dependency
	out, err := cmd.Output()
	var m struct{ Dir string }
	if err == nil {
		err = json.Unmarshal(out, &m)
	}
	if err != nil {
		tools.Missing(t, "%s: %v", module, err)
	}
	b, err := os.ReadFile(filepath.Join(m.Dir, filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(b), "\r\n", "\n")
}

// TestStockKustomizeBuildsEveryPart builds each folder that a Flux
// Kustomization names, and the whole bundle as Argo CD does, with the stock
// tool: what comes out is what the inventory lists, and the guard.
func TestStockKustomizeBuildsEveryPart(t *testing.T) {
	bin := tools.Path(t, tools.Kustomize)
	_, res := example(t)
	bundles, ds, err := compiler.Seal(t.Context(), tree.FromMap(nil), res, ir.Revision{}, nil)
	if err != nil || ds.HasErrors() {
		t.Fatal(err, ds)
	}
	files, err := bundles.Bundle("staging").Files()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	parts, objects := []string{}, 0
	for _, f := range files {
		target := filepath.Join(dir, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
		switch {
		case strings.HasPrefix(f.Path, "parts/") && path.Base(f.Path) == "kustomization.yaml":
			parts = append(parts, path.Dir(f.Path))
		case strings.HasPrefix(f.Path, "parts/"):
			objects++
		}
	}
	if len(parts) < 10 || objects < 50 {
		t.Fatalf("%d parts with %d objects: the example is not what it was", len(parts), objects)
	}
	build := func(part string) int {
		out, err := exec.CommandContext(t.Context(), bin, "build", filepath.Join(dir, part)).Output()
		if err != nil {
			var e *exec.ExitError
			if errors.As(err, &e) {
				t.Fatalf("kustomize build %s: %s", part, e.Stderr)
			}
			t.Fatal(err)
		}
		return len(regexp.MustCompile(`(?m)^kind: `).FindAll(out, -1))
	}
	sum := 0
	for _, p := range parts {
		sum += build(p)
	}
	if whole := build("."); sum != objects || whole != objects {
		t.Errorf("%d objects in files, %d built part by part, %d at once", objects, sum, whole)
	}
}
