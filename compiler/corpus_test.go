package compiler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/testkit/corpus"
	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/darkstart-dev/darkstart/plans"
	"github.com/darkstart-dev/darkstart/policies"
	"github.com/darkstart-dev/darkstart/schemas"
	"github.com/darkstart-dev/darkstart/schemas/kubernetes"
)

// realFleet is the corpus of upstream manifests as a fleet, in memory.
func realFleet(t testing.TB, clusters int) map[string][]byte {
	t.Helper()
	files, err := corpus.Fleet(corpus.Need(t), corpus.Options{Clusters: clusters, Kubernetes: "1.36"})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func treeOf(files map[string][]byte) *tree.Tree {
	m := map[string]string{}
	for name, b := range files {
		m[name] = string(b)
	}
	return tree.FromMap(m)
}

func compileReal(t testing.TB, tr *tree.Tree, parallel int) (*compiler.Result, *compiler.Bundles) {
	t.Helper()
	rev := ir.Revision{Kind: "worktree", Time: "2026-11-23T00:00:00Z"}
	res, err := compiler.Compile(context.Background(), &compiler.Config{
		Tree: tr, Revision: rev, Now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), Parallel: parallel,
		Schemas: schemas.FS, Kubernetes: kubernetes.FS, Policies: policies.FS,
	})
	if err != nil {
		t.Fatal(err)
	}
	if res.Artifacts == nil {
		t.Fatalf("nothing was emitted:\n%s", res.Diagnostics)
	}
	b, ds, err := compiler.Seal(context.Background(), tr, res, rev, nil)
	if err != nil || ds.HasErrors() {
		t.Fatalf("seal: %v\n%s", err, ds)
	}
	return res, b
}

// TestCorpus guards that real platforms pass the whole pipeline: nothing stops
// before the guardrails, nothing looks like a cycle, and what is sealed is what
// stock kustomize builds.
func TestCorpus(t *testing.T) {
	files := realFleet(t, 2) // every second cluster is alike but for its name
	res, sealed := compileReal(t, treeOf(files), 8)
	t.Run("findings", func(t *testing.T) { onlyGuardrails(t, res) })
	t.Run("determinism", func(t *testing.T) { sameAgain(t, files, sealed) })
	for i, c := range res.Fleet.Clusters {
		t.Run("bootstrap/"+c.Name, func(t *testing.T) { allOrdered(t, c, res.Plan) })
		t.Run("inventory/"+c.Name, func(t *testing.T) { inventoried(t, res.Rendered[i], sealed.Bundle(c.Name)) })
	}
	t.Run("stock", func(t *testing.T) {
		program := tools.Path(t, tools.Kustomize)
		dir := t.TempDir()
		if err := corpus.Write(dir, files); err != nil {
			t.Fatal(err)
		}
		for _, r := range res.Rendered {
			t.Run("overlays/"+r.Cluster, func(t *testing.T) { t.Parallel(); equalsStock(t, program, dir, r) })
		}
		t.Run("bundle", func(t *testing.T) { t.Parallel(); buildsAlone(t, program, sealed.Sealed[0]) })
	})
}

// onlyGuardrails allows what the upstream manifests are guilty of: images in
// custom resources, which kustomize does not pin, namespaces without a level,
// and a policy engine that may read everything. Anything else is a false alarm.
func onlyGuardrails(t *testing.T, res *compiler.Result) {
	guilty := map[string]bool{"SC001": true, "PS001": true, "PS002": true}
	for _, d := range res.Diagnostics {
		if d.Severity == diag.Error && !guilty[d.Code] || d.Code == "PS002" && d.Subject.Component != "gatekeeper" {
			t.Errorf("%v", diag.List{d})
		}
	}
	if res.Verdict == nil || len(res.Verdict.Rules) < 5 {
		t.Error("the guardrails did not run")
	}
}

