package compiler_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/compiler/seal/attest"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/darkstart-dev/darkstart/schemas"
	"github.com/darkstart-dev/darkstart/schemas/kubernetes"
)

var attestRevision = ir.Revision{Kind: "commit", Commit: strings.Repeat("ab", 20), Tree: strings.Repeat("cd", 20), Time: judgedAt}

func attestConfig() *compiler.AttestConfig {
	return &compiler.AttestConfig{Revision: attestRevision, Builder: "https://ci.example/fleet", Schemas: schemas.FS, Kubernetes: kubernetes.FS}
}

// releaseExample releases the example fleet.
func releaseExample(t *testing.T) (*compiler.Result, *compiler.Bundles) {
	t.Helper()
	files, res := example(t)
	return res, released(t, files, res)
}

func released(t *testing.T, files map[string]string, res *compiler.Result) *compiler.Bundles {
	t.Helper()
	b, ds, err := compiler.Release(t.Context(), tree.FromMap(files), res, attestRevision, &compiler.Commit{})
	if err != nil || b == nil {
		t.Fatal(err, ds)
	}
	return b
}

func statements(t *testing.T, res *compiler.Result, b *compiler.Bundles) []compiler.Statement {
	t.Helper()
	out, ds, err := compiler.Statements(res, b.Sealed, attestConfig())
	if err != nil || ds.HasErrors() || len(out) != len(b.Sealed) {
		t.Fatal(err, ds)
	}
	return out
}

// predicate returns one predicate about an artifact, decoded.
func predicate(t *testing.T, list []compiler.Statement, artifact, kind string) map[string]any {
	t.Helper()
	for _, s := range list {
		for _, p := range s.Predicates {
			if s.Bundle.Record.Artifact == artifact && p.Type == kind {
				var m map[string]any
				if err := json.Unmarshal(p.JSON, &m); err != nil {
					t.Fatal(err)
				}
				return m
			}
		}
	}
	t.Fatalf("no %s about %s", kind, artifact)
	return nil
}

func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			v = v.([]any)[p]
		}
	}
	return v
}

// TestStatements guards what a release states about the example fleet, and that
// another compile states the same, byte for byte.
func TestStatements(t *testing.T) {
	res, b := releaseExample(t)
	list := statements(t, res, b)
	files, _ := example(t)
	res2 := compileFleet(t, files)
	again := statements(t, res2, released(t, files, res2))
	for i, s := range list {
		for j, p := range s.Predicates {
			if !bytes.Equal(p.JSON, again[i].Predicates[j].JSON) {
				t.Errorf("%s about %s differs the second time", p.Type, s.Bundle.Record.Artifact)
			}
		}
	}

	p := predicate(t, list, "hub", attest.Provenance)
	record := b.Bundle("hub").Record
	for path, want := range map[string]any{
		"artifact": "hub", "stream": "main", "serial": 1.0, "revision": attestRevision.Commit, "issued": judgedAt,
		"notAfter": record.NotAfter, "correlation": record.Correlation, "now": judgedAt,
	} {
		if got := at(p, "buildDefinition", "externalParameters", path); got != want {
			t.Errorf("externalParameters.%s is %v, want %v", path, got, want)
		}
	}
	if got := at(p, "runDetails", "builder", "id"); got != "https://ci.example/fleet" {
		t.Errorf("builder.id is %v", got)
	}
	hub, fleet := dependencyNames(p), dependencyNames(predicate(t, list, "fleet", attest.Provenance))
	if want := []string{"source", "fleet", "compiler", "policies", "schemas", "kubernetes-schemas"}; !slices.Equal(hub[:6], want) || !slices.Equal(fleet[:6], want) {
		t.Errorf("dependencies begin with %q and %q, want %q", hub[:6], fleet[:6], want)
	}
	// A cluster relies on the images that it runs; the fleet's plans on all.
	if len(fleet)-6 != len(res.Lock.Images) || len(hub) >= len(fleet) || len(hub) == 6 {
		t.Errorf("%d entries of the lock for hub and %d for fleet, and the lock has %d images", len(hub)-6, len(fleet)-6, len(res.Lock.Images))
	}
	v := predicate(t, list, "hub", attest.Summary)
	for _, x := range []struct {
		want any
		path []any
	}{
		{"PASSED", []any{"verificationResult"}},
		{res.Verdict.PolicyDigest.Hex(), []any{"policy", "digest", "sha256"}},
		{judgedAt, []any{"timeVerified"}},
		{attest.LevelGuardrails, []any{"verifiedLevels", 0}},
	} {
		if got := at(v, x.path...); got != x.want {
			t.Errorf("%v is %v, want %v", x.path, got, x.want)
		}
	}
	if got := at(v, "resourceUri").(string); !strings.HasPrefix(got, "pkg:oci/hub@sha256%3A"+b.Bundle("hub").Digest().Hex()+"?repository_url=registry.fleet.example/fleet/hub") {
		t.Errorf("resourceUri is %s", got)
	}
}

