package emit_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/emit"
	"github.com/darkstart-dev/darkstart/compiler/emit/runbook"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/darkstart-dev/darkstart/plans"
	"github.com/darkstart-dev/darkstart/policies"
	"github.com/darkstart-dev/darkstart/schemas"
	"github.com/darkstart-dev/darkstart/schemas/kubernetes"
)

var update = flag.Bool("update", false, "rewrite the golden runbooks")

// small plans the fleet of testdata, after edits of its files.
func small(t *testing.T, edits ...string) *compiler.Result {
	t.Helper()
	ar, err := txtar.ParseFile("testdata/fleet.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files, replace := map[string]string{}, strings.NewReplacer(edits...)
	for _, f := range ar.Files {
		files[f.Name] = replace.Replace(string(f.Data))
	}
	res, err := compiler.Compile(context.Background(), &compiler.Config{
		Tree: tree.FromMap(files), Revision: ir.Revision{Time: "2026-11-20T12:00:00Z"}, Until: compiler.ToPlan,
		Schemas: schemas.FS, Kubernetes: kubernetes.FS, Policies: policies.FS,
	})
	if err != nil {
		t.Fatal(err)
	}
	if res.Plan == nil || res.Diagnostics.HasErrors() {
		t.Fatalf("the fleet does not plan:\n%s", res.Diagnostics)
	}
	return res
}

func page(t *testing.T, pages []emit.Page, path string) *emit.Page {
	t.Helper()
	i := slices.IndexFunc(pages, func(p emit.Page) bool { return p.Path == path })
	if i < 0 {
		t.Fatalf("no runbook is at %s", path)
	}
	return &pages[i]
}

func html(t *testing.T, r *runbook.Runbook) []byte {
	t.Helper()
	b, err := runbook.HTML(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestGolden shows whole pages in both formats to whoever reviews a change.
func TestGolden(t *testing.T) {
	res := small(t)
	pages, _, _ := emit.Runbooks(res.Fleet, res.Plan)
	for name, path := range map[string]string{
		"index": "runbooks/index", "bootstrap": "runbooks/bootstrap",
		"recovery": "runbooks/region-lost.east/shop", "restore": "runbooks/db-deleted/db",
	} {
		p := page(t, pages, path)
		for ext, got := range map[string][]byte{".md": runbook.AppendMarkdown(nil, p.Runbook), ".html": html(t, p.Runbook)} {
			file := filepath.Join("testdata/golden", name+ext)
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s is not as expected; look at the change and run the test with -update", file)
			}
		}
	}
}

// TestFormatsAgree: what a command, a number or a name says in one format, it
// says in the other.
func TestFormatsAgree(t *testing.T) {
	res := small(t)
	pages, _, _ := emit.Runbooks(res.Fleet, res.Plan)
	tags := regexp.MustCompile(`(?s)<style>.*?</style>|<script>.*?</script>|<[^>]*>`)
	for _, p := range pages {
		text := tags.ReplaceAllString(string(html(t, p.Runbook)), "")
		text = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&", "&#34;", `"`, "&#39;", "'", "&#43;", "+").Replace(text)
		md := string(runbook.AppendMarkdown(nil, p.Runbook))
		for _, s := range p.Sections {
			for _, b := range s.Blocks {
				if b.Step == nil {
					continue
				}
				for _, c := range b.Step.Commands {
					if !strings.Contains(md, c.Run) || !strings.Contains(text, c.Run) {
						t.Errorf("%s: a format lacks the command %q", p.Path, c.Run)
					}
				}
				for _, f := range b.Step.Facts {
					for _, span := range f.Value {
						if !strings.Contains(text, span.Words) {
							t.Errorf("%s: HTML lacks %q", p.Path, span.Words)
						}
					}
				}
			}
		}
	}
}

// TestSelfContained: nothing on a page is fetched, and hostile words stay words.
func TestSelfContained(t *testing.T) {
	res := small(t, "Promote the standby", `Promote <script>alert(1)</script>`)
	pages, _, _ := emit.Runbooks(res.Fleet, res.Plan)
	p := html(t, page(t, pages, "runbooks/region-lost.east/shop").Runbook)
	if bytes.Contains(p, []byte("<script>alert")) {
		t.Error("a declared text became markup")
	}
	if m := regexp.MustCompile(`(?i)(src|href)="?(https?:)?//|url\([^#]|@import|<link|<img|<iframe`).Find(p); m != nil {
		t.Errorf("the page refers to something outside it: %s", m)
	}
}

// TestDates: content holds the dates of evidence and never an age, and evidence
// of other procedures, of an older closure, or of a smaller disaster is none.
func TestDates(t *testing.T) {
	res := small(t)
	lastDrill := func(es ...plans.Evidence) string {
		res.Fleet.Model.Evidence = es
		pages, _, _ := emit.Runbooks(res.Fleet, res.Plan)
		return page(t, pages, "runbooks/region-lost.east/shop").Tiles[2].Value
	}
	good := plans.Evidence{ID: "d", Procedure: "promote", Closure: string(res.Plan.Closures["promote"]), Scope: []string{"east"}, Date: "2026-10-01", Result: "passed"}
	older, stale, narrow, failed := good, good, good, good
	older.Date, stale.Closure, narrow.Scope, failed.Result = "2026-01-01", "sha256:other", []string{"west"}, "failed"
	stale.Date, narrow.Date, failed.Date = "2026-11-01", "2026-11-01", "2026-11-01"
	if got := lastDrill(older, good, stale, narrow, failed); got != "2026-10-01" {
		t.Errorf("the last matching drill is %s, want 2026-10-01", got)
	}
	if got := lastDrill(stale, narrow, failed); got != "never" {
		t.Errorf("the last matching drill is %s, want never", got)
	}
}

// TestNamedObjects: what commands name is there, will be, or is a finding at
// its step; and only the last is one.
func TestNamedObjects(t *testing.T) {
	res := small(t)
	_, tally, ds := emit.Runbooks(res.Fleet, res.Plan)
	var got []string
	for _, d := range ds {
		if d.Code != "EMT003" || len(d.Help) == 0 || d.Primary().IsZero() {
			t.Errorf("not a positioned EMT003 with a fix: %v", d)
		}
		got = append(got, d.Message)
	}
	want := []string{
		`step "scale" of procedure "promote" names deployment/wed in namespace web of west, but nothing renders or creates Deployment/wed there`,
		`the verification of step "restore" of procedure "restore" names kind pods in namespace other of east, but there is no namespace "other"`,
	}
	if !slices.Equal(slices.Sorted(slices.Values(got)), want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if tally.Contradicted != 2 || tally.Runtime < 2 || tally.Present == 0 {
		t.Errorf("the tally is %+v", tally)
	}
	if !strings.Contains(strings.Join(append(ds[0].Help, ds[1].Help...), " "), `did you mean "web"`) {
		t.Errorf("no help proposes the nearest name: %s", ds)
	}
}

// TestPaths: every file of every artifact has a name that a bundle accepts.
func TestPaths(t *testing.T) {
	res := small(t, "db-deleted", strings.Repeat("d.b-", 15)+"x")
	artifacts, _, err := emit.Emit(t.Context(), res.Fleet, res.Plan, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range artifacts {
		seen := map[string]bool{}
		files, err := a.Files()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			fold := strings.ToLower(f.Path)
			if len(f.Path) > 100 || !regexp.MustCompile(`^[A-Za-z0-9._/-]+$`).MatchString(f.Path) || seen[fold] {
				t.Errorf("%s: %s is no name for a bundle", a.Name, f.Path)
			}
			seen[fold] = true
		}
		if a.Name != ir.FleetArtifact && (!seen["runbooks/bootstrap.md"] || !seen["runbooks/bootstrap.html"]) {
			t.Errorf("%s has no bootstrap runbook", a.Name)
		}
	}
}

// TestOnlyAffected: a page exists exactly where the plan takes a target down.
func TestOnlyAffected(t *testing.T) {
	res := small(t)
	pages, _, _ := emit.Runbooks(res.Fleet, res.Plan)
	got := map[string]bool{}
	for _, p := range pages {
		got[p.Scenario+" "+p.Target] = true
	}
	n := 0
	for _, r := range res.Plan.Scenarios {
		for _, c := range r.Cells {
			want := c.Verdict != plans.Unaffected && r.Scenario.Class != "bootstrap"
			if got[r.Scenario.ID+" "+c.Node] != want {
				t.Errorf("a runbook for %s after %s: %v, want %v", c.Node, r.Scenario.ID, !want, want)
			}
			n++
		}
	}
	if n == 0 {
		t.Fatal("the plan has no cells")
	}
}

// TestSameInputSameBytes covers the maps that pages are compiled from.
func TestSameInputSameBytes(t *testing.T) {
	var first []byte
	for range 3 {
		res := small(t)
		as, _, err := emit.Emit(t.Context(), res.Fleet, res.Plan, nil)
		if err != nil {
			t.Fatal(err)
		}
		var b []byte
		for _, a := range as {
			files, err := a.Files()
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				b = fmt.Appendf(b, "%s %s\n%s\n", a.Name, f.Path, f.Data)
			}
		}
		if first != nil && !bytes.Equal(first, b) {
			t.Fatal("the same fleet gave other bytes")
		}
		first = b
	}
}

func TestCodesDocumented(t *testing.T) {
	src := []byte(nil)
	files, _ := filepath.Glob("*.go")
	for _, f := range files {
		if !strings.HasSuffix(f, "_test.go") {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			src = append(src, b...)
		}
	}
	used := regexp.MustCompile(`(?:Errorf|Warningf|Notef)\("(EMT\d+)"`).FindAllSubmatch(src, -1)
	if len(used) < 3 {
		t.Fatalf("found %d uses of codes", len(used))
	}
	for _, u := range used {
		if !slices.ContainsFunc(emit.Codes, func(e diag.Entry) bool { return e.Code == string(u[1]) }) {
			t.Errorf("%s is not in Codes", u[1])
		}
	}
}
