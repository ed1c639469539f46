package guard_test

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/darkstart-dev/darkstart/compiler/guard"
	"github.com/darkstart-dev/darkstart/compiler/guard/fixture"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/darkstart-dev/darkstart/policies"
)

const twoNamespaces = `
clusters:
  prod:
    spec: {kubernetes: "1.36", components: {shop: {source: {yaml: shop}}}}
    objects:
      shop:
        - {apiVersion: v1, kind: Namespace, metadata: {name: a}}
        - {apiVersion: v1, kind: Namespace, metadata: {name: b}}
`

func input(t *testing.T, src string) *guard.Input {
	t.Helper()
	in, err := fixture.Read("fleet.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// prepared is shared by the tests that do not bring rules of their own.
var prepared = sync.OnceValues(func() (*guard.Prepared, error) {
	return guard.Prepare(context.Background(), policies.FS)
})

// preparedFor is what the compiler does.
func preparedFor(t testing.TB, in *guard.Input) *guard.Prepared {
	t.Helper()
	p, err := guard.PrepareFor(t.Context(), policies.FS, in.Fleet.Units)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// said runs the guard and returns everything it said, a line each.
func said(t *testing.T, in *guard.Input, cfg *guard.Config) string {
	t.Helper()
	if cfg.Prepared == nil {
		var err error
		if cfg.Prepared, err = prepared(); err != nil {
			t.Fatal(err)
		}
	}
	v, diags, err := guard.Guard(context.Background(), in, cfg)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, d := range slices.Concat(diags, v.Findings) {
		if d.Severity == diag.Error && len(d.Help) == 0 {
			t.Errorf("error without help: %s", d.Message)
		}
		fmt.Fprintf(&b, "%s[%s] %s", d.Severity, d.Code, d.Message)
		if p := d.Primary(); !p.IsZero() {
			fmt.Fprintf(&b, " (%s)", p)
		}
		if d.Waived != nil {
			fmt.Fprintf(&b, " waived by %s until %s", d.Waived.ID, d.ValidUntil)
		}
		b.WriteByte('\n')
	}
	for _, r := range v.Rules {
		if !strings.HasPrefix(r.ID, "main") {
			continue
		}
		fmt.Fprintf(&b, "%s: evaluated %d, findings %d, skipped %q\n", r.ID, r.Evaluated, r.Findings, r.Skipped)
	}
	return b.String()
}

func TestWaivers(t *testing.T) {
	full := `rule: PS001, reason: r, owner: o, expires: "2026-08-01"`
	for _, c := range []struct{ name, waiver, want string }{
		{"accepts one object", full + `, object: Namespace/a`, `waived by w until 2026-08-02T00:00:00Z`},
		{"pattern", full + `, object: "Namespace/*"`, `"b" declares no Pod Security level (fleet.yaml:1) waived`},
		{"covers what lies below a path", full + `, path: /metadata`, `waived by w`},
		{"path is not a prefix of a name", full + `, path: /meta`, `[GRD015] waiver "w" matches no finding`},
		{"another cluster", full + `, cluster: staging`, `[GRD015]`},
		{"a scope that leaves nothing out", full + `, object: "*/*", path: /`, `warning[GRD016] waiver "w" accepts every finding of PS001`},
		{"broad and about to end", `rule: PS001, reason: r, owner: o, expires: "2026-06-02"`, `warning[GRD013]`},
		{"without a scope", full, `warning[GRD016] waiver "w" accepts every finding of PS001`},
		{"unknown rule", `rule: PS01, reason: r, owner: o, expires: "2026-08-01"`, `error[GRD010] waiver "w" names "PS01", which is no rule`},
		{"no reason", `rule: PS001, reason: " ", owner: o, expires: "2026-08-01"`, `error[GRD011] waiver "w" has no reason`},
		{"no owner, no end", `rule: PS001, reason: r, owner: "", expires: ""`, `has no owner and no expires`},
		{"no date", `rule: PS001, reason: r, owner: o, expires: soon`, `which is no date`},
		{"bad pattern", full + `, object: "["`, `malformed pattern`},
		{"last day still holds", `rule: PS001, reason: r, owner: o, expires: "2026-06-01", component: shop`, `warning[GRD013] waiver "w" expires on 2026-06-01`},
		{"expired", `rule: PS001, reason: r, owner: o, expires: "2026-05-31", component: shop`, `warning[GRD012] waiver "w" expired on 2026-05-31`},
		{"too long", `rule: PS001, reason: r, owner: o, expires: "2030-01-01", component: shop`, `error[GRD014] waiver "w" runs until 2030-01-01, longer than the maximum of 90d`},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := twoNamespaces + "waivers: {waivers: {w: {" + c.waiver + "}}}\n"
			got := said(t, input(t, src), &guard.Config{})
			if !strings.Contains(got, c.want) {
				t.Errorf("want %q in\n%s", c.want, got)
			}
			honoured := strings.Contains(got, "waived by w")
			refused := regexp.MustCompile(`GRD01[01245]`).MatchString(got)
			if honoured == refused {
				t.Errorf("a waiver is either honoured or refused:\n%s", got)
			}
			if got := said(t, input(t, src), &guard.Config{NoWaivers: true}); strings.Contains(got, "waive") {
				t.Errorf("--no-waivers:\n%s", got)
			}
		})
	}
}

// Two waivers for one finding are both used; the one that holds longer counts.
func TestOverlappingWaivers(t *testing.T) {
	in := input(t, twoNamespaces+`
waivers:
  waivers:
    a: {rule: PS001, reason: r, owner: o, component: shop, expires: "2026-07-01"}
    b: {rule: PS001, reason: r, owner: o, object: Namespace/a, expires: "2026-08-01"}
`)
	got := said(t, in, &guard.Config{})
	if !strings.Contains(got, `"a" declares no Pod Security level (fleet.yaml:1) waived by b`) ||
		!strings.Contains(got, `"b" declares no Pod Security level (fleet.yaml:1) waived by a`) || strings.Contains(got, "GRD015") {
		t.Error(got)
	}
}

// A comment is judged as an entry of waivers/ is, and covers its lines alone.
func TestCommentsAreWaivers(t *testing.T) {
	in := input(t, twoNamespaces)
	comment := ir.Waiver{
		Waiver: spec.Waiver{Rule: "PS001", Reason: "r", Owner: "o", Expires: "2026-08-01"},
		ID:     "fleet.yaml:1", At: diag.Position{File: "fleet.yaml", Line: 1}, Beside: &ir.Lines{First: 1, Last: 1},
	}
	in.Comments = []ir.Waiver{comment}
	if got := said(t, in, &guard.Config{}); strings.Count(got, "waived by fleet.yaml:1") != 2 || strings.Contains(got, "GRD") {
		t.Error(got)
	}
	if got := said(t, in, &guard.Config{NoWaivers: true}); strings.Contains(got, "waived") {
		t.Error(got)
	}
	comment.Beside = &ir.Lines{First: 2, Last: 9}
	in.Comments = []ir.Waiver{comment}
	var asked string
	got := said(t, in, &guard.Config{Remove: func(w *ir.Waiver) []diag.Edit { asked = w.ID; return nil }})
	if !strings.Contains(got, `warning[GRD015] waiver "fleet.yaml:1" matches no finding`) || asked != "fleet.yaml:1" {
		t.Error(got)
	}
}

// A rule that failed has found nothing; that is no reason to remove a waiver.
func TestWaiverOfARuleThatFailed(t *testing.T) {
	in := input(t, twoNamespaces+`
project: {policies: {strict: true}}
waivers: {waivers: {w: {rule: main.deny, reason: r, owner: o, component: shop, expires: "2026-08-01"}}}
`)
	in.Tree = tree.FromMap(map[string]string{"policies/p.rego": "package main\ndeny contains 1 if input.kind\n"})
	if got := said(t, in, &guard.Config{}); !strings.Contains(got, "GRD005") || strings.Contains(got, "GRD015") {
		t.Error(got)
	}
}

// Without a base nothing has changed, and the approval of a change is not unused.
func TestWaiverOfAChangeWithoutBase(t *testing.T) {
	in := input(t, twoNamespaces+`
waivers: {waivers: {w: {rule: DR007, reason: r, owner: o, object: Namespace/gone, expires: "2026-08-01"}}}
`)
	if got := said(t, in, &guard.Config{}); strings.Contains(got, "GRD015") {
		t.Error(got)
	}
}

func TestWaiversNeedATime(t *testing.T) {
	in := input(t, twoNamespaces+`waivers: {waivers: {w: {rule: PS001, reason: r, owner: o, expires: "2026-08-01"}}}`)
	in.Now = time.Time{}
	if got := said(t, in, &guard.Config{}); !strings.Contains(got, "GRD017") || strings.Contains(got, "waived by") {
		t.Error(got)
	}
}

func TestUserPolicies(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"strings", "package main\ndeny contains msg if { input.kind == \"Namespace\"; msg := input.metadata.name }", "error[main.deny] a (fleet.yaml:1)"},
		{"counts", "package main\ndeny contains \"x\" if input.kind == \"Pod\"", "main.deny: evaluated 2, findings 0, skipped \"\""},
		{"objects and suffix", "package main\nviolation_x contains {\"msg\": \"m\", \"more\": 1} if input.kind", "error[main.violation_x] m"},
		{"warn", "package main\nwarn_x contains \"m\" if input.kind", "warning[main.warn_x] m"},
		{"exception", "package main\ndeny_x contains \"m\" if input.kind\nexception contains [\"x\"] if input.metadata.name == \"a\"", "main.deny_x: evaluated 2, findings 1"},
		{"does not parse", "package main\ndeny contains", "error[GRD001] policy does not parse"},
		{"old syntax", "package main\ndeny[msg] { msg := \"x\" }", "(policies/p.rego:2:1)"},
		{"undefined function", "package main\ndeny contains \"x\" if startwith(input.kind, \"P\")", "error[GRD002] undefined function startwith (policies/p.rego:2:22)"},
		{"forbidden builtin", "package main\ndeny contains \"x\" if http.send({\"method\": \"get\", \"url\": \"http://x\"})", "error[GRD003] builtin http.send is not allowed (policies/p.rego:2:22)"},
		{"clock", "package main\ndeny contains \"x\" if time.now_ns() > 0", "error[GRD003] builtin time.now_ns is not allowed"},
		{"unsafe variable", "package main\ndeny contains x if input.kind", "error[GRD002] policy does not compile"},
		{"string for a set", "package main\ndeny := \"x\" if input.kind", "warning[GRD005] main.deny must be a set of strings or of objects with msg: it is one string (policies/p.rego:2:1)"},
		{"object without msg", "package main\ndeny contains {\"message\": \"m\"} if input.kind", "an object has no msg"},
		{"loops", "package main\ndeny contains \"x\" if { some i in numbers.range(1, 100000000); some j in numbers.range(1, 100000000); i * j == -1 }", "error[GRD004] main.deny did not finish within"},
		{"builtin error", "package main\ndeny contains \"x\" if to_number(input.kind) > 1", "warning[GRD006] main.deny could not be evaluated"},
		{"reserved package", "package darkstart.lib\nis_digest(_) := true", "error[GRD002] package darkstart.lib is reserved"},
		{"nothing asked for", "package other\ndeny contains \"x\" if input.kind", "error[GRD007] policies/ was not evaluated"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := input(t, twoNamespaces)
			in.Tree = tree.FromMap(map[string]string{"policies/p.rego": c.src, "policies/p_test.rego": "broken"})
			got := said(t, in, &guard.Config{Deadline: 500 * time.Millisecond})
			if !strings.Contains(got, c.want) {
				t.Errorf("want %q in\n%s", c.want, got)
			}
			if !strings.Contains(got, "PS001") {
				t.Errorf("the built-in rules were not evaluated:\n%s", got)
			}
		})
	}
}

