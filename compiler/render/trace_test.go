package render_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/render"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// traceFiles are sources that change fields in every way there is.
const traceFiles = `
-- base/kustomization.yaml --
resources: [web.yaml]
-- base/web.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web, tier: front}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: web}}
    spec:
      hostNetwork: false
      hostPID: true
      serviceAccountName: runner
      containers:
        - name: main
          image: registry.example.com/web:1.0
          imagePullPolicy: Always
          args: [--serve, --port=80]
          securityContext:
            privileged: false
            runAsUser: 1000
        - name: side
          image: registry.example.com/side:3.1
-- over/kustomization.yaml --
resources: [../base]
namespace: prod-east
labels:
  - pairs: {team: platform}
images:
  - name: registry.example.com/web
    newName: mirror.example.com/web
    newTag: "2.7"
replicas:
  - name: web
    count: 5
patches:
  - path: privileged.yaml
  - target: {kind: Deployment, name: web}
    patch: |-
      - op: replace
        path: /spec/template/spec/hostNetwork
        value: true
      - op: add
        path: /spec/template/spec/priorityClassName
        value: urgent
  - patch: |
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: web}
      spec:
        template:
          spec:
            serviceAccountName: admin
configMapGenerator:
  - name: settings
    literals: [mode=fast, LEVEL=debug]
secretGenerator:
  - name: login
    literals: [password=hunter22]
-- over/privileged.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
        - name: main
          securityContext:
            privileged: true
-- plain/web.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: plain
  labels: {tier: front}
spec:
  replicas: 2
  template:
    spec:
      containers:
        - name: main
          image: registry.example.com/web:1.0
-- chart/Chart.yaml --
apiVersion: v2
name: shop
version: 1.0.0
-- chart/values.yaml --
replicas: 3
image:
  repository: registry.example.com/shop
  tag: "4.2"
hostNetwork: true
admin:
  privileged: true
-- chart/templates/_helpers.tpl --
{{- define "shop.labels" -}}
owner: nobody
{{- end -}}
-- chart/templates/deploy.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  labels:
    {{- include "shop.labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas }}
  template:
    spec:
      hostNetwork: {{ .Values.hostNetwork }}
      hostIPC: true
      containers:
        - name: main
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
          {{- if .Values.admin.privileged }}
          securityContext:
            privileged: true
          {{- end }}
-- prefix/kustomization.yaml --
resources: [../base]
namePrefix: blue-
patches:
  - target: {group: apps, version: v1, kind: Deployment, name: web}
    patch: '[{"op": "replace", "path": "/spec/replicas", "value": 9}]'
-- old/kustomization.yaml --
resources: [../base]
patchesJson6902:
  - target: {group: apps, version: v1, kind: Deployment, name: web}
    patch: '[{"op": "replace", "path": "/spec/replicas", "value": 9}]'
`

func traceTree() map[string]string {
	files := map[string]string{}
	for _, f := range txtar.Parse([]byte(traceFiles)).Files {
		files[f.Name] = string(f.Data)
	}
	return files
}

func traceComponent(name string) spec.Component {
	switch name {
	case "chart":
		return spec.Component{Source: spec.Source{Helm: &spec.Helm{Chart: "chart", Values: map[string]any{"image": map[string]any{"tag": "5.0"}}}}}
	case "defaults":
		return spec.Component{Source: spec.Source{Helm: &spec.Helm{Chart: "chart"}}}
	case "set":
		return spec.Component{
			Source: spec.Source{YAML: "plain"}, Images: map[string]string{"registry.example.com/web": "registry.example.com/web:9.9"},
			Set: spec.Overrides{Namespace: "stage", Labels: map[string]string{"tier": "back"}, Replicas: map[string]int{"plain": 7}},
		}
	case "patched":
		return spec.Component{Source: spec.Source{YAML: "plain"}, Set: spec.Overrides{Patches: []spec.Patch{
			{Target: &spec.PatchTarget{Kind: "Deployment"}, Patch: []byte(`{"spec": {"replicas": 9, "template": {"spec": {"containers": [{"name": "side", "image": "side:1", "securityContext": {"privileged": true}}]}}}}`)},
			{Target: &spec.PatchTarget{Kind: "Deployment"}, Patch: []byte(`[{"op": "add", "path": "/spec/template/spec/hostNetwork", "value": true}]`)},
		}}}
	}
	return spec.Component{Source: spec.Source{Kustomize: name}}
}

// traceUnit gives every scalar of the declaration a line of its own.
func traceUnit(name string) (*ir.Unit[spec.Cluster], map[int]string) {
	u := cluster("c", map[string]spec.Component{name: traceComponent(name)})
	pos := map[string][]diag.Position{}
	lines := map[int]string{}
	for i, p := range []string{
		"/set/namespace", "/set/labels/tier", "/set/replicas/plain", "/images/registry.example.com~1web", "/source/helm/values/image/tag",
		"/set/patches/0/patch/spec/replicas", "/set/patches/0/patch/spec/template/spec/containers/0/securityContext/privileged", "/set/patches/1/patch/0/value",
	} {
		pos["/components/"+name+p] = []diag.Position{{File: "unit.cue", Line: i + 1}}
		lines[i+1] = p
	}
	u.Pos = ir.PositionsOf(pos)
	return u, lines
}