// TestProvenanceRebuilds guards that the external parameters are complete: with
// the content that the commit compiles to, they give the bundle again.
func TestProvenanceRebuilds(t *testing.T) {
	res, b := releaseExample(t)
	list := statements(t, res, b)
	for _, a := range res.Artifacts {
		parameters, err := json.Marshal(at(predicate(t, list, a.Name, attest.Provenance), "buildDefinition", "externalParameters"))
		if err != nil {
			t.Fatal(err)
		}
		var r ir.Record
		if err := json.Unmarshal(parameters, &r); err != nil {
			t.Fatal(err)
		}
		again, ds, err := seal.Seal(t.Context(), a, r, nil)
		if err != nil || again == nil {
			t.Fatal(err, ds)
		}
		if again.Digest() != b.Bundle(a.Name).Digest() {
			t.Errorf("%s: the provenance gives %s, and its subject is %s", a.Name, again.Digest(), b.Bundle(a.Name).Digest())
		}
	}
}

// TestBillOfMaterials guards that the example's bills list its images with the
// digests that the objects or the lock pin, and its charts.
func TestBillOfMaterials(t *testing.T) {
	res, b := releaseExample(t)
	list := statements(t, res, b)
	bom := predicate(t, list, "hub", attest.CycloneDX)
	images, charts := map[string]bool{}, 0
	for _, c := range at(bom, "components").([]any) {
		if at(c, "type") == "container" {
			images[at(c, "name").(string)+":"+at(c, "version").(string)+" "+at(c, "hashes", 0, "content").(string)] = true
		} else if at(c, "name") == "cert-manager" {
			charts++
		}
	}
	for _, r := range res.Rendered {
		if r.Cluster != "hub" {
			continue
		}
		for _, c := range r.Components {
			for _, i := range c.Images {
				name, pin, _ := strings.Cut(i.Ref, "@sha256:")
				if pin == "" {
					pin = res.Lock.Images[name].Digest.Hex()
				}
				if !images[name+" "+pin] {
					t.Errorf("%s is not listed: %v", i.Ref, images)
				}
			}
		}
	}
	if charts != 1 || len(images) == 0 {
		t.Errorf("%d charts and %d images are listed", charts, len(images))
	}
	if got := at(predicate(t, list, "fleet", attest.CycloneDX), "components"); got != nil {
		t.Errorf("the fleet's artifact lists %v, and it makes no cluster pull anything", got)
	}
	packages := at(predicate(t, list, "hub", attest.SPDX), "packages").([]any)
	if len(packages) != len(at(bom, "components").([]any))+1 {
		t.Errorf("%d packages in SPDX and %d components in CycloneDX", len(packages), len(at(bom, "components").([]any)))
	}
}

func dependencyNames(provenance map[string]any) []string {
	var out []string
	for _, d := range at(provenance, "buildDefinition", "resolvedDependencies").([]any) {
		out = append(out, at(d, "name").(string))
	}
	return out
}

// TestStatementsDepend guards that what goes in shows: another now, builder,
// commit or image gives other bytes.
func TestStatementsDepend(t *testing.T) {
	res, b := releaseExample(t)
	first := statements(t, res, b)
	// The project says where its repository lives.
	sourced := *res.Units
	project := *sourced.Project
	project.Spec.Releases.Source = "git+https://git.fleet.example/fleet"
	sourced.Project = &project
	res2 := *res
	res2.Units = &sourced
	p := predicate(t, statements(t, &res2, b), "hub", attest.Provenance)
	if got, want := at(p, "buildDefinition", "resolvedDependencies", 0, "uri"), project.Spec.Releases.Source+"@"+attestRevision.Commit; got != want {
		t.Errorf("source is %v, want %s", got, want)
	}
	for name, edit := range map[string]func(*compiler.AttestConfig){
		"now":     func(c *compiler.AttestConfig) { c.Now = time.Date(2026, 12, 1, 0, 0, 0, 0, time.FixedZone("", 3600)) },
		"builder": func(c *compiler.AttestConfig) { c.Builder = "https://other.example" },
		"commit":  func(c *compiler.AttestConfig) { c.Revision.Commit = strings.Repeat("ef", 20) },
		"schemas": func(c *compiler.AttestConfig) { c.Schemas = kubernetes.FS },
	} {
		c := attestConfig()
		edit(c)
		other, _, err := compiler.Statements(res, b.Sealed, c)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(other[0].Predicates[0].JSON, first[0].Predicates[0].JSON) {
			t.Errorf("another %s does not show in the provenance", name)
		}
	}
}