// A rule that never ends is stopped, wherever it is: in the evaluator, in a
// builtin that looks whether it should stop, or in one that does not.
func TestDeadline(t *testing.T) {
	for name, body := range map[string]string{
		"product":      "some i in numbers.range(1, 100000); some j in numbers.range(1, 100000); i * j == -1",
		"range":        "count(numbers.range(1, 1000000000)) == 0",
		"paths":        "g := {i: numbers.range(1, 12) | some i in numbers.range(1, 12)}; count(graph.reachable_paths(g, {1})) == 0",
		"text":         "s := concat(\"\", [\"ab\" | some _ in numbers.range(1, 100000)]); some i in numbers.range(1, 100000); replace(s, \"a\", sprintf(\"%d\", [i])) == \"\"",
		"no such stop": "s := concat(\"\", [\"ab\" | some _ in numbers.range(1, 2000000)]); regex.globs_match(s, concat(\"\", [s, \"*\"]))",
	} {
		t.Run(name, func(t *testing.T) {
			in := input(t, twoNamespaces)
			in.Tree = tree.FromMap(map[string]string{"policies/p.rego": "package main\n\ndeny contains \"ends\" if input.kind == \"Namespace\"\n\ndeny_loop contains \"x\" if { " + body + " }"})
			start := time.Now()
			got := said(t, in, &guard.Config{Deadline: 300 * time.Millisecond})
			for _, want := range []string{
				"error[GRD004] main.deny_loop did not finish within 300ms (policies/p.rego:5:1)", "error[main.deny] ends",
				"main.deny: evaluated 2", `main.deny_loop: evaluated 0, findings 0, skipped "it failed: GRD004"`,
			} {
				if !strings.Contains(got, want) {
					t.Errorf("want %q in\n%s", want, got)
				}
			}
			if d := time.Since(start); d > 20*time.Second {
				t.Errorf("took %s", d)
			}
		})
	}
}

