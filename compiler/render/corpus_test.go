package render_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/render"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// corpus loads the supplied upstream manifests, or skips: the folder is not
// part of the repository.
func corpus(t testing.TB) (*tree.Tree, []string) {
	t.Helper()
	files, err := filepath.Glob("../../../shared/corpus/manifests/*.yaml")
	if err != nil || len(files) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("../shared/corpus/manifests is missing")
		}
		t.Skip("../shared/corpus/manifests is not here")
	}
	content := map[string]string{}
	var names []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(f)
		name = name[:len(name)-len(".yaml")]
		names = append(names, name)
		content["plain/"+name+"/"+name+".yaml"] = string(b)
		content["built/"+name+"/"+name+".yaml"] = string(b)
		content["built/"+name+"/kustomization.yaml"] = "resources: [" + name + ".yaml]\n"
	}
	return tree.FromMap(content), names
}

func cluster(name string, components map[string]spec.Component) *ir.Unit[spec.Cluster] {
	return &ir.Unit[spec.Cluster]{Name: name, Spec: spec.Cluster{Kubernetes: "1.36", Components: components}}
}

// TestCorpus guards that real upstream manifests render, and that the yaml and
// the kustomize renderer agree about every object of them.
func TestCorpus(t *testing.T) {
	tr, names := corpus(t)
	plain, built := map[string]spec.Component{}, map[string]spec.Component{}
	for _, n := range names {
		plain[n] = spec.Component{Source: spec.Source{YAML: "plain/" + n}}
		built[n] = spec.Component{Source: spec.Source{Kustomize: "built/" + n}}
	}
	a, ds, err := render.Render(context.Background(), tr, cluster("a", plain), nil)
	if err != nil || ds.HasErrors() {
		t.Fatalf("yaml: %v\n%s", err, ds)
	}
	b, ds, err := render.Render(context.Background(), tr, cluster("b", built), nil)
	if err != nil || ds.HasErrors() {
		t.Fatalf("kustomize: %v\n%s", err, ds)
	}
	total, images := 0, 0
	for i, c := range a.Components {
		compare(t, c.Objects, b.Components[i].Objects)
		total += len(c.Objects)
		images += len(c.Images)
	}
	if total < 230 || images < 30 {
		t.Errorf("%d objects and %d images: want the whole corpus", total, images)
	}
	t.Logf("%d objects, %d images", total, images)
}

func BenchmarkCorpusYAML(b *testing.B)      { benchmark(b, false) }
func BenchmarkCorpusKustomize(b *testing.B) { benchmark(b, true) }

func benchmark(b *testing.B, built bool) {
	tr, names := corpus(b)
	components := map[string]spec.Component{}
	for _, n := range names {
		src := spec.Source{YAML: "plain/" + n}
		if built {
			src = spec.Source{Kustomize: "built/" + n}
		}
		components[n] = spec.Component{Source: src}
	}
	for b.Loop() {
		if _, ds, err := render.Render(context.Background(), tr, cluster("c", components), nil); err != nil || ds.HasErrors() {
			b.Fatal(err, ds)
		}
	}
}
