package link_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/txtar"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/link"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

// fixture is a fleet in one archive: fleet.yaml, recovery.yaml, project.yaml,
// clusters/<name>.yaml, and <cluster>/<component>.yaml for rendered objects.
type fixture struct {
	units    ir.Units
	rendered []*ir.Rendered
}

func parse(t testing.TB, a *txtar.Archive) *fixture {
	t.Helper()
	f := &fixture{}
	objects := map[string]map[string][]*object.Object{}
	for _, file := range a.Files {
		dir, base := filepath.Split(strings.TrimSuffix(file.Name, ".yaml"))
		dir = strings.TrimSuffix(dir, "/")
		switch {
		case strings.HasPrefix(file.Name, "evidence/"):
			f.units.Evidence = append(f.units.Evidence, unit[spec.Evidence](t, strings.TrimSuffix(filepath.Base(file.Name), ".json"), file))
		case !strings.HasSuffix(file.Name, ".yaml"):
		case dir == "clusters":
			f.units.Clusters = append(f.units.Clusters, unit[spec.Cluster](t, base, file))
		case dir != "":
			if objects[dir] == nil {
				objects[dir] = map[string][]*object.Object{}
			}
			objects[dir][base] = append(objects[dir][base], decode(t, base, file.Name, bytes.NewReader(file.Data))...)
		case base == "fleet":
			f.units.Fleet = unit[spec.Fleet](t, base, file)
		case base == "recovery":
			f.units.Recovery = unit[spec.Recovery](t, base, file)
		case base == "project":
			f.units.Project = unit[spec.Project](t, base, file)
		}
	}
	for _, u := range f.units.Clusters {
		f.render(u.Name, objects[u.Name])
	}
	return f
}

func (f *fixture) render(cluster string, objects map[string][]*object.Object) {
	r := &ir.Rendered{Cluster: cluster}
	for name, os := range objects {
		r.Components = append(r.Components, ir.RenderedComponent{Name: name, Objects: os})
	}
	f.rendered = append(f.rendered, r)
}

func unit[T any](t testing.TB, name string, file txtar.File) *ir.Unit[T] {
	t.Helper()
	var n yaml.Node
	if err := yaml.Unmarshal(file.Data, &n); err != nil {
		t.Fatalf("%s: %v", file.Name, err)
	}
	u := &ir.Unit[T]{Name: name}
	var v any
	if err := n.Decode(&v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&u.Spec); err != nil {
		t.Fatalf("%s: %v", file.Name, err)
	}
	if len(n.Content) > 0 {
		at := map[string][]diag.Position{}
		positions(at, file.Name, "", n.Content[0])
		u.Pos = ir.PositionsOf(at)
	}
	return u
}

func positions(p map[string][]diag.Position, file, ptr string, n *yaml.Node) {
	p[ptr] = []diag.Position{{File: file, Line: n.Line, Column: n.Column}}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := ptr + ir.Pointer(n.Content[i].Value)
			positions(p, file, k, n.Content[i+1])
			p[k] = []diag.Position{{File: file, Line: n.Content[i].Line, Column: n.Content[i].Column}}
		}
	case yaml.SequenceNode:
		for i, e := range n.Content {
			positions(p, file, fmt.Sprintf("%s/%d", ptr, i), e)
		}
	}
}

// decode reads a YAML stream into objects; lists are taken apart.
func decode(t testing.TB, component, file string, r io.Reader) []*object.Object {
	t.Helper()
	var out []*object.Object
	for d := yaml.NewDecoder(r); ; {
		var n yaml.Node
		if err := d.Decode(&n); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		plain(&n)
		var m map[string]any
		if err := n.Decode(&m); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if m == nil {
			continue
		}
		m = object.Normalize(m).(map[string]any)
		items := []any{m}
		if k, _ := m["kind"].(string); strings.HasSuffix(k, "List") && m["items"] != nil {
			items = m["items"].([]any)
		}
		for _, it := range items {
			o := object.New(it.(map[string]any), object.Origin{Pos: diag.Position{File: file, Line: n.Content[0].Line}})
			o.Component = component
			if o.Namespace == "" && isNamespaced(o.Kind) {
				o.Namespace = "default"
			}
			if h := object.String(o.Get("metadata", "annotations", "helm.sh/hook")); h != "" {
				o.Hook = &object.Hook{Events: strings.Split(h, ",")}
			}
			out = append(out, o)
		}
	}
}