func TestStrictUserPolicies(t *testing.T) {
	in := input(t, twoNamespaces+"project: {policies: {strict: true}}\n")
	in.Tree = tree.FromMap(map[string]string{"policies/p.rego": "package main\ndeny contains \"x\" if to_number(input.kind) > 1"})
	got := said(t, in, &guard.Config{})
	if !strings.Contains(got, "error[GRD006] main.deny could not be evaluated") || !strings.Contains(got, `skipped "it failed: GRD006"`) {
		t.Error(got)
	}
}

func TestSeverity(t *testing.T) {
	for value, want := range map[string]string{
		"PS001: warning": "warning[PS001]",
		"PS001: fatal":   `error[GRD008] severity "fatal" of rule PS001 is none`,
		"PS01: warning":  `error[GRD008] guardrails: severity names "PS01", which is no rule`,
	} {
		if got := said(t, input(t, twoNamespaces+"project: {guardrails: {severity: {"+value+"}}}\n"), &guard.Config{}); !strings.Contains(got, want) {
			t.Errorf("%s: want %q in\n%s", value, want, got)
		}
	}
	in := input(t, twoNamespaces+`project: {guardrails: {severity: {PS001: "off"}}}`)
	v, _, err := guard.Guard(context.Background(), in, &guard.Config{Prepared: preparedFor(t, in)})
	if err != nil || len(v.Findings) > 0 {
		t.Fatalf("%v\n%s", err, v.Findings)
	}
	for _, r := range v.Rules {
		if r.ID == "PS001" && !strings.HasPrefix(r.Skipped, "switched off at") {
			t.Errorf("%+v", r)
		}
	}
}

