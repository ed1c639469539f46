package guard_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/darkstart-dev/darkstart/compiler/guard"
	"github.com/darkstart-dev/darkstart/compiler/guard/fixture"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/spec"
)

// corpus reads the upstream manifests beside the repository, one component a file.
func corpus(t testing.TB) *guard.Input {
	t.Helper()
	files, _ := filepath.Glob("../../../shared/corpus/manifests/*.yaml")
	if len(files) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("the manifest corpus is missing")
		}
		t.Skip("the manifest corpus is not here")
	}
	objects := map[string][]map[string]any{}
	components := map[string]spec.Component{}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".yaml")
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		objects[name] = documents(t, src)
		components[name] = spec.Component{Version: "1.0.0"}
	}
	u := &ir.Unit[spec.Cluster]{Name: "prod", Spec: spec.Cluster{Kubernetes: "1.36", Components: components}}
	in := &guard.Input{Fleet: &ir.Fleet{
		Units:    &ir.Units{Clusters: []*ir.Unit[spec.Cluster]{u}},
		Clusters: []*ir.Linked{{Name: "prod", Unit: u}},
	}}
	in.Rendered = []*ir.Rendered{fixture.Rendered("corpus", "prod", objects)}
	return in
}

func documents(t testing.TB, src []byte) []map[string]any {
	var out []map[string]any
	dec := yaml.NewDecoder(bytes.NewReader(src))
	for {
		var m map[string]any
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		if items, ok := m["items"].([]any); ok {
			for _, i := range items {
				out = append(out, i.(map[string]any))
			}
		} else if m != nil {
			out = append(out, m)
		}
	}
}

// Real platforms: what their manifests are found guilty of, and nothing else.
// None of them holds a credential, so SC004 must stay silent over all.
func TestCorpus(t *testing.T) {
	in := corpus(t)
	v, diags, err := guard.Guard(context.Background(), in, &guard.Config{Prepared: preparedFor(t, in)})
	if err != nil || len(diags) > 0 {
		t.Fatalf("%v\n%s", err, diags)
	}
	namespaces, others := map[string]string{}, []string{}
	for _, f := range v.Findings {
		switch f.Code {
		case "SC004":
			t.Errorf("false alarm: %s %s %v", f.Message, f.Subject.Path, f.Notes)
		case "PS001":
			namespaces[f.Subject.Object] = f.Message
		case "SC001":
		default:
			others = append(others, f.Code+" "+f.Subject.Object)
		}
	}
	want := map[string]string{
		"Namespace/ingress-nginx":  `namespace "ingress-nginx" declares no Pod Security level`,
		"Namespace/monitoring":     `namespace "monitoring" declares no Pod Security level`,
		"Namespace/metallb-system": `namespace "metallb-system" is privileged, but its component is not marked so`,
	}
	if fmt.Sprint(namespaces) != fmt.Sprint(want) {
		t.Errorf("PS001 over the corpus: got %v, want %v", namespaces, want)
	}
	// One controller reads every Secret; two Jobs expire, and would run again; and
	// none of the four denies traffic by default: where there are policies, each
	// allows something to one of its programs.
	wantOthers := "BS008 batch/Job/ingress-nginx/ingress-nginx-admission-create\n" +
		"BS008 batch/Job/ingress-nginx/ingress-nginx-admission-patch\n" +
		"PS002 rbac.authorization.k8s.io/ClusterRoleBinding/gatekeeper-manager-rolebinding\n" +
		"PS003 Namespace/gatekeeper-system\nPS003 Namespace/ingress-nginx\nPS003 Namespace/metallb-system\nPS003 Namespace/monitoring"
	if slices.Sort(others); strings.Join(others, "\n") != wantOthers {
		t.Errorf("over the corpus:\n%s", strings.Join(others, "\n"))
	}
	for _, r := range v.Rules {
		t.Logf("%s evaluated %d, findings %d, skipped %q", r.ID, r.Evaluated, r.Findings, r.Skipped)
	}
}

func BenchmarkCorpus(b *testing.B) {
	in := corpus(b)
	for b.Loop() {
		if _, _, err := guard.Guard(context.Background(), in, &guard.Config{Prepared: preparedFor(b, in)}); err != nil {
			b.Fatal(err)
		}
	}
}
