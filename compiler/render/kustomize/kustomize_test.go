package kustomize_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/darkstart-dev/darkstart/compiler/render/kustomize"
	"github.com/darkstart-dev/darkstart/compiler/render/yaml"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

var update = flag.Bool("update", false, "rewrite the expected diagnostics")

// fixtures calls f for every archive of a folder. An empty folder fails.
func fixtures(t *testing.T, dir string, f func(t *testing.T, path, build string, a *txtar.Archive)) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", dir, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no fixture in %s (%v)", dir, err)
	}
	for _, p := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(p), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(p)
			if err != nil {
				t.Fatal(err)
			}
			_, build, ok := strings.Cut(string(a.Comment), "build: ")
			if !ok {
				t.Fatal("the comment must name what to build")
			}
			f(t, p, strings.TrimSpace(build), a)
		})
	}
}

func load(a *txtar.Archive) *tree.Tree {
	files := map[string]string{}
	for _, f := range a.Files {
		if f.Name != "want" {
			files[f.Name] = string(f.Data)
		}
	}
	return tree.FromMap(files)
}

// TestStock holds the objects to those of the stock program.
func TestStock(t *testing.T) {
	program := tools.Path(t, tools.Kustomize)
	fixtures(t, "stock", func(t *testing.T, _, build string, a *txtar.Archive) {
		dir := t.TempDir()
		for _, f := range a.Files {
			name := filepath.Join(dir, f.Name)
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, f.Data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var stderr bytes.Buffer
		cmd := exec.Command(program, "build", filepath.Join(dir, build))
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("stock kustomize: %v\n%s", err, &stderr)
		}
		want, ds := yaml.Decode("stock.yaml", out, yaml.Limits{})
		if len(ds) > 0 {
			t.Fatal(ds)
		}
		got, ds, err := kustomize.Render(context.Background(), load(a), build, yaml.Limits{})
		if err != nil || len(ds) > 0 {
			t.Fatalf("%v\n%s", err, ds)
		}
		if d := cmp.Diff(contents(want), contents(got)); d != "" {
			t.Errorf("objects differ (-stock +got):\n%s", d)
		}
		for _, o := range got {
			if o.Origin.Pos.File == "" || o.Origin.Pos.Line == 0 {
				t.Errorf("%s has no origin", o.Key())
			}
		}
	})
}

func contents(objects []*object.Object) map[string]any {
	out := map[string]any{}
	for _, o := range objects {
		out[o.Key().String()] = o.Content()
	}
	return out
}

// TestRefused holds every refusal to its code, position and fix.
func TestRefused(t *testing.T) {
	known := map[string]bool{}
	for _, c := range append(kustomize.Codes, yaml.Codes...) {
		known[c.Code] = true
	}
	fixtures(t, "refused", func(t *testing.T, path, build string, a *txtar.Archive) {
		_, ds, err := kustomize.Render(context.Background(), load(a), build, yaml.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got := ds.Sorted().String()
		for _, d := range ds {
			if d.Severity == diag.Error && len(d.Help) == 0 || !known[d.Code] || d.Primary().IsZero() {
				t.Errorf("%s has no help, no entry or no position", d.Code)
			}
		}
		golden(t, path, a, got)
	})
}

func golden(t *testing.T, path string, a *txtar.Archive, got string) {
	t.Helper()
	last := &a.Files[len(a.Files)-1]
	if last.Name != "want" {
		t.Fatal("the last file must be named want")
	}
	if *update {
		last.Data = []byte(got)
		if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(string(last.Data), got); d != "" {
		t.Errorf("diagnostics (-want +got):\n%s", d)
	}
}

// TestOrigins guards that an object names the document it was written in.
func TestOrigins(t *testing.T) {
	a, err := txtar.ParseFile("testdata/stock/overlay.txtar")
	if err != nil {
		t.Fatal(err)
	}
	objects, _, err := kustomize.Render(context.Background(), load(a), "overlays/prod", yaml.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, o := range objects {
		got[o.Kind+" "+o.Name] = o.Origin.Pos.String()
		if s := object.String(o.Content(), "metadata", "annotations", "config.kubernetes.io/origin"); s != "" {
			t.Errorf("%s still carries its origin", o.Key())
		}
	}
	for name, want := range map[string]string{
		"Deployment p-web-x":          "base/deploy.yaml:1:1",
		"CronJob p-tick-x":            "base/deploy.yaml:29:1",
		"ServiceAccount p-web-x":      "base/service.yaml:8:1",
		"Role p-web-x":                "base/list.yaml:9:3",
		"PodDisruptionBudget p-web-x": "component/pdb.yaml:1:1",
	} {
		if got[name] != want {
			t.Errorf("%s is at %q, want %q", name, got[name], want)
		}
	}
}

// TestConcurrentRuns guards the lock around kustomize's process-wide schema:
// run it with -race. A run with a schema of its own must not change the others.
func TestConcurrentRuns(t *testing.T) {
	var builds []string
	var trees []*tree.Tree
	var want []map[string]any
	fixtures(t, "stock", func(t *testing.T, _, build string, a *txtar.Archive) {
		builds, trees = append(builds, build), append(trees, load(a))
		objects, _, err := kustomize.Render(context.Background(), load(a), build, yaml.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, contents(objects))
	})
	var wg sync.WaitGroup
	for n := range 4 * len(builds) {
		wg.Go(func() {
			i := n % len(builds)
			objects, ds, err := kustomize.Render(context.Background(), trees[i], builds[i], yaml.Limits{})
			if err != nil || ds.HasErrors() {
				t.Errorf("%v %s", err, ds)
			}
			if d := cmp.Diff(want[i], contents(objects)); d != "" {
				t.Errorf("%s differs when run beside others:\n%s", builds[i], d)
			}
		})
	}
	wg.Wait()
}