// A finding is at the line that set the field, when Locate knows it; else it
// says that the line is not known.
func TestPositions(t *testing.T) {
	in := input(t, twoNamespaces)
	located := &guard.Config{Prepared: preparedFor(t, in), Locate: func() guard.Locator {
		return func(cluster string, o *object.Object, pointer string) object.Trace {
			if pointer != "/metadata" || o.Name != "a" || cluster == "" {
				return object.Trace{}
			}
			return object.Trace{Path: pointer, Places: []diag.Label{{Position: diag.Position{File: o.Name + ".yaml", Line: 7}}}}
		}
	}}
	in.Rendered[0].Components[0].Objects[1].Origin.Exact = false
	v, _, err := guard.Guard(context.Background(), in, located)
	if err != nil || len(v.Findings) != 2 {
		t.Fatalf("%v %s", err, v.Findings)
	}
	if got := v.Findings[0].Primary().String(); got != "a.yaml:7" {
		t.Errorf("located at %s", got)
	}
	if got := strings.Join(v.Findings[1].Notes, "\n"); !strings.Contains(got, "only the object's origin is known, fleet.yaml:1") {
		t.Errorf("notes: %s", got)
	}
}

// The verdict does not depend on how many clusters run at once, and no secret
// reaches it.
func TestDeterminism(t *testing.T) {
	src, err := fs.ReadFile(policies.FS, "sc004/fail.yaml")
	if err != nil {
		t.Fatal(err)
	}
	first := said(t, several(input(t, string(src)), 4), &guard.Config{Parallel: 1})
	for _, n := range []int{2, 8} {
		if got := said(t, several(input(t, string(src)), 4), &guard.Config{Parallel: n}); got != first {
			t.Errorf("parallel %d:\n%s\nwant\n%s", n, got, first)
		}
	}
	for _, secret := range []string{"correct-horse", "3f9c8a1d42e7", "glpat-", "open-sesame"} {
		if strings.Contains(first, secret) {
			t.Errorf("%s is printed:\n%s", secret, first)
		}
	}
	if n := strings.Count(first, "[SC004]"); n != 5*4 {
		t.Errorf("%d findings, want five a cluster:\n%s", n, first)
	}
}

