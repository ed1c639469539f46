package validate

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/yamlpos"
	"github.com/darkstart-dev/darkstart/schemas/kubernetes"
)

// corpus renders the manifests of real projects, one component a file. They
// stand beside the repository; a machine of the project's CI must have them.
func corpus(t testing.TB) *ir.Rendered {
	t.Helper()
	dir := filepath.Join(repository(t), "..", "shared", "corpus", "manifests")
	files, _ := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if len(files) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no corpus in %s", dir)
		}
		t.Skipf("no corpus in %s", dir)
	}
	r := &ir.Rendered{Cluster: "corpus"}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		r.Components = append(r.Components, ir.RenderedComponent{Name: name, Objects: parse(t, name, text)})
	}
	return r
}

// repository is the root of the checkout.
func repository(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	t.Fatal("no go.mod above the test")
	return ""
}

// parse reads the objects of a multi-document YAML file as the renderer does.
func parse(t testing.TB, name string, text []byte) []*object.Object {
	t.Helper()
	f, problem := yamlpos.Parse(text, yamlpos.Limits{})
	if problem != nil {
		t.Fatalf("%s: %v", name, problem)
	}
	var out []*object.Object
	for _, d := range f.Documents {
		content, ok := d.Value.(map[string]any)
		if !ok {
			continue
		}
		origin := object.Origin{
			Document: d.Index, Exact: true,
			Pos: diag.Position{File: name, Line: d.Line},
		}
		if !strings.HasSuffix(object.String(content, "kind"), "List") {
			out = append(out, object.New(content, origin))
			continue
		}
		origin.Exact = false
		for _, e := range object.Slice(content, "items") {
			out = append(out, object.New(e.(map[string]any), origin))
		}
	}
	return out
}

// TestCorpusHasNoFalseAlarms is the promise to users of real projects: what
// upstream ships and clusters accept gives no error, on any release.
func TestCorpusHasNoFalseAlarms(t *testing.T) {
	r := corpus(t)
	catalog := NewCatalog(kubernetes.FS)
	releases, err := catalog.Releases()
	if err != nil || len(releases) != 5 {
		t.Fatalf("releases %v, %v", releases, err)
	}
	for _, release := range releases {
		t.Run(release, func(t *testing.T) {
			got, list, err := Validate(context.Background(), r, release, &Config{Catalog: catalog})
			if err != nil {
				t.Fatal(err)
			}
			if got.Evaluated < 200 || len(got.NotEvaluated) > 0 {
				t.Errorf("evaluated %d, not evaluated %v", got.Evaluated, got.NotEvaluated)
			}
			for _, d := range list {
				// Online Boutique leaves the namespace to whoever applies it.
				if d.Severity == diag.Error || d.Code != codeNamespace {
					t.Errorf("%s[%s] %s %v %v", d.Severity, d.Code, d.Message, d.Labels, d.Notes)
				}
			}
		})
	}
}
