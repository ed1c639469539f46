package drift

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/internal/object"
)

func parse(t *testing.T, text string) *object.Object {
	t.Helper()
	l, err := Read(strings.NewReader(text))
	if err != nil || len(l) != 1 {
		t.Fatalf("%v %v", l, err)
	}
	return l[0]
}

// TestFields: what the server adds is no drift, and what somebody changed is.
func TestFields(t *testing.T) {
	const want = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop","labels":{"app":"web"}},
		"spec":{"replicas":2,"paused":false,"template":{"spec":{"hostNetwork":false,"nodeSelector":{},"containers":[{"name":"web","image":"i@sha256:1",
		"resources":{"requests":{"cpu":0.5,"memory":"1024Mi"}},"args":["a","b"],"env":[{"name":"X","value":""}]}]}}}}`
	have := func(edit string) string {
		s := `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop","uid":"1","resourceVersion":"9","generation":3,
		"managedFields":[{"manager":"x"}],"annotations":{"deployment.kubernetes.io/revision":"3"},"labels":{"app":"web","kustomize.toolkit.fluxcd.io/name":"shop-run"}},
		"spec":{"replicas":2,"progressDeadlineSeconds":600,"template":{"spec":{"dnsPolicy":"ClusterFirst","containers":[{"name":"web","image":"i@sha256:1",
		"imagePullPolicy":"IfNotPresent","resources":{"requests":{"cpu":"500m","memory":"1Gi"}},"args":["a","b"],"env":[{"name":"X"}]}]}}},"status":{"replicas":2}}`
		if old, with, ok := strings.Cut(edit, " => "); ok {
			if !strings.Contains(s, old) {
				t.Fatalf("nothing to edit: %s", old)
			}
			s = strings.Replace(s, old, with, 1)
		}
		return s
	}
	const c = "/spec/template/spec/containers"
	for edit, paths := range map[string]string{
		"":                                   "",
		`"replicas":2,"p => "replicas":3,"p`: "/spec/replicas",
		`"app":"web","k => "k`:               "/metadata/labels/app",
		`"image":"i@sha256:1" => "image":"i@sha256:2"`:        c + "/web/image",
		`"cpu":"500m" => "cpu":"501m"`:                        c + "/web/resources/requests/cpu",
		`["a","b"] => ["b","a"]`:                              c + "/web/args/0 " + c + "/web/args/1",
		`["a","b"] => ["a","b","c"]`:                          c + "/web/args/2",
		`["a","b"] => ["a"]`:                                  c + "/web/args/1",
		`"containers":[ => "containers":[{"name":"miner"},`:   c + "/miner",
		`"env":[{"name":"X"}] => "env":[{"name":"Y"}]`:        c + "/web/env/X " + c + "/web/env/Y",
		`"dnsPolicy":"ClusterFirst" => "hostNetwork":true`:    "/spec/template/spec/hostNetwork",
		`"progressDeadlineSeconds":600 => "paused":true`:      "/spec/paused",
		`"status":{"replicas":2} => "status":{"replicas":0}`:  "",
		`"template":{"spec" => "template":{"other"`:           "/spec/template/spec",
		`"memory":"1Gi" => "memory":"1G"`:                     c + "/web/resources/requests/memory",
		`"replicas":2,"progressDeadlineSeconds":600 => "x":1`: "/spec/replicas",
	} {
		var got []string
		for _, f := range differences(parse(t, want), parse(t, have(edit))) {
			got = append(got, f.Path)
		}
		if strings.Join(got, " ") != paths {
			t.Errorf("%s: %q, want %q", edit, got, paths)
		}
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	want := parse(t, `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"stringData":{"a":"geheim","b":"x"}}`)
	have := parse(t, `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"data":{"a":"YW5kZXJz","b":"eA=="}}`)
	got := differences(want, have)
	if len(got) != 1 || got[0].Path != "/data/a" || got[0].Want != hiddenValue || got[0].Have != hiddenValue {
		t.Errorf("%v", got)
	}
}

// TestCompare: an object is missing only where the export would have shown it.
func TestCompare(t *testing.T) {
	obj := func(kind, ns, name, more string) string {
		return fmt.Sprintf(`{"apiVersion":"v1","kind":%q,"metadata":{"name":%q,"namespace":%q%s}}`, kind, name, ns, more)
	}
	b := &Bundle{Cluster: "prod", Parts: []string{"web/run"}}
	for _, s := range []string{
		obj("ConfigMap", "a", "there", ""), obj("ConfigMap", "a", "gone", ""), obj("ConfigMap", "b", "elsewhere", ""),
		obj("ConfigMap", "dead", "x", ""), obj("Service", "a", "s1", ""), obj("Service", "a", "s2", ""), obj("Namespace", "", "a", ""),
	} {
		b.Objects = append(b.Objects, parse(t, s))
	}
	dump := `{"kind":"List","apiVersion":"v1","items":[` + strings.Join([]string{
		obj("ConfigMap", "a", "there", ""), obj("Namespace", "", "a", ""), obj("Namespace", "", "b", ""),
		obj("ConfigMap", "a", "theirs", ""),
		obj("ConfigMap", "a", "flux", `,"labels":{"kustomize.toolkit.fluxcd.io/name":"web-run"}`),
		obj("ConfigMap", "a", "other", `,"labels":{"kustomize.toolkit.fluxcd.io/name":"other"}`),
		obj("ConfigMap", "a", "owned", `,"labels":{"app.kubernetes.io/managed-by":"darkstart"},"ownerReferences":[{"name":"x"}]`),
		obj("ConfigMap", "a", "marked", `,"annotations":{"argocd.argoproj.io/sync-wave":"1","kustomize.toolkit.fluxcd.io/substitute":"disabled"}`),
	}, ",") + `]}`
	l, err := Read(strings.NewReader(dump))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Compare(t.Context(), b, l)
	if err != nil {
		t.Fatal(err)
	}
	names := func(l []Finding) (out []string) {
		for _, f := range l {
			out = append(out, f.Key.String())
		}
		return out
	}
	if got := names(r.Missing); !slices.Equal(got, []string{"ConfigMap/a/gone", "ConfigMap/dead/x"}) {
		t.Errorf("missing %q", got)
	}
	if got := names(r.Extra); !slices.Equal(got, []string{"ConfigMap/a/flux", "ConfigMap/a/marked"}) {
		t.Errorf("extra %q", got)
	}
	want := []Unchecked{{"Namespace/b", 1, "the export holds nothing of this namespace"}, {"Service", 2, "the export holds no object of this kind"}}
	if !reflect.DeepEqual(r.NotChecked, want) || r.Equal != 2 || len(r.Changed) != 0 || !r.Drift() {
		js, _ := json.Marshal(r)
		t.Errorf("%s", js)
	}
	if _, err := Compare(t.Context(), b, append(l, l[0])); err == nil {
		t.Error("one object twice is one state")
	}
}

func TestRead(t *testing.T) {
	for text, want := range map[string]int{
		`{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"}}`:                                                              1,
		`{"kind":"ConfigMapList","apiVersion":"v1","items":[{"metadata":{"name":"a"}}]} {"kind":"List","apiVersion":"v1","items":[]}`: 1,
		`{"kind":"ConfigMapList","apiVersion":"v1","items":null}`:                                                                     0,
		``: -1, `[]`: -1, `apiVersion: v1`: -1, `{"items":[1]}`: -1, `{"items":[{}]}`: -1, `{"kind":"x"`: -1,
	} {
		l, err := Read(strings.NewReader(text))
		if want < 0 && err == nil || want >= 0 && (err != nil || len(l) != want) {
			t.Errorf("%s: %v %v", text, l, err)
		}
	}
	l, _ := Read(strings.NewReader(`{"kind":"ConfigMapList","apiVersion":"v1","items":[{"metadata":{"name":"a"}}]}`))
	if l[0].Kind != "ConfigMap" || l[0].APIVersion != "v1" {
		t.Errorf("%v", l[0])
	}
}

func TestQuantity(t *testing.T) {
	for _, p := range [][2]any{{"1", "1000m"}, {0.5, "500m"}, {"1Gi", "1024Mi"}, {int64(2), "2"}, {"1e3", "1000"}} {
		a, ok1 := quantity(p[0])
		b, ok2 := quantity(p[1])
		if p[0] == "1e3" {
			if ok1 {
				t.Error("an exponent was read in part")
			}
			continue
		}
		if !ok1 || !ok2 || a.Cmp(b) != 0 {
			t.Errorf("%v is not %v", p[0], p[1])
		}
	}
}