// allOrdered holds the bootstrap plan to every part of the cluster.
func allOrdered(t *testing.T, c *ir.Linked, p *plans.Plan) {
	i := slices.IndexFunc(p.Scenarios, func(r plans.Recovery) bool { return r.Scenario.ID == "bootstrap/"+c.Name })
	if i < 0 {
		t.Fatal("there is no bootstrap plan")
	}
	plan := p.Scenarios[i]
	if len(plan.Stuck) > 0 || len(plan.Witnesses) > 0 {
		t.Errorf("a circle that is none: %v", plan.Stuck)
	}
	times := map[string]int{}
	for _, w := range plan.Waves {
		for _, s := range w.Steps {
			for _, n := range s.Restores {
				times[n]++
			}
		}
	}
	for _, part := range c.Parts {
		if times[part.Node] != 1 {
			t.Errorf("%s is applied %d times", part.Node, times[part.Node])
		}
	}
	if len(c.Parts) < 10 || len(plan.Waves) < 3 {
		t.Errorf("%d parts in %d waves: want a real order", len(c.Parts), len(plan.Waves))
	}
}

// inventoried compares what was rendered with what the bundle says it holds.
func inventoried(t *testing.T, r *ir.Rendered, b *seal.Bundle) {
	want := map[string]bool{}
	for _, c := range r.Components {
		for _, o := range c.Objects {
			want[o.Key().String()] = true
		}
	}
	got := map[string]bool{}
	for key, f := range inventory(t, b) {
		got[key] = true
		if digest.Of(f.body) != f.digest {
			t.Errorf("%s: the inventory has another digest", key)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("inventory (-rendered +got):\n%s", d)
	}
}

type inventoryFile struct {
	digest digest.Digest
	body   []byte
}

// inventory returns the files that meta/inventory.json names, by object.
func inventory(t *testing.T, b *seal.Bundle) map[string]inventoryFile {
	t.Helper()
	bodies := map[string][]byte{}
	for _, f := range contentOf(t, b.Artifact) {
		bodies[f.Path] = f.Data
	}
	var inv struct {
		Objects []struct {
			object.Key
			File   string
			Digest digest.Digest
		}
	}
	if err := json.Unmarshal(bodies["meta/inventory.json"], &inv); err != nil {
		t.Fatal(err)
	}
	out := map[string]inventoryFile{}
	for _, o := range inv.Objects {
		out[o.Key.String()] = inventoryFile{o.Digest, bodies[o.File]}
	}
	return out
}

// equalsStock builds every overlay of a cluster with the stock program.
func equalsStock(t *testing.T, program, overlays string, r *ir.Rendered) {
	built := map[string][]byte{}
	for _, c := range r.Components {
		built[c.Name] = build(t, program, filepath.Join(overlays, corpus.OverlayDir(r.Cluster, c.Name)))
	}
	differences, err := corpus.Differences(r, built)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		t.Error(d)
	}
	built[r.Components[0].Name] = nil
	if differences, err = corpus.Differences(r, built); err != nil || len(differences) < len(r.Components[0].Objects) {
		t.Errorf("a component without objects makes %d differences, %v", len(differences), err)
	}
}