// Rules that were prepared for any fleet judge as those that were prepared for
// this one, also when several fleets are judged by them at once.
func TestPrepared(t *testing.T) {
	shared, err := prepared()
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := fs.ReadFile(policies.FS, "sc004/fail.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, src := range map[string]string{
		"secrets": string(secrets), "small": twoNamespaces,
		"off":   twoNamespaces + `project: {guardrails: {severity: {PS001: "off", SC001: note}}}`,
		"wrong": twoNamespaces + `project: {guardrails: {severity: {PS01: warning}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := input(t, src)
			want, wantDiags, err := guard.Guard(t.Context(), in, &guard.Config{Prepared: preparedFor(t, in)})
			if err != nil {
				t.Fatal(err)
			}
			got, diags, err := guard.Guard(t.Context(), input(t, src), &guard.Config{Prepared: shared})
			if err != nil || !reflect.DeepEqual(got, want) || !reflect.DeepEqual(diags, wantDiags) {
				t.Errorf("got %+v\n%s\n%v, want %+v\n%s", got, diags, err, want, wantDiags)
			}
		})
	}
}

// several repeats the first cluster under n names; all share its objects.
func several(in *guard.Input, n int) *guard.Input {
	f, r := in.Fleet, in.Rendered[0]
	in.Tree = tree.FromMap(map[string]string{"policies/p.rego": "package main\nwarn contains input.metadata.name if input.kind == \"Secret\""})
	for i := 1; i < n; i++ {
		name := fmt.Sprintf("prod-%d", i)
		unit, linked, rendered := *f.Units.Clusters[0], *f.Clusters[0], *r
		unit.Name, linked.Name, rendered.Cluster = name, name, name
		linked.Unit = &unit
		f.Units.Clusters, f.Clusters = append(f.Units.Clusters, &unit), append(f.Clusters, &linked)
		in.Rendered = append(in.Rendered, &rendered)
	}
	return in
}

// A built-in rule that answers anything but findings and a count never passes.
func TestWrongShapeOfARule(t *testing.T) {
	for body, want := range map[string]string{
		"deny := \"x\"\nevaluated := 1":                                         "GRD005",
		"deny contains {\"message\": \"x\"}\nevaluated := 1":                    "GRD005",
		"deny contains {\"msg\": \"x\"}\nevaluated := 0":                        "GRD005",
		"deny contains {\"msg\": \"x\"} if false\nevaluated := -1":              "GRD005",
		"deny contains {\"msg\": \"x\"}\nevaluated := to_number(input.cluster)": "GRD006",
	} {
		rules, err := guard.Prepare(t.Context(), oneRule(t, body))
		if err != nil {
			t.Fatal(err)
		}
		got := said(t, input(t, twoNamespaces), &guard.Config{Prepared: rules})
		if !strings.Contains(got, "error["+want+"]") {
			t.Errorf("%s: want %s, got\n%s", body, want, got)
		}
	}
}

// oneRule is a policy file system with PS001's metadata and another body.
func oneRule(t *testing.T, body string) fs.FS {
	t.Helper()
	out := fstest.MapFS{}
	for _, f := range []string{"rule.rego", "rule_test.rego", "fail.yaml", "pass.yaml"} {
		b, err := fs.ReadFile(policies.FS, "ps001/"+f)
		if err != nil {
			t.Fatal(err)
		}
		if f == "rule.rego" {
			head, _, _ := strings.Cut(string(b), "\npackage ")
			b = []byte(head + "\npackage darkstart.rules.ps001\n\n" + body + "\n")
		}
		out["ps001/"+f] = &fstest.MapFile{Data: b}
	}
	return out
}

func TestCatalogueRefuses(t *testing.T) {
	base := oneRule(t, "deny := set()\nevaluated := 1").(fstest.MapFS)
	for _, c := range []struct{ old, new, want string }{
		{"severity: error", "severity: fatal", "unknown severity"},
		{"scope: cluster", "scope: world", "metadata scope"},
		{"applies: always", "applies: sometimes", "metadata applies"},
		{"reads: [spec, objects]", "reads: [clock]", `metadata reads "clock"`},
		{"since: v0.1.0", "sinse: v0.1.0", `unknown metadata "sinse"`},
		{"id: PS001", "id: PS002", "package is"},
	} {
		m := maps.Clone(base)
		src := string(base["ps001/rule.rego"].Data)
		m["ps001/rule.rego"] = &fstest.MapFile{Data: []byte(strings.Replace(src, c.old, c.new, 1))}
		if _, err := guard.Catalogue(m); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.new, err)
		}
	}
	for _, f := range []string{"rule_test.rego", "fail.yaml", "pass.yaml"} {
		m := maps.Clone(base)
		delete(m, "ps001/"+f)
		if _, err := guard.Catalogue(m); err == nil {
			t.Errorf("without %s: no error", f)
		}
	}
}

// Every builtin of the linked OPA is decided, so that an upgrade must decide.
func TestBuiltinsAreDecided(t *testing.T) {
	src, err := os.ReadFile("builtins.txt")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]int{}
	for _, w := range strings.Fields(string(src)) {
		listed[w]++
	}
	for _, b := range ast.CapabilitiesForThisVersion().Builtins {
		if listed[b.Name] == 0 {
			t.Errorf("%s is in neither list", b.Name)
		}
		if allowed, err := guard.Capabilities(); err != nil || b.Nondeterministic && strings.Contains(string(allowed), `"`+b.Name+`"`) {
			t.Errorf("%s is nondeterministic and allowed (%v)", b.Name, err)
		}
	}
}

// Every code that the package uses is documented, and every documented one is used.
func TestCodes(t *testing.T) {
	files, _ := filepath.Glob("*.go")
	used := map[string]bool{}
	for _, f := range files {
		if f == "codes.go" || strings.HasSuffix(f, "_test.go") {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range regexp.MustCompile(`"(GRD\d{3})"`).FindAllStringSubmatch(string(b), -1) {
			used[c[1]] = true
		}
	}
	for _, e := range guard.Codes {
		if !used[e.Code] {
			t.Errorf("%s is documented and not used", e.Code)
		}
		if e.Why == "" || e.Fix == "" || e.Title == "" {
			t.Errorf("%s is incomplete", e.Code)
		}
		delete(used, e.Code)
	}
	if len(used) > 0 {
		t.Errorf("not documented: %v", slices.Sorted(maps.Keys(used)))
	}
}
