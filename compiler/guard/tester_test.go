package guard_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/darkstart-dev/darkstart/compiler/guard"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

const tested = `package main

deny contains "pod" if input.kind == "Pod"

warn contains msg if {
	some c in input.spec.containers
	endswith(c.image, ":latest")
	msg := c.name
}
`

// tests runs a test file beside tested and prints what came of it.
func tests(t *testing.T, body string, cfg guard.TestConfig) string {
	t.Helper()
	in := tree.FromMap(map[string]string{
		"policies/p.rego": tested, "policies/p_test.rego": "package main_test\n\nimport data.main\n\n" + body,
		"tables/kinds.yaml": "kinds: [Pod]",
	})
	run, ds, err := guard.Test(t.Context(), in, "policies", &cfg)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, d := range ds {
		fmt.Fprintf(&b, "%s[%s] %s", d.Severity, d.Code, d.Message)
		for _, l := range d.Labels {
			fmt.Fprintf(&b, " (%s %s)", l.Position, l.Text)
		}
		fmt.Fprintf(&b, " %q\n", d.Notes)
		if len(d.Help) == 0 || d.Primary().File == "" {
			t.Errorf("no help or no place: %s", d.Message)
		}
	}
	if run == nil {
		return b.String() + "no run\n"
	}
	for _, x := range run.Tests {
		fmt.Fprintf(&b, "%s %s.%s %s\n", x.Outcome, x.Package, x.Name, x.At)
	}
	fmt.Fprintf(&b, "%.1f%% of %d lines\n", run.Coverage.Percent, run.Coverage.Lines)
	for _, f := range run.Coverage.Files {
		fmt.Fprintf(&b, "%s %v\n", f.File, f.Uncovered)
	}
	return b.String()
}

