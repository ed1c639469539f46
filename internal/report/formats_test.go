package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	_ "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif" // see oasis
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/plans"
)

// rich is a result with one of everything, and text of users that would break
// out of any format which forgot to escape it.
func rich() *Result {
	nasty := "a | b `c` <script>alert(1)</script> @team %0A ::error:: \u202e & [x](y) ]]>"
	hour := plans.Duration(3_600_000)
	r := New(Tool{"darkstart", "v0.1.0"}, "check")
	r.Root = "fleets/shop"
	r.Revision = &Revision{Kind: "commit", Commit: strings.Repeat("a", 40), Time: "2026-11-20T12:00:00Z", Now: "2026-11-20T12:00:00Z"}
	r.Fleet = &Fleet{Clusters: []Cluster{{"prod", 2, 12}}, Components: 2, Objects: 12, Validated: 12}
	r.Plan = &Plan{Scenarios: 3, Verdicts: map[plans.Verdict]int{plans.Proven: 2, plans.Violated: 1}}
	r.Rules = &Rules{Results: []ir.RuleResult{{ID: "DR004", Evaluated: 2, Findings: 1}, {ID: "SC001", Evaluated: 12, Findings: 2, Waived: 1}, {ID: "SC003", Skipped: "no delivery engine is declared"}}, Evaluated: 2, Skipped: 1}
	r.Catalogue = []RuleDoc{{ID: "DR004", Title: "each store has a backup", Severity: diag.Error, Description: "Judges " + nasty, Rationale: "Why", Remediation: "Fix", Frameworks: []string{"ISO 27001"}, Guardrail: true}}
	at := func(file string, line, col, end int) diag.Position {
		return diag.Position{File: file, Line: line, Column: col, EndColumn: end}
	}
	r.Diagnostics.Add(
		diag.Errorf("DR004", "no backup of %q survives: %s", "orders", nasty).At(at("fleet/stores.cue", 2, 1, 5), "declared %s", nasty).At(at("clusters/prod/a b.cue", 9, 0, 0), "").
			About(diag.Subject{Node: "orders", Path: "/stores/orders"}).Note("%s", nasty).Fix("%s", nasty),
		&diag.Diagnostic{
			Code: "SC001", Severity: diag.Error, Message: "image is by tag", Help: []string{"pin it"}, Labels: []diag.Label{{Position: at("components/web.yaml", 3, 8, 20)}},
			Subject: diag.Subject{Cluster: "prod", Component: "web", Object: "apps/Deployment/shop/web", Path: "/spec"},
			Fixes:   []diag.Fix{{Title: "pin the image", Edits: []diag.Edit{{File: "components/web.yaml", Line: 3, Column: 20, EndLine: 3, EndColumn: 20, New: "@sha256:1"}}}},
		},
		&diag.Diagnostic{
			Code: "SC001", Severity: diag.Error, Message: "image is by tag, too", Labels: []diag.Label{{Position: diag.Position{File: "components/db.yaml"}}},
			Waived: &diag.Waived{ID: "w", Reason: nasty, Owner: "platform", Ticket: "OPS-1", Expires: "2027-01-01", At: at("waivers/waivers.cue", 1, 1, 0)},
		},
		diag.Warningf("OP003", "past its date").At(at("recovery/p.cue", 1, 1, 0), ""),
		diag.Notef("OBJ007", "no schema"),
	)
	r.Base = &Base{Ref: "origin/main", Commit: strings.Repeat("b", 40)}
	r.Diff = &ir.Delta{
		Version: ir.DeltaVersion, Base: "main", Head: "topic", Compared: true,
		Objects: []ir.ObjectChange{{
			Action: ir.Removed, Stateful: true, Place: ir.Place{Cluster: "prod", Component: "db", Key: object.Key{Kind: "PersistentVolumeClaim", Namespace: "shop", Name: "data"}, Object: "PersistentVolumeClaim/shop/data"},
			Dangers: []ir.Danger{{Kind: ir.StatefulDeletion, Text: "it holds data " + nasty}},
		}},
		Cells: []plans.CellChange{{Scenario: "region-loss", Node: "shop", Before: &plans.Cell{Node: "shop", Verdict: plans.Proven, UB: hour, RTO: &hour}, After: &plans.Cell{Node: "shop", Verdict: plans.Violated, LB: 2 * hour, RTO: &hour}}},
	}
	r.Finish().Since(diag.List{
		diag.Warningf("OP003", "past its date").At(at("recovery/p.cue", 7, 1, 0), ""),
		diag.Errorf("BS001", "gone").At(at("x.cue", 1, 1, 0), ""),
	}, true)
	r.ExitCode, r.FailOn = 1, "error"
	r.Finish().Excerpt(func(file string) ([]byte, error) {
		return []byte("first\n\"orders\": {😀} // " + nasty + "\n  image: web:1.4 # three\n"), nil
	})
	return r
}

