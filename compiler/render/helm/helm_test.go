package helm_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/darkstart-dev/darkstart/compiler/render/discovery"
	"github.com/darkstart-dev/darkstart/compiler/render/helm"
	"github.com/darkstart-dev/darkstart/compiler/render/yaml"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

var update = flag.Bool("update", false, "rewrite the expected diagnostics")

// fixture is one archive: charts, values.json, and a comment that says which
// chart to render as what.
type fixture struct {
	path  string
	files *txtar.Archive
	tree  *tree.Tree
	chart helm.Chart
}

func fixtures(t *testing.T, dir string, f func(t *testing.T, x *fixture)) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", dir, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no fixture in %s (%v)", dir, err)
	}
	apis, _ := discovery.APIVersions("1.36")
	for _, p := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(p), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(p)
			if err != nil {
				t.Fatal(err)
			}
			x := &fixture{path: p, files: a}
			x.chart = helm.Chart{
				Path: setting(a, "chart"), Release: setting(a, "release"), Namespace: setting(a, "namespace"),
				Kubernetes: "1.36", APIVersions: apis,
			}
			files := map[string]string{}
			for _, f := range a.Files {
				files[f.Name] = string(f.Data)
			}
			if err := json.Unmarshal([]byte(files["values.json"]), &x.chart.Values); err != nil {
				t.Fatal(err)
			}
			x.tree = tree.FromMap(files)
			f(t, x)
		})
	}
}

func setting(a *txtar.Archive, name string) string {
	for line := range strings.Lines(string(a.Comment)) {
		if v, ok := strings.CutPrefix(line, name+": "); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func (x *fixture) render(t *testing.T) (*helm.Result, diag.List) {
	t.Helper()
	res, ds, err := helm.Render(context.Background(), x.tree, x.chart, yaml.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return res, ds
}

// TestStock holds the objects to those of `helm template`, but for the hook
// annotations, which become part of the object.
func TestStock(t *testing.T) {
	program := tools.Path(t, tools.Helm)
	fixtures(t, "stock", func(t *testing.T, x *fixture) {
		res, ds := x.render(t)
		if len(ds) > 0 {
			t.Fatal(ds, ds[0].Notes)
		}
		want, ds := yaml.Decode("stock.yaml", stock(t, program, x), yaml.Limits{})
		if len(ds) > 0 {
			t.Fatal(ds)
		}
		got := contents(append(res.Objects, res.Tests...))
		if d := cmp.Diff(contents(want), got); d != "" {
			t.Errorf("objects differ (-stock +got):\n%s", d)
		}
		for _, o := range res.Objects {
			if o.Origin.Pos.Line == 0 {
				t.Errorf("%s has no line", o.Key())
			}
		}
	})
}

func stock(t *testing.T, program string, x *fixture) []byte {
	t.Helper()
	dir := t.TempDir()
	for _, f := range x.files.Files {
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program, "template", x.chart.Release, filepath.Join(dir, x.chart.Path),
		"--namespace", x.chart.Namespace, "--values", filepath.Join(dir, "values.json"),
		"--kube-version", "1.36.0", "--include-crds")
	cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "TZ=UTC"}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("stock helm: %v\n%s", err, &stderr)
	}
	return out
}

func contents(objects []*object.Object) map[string]any {
	out := map[string]any{}
	for _, o := range objects {
		metadata := object.Map(o.Get("metadata"))
		annotations := object.Map(metadata, "annotations")
		for a := range annotations {
			if strings.HasPrefix(a, "helm.sh/hook") {
				delete(annotations, a)
			}
		}
		if annotations != nil && len(annotations) == 0 {
			delete(metadata, "annotations")
		}
		out[o.Key().String()] = o.Content()
	}
	return out
}

// TestRefused holds every refusal to its code, position and fix.
func TestRefused(t *testing.T) {
	known := map[string]bool{}
	for _, c := range append(helm.Codes, yaml.Codes...) {
		known[c.Code] = true
	}
	fixtures(t, "refused", func(t *testing.T, x *fixture) {
		_, ds := x.render(t)
		if len(ds) == 0 {
			t.Error("nothing was refused")
		}
		for _, d := range ds {
			if len(d.Help) == 0 || !known[d.Code] || d.Primary().IsZero() {
				t.Errorf("%s has no help, no entry or no position", d.Code)
			}
		}
		got := ""
		for _, d := range ds.Sorted() {
			got += diag.List{d}.String()
			for _, l := range d.Labels[1:] {
				got += "  " + l.Position.String() + " " + l.Text + "\n"
			}
			for _, n := range d.Notes {
				got += "  note: " + n + "\n"
			}
		}
		last := &x.files.Files[len(x.files.Files)-1]
		if last.Name != "want" {
			t.Fatal("the last file must be named want")
		}
		if *update {
			last.Data = []byte(got)
			if err := os.WriteFile(x.path, txtar.Format(x.files), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if d := cmp.Diff(string(last.Data), got); d != "" {
			t.Errorf("diagnostics (-want +got):\n%s", d)
		}
	})
}

// TestHooks guards what DESIGN §7 says about hooks: events and weight are kept
// with the object, test hooks stand apart.
func TestHooks(t *testing.T) {
	fixtures(t, "stock", func(t *testing.T, x *fixture) {
		if x.chart.Release != "shop" {
			return
		}
		res, ds := x.render(t)
		if res == nil {
			t.Fatal(ds)
		}
		hooks := map[string]*object.Hook{}
		for _, o := range res.Objects {
			if o.Hook != nil {
				hooks[o.Name] = o.Hook
			}
		}
		want := map[string]*object.Hook{
			"job-0": {Events: []string{"pre-install", "pre-upgrade"}, Weight: -5},
			"job-1": {Events: []string{"post-install"}, Weight: -4},
		}
		if d := cmp.Diff(want, hooks); d != "" {
			t.Errorf("hooks (-want +got):\n%s", d)
		}
		if len(res.Tests) != 1 || res.Tests[0].Name != "job-2" {
			t.Errorf("test hooks: %v", res.Tests)
		}
		if !res.Asks {
			t.Error("the chart asks for API versions")
		}
	})
}