func TestTest(t *testing.T) {
	pod := "test_pod if \"pod\" in main.deny with input as {\"kind\": \"Pod\"}\n"
	for _, c := range []struct {
		name, body string
		cfg        guard.TestConfig
		want       []string
	}{
		{"passes", pod, guard.TestConfig{}, []string{"passed main_test.test_pod policies/p_test.rego:5:1", "25.0% of 4 lines", "policies/p.rego [5 7-8]"}},
		{"fails", "test_pod if {\n\tgot := main.deny with input as {\"kind\": \"Node\"}\n\tprint(\"got\", got)\n\tgot == {\"pod\"}\n}\n", guard.TestConfig{}, []string{
			"error[GRD031] test test_pod failed (policies/p_test.rego:8:2 this does not hold) (policies/p_test.rego:5:1 the test)",
			`"got == {\"pod\"}\n|\nset()" "it printed: got set()"`, "failed main_test.test_pod",
		}},
		{"answers false", "test_no := false", guard.TestConfig{}, []string{"error[GRD031] test test_no failed (policies/p_test.rego:5:1", "failed main_test.test_no"}},
		{"fails in the policy", "test_latest if main.warn[\"a\"] with input as {\"spec\": {\"containers\": [{\"name\": \"a\", \"image\": \"a:1\"}]}}\n", guard.TestConfig{}, []string{"failed main_test.test_latest"}},
		{"cases", "test_kinds[k] if {\n\tsome k in [\"Pod\", \"Node\"]\n\tcount(main.deny) == 1 with input as {\"kind\": k}\n}\n", guard.TestConfig{}, []string{"cases that failed: Node", "failed main_test.test_kinds"}},
		{"skips", pod + "todo_test_later if false\n", guard.TestConfig{}, []string{"skipped main_test.todo_test_later", "passed main_test.test_pod"}},
		{"selects", pod + "test_other if false\n", guard.TestConfig{Run: `\.test_pod$`}, []string{"passed main_test.test_pod", "25.0%"}},
		{"one name twice", pod + pod, guard.TestConfig{}, []string{"passed main_test.test_pod policies/p_test.rego:5:1", "passed main_test.test_pod#01 policies/p_test.rego:6:1"}},
		{"too little", pod, guard.TestConfig{CoverageMin: 80}, []string{"error[GRD032] 25.0% of the lines of policies are covered, less than 80% (policies/p.rego:5 not covered) (policies/p.rego:7 not covered up to line 8)"}},
		{"enough", pod, guard.TestConfig{CoverageMin: 20}, []string{"passed main_test.test_pod"}},
		{"data", "test_kinds if \"Pod\" in data.kinds\n", guard.TestConfig{Data: []string{"tables"}}, []string{"passed main_test.test_kinds"}},
		{"no data", "test_kinds if \"Pod\" in data.kinds\n", guard.TestConfig{Data: []string{"table"}}, []string{"error[GRD030] data of policies is missing", "no run"}},
		{"none", "helper := 1\n", guard.TestConfig{}, []string{"error[GRD033] no test was run: no rule below policies", "no run"}},
		{"none of that name", pod, guard.TestConfig{Run: "pot"}, []string{`error[GRD033] no test was run: none has a name that matches "pot"`, "no run"}},
		{"does not parse", "test_pod if {\n", guard.TestConfig{}, []string{"error[GRD001] policy does not parse", "no run"}},
		{"old syntax", "test_pod { true }\n", guard.TestConfig{}, []string{"error[GRD001]", "no run"}},
		{"not found", "test_pod if main.nowhere(1)\n", guard.TestConfig{}, []string{"error[GRD002] undefined function data.main.nowhere (policies/p_test.rego:5:13", "no run"}},
		{"forbidden", "test_pod if http.send({})\n", guard.TestConfig{}, []string{"error[GRD003] builtin http.send is not allowed (policies/p_test.rego:5:13", "no run"}},
		{"conflict", "x := 1\n\nx := 2 if input.a\n\ntest_x if x == 1 with input as {\"a\": 1}\n", guard.TestConfig{}, []string{"error[GRD031] test test_x could not be evaluated: ", "errored main_test.test_x"}},
		{"builtin error", "test_n if not to_number(\"x\")\n", guard.TestConfig{}, []string{"passed main_test.test_n"}},
		{"builtin error, strict", "test_n if not to_number(\"x\")\n", guard.TestConfig{Strict: true}, []string{"error[GRD031] test test_n could not be evaluated: to_number", "errored main_test.test_n"}},
		{"loops", "test_loop if { some i in numbers.range(1, 100000); some j in numbers.range(1, 100000); i * j == -1 }\n" + pod, guard.TestConfig{Deadline: 300 * time.Millisecond}, []string{
			"error[GRD004] test test_loop did not finish within 300ms", "errored main_test.test_loop", "passed main_test.test_pod",
		}},
		{"cannot be stopped", "test_loop if { g := {i: numbers.range(1, 12) | some i in numbers.range(1, 12)}; count(graph.reachable_paths(g, {1})) == 0 }\n", guard.TestConfig{Deadline: 300 * time.Millisecond}, []string{
			"error[GRD004] a test did not finish within 300ms, and cannot be stopped", "no run",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := tests(t, c.body, c.cfg)
			for _, w := range c.want {
				if !strings.Contains(got, w) {
					t.Errorf("want %q in\n%s", w, got)
				}
			}
			if failed := strings.Contains(got, "failed ") || strings.Contains(got, "errored ") || strings.Contains(got, "no run"); failed != strings.Contains(got, "error[") && c.cfg.CoverageMin == 0 {
				t.Errorf("what did not pass is an error, and nothing else:\n%s", got)
			}
		})
	}
}

// The sources of Rego v0 are tested as such.
func TestTestOldRego(t *testing.T) {
	in := tree.FromMap(map[string]string{
		"p.rego":      "package main\n\ndeny[msg] { input.kind == \"Pod\"; msg := \"pod\" }\n",
		"p_test.rego": "package main\n\ntest_pod { deny[\"pod\"] with input as {\"kind\": \"Pod\"} }\n",
	})
	run, ds, err := guard.Test(t.Context(), in, ".", &guard.TestConfig{RegoVersion: "v0"})
	if err != nil || len(ds) > 0 || run == nil || len(run.Tests) != 1 || run.Coverage.Percent != 100 {
		t.Fatalf("%+v %s %v", run, ds, err)
	}
}