func written(t *testing.T, f Format, r *Result) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Every format is a replay of the JSON: what was kept shows the same again.
func TestReplay(t *testing.T) {
	r := rich()
	kept, err := Parse(written(t, JSON, r))
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range Formats(Options{}) {
		got, again := written(t, f, r), written(t, f, kept)
		if !bytes.Equal(got, again) {
			t.Errorf("%s: a kept result shows other output:\n%s\n%s", name, got, again)
		}
		golden := filepath.Join("testdata", "formats", name)
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s differs from %s (-update rewrites it): %v\n%s", name, golden, err, got)
		}
	}
}

func TestFingerprints(t *testing.T) {
	r := rich()
	seen := map[string]bool{}
	for _, d := range r.Diagnostics {
		if d.Fingerprint == "" || seen[d.Fingerprint] {
			t.Errorf("%s has the fingerprint %q", d.Message, d.Fingerprint)
		}
		seen[d.Fingerprint] = true
	}
	a := diag.Errorf("X", "takes 12m of 3 steps").At(diag.Position{File: "a", Line: 1}, "")
	b := diag.Errorf("X", "takes 14m of 7 steps").At(diag.Position{File: "a", Line: 90}, "")
	c := diag.Errorf("X", "takes 12m of 3 steps").At(diag.Position{File: "b", Line: 1}, "")
	d := diag.Errorf("X", "takes 12m of 3 steps").About(diag.Subject{Node: "n"})
	if fingerprint(a) != fingerprint(b) || fingerprint(a) == fingerprint(c) || fingerprint(a) == fingerprint(d) {
		t.Error("a line or a number changes a fingerprint, or another file or subject does not")
	}
}

func TestSince(t *testing.T) {
	r := rich()
	if r.Base.Old != 1 || len(r.Base.Fixed) != 1 || r.Base.Fixed[0].Code != "BS001" || r.Summary.Old != 1 || r.Summary.Warnings != 0 {
		t.Errorf("%+v %+v", r.Base, r.Summary)
	}
	// Two of a kind at the base cover two, and the third is new.
	two := func(n int) (l diag.List) {
		for i := range n {
			l.Add(diag.Errorf("X", "same").At(diag.Position{File: "a", Line: i + 1}, ""))
		}
		return l
	}
	s := New(Tool{}, "check")
	s.Diagnostics = two(3)
	s.Finish().Since(two(2), true)
	if s.Finish().Summary.Errors != 1 || s.Base.Old != 2 {
		t.Errorf("%+v %+v", s.Summary, s.Base)
	}
}

// A number in a name is part of the name; one that counts is not.
func TestPlainer(t *testing.T) {
	same := [][2]string{
		{"takes 12m of 3 steps", "takes 1h30m of 7 steps"},
		{"2 of 5 (40%) survive", "1 of 4 (25%) survive"},
		{"declared at clusters/a.cue:3:7", "declared at clusters/a.cue:31:1"},
		{"needs 1.5Gi", "needs 12Gi"},
		{"Job web-aaaabbbbcccc runs", "Job web-ddddeeeeffff runs"},
	}
	for _, x := range same {
		if a, b := plainer(x[0]), plainer(x[1]); a != b {
			t.Errorf("%q and %q are two findings: %q, %q", x[0], x[1], a, b)
		}
	}
	other := [][2]string{
		{`unknown node "db1"`, `unknown node "db2"`},
		{"unknown node db-1", "unknown node db-2"},
		{`image "web:1.4" is by tag`, `image "web:2.0" is by tag`},
		{"the secret 'key 1' is gone", "the secret 'key 2' is gone"},
		{"declared at zone1/a.cue:3", "declared at zone2/a.cue:3"},
		{"Kubernetes v1.33 is served no more", "Kubernetes v1.34 is served no more"},
	}
	for _, x := range other {
		if plainer(x[0]) == plainer(x[1]) {
			t.Errorf("%q and %q are one finding", x[0], x[1])
		}
	}
}

