package compiler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/guard"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/cli/scaffold"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/darkstart-dev/darkstart/plans"
	"github.com/darkstart-dev/darkstart/policies"
	"github.com/darkstart-dev/darkstart/schemas"
	"github.com/darkstart-dev/darkstart/schemas/kubernetes"
)

// The fleets under testdata/fleets are what a user meets first and what a user
// meets when something is wrong: example is green, broken shows the findings
// that can stand in one fleet, and broken.d has a small fleet for each other
// diagnostic. Together they are the proof that every code can be reached.

const fleets = "../testdata/fleets"

var updateFleets = flag.Bool("fleets.update", false, "rewrite the goldens under testdata/fleets")

// judgedAt is the committer time of every fleet here (D13).
const judgedAt = "2026-11-20T12:00:00Z"

// guardrails are the same for every fleet, and most of the work on a small one.
var guardrails = sync.OnceValues(func() (*guard.Prepared, error) {
	return guard.Prepare(context.Background(), policies.FS)
})

func compileFleet(t *testing.T, files map[string]string) *compiler.Result {
	t.Helper()
	return compileSince(t, nil, files)
}

// compileSince compiles a fleet that was another one before.
func compileSince(t *testing.T, base *compiler.Result, files map[string]string) *compiler.Result {
	t.Helper()
	res, err := compile(base, files)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func compile(base *compiler.Result, files map[string]string) (*compiler.Result, error) {
	rules, err := guardrails()
	if err != nil {
		return nil, err
	}
	return compiler.Compile(context.Background(), &compiler.Config{
		Tree: tree.FromMap(files), Revision: ir.Revision{Time: judgedAt},
		Schemas: schemas.FS, Kubernetes: kubernetes.FS, Guardrails: rules, Base: base,
	})
}

// example is the example fleet and what it compiles to, for tests that only look.
func example(t *testing.T) (map[string]string, *compiler.Result) {
	t.Helper()
	res, err := compiledExample()
	if err != nil {
		t.Fatal(err)
	}
	return filesOf(t, os.DirFS(filepath.Join(fleets, "example"))), res
}

var compiledExample = sync.OnceValues(func() (*compiler.Result, error) {
	files, err := read(os.DirFS(filepath.Join(fleets, "example")))
	if err != nil {
		return nil, err
	}
	return compile(nil, files)
})

func filesOf(t *testing.T, dir fs.FS) map[string]string {
	t.Helper()
	out, err := read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// read reads a folder; names of embedded dot files get their dot.
func read(dir fs.FS) (map[string]string, error) {
	out := map[string]string{}
	err := fs.WalkDir(dir, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(dir, p)
		if p == "gitignore" {
			p = ".gitignore"
		}
		out[p] = string(b)
		return err
	})
	return out, err
}

func profile(t *testing.T, name string) map[string]string {
	t.Helper()
	sub, err := fs.Sub(scaffold.FS, name)
	if err != nil {
		t.Fatal(err)
	}
	return filesOf(t, sub)
}

// open are the cells of a plan that are neither proven, unaffected nor accepted.
func open(p *plans.Plan) []string {
	var out []string
	for _, s := range p.Scenarios {
		for _, c := range s.Cells {
			switch c.Verdict {
			case plans.Proven, plans.Unaffected, plans.AcceptedV:
			default:
				out = append(out, fmt.Sprintf("%s × %s: %s", s.Scenario.ID, c.Node, c.Verdict))
			}
		}
	}
	return out
}

func TestScaffoldsAreClean(t *testing.T) {
	for _, name := range []string{"minimal", "production"} {
		t.Run(name, func(t *testing.T) {
			res := compileFleet(t, profile(t, name))
			for _, d := range res.Diagnostics {
				// Nobody has drilled what was written a minute ago, and nothing says
				// otherwise: only a drill can.
				if name == "production" && d.Code == "DR005" && strings.HasSuffix(d.Message, "was never run as a drill") {
					continue
				}
				t.Errorf("init --profile %s is not clean: %s", name, line(d))
			}
			if res.Plan == nil || res.Verdict == nil || len(res.Artifacts) < 2 {
				t.Fatal("the pipeline did not reach its end")
			}
			if bad := open(res.Plan); len(bad) > 0 {
				t.Errorf("not proven:\n%s", strings.Join(bad, "\n"))
			}
		})
	}
}

// A policy that cannot fail guards nothing.
func TestScaffoldPolicyFires(t *testing.T) {
	files := profile(t, "production")
	const at = "components/shop/deployment.yaml"
	files[at] = strings.Replace(files[at], "cpu: 50m, ", "", 1)
	res := compileFleet(t, files)
	if !slices.ContainsFunc(res.Diagnostics, func(d *diag.Diagnostic) bool { return d.Code == "main.deny_no_request" }) {
		t.Error("a container without a CPU request passed")
	}
}

func TestExampleIsGreen(t *testing.T) {
	files := filesOf(t, os.DirFS(filepath.Join(fleets, "example")))
	if *updateFleets {
		records(t, files, compileFleet(t, files).Plan)
		files = filesOf(t, os.DirFS(filepath.Join(fleets, "example")))
	}
	res := compileFleet(t, files)
	waivers := map[string]bool{}
	for _, d := range res.Diagnostics {
		if d.Waived == nil {
			t.Errorf("not clean: %s", line(d))
			continue
		}
		waivers[d.Waived.ID] = true
	}
	if len(waivers) != 1 {
		t.Errorf("%d waivers are used, want one: %v", len(waivers), slices.Sorted(maps.Keys(waivers)))
	}
	if bad := open(res.Plan); len(bad) > 0 {
		t.Errorf("not proven:\n%s", strings.Join(bad, "\n"))
	}
	for _, f := range res.Plan.Findings {
		if !f.Note {
			t.Errorf("a well-declared fleet has a defect: %s: %s", f.Class, f.Message)
		}
	}
	records(t, files, res.Plan)
	golden(t, filepath.Join(fleets, "example.digests"), "# Content digests: who changes one says why in the commit.\n"+digests(t, res))
}

// records holds that what the example's drills tried is what stands there now.
// In a real fleet a new digest means a new drill; here it is only rewritten.
func records(t *testing.T, files map[string]string, p *plans.Plan) {
	t.Helper()
	closure := regexp.MustCompile(`sha256:[0-9a-f]{64}`)
	for name, content := range files {
		if !strings.HasPrefix(name, "evidence/") {
			continue
		}
		var e struct{ Procedure, Closure string }
		if err := json.Unmarshal([]byte(content), &e); err != nil {
			t.Fatal(name, err)
		}
		want := string(p.Closures[e.Procedure])
		if *updateFleets && want != "" {
			content = closure.ReplaceAllString(content, want)
			if err := os.WriteFile(filepath.Join(fleets, "example", name), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if e.Closure != want {
			t.Errorf("%s: %s has closure %s now: what was drilled has changed", name, e.Procedure, want)
		}
	}
}

func digests(t *testing.T, res *compiler.Result) string {
	t.Helper()
	var b strings.Builder
	for _, a := range res.Artifacts {
		d, ds, err := seal.NewDraft(a)
		if err != nil || len(ds) > 0 {
			t.Fatal(err, ds)
		}
		fmt.Fprintf(&b, "%s %s\n", d.Content, a.Name)
	}
	return b.String()
}

// One line less, and a named cell says why.
func TestExampleWithoutSecondRegistry(t *testing.T) {
	files := filesOf(t, os.DirFS(filepath.Join(fleets, "example")))
	const at = "fleet/world.cue"
	cut := strings.Replace(files[at], "\t\t\t[\"eu-central\"],\n", "", 1)
	if cut == files[at] {
		t.Fatal("the second registry mirror is not where it was")
	}
	files[at] = cut
	res := compileFleet(t, files)
	for _, s := range res.Plan.Scenarios {
		if s.Scenario.ID != "region-lost/eu-west" {
			continue
		}
		for _, c := range s.Cells {
			if c.Node == "shop" && c.Verdict != plans.Unrecoverable {
				t.Errorf("shop under %s is %s, want unrecoverable", s.Scenario.ID, c.Verdict)
			}
		}
		if !slices.ContainsFunc(s.Witnesses, func(w plans.Witness) bool { return w.Leaf == "registry" }) {
			t.Errorf("no witness ends at the registry: %+v", s.Witnesses)
		}
		return
	}
	t.Fatal("no scenario region-lost/eu-west")
}

// unreachable are the codes that no content of a fleet can print.
var unreachable = []struct{ prefix, why string }{
	{"SRC", "git: what a repository, its index or a link looks like, not what a fleet says; internal/git shows each"},
	{"LCK005", "`lock --import`: the imported file, not the fleet's; compiler/lock shows it"},
	{"LCK006", "`lock --import`, as LCK005"},
	{"LCK007", "`lock`, which asks a registry; compiler/lock shows it"},
	{"LCK008", "as LCK007"},
	{"LCK009", "`--locked` and `lock --check`; compiler/lock and internal/cli show it"},
	{"LCK010", "as LCK009; without --locked the same is SC001"},
	{"LCK011", "`lock --update REF`, a flag; compiler/lock shows it"},
	{"CLI", "flags of the command line, and records that were never committed"},
	{"PUB", "`publish`: records, keys and registries, not what a fleet says; compiler/publish and internal/cli show each"},
	{"EVL029", "a defect of the evaluator"},
	{"EVL033", "memory: a fleet that needs a gigabyte to fail does not belong into a test; compiler/evaluate shows it with a lower limit"},
	{"EVL032", "time, as EVL033"},
	{"GRD004", "the deadline of ten seconds: compiler/guard shows it with a shorter one"},
	{"GRD031", "`darkstart test`, not the fleet's verdict; compiler/guard shows it"},
	{"GRD032", "as GRD031"},
	{"GRD033", "as GRD031"},
	{"GRD017", "a run without a time: every revision has one"},
	{"EMT001", "promises of the linker to the emitter; compiler/emit breaks them by hand"},
	{"EMT002", "as EMT001"},
	{"LCK004", "importing two files that disagree; in a lock, the same is LCK001"},
	{"LNK011", "the evaluator says it first, as EVL027: a promise to the linker"},
	{"OBJ001", "the schema says it first, as EVL023: a promise to the validator"},
	{"RND019", "a list of 100,000 objects; compiler/render/yaml shows it with a lower limit"},
	{"RND025", "the schema says it first, as EVL027"},
	{"RND029", "the schema says it first, as EVL023"},
	{"RND057", "what makes renderings differ is refused first, as RND055 and RND056; compiler/render/helm shows the second net"},
	{"PLN001", "the linker says it first, as LNK and BS001"},
	{"PLN003", "the schema says it first, as EVL026"},
	{"PLN004", "the linker says it first, as LNK017"},
	{"PLN005", "the linker says it first, as LNK004"},
	{"PLN009", "names are keys, and keys are unique: a promise of the linker"},
	{"PLN010", "a million nodes; plans/solver shows it"},
	{"PLN012", "the schema says it first, as EVL023"},
	{"PLN013", "a scenario named on the command line"},
	{"SEA", "sealed bundles: testdata/vectors/bundles"},
	{"SIG", "keys and signatures: testdata/vectors/bundles"},
	{"SHD", "shards are exchanged by compile --shard and assemble: compiler/shard and the script shard show each"},
	{"REL", "releases/ is read by release and verify, not by compile; compiler/release shows each"},
}

func TestBrokenFleets(t *testing.T) {
	shown := &shownCodes{by: map[string]string{}}
	t.Run("broken", func(t *testing.T) {
		res := compileFleet(t, filesOf(t, os.DirFS(filepath.Join(fleets, "broken"))))
		judge(t, res.Diagnostics)
		shown.add("broken", res.Diagnostics)
		golden(t, filepath.Join(fleets, "broken.golden"), print(res.Diagnostics))
	})
	names, err := filepath.Glob(filepath.Join(fleets, "broken.d", "*.txtar"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no broken fleets: %v", err)
	}
	t.Run("each", func(t *testing.T) {
		for _, name := range names {
			t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
				t.Parallel()
				oneBroken(t, name, shown)
			})
		}
	})
	everyCode(t, shown.by)
}

// oneBroken compiles one archive: the files of a profile ("minimal" unless a
// file "base" names another, or "none"), with those of the archive on top.
// Lines of "remove" take files away; "fill" makes a big one: path, how often, what.
// Files below "was/" make the fleet that it was before, with all others as they are.
func oneBroken(t *testing.T, name string, shown *shownCodes) {
	a, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	code, _, _ := strings.Cut(filepath.Base(name), "-")
	if len(bytes.TrimSpace(a.Comment)) == 0 {
		t.Error("the archive does not say what is wrong with it")
	}
	files, before := overlay(t, a)
	var base *compiler.Result
	if before != nil {
		base = compileFleet(t, before)
	}
	res := compileSince(t, base, files)
	judge(t, res.Diagnostics)
	if !slices.ContainsFunc(res.Diagnostics, func(d *diag.Diagnostic) bool { return d.Code == code }) {
		t.Errorf("%s is not reported, but:\n%s", code, print(res.Diagnostics))
	}
	shown.add(name, res.Diagnostics)
	i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == "want" })
	got := []byte(print(res.Diagnostics))
	if *updateFleets {
		if i < 0 {
			i, a.Files = len(a.Files), append(a.Files, txtar.File{Name: "want"})
		}
		a.Files[i].Data = got
		if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if i < 0 || !bytes.Equal(a.Files[i].Data, got) {
		t.Errorf("diagnostics differ (-fleets.update rewrites them):\n%s", got)
	}
}

func overlay(t *testing.T, a *txtar.Archive) (files, before map[string]string) {
	t.Helper()
	base, was := "minimal", map[string]string{}
	files = map[string]string{}
	for _, f := range a.Files {
		if f.Name == "base" {
			base = strings.TrimSpace(string(f.Data))
		}
	}
	if base != "none" {
		files = profile(t, base)
	}
	for _, f := range a.Files {
		switch f.Name {
		case "base", "want":
		case "remove":
			for _, name := range strings.Fields(string(f.Data)) {
				delete(files, name)
			}
		case "fill":
			var path, what string
			var n int
			if _, err := fmt.Sscanf(string(f.Data), "%s %d %q", &path, &n, &what); err != nil {
				t.Fatal("fill: want path, count and quoted text: ", err)
			}
			files[path] = strings.Repeat(what, n)
		default:
			if name, ok := strings.CutPrefix(f.Name, "was/"); ok {
				was[name] = string(f.Data)
				continue
			}
			files[f.Name] = string(f.Data)
		}
	}
	if len(was) > 0 {
		before = maps.Clone(files)
		maps.Copy(before, was)
	}
	return files, before
}

// judge holds what a tired reader needs of every diagnostic.
func judge(t *testing.T, ds diag.List) {
	t.Helper()
	for _, d := range ds {
		if len(d.Labels) == 0 || d.Labels[0].File == "" {
			t.Errorf("no position: %s", line(d))
		}
		if len(d.Help) == 0 && d.Severity > diag.Note {
			t.Errorf("no help: %s", line(d))
		}
		if m := d.Message; m == "" || strings.HasSuffix(m, ".") || strings.Contains(m, "\n") {
			t.Errorf("not one plain sentence: %q", m)
		}
	}
}

func line(d *diag.Diagnostic) string {
	at := ""
	if len(d.Labels) > 0 {
		at = d.Labels[0].Position.String()
	}
	return fmt.Sprintf("%s[%s] %s: %s", d.Severity, d.Code, at, d.Message)
}

func print(ds diag.List) string {
	var b strings.Builder
	for _, d := range ds {
		fmt.Fprintln(&b, line(d))
		for _, l := range d.Labels[min(1, len(d.Labels)):] {
			fmt.Fprintf(&b, "  %s %s\n", l.Position, l.Text)
		}
		for _, n := range d.Notes {
			fmt.Fprintf(&b, "  note: %s\n", n)
		}
		for _, h := range d.Help {
			fmt.Fprintf(&b, "  help: %s\n", h)
		}
		if d.Waived != nil {
			fmt.Fprintf(&b, "  waived by %s\n", d.Waived.ID)
		}
	}
	return b.String()
}

// shownCodes collects which fleet shows which code.
type shownCodes struct {
	mu sync.Mutex
	by map[string]string
}

func (s *shownCodes) add(fleet string, ds diag.List) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range ds {
		s.by[d.Code] = fleet
	}
}

// everyCode demands that each documented code is shown, or excused for a reason.
func everyCode(t *testing.T, shown map[string]string) {
	t.Helper()
	all, err := compiler.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, e := range all {
		i := slices.IndexFunc(unreachable, func(u struct{ prefix, why string }) bool { return strings.HasPrefix(e.Code, u.prefix) })
		switch by, ok := shown[e.Code]; {
		case i < 0 && !ok:
			t.Errorf("%s (%s) is shown by no fleet", e.Code, e.Title)
		case i >= 0 && ok:
			t.Errorf("%s is said to be out of reach, and %s shows it", e.Code, by)
		case i >= 0:
			used[unreachable[i].prefix] = true
		}
	}
	for _, u := range unreachable {
		if !used[u.prefix] {
			t.Errorf("no code begins with %s any more", u.prefix)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *updateFleets {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs (-fleets.update rewrites it); now:\n%s", name, got)
	}
}

// contentOf returns the files of an artifact.
func contentOf(t *testing.T, a *ir.Artifact) []ir.File {
	t.Helper()
	files, err := a.Files()
	if err != nil {
		t.Fatal(err)
	}
	return files
}
