package policies_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
	"github.com/open-policy-agent/opa/v1/tester"

	"github.com/darkstart-dev/darkstart/compiler/guard"
	"github.com/darkstart-dev/darkstart/compiler/guard/fixture"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/policies"
)

func catalogue(t *testing.T) []guard.Rule {
	t.Helper()
	rules, err := guard.Catalogue(policies.FS)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// designed are the guardrails of DESIGN §6: users cite these ids in waivers, so
// one may be added with the design, and none may vanish.
const designed = `
	BS001 BS002 BS003 BS004 BS005 BS006 BS007 BS008
	DR001 DR002 DR003 DR004 DR005 DR006 DR007 DR008 DR009 DR010 DR011 DR012
	OP001 OP002 OP003 OP004 OP005
	PS001 PS002 PS003
	SC001 SC002 SC003 SC004 SC005 SC006`

func TestDesigned(t *testing.T) {
	var ids []string
	for _, r := range catalogue(t) {
		ids = append(ids, r.ID)
	}
	slices.Sort(ids)
	if want := strings.Fields(designed); !slices.Equal(ids, want) {
		t.Errorf("the catalogue and the design differ:\ngot  %q\nwant %q", ids, want)
	}
}

// Every rule has a fixture that turns it red and one that turns it green, and
// neither is vacuous: the rule judged something in both.
func TestFixtures(t *testing.T) {
	prepared, err := guard.Prepare(t.Context(), policies.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range catalogue(t) {
		t.Run(r.ID, func(t *testing.T) {
			if found, n := judge(t, prepared, r.ID, "fail.yaml", r.Fail); len(found) == 0 || n == 0 {
				t.Errorf("fail.yaml: %d findings over %d inputs, want some", len(found), n)
			}
			if found, n := judge(t, prepared, r.ID, "pass.yaml", r.Pass); len(found) != 0 || n == 0 {
				t.Errorf("pass.yaml: want no finding over some inputs, got %d inputs and\n%s", n, found)
			}
		})
	}
}

func judge(t *testing.T, prepared *guard.Prepared, id, name string, src []byte) (diag.List, int) {
	t.Helper()
	in, err := fixture.Read(name, src)
	if err != nil {
		t.Fatal(err)
	}
	v, diags, err := guard.Guard(t.Context(), in, &guard.Config{Prepared: prepared})
	if err != nil || len(diags) > 0 {
		t.Fatalf("%v\n%s", err, diags)
	}
	var found diag.List
	for _, f := range v.Findings {
		if f.Code == id {
			found.Add(f)
			if len(f.Help) == 0 {
				t.Errorf("%s: finding without help: %s", name, f.Message)
			}
		}
	}
	for _, r := range v.Rules {
		if r.ID == id {
			return found, r.Evaluated
		}
	}
	t.Fatalf("%s is not in the verdict", id)
	return nil, 0
}

func modules(t *testing.T) map[string]*ast.Module {
	t.Helper()
	files, err := fs.Glob(policies.FS, "*/*.rego")
	if err != nil || len(files) == 0 {
		t.Fatal("no rego files", err)
	}
	out := map[string]*ast.Module{}
	for _, f := range files {
		src, err := fs.ReadFile(policies.FS, f)
		if err != nil {
			t.Fatal(err)
		}
		if out[f], err = ast.ParseModuleWithOpts(f, string(src), ast.ParserOptions{ProcessAnnotation: true}); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestStrict(t *testing.T) {
	c := ast.NewCompiler().WithStrict(true)
	if c.Compile(modules(t)); c.Failed() {
		t.Fatal(c.Errors)
	}
}

func TestFormat(t *testing.T) {
	for name := range modules(t) {
		src, _ := fs.ReadFile(policies.FS, name)
		want, err := format.Source(name, src)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(src, want) {
			if os.Getenv("FORMAT") != "" {
				if err := os.WriteFile(name, want, 0o644); err != nil {
					t.Fatal(err)
				}
				continue
			}
			t.Errorf("%s is not formatted: run FORMAT=1 go test ./policies -run TestFormat", name)
		}
	}
}

// TestRego runs every rule_test.rego. A rule whose tests are gone fails.
func TestRego(t *testing.T) {
	ch, err := tester.NewRunner().RaiseBuiltinErrors(true).CapturePrintOutput(true).SetModules(modules(t)).RunTests(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ran := map[string]int{}
	for r := range ch {
		ran[filepath.Dir(r.Location.File)]++
		if r.Fail || r.Error != nil {
			t.Errorf("%s: %s failed %v %s", r.Location, r.Name, r.Error, r.FailedAt)
		}
	}
	for _, r := range catalogue(t) {
		if ran[r.Dir] < 3 {
			t.Errorf("%s has %d tests", r.ID, ran[r.Dir])
		}
	}
}

// The page is generated: it must be the one that the metadata gives.
func TestDocs(t *testing.T) {
	rules := catalogue(t)
	page := string(guard.Docs(rules))
	for _, r := range rules {
		for _, want := range []string{"### " + r.ID, r.Rationale, r.Frameworks[0], strings.TrimSpace(string(r.Fail))} {
			if !strings.Contains(page, want) {
				t.Errorf("the page of %s lacks %q", r.ID, want)
			}
		}
	}
	got, err := os.ReadFile("../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != page {
		if os.Getenv("FORMAT") != "" {
			if err := os.WriteFile("../docs/rules.md", []byte(page), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		t.Error("docs/rules.md is stale: run make docs")
	}
}