func renderTraced(t *testing.T, files map[string]string, u *ir.Unit[spec.Cluster]) (*ir.Rendered, bool) {
	t.Helper()
	r, ds, err := render.Render(context.Background(), tree.FromMap(files), u, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r, !ds.HasErrors()
}

func only(r *ir.Rendered, kind string) *object.Object {
	var found *object.Object
	for _, o := range r.Components[0].Objects {
		if o.Kind == kind {
			if found != nil {
				return nil
			}
			found = o
		}
	}
	return found
}

const (
	pod  = "/spec/template/spec"
	main = pod + "/containers/0"
)

// TestTrace holds the places of fields that every kind of source sets to their
// lines, and each claim on a file to an oracle that knows nothing of how it was
// found: it writes something else there, renders, and the field must follow.
func TestTrace(t *testing.T) {
	for _, tt := range []struct {
		component, kind, pointer string
		want                     []string // file:line of each place, the one to edit first
	}{
		{"over", "Deployment", "/metadata/namespace", []string{"over/kustomization.yaml:2"}},
		{"over", "Deployment", "/metadata/labels/team", []string{"over/kustomization.yaml:4"}},
		{"over", "Deployment", "/metadata/labels/tier", []string{"base/web.yaml:5"}},
		{"over", "Deployment", main + "/image", []string{"over/kustomization.yaml:7", "over/kustomization.yaml:8", "base/web.yaml:16"}},
		{"over", "Deployment", pod + "/containers/1/image", []string{"base/web.yaml:23"}},
		{"over", "Deployment", "/spec/replicas", []string{"over/kustomization.yaml:11", "base/web.yaml:7"}},
		{"over", "Deployment", main + "/securityContext/privileged", []string{"over/privileged.yaml:11", "base/web.yaml:20"}},
		{"over", "Deployment", main + "/securityContext/runAsUser", []string{"base/web.yaml:21"}},
		{"over", "Deployment", pod + "/hostNetwork", []string{"over/kustomization.yaml:18", "base/web.yaml:11"}},
		{"over", "Deployment", pod + "/hostPID", []string{"base/web.yaml:12"}},
		{"over", "Deployment", pod + "/priorityClassName", []string{"over/kustomization.yaml:21"}},
		{"over", "Deployment", pod + "/serviceAccountName", []string{"over/kustomization.yaml:29", "base/web.yaml:13"}},
		{"over", "Deployment", main + "/args/1", []string{"base/web.yaml:18"}},
		{"over", "Deployment", main + "/resources", []string{"base/web.yaml:15"}}, // absent: its container
		{"over", "ConfigMap", "/data/LEVEL", []string{"over/kustomization.yaml:32"}},
		{"over", "Secret", "/data/password", nil}, // base64 stands between
		{"over", "ConfigMap", "/apiVersion", nil}, // kustomize itself writes it
		{"prefix", "Deployment", "/metadata/name", []string{"prefix/kustomization.yaml:2", "base/web.yaml:4"}},
		{"prefix", "Deployment", "/spec/replicas", []string{"prefix/kustomization.yaml:5", "base/web.yaml:7"}},
		{"old", "Deployment", "/spec/replicas", nil}, // each trial would print kustomize's warning
		{"old", "Deployment", "", nil},
		{"set", "Deployment", "/metadata/namespace", []string{"/set/namespace"}},
		{"set", "Deployment", "/metadata/labels/tier", []string{"/set/labels/tier", "plain/web.yaml:5"}},
		{"set", "Deployment", "/spec/replicas", []string{"/set/replicas/plain", "plain/web.yaml:7"}},
		{"set", "Deployment", main + "/image", []string{"/images/registry.example.com~1web", "plain/web.yaml:12"}},
		{"set", "Deployment", main + "/name", []string{"plain/web.yaml:11"}},
		{"patched", "Deployment", "/spec/replicas", []string{"/set/patches/0/patch/spec/replicas"}},
		{"patched", "Deployment", main + "/securityContext/privileged", []string{"/set/patches/0/patch/spec/template/spec/containers/0/securityContext/privileged"}},
		{"patched", "Deployment", pod + "/hostNetwork", []string{"/set/patches/1/patch/0/value"}},
		{"patched", "Deployment", "/metadata/labels/tier", []string{"plain/web.yaml:5"}},
		{"patched", "Deployment", pod + "/containers/1/name", nil}, // another line than that of the document's list
		{"chart", "Deployment", "/spec/replicas", []string{"chart/values.yaml:1", "chart/templates/deploy.yaml:8"}},
		{"chart", "Deployment", main + "/image", []string{"chart/values.yaml:3", "/source/helm/values/image/tag", "chart/templates/deploy.yaml:15"}},
		{"defaults", "Deployment", main + "/image", []string{"chart/values.yaml:3", "chart/values.yaml:4", "chart/templates/deploy.yaml:15"}},
		{"defaults", "Deployment", pod + "/hostNetwork", []string{"chart/values.yaml:5", "chart/templates/deploy.yaml:11"}},
		{"defaults", "Deployment", pod + "/hostIPC", []string{"chart/templates/deploy.yaml:12"}},
		{"defaults", "Deployment", "/metadata/labels/owner", []string{"chart/templates/_helpers.tpl:2"}},
		{"defaults", "Deployment", main + "/securityContext/privileged", []string{"chart/values.yaml:7", "chart/templates/deploy.yaml:18"}},
	} {
		t.Run(tt.component+tt.pointer, func(t *testing.T) {
			files := traceTree()
			u, declared := traceUnit(tt.component)
			r, ok := renderTraced(t, files, u)
			if !ok {
				t.Fatal("the fixture does not render")
			}
			o := only(r, tt.kind)
			got := render.NewTracer(tree.FromMap(files), nil).Asker().Trace(context.Background(), u, r, o, tt.pointer)
			var places []string
			for _, l := range got.Places {
				if l.File == "unit.cue" {
					places = append(places, declared[l.Line])
				} else {
					places = append(places, l.File+":"+strconv.Itoa(l.Line))
				}
			}
			if d := cmp.Diff(tt.want, places); d != "" {
				t.Errorf("places (-want +got):\n%s%v", d, got.Places)
			}
			for _, l := range got.Places {
				if l.File != "unit.cue" && l.Text != "the base says this" && l.Text != "the manifest says this" {
					oracle(t, files, tt.component, tt.kind, o, got.Path, l)
				}
			}
		})
	}
}

// oracle writes something else at a claimed place.
func oracle(t *testing.T, files map[string]string, component, kind string, was *object.Object, pointer string, l diag.Label) {
	t.Helper()
	lines := strings.Split(files[l.File], "\n")
	line := lines[l.Line-1]
	if l.EndColumn == 0 { // what holds the field, or would
		if v, _ := object.At(was.Content(), object.Tokens(pointer)); text(v) {
			t.Errorf("%v is no scalar", l.Position)
		}
		return
	}
	old := line[l.Column-1 : l.EndColumn-1]
	for _, write := range instead(old) {
		edited := map[string]string{}
		for k, v := range files {
			edited[k] = v
		}
		lines[l.Line-1] = line[:l.Column-1] + write + line[l.EndColumn-1:]
		edited[l.File] = strings.Join(lines, "\n")
		u, _ := traceUnit(component)
		r, ok := renderTraced(t, edited, u)
		if !ok {
			continue
		}
		o := only(r, kind)
		before, _ := object.At(was.Content(), object.Tokens(pointer))
		after, _ := object.At(o.Content(), object.Tokens(pointer))
		if cmp.Equal(before, after) {
			t.Errorf("%s: %s instead of %s leaves %s as it is: %v", l.Position, write, old, pointer, after)
		}
		if fresh := strings.Trim(write, `"'`); !strings.Contains(fmt.Sprint(after), strings.TrimPrefix(fresh, "LEVEL=")) && !strings.Contains(l.Text, "decides") {
			t.Errorf("%s: %s does not reach %s: %v", l.Position, fresh, pointer, after)
		}
		return
	}
	t.Errorf("%s: the oracle found nothing to write instead of %s", l.Position, old)
}

func text(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

func instead(old string) []string {
	switch {
	case old == "true":
		return []string{"false"}
	case old == "false":
		return []string{"true"}
	case strings.HasPrefix(old, "{{"), strings.HasPrefix(old, `"{{`):
		return []string{"41", `"oracle"`}
	case strings.ContainsAny(old[:1], `"'`):
		return []string{old[:len(old)-1] + "0" + old[len(old)-1:]}
	}
	if n, err := strconv.Atoi(old); err == nil {
		return []string{strconv.Itoa(n + 30)}
	}
	return []string{old + "oracle"}
}

// TestTraceBounds guards that nothing is claimed when the budget is spent, and
// that an answer does not depend on who else asks.
func TestTraceBounds(t *testing.T) {
	files := traceTree()
	u, _ := traceUnit("over")
	r, _ := renderTraced(t, files, u)
	tracer := render.NewTracer(tree.FromMap(files), nil)
	o := only(r, "Deployment")
	first := tracer.Asker().Trace(context.Background(), u, r, o, main+"/image")
	spent := tracer.Asker()
	for i := range 200 {
		clone := *o
		clone.Name = fmt.Sprint("unknown-", i)
		spent.Trace(context.Background(), u, r, &clone, main+"/image")
	}
	if got := spent.Trace(context.Background(), u, r, o, main+"/image"); len(got.Places) != 0 {
		t.Errorf("claimed without a trial: %v", got.Places)
	}
	if d := cmp.Diff(first, tracer.Asker().Trace(context.Background(), u, r, o, main+"/image")); d != "" || len(first.Places) == 0 {
		t.Errorf("another asker gets another answer: %s", d)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if got := render.NewTracer(tree.FromMap(files), nil).Asker().Trace(cancelled, u, r, o, main+"/image"); len(got.Places) != 0 {
		t.Errorf("claimed after the end: %v", got.Places)
	}
}