// plain drops tags of YAML 1.1 that mean nothing in manifests ("=").
func plain(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!value" {
		n.Tag = "!!str"
	}
	for _, c := range n.Content {
		plain(c)
	}
}

func isNamespaced(kind string) bool {
	switch kind {
	case "Deployment", "Service", "ServiceAccount", "StatefulSet", "DaemonSet", "ConfigMap", "Secret":
		return true
	}
	return false
}

func (f *fixture) link(t testing.TB, cfg *link.Config) (*ir.Fleet, diag.List) {
	t.Helper()
	fleet, ds, err := link.Link(context.Background(), &f.units, f.rendered, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return fleet, ds
}

// load links an inline archive.
func load(t testing.TB, archive string) (*ir.Fleet, diag.List) {
	t.Helper()
	return parse(t, txtar.Parse([]byte(archive))).link(t, nil)
}

func nodeOf(t testing.TB, f *ir.Fleet, id string) *plans.Node {
	t.Helper()
	for i := range f.Model.Nodes {
		if f.Model.Nodes[i].ID == id {
			return &f.Model.Nodes[i]
		}
	}
	t.Fatalf("no node %q", id)
	return nil
}

func procOf(t testing.TB, f *ir.Fleet, id string) *plans.Procedure {
	t.Helper()
	for i := range f.Model.Procedures {
		if f.Model.Procedures[i].ID == id {
			return &f.Model.Procedures[i]
		}
	}
	t.Fatalf("no procedure %q", id)
	return nil
}

func stepOf(t testing.TB, f *ir.Fleet, proc, id string) *plans.Step {
	t.Helper()
	p := procOf(t, f, proc)
	for i := range p.Steps {
		if p.Steps[i].ID == id {
			return &p.Steps[i]
		}
	}
	t.Fatalf("no step %s/%s", proc, id)
	return nil
}

// order sorts the steps of a bootstrap by their needs and `after`, and fails
// on a circle. It returns the position of every node that a step restores.
// External nodes stand.
func order(t testing.TB, f *ir.Fleet, cluster string) map[string]int {
	t.Helper()
	pos, circle := sortSteps(f, cluster)
	if circle != nil {
		t.Fatalf("bootstrap/%s has a circle: %s", cluster, strings.Join(circle, " → "))
	}
	return pos
}

func sortSteps(f *ir.Fleet, cluster string) (pos map[string]int, circle []string) {
	var p *plans.Procedure
	for i := range f.Model.Procedures {
		if f.Model.Procedures[i].ID == "bootstrap/"+cluster {
			p = &f.Model.Procedures[i]
		}
	}
	by, byID := map[string]*plans.Step{}, map[string]*plans.Step{}
	for i := range p.Steps {
		byID[p.Steps[i].ID] = &p.Steps[i]
		for _, r := range p.Steps[i].Restores {
			by[r] = &p.Steps[i]
		}
	}
	pos, state := map[string]int{}, map[string]int{}
	var stack []string
	var visit func(s *plans.Step) bool
	visit = func(s *plans.Step) bool {
		switch state[s.ID] {
		case 1:
			circle = append(append([]string{}, stack...), s.ID)
			return false
		case 2:
			return true
		}
		state[s.ID] = 1
		stack = append(stack, s.ID)
		for _, need := range conjuncts(s.Needs) {
			if q := by[need]; q != nil && !visit(q) {
				return false
			}
		}
		for _, a := range s.After {
			if !visit(byID[a]) {
				return false
			}
		}
		stack = stack[:len(stack)-1]
		state[s.ID] = 2
		for _, r := range s.Restores {
			pos[r] = len(pos) + 1
		}
		return true
	}
	for i := range p.Steps {
		if !visit(&p.Steps[i]) {
			return nil, circle
		}
	}
	return pos, nil
}

func conjuncts(r plans.Requirement) []string {
	switch r.Op {
	case plans.Ref:
		return []string{r.Node}
	case plans.All:
		var out []string
		for _, q := range r.Of {
			out = append(out, conjuncts(q)...)
		}
		return out
	}
	return nil
}

func corpus(t testing.TB) string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "corpus", "manifests")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("the corpus of upstream manifests is not here")
	}
	return dir
}