// TestScanners: what words are, and what is particular, is what these expressions
// say; they are what took the time of a report on a thousand clusters.
func TestScanners(t *testing.T) {
	word := regexp.MustCompile("\"[^\"]*\"|`[^`]*`|'[^']*'|[^\\s()\\[\\]{},;\"`]+")
	particular := regexp.MustCompile("\"[^\"]*\"|`[^`]*`|[^ ]*[/@:.0-9][^ ]*")
	parts := []string{`"`, "`", "'", " ", "\n", "(", "]", ";", ",", "a", "web", "12m", "1.5Gi", "deadbeefcafe", "ü", "\xff", "/", ":3", ":", ".", "@", "0", "-", "#"}
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 3))
	for range 50_000 {
		var b strings.Builder
		for range r.IntN(12) {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		s := b.String()
		want := word.ReplaceAllStringFunc(s, func(w string) string {
			if strings.ContainsAny(w[:1], "\"`'") {
				return w
			}
			if amount.MatchString(w) {
				return "#"
			}
			return hash.ReplaceAllString(place.ReplaceAllString(w, "$1:#"), "#")
		})
		if got := plainer(s); got != want {
			t.Fatalf("seed %d: %q without amounts is %q, want %q", seed, s, got, want)
		}
		if got, want := general(s), particular.ReplaceAllString(s, "…"); got != want {
			t.Fatalf("seed %d: %q in general is %q, want %q", seed, s, got, want)
		}
	}
}

// One dangling name in the place of another is a new finding, and what a change
// waives it has not fixed.
func TestSinceIsHonest(t *testing.T) {
	one := func(name string) *diag.Diagnostic {
		return diag.Errorf("X", "unknown node %q", name).At(diag.Position{File: "a", Line: 1}, "")
	}
	r := New(Tool{}, "check")
	r.Diagnostics.Add(one("db2"))
	r.Finish().Since(diag.List{one("db1")}, true)
	if r.Finish().Summary.Errors != 1 || r.Base.Old != 0 || len(r.Base.Fixed) != 1 {
		t.Errorf("renamed: %+v %+v", r.Summary, r.Base)
	}
	w := New(Tool{}, "check")
	d := one("db1")
	d.Waived = &diag.Waived{ID: "w"}
	w.Diagnostics.Add(d)
	w.Finish().Since(diag.List{one("db1")}, true)
	if w.Finish(); w.Summary.Waived != 1 || len(w.Base.Fixed) != 0 || w.Base.Old != 0 {
		t.Errorf("waived: %+v %+v", w.Summary, w.Base)
	}
}

