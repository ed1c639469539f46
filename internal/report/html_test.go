package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/plans"
)

// page is one of everything, with what makes a page wide: a word without a break
// and a long line of source.
func page() *Result {
	r := rich()
	word := strings.Repeat("averylongword", 20)
	r.Diagnostics.Add(
		&diag.Diagnostic{
			Code: "DR003", Severity: diag.Warning, Message: "nobody knows " + word, Unknown: true, ValidUntil: "2027-01-01T00:00:00Z",
			Labels: []diag.Label{{Position: diag.Position{File: "wide.cue", Line: 1, Column: 3, EndColumn: 9}, Text: word}}, Help: []string{word},
		},
	)
	for i := range 3 {
		d := places1500()
		d.Message = fmt.Sprintf("many places %d", i)
		r.Diagnostics.Add(d)
	}
	r.Sources = append(r.Sources, Source{"wide.cue", 1, "wide: " + strings.Repeat("x ", 400)})
	r.Plan.Coverage = plans.Coverage{Objectives: 1, Services: 1, NotEvaluated: 4}
	r.Rules.Results = append(r.Rules.Results, ir.RuleResult{ID: "SC009"}, ir.RuleResult{ID: "main.deny_x", Title: "no x", Evaluated: 3, Excepted: 2})
	r.Artifacts = []Artifact{{Name: "prod", Content: "sha256:" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}}
	r.Changes = []string{"wrote " + word}
	return r.Finish()
}

func TestHTML(t *testing.T) {
	text := string(written(t, HTML, page()))
	for _, want := range []string{
		`<h1 class="bad">`,
		`<li class="bad"><strong>1</strong> violated</li>`, `<li class="fair"><strong>4</strong> not evaluated</li>`,
		"--&gt; fleets/shop/components/web.yaml:3:8\n", "3 |   image: web:1.4 # three\n", "^^^^",
		"and 1492 more places", "and 2 more alike: a.cue:1",
		"<strong>Unknown:</strong>", "<strong>Valid until:</strong> 2027-01-01T00:00:00Z",
		"<li>SC003: no delivery engine is declared</li>", "<li>SC009: nothing to evaluate</li>", "<li>main.deny_x, no x: 3 judged, 0 findings, 0 waived, 2 excepted</li>",
		"<li>DR004, each store has a backup: 2 judged", "OPS-1, by fleets/shop/waivers/waivers.cue:1:1", "prod, candidate: not sealed",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	for _, bad := range []string{"<script", "http://", "https://", "src=", "href=", "\u202e", "\x00"} {
		if strings.Contains(text, bad) {
			t.Errorf("%q reaches the page", bad)
		}
	}
}

// What was not evaluated is never shown as passed.
func TestHTMLWithoutRules(t *testing.T) {
	r := New(Tool{"darkstart", "v1"}, "check").Finish()
	if text := string(written(t, HTML, r)); !strings.Contains(text, "Rules not evaluated") {
		t.Errorf("silent about guardrails:\n%s", text)
	}
	r.Plan = &Plan{}
	if text := string(written(t, HTML, r)); !strings.Contains(text, "recovery was not judged") {
		t.Errorf("silent about recovery:\n%s", text)
	}
	r.Error, r.ExitCode = "no disk", 2
	if text := string(written(t, HTML, r)); !strings.Contains(text, `<h1 class="bad">Darkstart could not judge this</h1>`) || !strings.Contains(text, "no disk") {
		t.Errorf("silent about the error:\n%s", text)
	}
}

func TestHTMLOfTests(t *testing.T) {
	r := New(Tool{"darkstart", "v1"}, "test")
	r.Tests = &ir.TestRun{
		Tests:    []ir.TestResult{{Package: "main", Name: "test_x", Outcome: ir.Failed, At: diag.Position{File: "policies/x_test.rego", Line: 3}}},
		Coverage: ir.TestCoverage{Files: []ir.FileCoverage{{File: "policies/x.rego", Percent: 50, Uncovered: []ir.LineRange{{}}}}},
	}
	text := string(written(t, HTML, r.Finish()))
	for _, want := range []string{"failed: main.test_x (policies/x_test.rego:3)", "policies/x.rego: 50.0% covered"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
}
