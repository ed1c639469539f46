package report

import (
	"bytes"
	"encoding/xml"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

func junit(t *testing.T, r *Result) junitSuites {
	t.Helper()
	var b bytes.Buffer
	if err := JUnit(&b, r.Finish()); err != nil {
		t.Fatal(err)
	}
	var out junitSuites
	if err := xml.Unmarshal(b.Bytes(), &out); err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	return out
}

// Tests of policies are a suite a file, and every outcome is counted as JUnit
// counts it.
func TestJUnitOfTests(t *testing.T) {
	at := func(file string) diag.Position { return diag.Position{File: file, Line: 3} }
	r := New(Tool{}, "test")
	r.Tests = &ir.TestRun{Tests: []ir.TestResult{
		{Package: "a", Name: "test_a", At: at("a_test.rego"), Outcome: ir.Passed, Output: "said <this> & that"},
		{Package: "a", Name: "test_b", At: at("a_test.rego"), Outcome: ir.Failed, Why: "x == 1\nx: 2", FailedAt: at("p.rego")},
		{Package: "b", Name: "test_c", At: at("b_test.rego"), Outcome: ir.Errored, Why: "conflict"},
		{Package: "b", Name: "todo_test_d", At: at("b_test.rego"), Outcome: ir.Skipped},
	}}
	r.Diagnostics.Add(diag.Errorf("GRD031", "test test_b failed"), diag.Errorf("GRD032", "too little is covered").At(at("p.rego"), ""))
	got := junit(t, r)
	if got.Tests != 5 || got.Failures != 2 || got.Errors != 1 || got.Skipped != 1 || len(got.Suites) != 3 {
		t.Fatalf("%+v", got)
	}
	failed := got.Suites[0].Cases[1]
	if failed.Failure == nil || failed.Failure.Message != "x == 1" || failed.Failure.Text != "p.rego:3\nx == 1\nx: 2" || failed.Line != 3 {
		t.Errorf("%+v %+v", failed, failed.Failure)
	}
	if out := got.Suites[0].Cases[0].Output; out != "said <this> & that" {
		t.Errorf("output %q", out)
	}
	if c := got.Suites[2].Cases; len(c) != 1 || c[0].Failure.Type != "GRD032" {
		t.Errorf("what else was found: %+v", c)
	}
}

// A check is a case a rule: one with an unwaived error fails, one that judged
// nothing is skipped, and a warning fails nothing.
func TestJUnitOfRules(t *testing.T) {
	r := New(Tool{}, "check")
	r.Rules = &Rules{Results: []ir.RuleResult{
		{ID: "AA001", Title: "fails", Evaluated: 1}, {ID: "AA002", Evaluated: 1}, {ID: "AA003", Skipped: "no store is declared"}, {ID: "AA004", Evaluated: 1},
	}}
	waived := diag.Errorf("AA002", "accepted")
	waived.Waived = &diag.Waived{ID: "w"}
	r.Diagnostics.Add(diag.Errorf("AA001", "one"), diag.Errorf("AA001", "two"), waived, diag.Warningf("AA004", "careful"), diag.Errorf("EVL001", "no module"))
	r.Error = "no space left on device"
	got := junit(t, r)
	if got.Tests != 6 || got.Failures != 2 || got.Skipped != 1 || got.Errors != 1 {
		t.Fatalf("%+v", got)
	}
	cases := got.Suites[0].Cases
	if f := cases[0].Failure; f == nil || f.Text != "error: one\nerror: two\n" {
		t.Errorf("%+v", f)
	}
	for _, i := range []int{1, 3} {
		if c := cases[i]; c.Failure != nil || c.Output == "" {
			t.Errorf("%+v", c)
		}
	}
}