// TestParameters guards what the benchmarks compare (internal/bench): a fleet
// whose clusters differ by parameters of the spec has the objects that stock
// kustomize makes of overlays, and a plan over services, stores and scenarios.
func TestParameters(t *testing.T) {
	manifests := corpus.Need(t)
	program, dir := tools.Path(t, tools.Kustomize), t.TempDir()
	o := corpus.Options{Clusters: 2, Kubernetes: "1.36", Parameters: true, Intent: true}
	files, err := corpus.Fleet(manifests, o)
	if err != nil {
		t.Fatal(err)
	}
	overlays, err := corpus.Overlays(manifests, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := corpus.Write(dir, overlays); err != nil {
		t.Fatal(err)
	}
	res, err := compiler.Compile(t.Context(), &compiler.Config{
		Tree: treeOf(files), Revision: ir.Revision{Kind: "worktree", Time: "2026-11-23T00:00:00Z"}, Until: compiler.ToPlan,
		Schemas: schemas.FS, Kubernetes: kubernetes.FS, Policies: policies.FS,
	})
	if err != nil || res.Plan == nil || res.Diagnostics.HasErrors() {
		t.Fatalf("%v\n%s", err, res.Diagnostics)
	}
	for _, r := range res.Rendered {
		equalsStock(t, program, dir, r)
	}
	lost := 0
	for _, s := range res.Plan.Scenarios {
		if strings.HasPrefix(s.Scenario.ID, "region-lost/") && len(s.Cells) > 0 {
			lost++
		}
	}
	if lost != 2 {
		t.Errorf("%d regions are lost in the plan, want 2", lost)
	}
}

// buildsAlone builds the bundle as an engine does, from its root. Besides the
// inventory it may hold the record of the release, and nothing else.
func buildsAlone(t *testing.T, program string, b *seal.Bundle) {
	files, err := b.Files()
	if err != nil {
		t.Fatal(err)
	}
	onDisk := map[string][]byte{}
	for _, f := range files {
		onDisk[f.Path] = f.Data
	}
	dir := t.TempDir()
	if err := corpus.Write(dir, onDisk); err != nil {
		t.Fatal(err)
	}
	got := stock(t, program, dir)
	policies := "admissionregistration.k8s.io"
	for _, guard := range []object.Key{
		{Kind: "ConfigMap", Namespace: seal.GuardNamespace, Name: seal.GuardName},
		{Group: policies, Kind: "ValidatingAdmissionPolicy", Name: seal.GuardName},
		{Group: policies, Kind: "ValidatingAdmissionPolicyBinding", Name: seal.GuardName},
	} {
		if got[guard.String()] == nil {
			t.Errorf("%s is not applied", guard)
		}
		delete(got, guard.String())
	}
	want := map[string]map[string]any{}
	for key, f := range inventory(t, b) {
		var o map[string]any
		if err := json.Unmarshal(f.body, &o); err != nil {
			t.Fatal(err)
		}
		want[key] = o
	}
	same(t, want, got)
}

func build(t *testing.T, program, dir string) []byte {
	t.Helper()
	cmd := exec.Command(program, "build", dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		t.Fatalf("kustomize build: %v\n%s", err, &stderr)
	}
	return stdout
}

// stock runs `kustomize build` and returns the objects by key.
func stock(t *testing.T, program, dir string) map[string]map[string]any {
	t.Helper()
	stdout := build(t, program, dir)
	out := map[string]map[string]any{}
	for dec := yaml.NewDecoder(bytes.NewReader(stdout)); ; {
		var o map[string]any
		if err := dec.Decode(&o); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		k := object.Key{Kind: object.String(o, "kind"), Namespace: object.String(o, "metadata", "namespace"), Name: object.String(o, "metadata", "name")}
		if group, _, ok := strings.Cut(object.String(o, "apiVersion"), "/"); ok {
			k.Group = group
		}
		if out[k.String()] != nil {
			t.Errorf("%s is there twice", k)
		}
		out[k.String()] = o
	}
}

// same compares objects as JSON: parsers differ in the Go types of numbers.
func same(t *testing.T, want, got map[string]map[string]any) {
	t.Helper()
	for key := range got {
		if want[key] == nil {
			t.Errorf("%s is too many", key)
		}
	}
	for key, w := range want {
		if got[key] == nil {
			t.Errorf("%s is missing", key)
		} else if a, b := asJSON(t, w), asJSON(t, got[key]); !bytes.Equal(a, b) {
			t.Errorf("%s (-want +got):\n%s", key, cmp.Diff(string(a), string(b)))
		}
	}
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sameAgain guards D2 where it is hardest: a real fleet, worked on many
// clusters at a time before and one at a time here.
func sameAgain(t *testing.T, files map[string][]byte, first *compiler.Bundles) {
	digests := func(b *compiler.Bundles) map[string]digest.Digest {
		out := map[string]digest.Digest{}
		for _, s := range b.Sealed {
			out[s.Record.Artifact] = s.Digest()
		}
		return out
	}
	_, again := compileReal(t, treeOf(files), 1)
	many, one := digests(first), digests(again)
	if d := cmp.Diff(many, one); d != "" || len(one) != 3 {
		t.Errorf("digests (-in parallel +one by one):\n%s", d)
	}
}