// TestNothingFalseIsStated: findings that nobody accepted, also those that were
// there before, and a fleet that was not judged give no statement at all.
func TestNothingFalseIsStated(t *testing.T) {
	res, b := releaseExample(t)
	for name, spoil := range map[string]func(*compiler.Result){
		"an error":             func(r *compiler.Result) { r.Diagnostics = diag.List{diag.Errorf("SC001", "no digest")} },
		"no verdict":           func(r *compiler.Result) { r.Verdict = nil },
		"no policies":          func(r *compiler.Result) { r.Verdict = &ir.Verdict{Rules: r.Verdict.Rules} },
		"nothing judged":       func(r *compiler.Result) { r.Verdict = &ir.Verdict{PolicyDigest: r.Verdict.PolicyDigest} },
		"a set judged nothing": func(r *compiler.Result) { v := *r.Verdict; v.NotEvaluated = true; r.Verdict = &v },
		"an old error": func(r *compiler.Result) {
			v, d := *r.Verdict, diag.Errorf("SC001", "no digest")
			d.Old = true
			v.Findings = append(slices.Clone(v.Findings), d)
			r.Verdict = &v
		},
	} {
		bad := *res
		spoil(&bad)
		out, ds, err := compiler.Statements(&bad, b.Sealed, attestConfig())
		if err != nil || out != nil || len(ds) != 1 || ds[0].Code != "SIG034" {
			t.Errorf("%s: %d statements, %v\n%s", name, len(out), err, ds)
		}
	}
	if len(statements(t, res, b)) == 0 {
		t.Error("the unspoilt result gives none either")
	}
}

// TestAttest guards that all statements are signed by the attest key and no
// other.
func TestAttest(t *testing.T) {
	res, b := releaseExample(t)
	password := func() ([]byte, error) { return nil, nil }
	pair, err := seal.GenerateKeyPair(seal.Ed25519, password)
	if err != nil {
		t.Fatal(err)
	}
	src := seal.KeySource{ReadFile: func(string) ([]byte, error) { return pair.Private, nil }}
	for role, code := range map[seal.Role]string{seal.RoleAttest: "", seal.RoleRelease: "SIG006"} {
		signer, ds, err := seal.LoadSigner(t.Context(), "k", role, src, password)
		if err != nil || signer == nil {
			t.Fatal(err, ds)
		}
		sigs, ds, err := compiler.Attest(t.Context(), res, b.Sealed, func(string) compiler.Signers { return compiler.Signers{Attest: signer} }, attestConfig())
		switch {
		case err != nil:
			t.Error(err)
		case code == "" && len(sigs) != len(b.Sealed)*(len(attest.Predicates())-1): // no tree, no drills
			t.Errorf("%d signatures for %d bundles\n%s", len(sigs), len(b.Sealed), ds)
		case code != "" && (sigs != nil || len(ds) != 1 || ds[0].Code != code):
			t.Errorf("%s: %d signatures\n%s", role, len(sigs), ds)
		}
	}
}

// TestDrillsAttested guards what is stated of drills: of the fleet's own artifact
// alone, the newest record of each procedure by its file's digest, a warning
// where the closure has changed since, and nothing where a newest one failed.
func TestDrillsAttested(t *testing.T) {
	files, res := example(t)
	b := released(t, files, res)
	c := attestConfig()
	c.Tree = tree.FromMap(files)
	state := func(edit func(*spec.Evidence)) map[string]any {
		t.Helper()
		changed, units := *res, *res.Units
		units.Evidence = slices.Clone(units.Evidence)
		last := *units.Evidence[len(units.Evidence)-1]
		edit(&last.Spec)
		units.Evidence[len(units.Evidence)-1], changed.Units = &last, &units
		list, ds, err := compiler.Statements(&changed, b.Sealed, c)
		if err != nil || ds.HasErrors() {
			t.Fatal(err, ds)
		}
		var found map[string]any
		for _, s := range list {
			for _, p := range s.Predicates {
				if p.Type != attest.TestResult {
					continue
				}
				if s.Bundle.Record.Artifact != "fleet" {
					t.Errorf("drills are stated of %s", s.Bundle.Record.Artifact)
				}
				if err := json.Unmarshal(p.JSON, &found); err != nil {
					t.Fatal(err)
				}
			}
		}
		return found
	}
	all := res.Units.Evidence
	last := all[len(all)-1]
	good := state(func(*spec.Evidence) {})
	if n := len(good["passedTests"].([]any)); good["result"] != attest.Passed || n != len(all) {
		t.Errorf("%v, %d of %d records", good["result"], n, len(all))
	}
	if got, want := at(good, "configuration", 0, "digest", "sha256"), digest.Of([]byte(files[all[0].Files[0]])).Hex(); got != want {
		t.Errorf("the first record is %v, want %s", got, want)
	}
	stale := state(func(e *spec.Evidence) { e.Closure = "sha256:" + strings.Repeat("0", 64) })
	if stale["result"] != attest.Warned || !slices.Equal(stale["warnedTests"].([]any), []any{last.Name}) {
		t.Errorf("a stale drill: %v %v", stale["result"], stale["warnedTests"])
	}
	if got := state(func(e *spec.Evidence) { e.Result = "failed" }); got != nil {
		t.Errorf("a failed drill: %v", got)
	}
	older := state(func(e *spec.Evidence) { e.Result, e.Procedure, e.Date = "failed", all[0].Spec.Procedure, "2020-01-01" })
	if older["result"] != attest.Passed || slices.Contains(older["passedTests"].([]any), any(last.Name)) {
		t.Errorf("a failed drill that passed later: %v", older)
	}
}