// oasis is the schema of SARIF 2.1.0, which a module for Go carries as text. The
// module writes empty lists that the schema forbids, so its own check of what it
// has read back says nothing about our bytes.
func oasis(t *testing.T) *jsonschema.Schema {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/owenrumney/go-sarif/v3").Output()
	if err != nil {
		t.Fatal(err)
	}
	src, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "pkg", "report", "v210", "sarif", "schema.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(src), "`")
	text, _, _ = strings.Cut(text, "`")
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("sarif.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The schema is OASIS's.
func TestSARIFIsValid(t *testing.T) {
	schema := oasis(t)
	for _, r := range []*Result{rich(), New(Tool{"darkstart", ""}, "check").Finish()} {
		b := written(t, SARIF, r)
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Fatalf("not SARIF 2.1.0: %v\n%s", err, b)
		}
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(`{"version": "2.1.0", "runs": [{"tool": {}}]}`))
	if err != nil || schema.Validate(v) == nil {
		t.Error("the schema refuses nothing", err)
	}
	text := string(written(t, SARIF, rich()))
	for _, want := range []string{
		`"uri": "fleets/shop/clusters/prod/a%20b.cue"`, `"baselineState": "unchanged"`, `"baselineState": "new"`, `"justification": "`, `"darkstart/v1": "`, `"text": "@sha256:1"`, `"startLine": 3`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
}

// A reader takes so many results and so many bytes: the least severe go first,
// and it is said how many.
func TestSARIFLimits(t *testing.T) {
	for name, message := range map[string]string{"results": "x", "bytes": strings.Repeat("long ", 400)} {
		t.Run(name, func(t *testing.T) {
			r := New(Tool{"darkstart", "v1"}, "check")
			const n = 30_000
			for i := range n {
				d := diag.Warningf("W", "%s", message).At(diag.Position{File: fmt.Sprint("f", i), Line: 1}, "")
				if i%100 == 0 {
					d.Severity = diag.Error
				}
				r.Diagnostics.Add(d)
			}
			b := written(t, SARIF, r.Finish())
			var log struct {
				Runs []struct {
					Results     []struct{ Level string }
					Invocations []struct {
						ToolExecutionNotifications []struct{ Message struct{ Text string } }
					}
				}
			}
			if err := json.Unmarshal(b, &log); err != nil {
				t.Fatal(err)
			}
			run := log.Runs[0]
			errors := 0
			for _, x := range run.Results {
				if x.Level == "error" {
					errors++
				}
			}
			if len(b) > maxSARIFBytes || len(run.Results) > maxSARIFResults || errors != n/100 {
				t.Errorf("%d bytes, %d results, %d errors", len(b), len(run.Results), errors)
			}
			said := run.Invocations[0].ToolExecutionNotifications
			if len(said) != 1 || !strings.HasPrefix(said[0].Message.Text, fmt.Sprintf("%d more finding", n-len(run.Results))[:len(fmt.Sprint(n-len(run.Results)))]) {
				t.Errorf("what was left out is not said: %+v", said)
			}
		})
	}
}

func many(n int) *Result {
	r := rich()
	for i := range n {
		r.Diagnostics.Add(diag.Errorf(fmt.Sprintf("C%03d", i), "finding %d: %s", i, strings.Repeat("words ", 40)).
			At(diag.Position{File: "f.cue", Line: i + 1}, "").About(diag.Subject{Object: fmt.Sprint("ConfigMap/a/", i)}).Fix("mend it"))
	}
	return r.Finish()
}

var (
	codeSpan = regexp.MustCompile("``.*?``|`[^`]*`")
	link     = regexp.MustCompile(`[^\\]\]\(`)
)

// A comment has a maximum length. What does not fit is left out whole, and said.
func TestMarkdownFits(t *testing.T) {
	for _, n := range []int{0, 10, 1000} {
		b := written(t, Markdown, many(n))
		if len(b) > maxComment {
			t.Errorf("%d findings: %d bytes", n, len(b))
		}
		if open, closed := bytes.Count(b, []byte("<details>")), bytes.Count(b, []byte("</details>")); open != closed {
			t.Errorf("%d findings: %d details opened, %d closed", n, open, closed)
		}
		if left := bytes.Contains(b, []byte("left out: this is as long as a comment may be")); left != (n == 1000) {
			t.Errorf("%d findings: left out: %v", n, left)
		}
		for line := range strings.Lines(string(b)) {
			line = codeSpan.ReplaceAllString(line, "")
			for _, bad := range []string{"<script>", "@team"} {
				if strings.Contains(line, bad) {
					t.Errorf("%q reaches the comment as it is: %s", bad, line)
				}
			}
			if !strings.HasPrefix(line, "<") && link.MatchString(line) {
				t.Errorf("a link reaches the comment: %s", line)
			}
		}
	}
}

// GitHub shows ten of each severity: the worst come first, the rest is counted.
func TestGitHub(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(string(written(t, GitHub, many(50)))), "\n")
	command := regexp.MustCompile(`^::(error|warning|notice) ([a-zA-Z]+=[^,:]*,?)*::`)
	errors := 0
	for _, l := range lines {
		if !command.MatchString(l) {
			t.Errorf("no workflow command: %s", l)
		}
		if strings.HasPrefix(l, "::error ") {
			errors++
		}
	}
	if errors != maxAnnotations || !strings.Contains(lines[len(lines)-1], "not shown here") {
		t.Errorf("%d errors; last: %s", errors, lines[len(lines)-1])
	}
	lines = strings.Split(string(written(t, GitHub, rich())), "\n")
	if !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, "file=fleets/shop/fleet/stores.cue,line=2,") }) {
		t.Error("no path from the repository's root")
	}
}

func TestGitLab(t *testing.T) {
	var issues []gitlabIssue
	if err := json.Unmarshal(written(t, GitLab, rich()), &issues); err != nil {
		t.Fatal(err)
	}
	if len(issues) != 4 { // the waived one is left out
		t.Errorf("%d issues", len(issues))
	}
	for _, i := range issues {
		if i.Fingerprint == "" || i.Location.Path == "" || i.Location.Lines.Begin < 1 || i.Severity == "" {
			t.Errorf("%+v", i)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for src, want := range map[string]string{
		`{"version":"darkstart.dev/result/v1"`: "cut off", `{"version":"darkstart.dev/result/v9"}`: "is not", `[]`: "cannot unmarshal", ``: "cut off",
	} {
		if _, err := Parse([]byte(src)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", src, err)
		}
	}
}
