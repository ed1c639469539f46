package render_test

import (
	"context"
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/render"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: ns}\n"

func yamlSource(p string) spec.Component { return spec.Component{Source: spec.Source{YAML: p}} }

// TestDiagnostics holds each diagnostic of the dispatcher to its code, place
// and help, and every code that is used to an entry.
func TestDiagnostics(t *testing.T) {
	files := map[string]string{
		"a.yaml": configMap, "b.yaml": "# moved\n" + configMap,
		"list.yaml":  "apiVersion: v1\nkind: ConfigMapList\nitems:\n- " + strings.ReplaceAll(configMap, "\n", "\n  ") + "\n",
		"image.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: 'Not An Image'}]}\n",
		"empty.yaml": "# nothing\n", "doc/readme.md": "x", "kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n",
	}
	tests := []struct {
		name       string
		components map[string]spec.Component
		want       []string // code and primary position
	}{
		{"twice", map[string]spec.Component{"x": yamlSource("a.yaml"), "y": yamlSource("b.yaml")}, []string{"RND020 b.yaml:2:1"}},
		{"twice from a list", map[string]spec.Component{"x": yamlSource("a.yaml"), "y": yamlSource("list.yaml")}, []string{"RND020 list.yaml:4:3"}},
		{"image", map[string]spec.Component{"x": yamlSource("image.yaml")}, []string{"RND021 image.yaml:1:1"}},
		{"empty", map[string]spec.Component{"x": yamlSource("empty.yaml")}, []string{"RND022 empty.yaml"}},
		{"missing", map[string]spec.Component{"x": yamlSource("emtpy.yaml")}, []string{"RND001 unit.cue:3"}},
		{"no manifest", map[string]spec.Component{"x": yamlSource("doc")}, []string{"RND001 doc"}},
		{"escape", map[string]spec.Component{"x": yamlSource("../a.yaml")}, []string{"RND002 unit.cue:3"}},
		{"address", map[string]spec.Component{"x": yamlSource("https://example.com/a.yaml")}, []string{"RND002 unit.cue:3"}},
		{"no source", map[string]spec.Component{"x": {}}, []string{"RND025 unit.cue:3"}},
		{"two sources", map[string]spec.Component{"x": {Source: spec.Source{YAML: "a.yaml", Kustomize: "."}}}, []string{"RND025 unit.cue:3"}},
		{"build file", map[string]spec.Component{"x": yamlSource("kustomization.yaml")}, []string{"RND015 kustomization.yaml:1:1"}},
		{"unused", map[string]spec.Component{"x": {
			Source: spec.Source{YAML: "a.yaml"},
			Set:    spec.Overrides{Replicas: map[string]int{"web": 2}}, Images: map[string]string{"nginx": "nginx@sha256:x"},
		}}, []string{"RND023 unit.cue:3", "RND024 unit.cue:3"}},
		{"patch of nothing", patched(`{"target": {"kind": "Deploymnet"}, "patch": {"spec": {}}}`), []string{"RND026 unit.cue:4"}},
		{"patch of nothing it names", patched(`{"patch": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}}}`), []string{"RND026 unit.cue:4"}},
		{"patch without target", patched(`{"patch": {"kind": "ConfigMap", "metadata": {"name": "a"}}}`), []string{"RND027 unit.cue:4"}},
		{"operations without target", patched(`{"patch": [{"op": "remove", "path": "/data"}]}`), []string{"RND027 unit.cue:4"}},
		{"patch of no field", patched(`{"target": {}, "patch": [{"op": "replace", "path": "/spec/replicas", "value": 1}]}`), []string{"RND027 unit.cue:4"}},
		{"patch of a name", patched(`{"target": {}, "patch": [{"op": "replace", "path": "/metadata/name", "value": "b"}]}`), []string{"RND027 unit.cue:4"}},
		{"patch of a namespace", patched(`{"target": {}, "patch": [{"op": "add", "path": "/metadata/namespace", "value": "b"}]}`), []string{"RND027 unit.cue:4"}},
		{"patch of everything", patched(`{"target": {}, "patch": [{"op": "replace", "path": "", "value": [1]}]}`), []string{"RND027 unit.cue:4"}},
		{"bad expression", patched(`{"target": {"name": "("}, "patch": {"data": {}}}`), []string{"RND027 unit.cue:4"}},
		{"bad selector", patched(`{"target": {"labelSelector": "a in b"}, "patch": {"data": {}}}`), []string{"RND027 unit.cue:4"}},
		{"patched away", patched(`{"target": {}, "patch": {"$patch": "delete"}}`), nil},
		{"patched", patched(`{"target": {"kind": "ConfigMap"}, "patch": {"data": {"a": "b"}}}`), nil},
	}
	known := map[string]bool{}
	for _, c := range render.Codes {
		if known[c.Code] {
			t.Errorf("%s is documented twice", c.Code)
		}
		known[c.Code] = true
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u := cluster("c", tt.components)
			u.Pos = ir.PositionsOf(map[string][]diag.Position{"/components/x": {{File: "unit.cue", Line: 3}}, "/components/x/set/patches/0": {{File: "unit.cue", Line: 4}}})
			_, ds, err := render.Render(context.Background(), tree.FromMap(files), u, nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range ds {
				got = append(got, d.Code+" "+d.Primary().String())
				if !known[d.Code] || d.Severity == diag.Error && len(d.Help) == 0 || d.Subject.Cluster != "c" {
					t.Errorf("%s: no entry, help or cluster: %+v", d.Code, d)
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s%s", d, ds)
			}
		})
	}
}

func TestUnknownRelease(t *testing.T) {
	u := cluster("c", nil)
	u.Spec.Kubernetes = "1.19"
	_, ds, err := render.Render(context.Background(), tree.FromMap(nil), u, nil)
	if err != nil || len(ds) != 1 || ds[0].Code != "RND029" {
		t.Errorf("%v %s", err, ds)
	}
}

// TestJobs guards DESIGN §7: a Job's name follows its content, its time to
// live is gone, and what names it follows.
func TestJobs(t *testing.T) {
	job := func(image string) string {
		return "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate, namespace: ns}\nspec: {ttlSecondsAfterFinished: 60, template: {spec: {containers: [{name: c, image: " + image + "}]}}}\n" +
			"---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r, namespace: ns}\nrules: [{apiGroups: [batch], resources: [jobs], resourceNames: [migrate, other], verbs: [get]}]\n"
	}
	names := map[string]bool{}
	for _, image := range []string{"a:1", "a:2", "a:1"} {
		r, ds, err := render.Render(context.Background(), tree.FromMap(map[string]string{"j.yaml": job(image)}), cluster("c", map[string]spec.Component{"x": yamlSource("j.yaml")}), nil)
		if err != nil || len(ds) > 0 {
			t.Fatal(err, ds)
		}
		c := r.Components[0]
		j, role := c.Objects[0], c.Objects[1]
		if j.Kind != "Job" || !strings.HasPrefix(j.Name, "migrate-") || object.String(j.Content(), "metadata", "name") != j.Name {
			t.Fatalf("job %s", j.Key())
		}
		if object.Get(j.Content(), "spec", "ttlSecondsAfterFinished") != nil {
			t.Error("the Job still has a time to live")
		}
		rule := object.Slice(role.Content(), "rules")[0]
		if got := object.Slice(rule, "resourceNames"); got[0] != j.Name || got[1] != "other" {
			t.Errorf("resourceNames %v", got)
		}
		if len(c.Renamed) != 1 || c.Renamed[0].From.Name != "migrate" || c.Renamed[0].To.Name != j.Name {
			t.Errorf("renamed %v", c.Renamed)
		}
		names[j.Name] = true
	}
	if len(names) != 2 {
		t.Errorf("two contents, names %v", names)
	}
}

func TestImages(t *testing.T) {
	doc := `
apiVersion: batch/v1
kind: CronJob
metadata: {name: a, annotations: {image: "not/an:image"}}
spec: {jobTemplate: {spec: {template: {spec: {initContainers: [{name: i, image: "init:1"}], containers: [{name: c, image: busybox}], volumes: [{name: v, image: {reference: "data:2"}}]}}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: b}
spec: {containers: [], ephemeralContainers: [{name: e, image: "debug@sha256:` + strings.Repeat("0", 64) + `"}]}
---
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata: {name: c}
spec: {image: "quay.io/prometheus/prometheus:v3", thanos: {image: "quay.io/thanos/thanos:v1"}, note: {image: "a picture"}, url: {image: "https://x/y.png"}}
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: d}
spec: {imageName: "ghcr.io/cloudnative-pg/postgresql:17"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: e}
data: {image: "not/this:one"}
`
	r, ds, err := render.Render(context.Background(), tree.FromMap(map[string]string{"i.yaml": doc}), cluster("c", map[string]spec.Component{"x": yamlSource("i.yaml")}), nil)
	if err != nil || len(ds) > 0 {
		t.Fatal(err, ds)
	}
	var got []string
	for _, i := range r.Components[0].Images {
		got = append(got, i.Object.Name+i.Path+" "+i.Ref[:min(len(i.Ref), 20)])
	}
	want := []string{
		"b/spec/ephemeralContainers/0/image debug@sha256:0000000",
		"a/spec/jobTemplate/spec/template/spec/containers/0/image busybox",
		"a/spec/jobTemplate/spec/template/spec/initContainers/0/image init:1",
		"a/spec/jobTemplate/spec/template/spec/volumes/0/image/reference data:2",
		"c/spec/image quay.io/prometheus/p",
		"c/spec/thanos/image quay.io/thanos/thano",
		"d/spec/imageName ghcr.io/cloudnative-",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestCapabilities guards that a chart sees the kinds that other components,
// charts included, define, whatever their names.
func TestCapabilities(t *testing.T) {
	crd := "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: %ss.example.com}\nspec: {group: %s.example.com, scope: Namespaced, names: {plural: %ss, kind: K}, versions: [{name: v1, served: true, storage: true}]}\n"
	files := map[string]string{
		"crd.yaml":            strings.ReplaceAll(crd, "%s", "plain"),
		"aa/Chart.yaml":       "apiVersion: v2\nname: aa\nversion: 0.1.0\n",
		"aa/templates/x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: seen}\ndata:\n  plain: '{{ .Capabilities.APIVersions.Has \"plain.example.com/v1/K\" }}'\n  chart: '{{ .Capabilities.APIVersions.Has \"chart.example.com/v1\" }}'\n  none: '{{ .Capabilities.APIVersions.Has \"none.example.com/v1\" }}'\n",
		"zz/Chart.yaml":       "apiVersion: v2\nname: zz\nversion: 0.1.0\n",
		"zz/templates/c.yaml": strings.ReplaceAll(crd, "%s", "chart"),
	}
	components := map[string]spec.Component{
		"aa": {Source: spec.Source{Helm: &spec.Helm{Chart: "aa", Namespace: "apps"}}},
		"mm": yamlSource("crd.yaml"),
		"zz": {Source: spec.Source{Helm: &spec.Helm{Chart: "zz"}}},
	}
	r, ds, err := render.Render(context.Background(), tree.FromMap(files), cluster("c", components), nil)
	if err != nil || len(ds) > 0 {
		t.Fatal(err, ds)
	}
	o := r.Components[0].Objects[0]
	want := map[string]any{"plain": "true", "chart": "true", "none": "false"}
	if d := cmp.Diff(want, o.Content()["data"]); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if o.Namespace != "apps" {
		t.Errorf("namespace %q, want the release's", o.Namespace)
	}
}

// TestDeterministic guards D2: the same bytes for any parallelism, with and
// without a shared cache, and no change to what the cache shares.
func TestDeterministic(t *testing.T) {
	files := map[string]string{"base/kustomization.yaml": "resources: [m.yaml]\nnamePrefix: p-\n", "base/m.yaml": read(t, "testdata/corners.yaml")}
	components := map[string]spec.Component{
		"a": {Source: spec.Source{YAML: "base/m.yaml"}, Set: spec.Overrides{Namespace: "x", Labels: map[string]string{"l": "1"}}},
		"b": {Source: spec.Source{Kustomize: "base"}, Set: spec.Overrides{Namespace: "y"}},
	}
	tr, cache := tree.FromMap(files), render.NewCache(nil)
	var first string
	for _, cfg := range []*render.Config{nil, {Parallel: 1}, {Parallel: 8, Cache: cache}, {Cache: cache}} {
		old := runtime.GOMAXPROCS(1 + len(first)%2)
		r, _, err := render.Render(context.Background(), tr, cluster("c", components), cfg)
		runtime.GOMAXPROCS(old)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, c := range r.Components {
			for _, o := range c.Objects {
				enc, err := o.Encode()
				if err != nil {
					t.Fatal(err)
				}
				b.WriteString(o.Origin.Pos.String())
				b.Write(enc)
			}
		}
		if first == "" {
			first = b.String()
		} else if first != b.String() {
			t.Errorf("%+v gives other bytes", cfg)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _, err := render.Render(ctx, tree.FromMap(map[string]string{"a.yaml": configMap}), cluster("c", map[string]spec.Component{"x": yamlSource("a.yaml")}), nil)
	if err == nil {
		t.Error("a cancelled render succeeded")
	}
}

// patched is a component of one ConfigMap with one patch.
func patched(patch string) map[string]spec.Component {
	c := yamlSource("a.yaml")
	c.Set.Patches = make([]spec.Patch, 1)
	if err := json.Unmarshal([]byte(patch), &c.Set.Patches[0]); err != nil {
		panic(err)
	}
	return map[string]spec.Component{"x": c}
}
