package evaluate

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/darkstart-dev/darkstart/schemas"
)

var update = flag.Bool("update", false, "rewrite the goldens in testdata")

const goldenDiags, goldenUnits = "want/diagnostics", "want/units"

// archive splits a txtar into the fleet's files and the goldens.
func archive(t testing.TB, name string) (*txtar.Archive, map[string]string) {
	t.Helper()
	a, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range a.Files {
		if !strings.HasPrefix(f.Name, "want/") {
			files[f.Name] = string(f.Data)
		}
	}
	if _, ok := files[moduleFile]; !ok && !strings.Contains(string(a.Comment), "no module file") {
		files[moduleFile] = "module: \"example.com/fleet@v0\"\nlanguage: version: \"v0.17.0\"\n"
	}
	return a, files
}

func evaluateFiles(t testing.TB, files map[string]string, c *Config) (*ir.Units, diag.List) {
	t.Helper()
	c.Schemas = schemas.FS
	us, ds, err := Evaluate(context.Background(), tree.FromMap(files), c)
	if err != nil {
		t.Fatal(err)
	}
	return us, ds
}

func TestGolden(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) < 10 {
		t.Fatalf("testdata/*.txtar holds %d archives (%v): the test would prove nothing", len(names), err)
	}
	used := map[string]bool{}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			a, files := archive(t, name)
			us, ds := evaluateFiles(t, files, &Config{MaxFile: 20_000, MaxNesting: 400})
			for _, d := range ds {
				used[d.Code] = true
				wellFormed(t, d)
			}
			golden(t, name, a, goldenDiags, render(ds))
			if strings.Contains(string(a.Comment), "units") {
				golden(t, name, a, goldenUnits, renderUnits(t, us))
			}
		})
	}
	for _, code := range []string{
		"EVL001", "EVL002", "EVL003", "EVL004", "EVL005", "EVL006", "EVL007", "EVL010", "EVL011", "EVL012", "EVL013", "EVL014",
		"EVL020", "EVL021", "EVL022", "EVL023", "EVL024", "EVL025", "EVL026", "EVL027", "EVL028", "EVL030", "EVL031", "EVL040",
	} {
		if !used[code] {
			t.Errorf("no archive shows %s", code)
		}
	}
}

// wellFormed holds every diagnostic to the habits of package diag.
func wellFormed(t *testing.T, d *diag.Diagnostic) {
	t.Helper()
	if !slices.ContainsFunc(Codes, func(e diag.Entry) bool { return e.Code == d.Code }) {
		t.Errorf("code %s is not in Codes", d.Code)
	}
	if len(d.Help) == 0 || len(d.Labels) == 0 || strings.HasSuffix(d.Message, ".") {
		t.Errorf("%s lacks help or a position, or ends with a full stop: %q", d.Code, d.Message)
	}
	for _, l := range d.Labels {
		if strings.Contains(l.File, ".darkstart") || strings.HasPrefix(l.File, "/") {
			t.Errorf("%s points at %s, which is no file of the fleet", d.Code, l.File)
		}
	}
}

func golden(t *testing.T, file string, a *txtar.Archive, name, got string) {
	t.Helper()
	i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == name })
	if *update {
		if i < 0 {
			a.Files = append(a.Files, txtar.File{Name: name})
			i = len(a.Files) - 1
		}
		a.Files[i].Data = []byte(got)
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if i < 0 {
		t.Fatalf("no golden %s; run with -update", name)
	}
	if want := string(a.Files[i].Data); got != want {
		t.Errorf("%s\n--- got\n%s--- want\n%s", name, got, want)
	}
}

func render(ds diag.List) string {
	var b strings.Builder
	for _, d := range ds {
		fmt.Fprintf(&b, "%s[%s]: %s\n", d.Severity, d.Code, d.Message)
		for _, l := range d.Labels {
			fmt.Fprintln(&b, strings.TrimRight(fmt.Sprintf("  --> %s-%d %s", l.Position, l.EndColumn, l.Text), " "))
		}
		for _, n := range d.Notes {
			fmt.Fprintln(&b, "  note:", n)
		}
		for _, h := range d.Help {
			fmt.Fprintln(&b, "  help:", h)
		}
	}
	return b.String()
}

func renderUnits(t *testing.T, us *ir.Units) string {
	t.Helper()
	var b strings.Builder
	for _, u := range us.Clusters {
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, u.JSON, "", "  "); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s %v\n%s\n", u.Name, u.Dir, u.Files, pretty.String())
		for k, at := range u.Pos.All() {
			fmt.Fprintln(&b, k, at)
		}
	}
	return b.String()
}

func TestDeterministic(t *testing.T) {
	_, files := archive(t, "testdata/rich.txtar")
	var first string
	for _, n := range []int{1, 3, 8} {
		us, ds := evaluateFiles(t, files, &Config{Parallel: n})
		if len(us.Clusters) < 2 || us.Fleet == nil || us.Recovery == nil || us.Waivers == nil || us.Project == nil {
			t.Fatalf("units are missing: %s", ds)
		}
		got := render(ds) + renderUnits(t, us) + string(us.Fleet.JSON) + string(us.Recovery.JSON) + string(us.Waivers.JSON) + string(us.Project.JSON)
		if first == "" {
			first = got
		}
		if got != first {
			t.Fatalf("result depends on Parallel=%d", n)
		}
	}
}

func TestBudget(t *testing.T) {
	files := map[string]string{
		moduleFile:                "module: \"example.com/fleet@v0\"\nlanguage: version: \"v0.17.0\"\n",
		"clusters/eu/cluster.cue": "package clusters\nimport \"list\"\n_r: list.Range(0, 3000, 1)\n_x: [for a in _r for b in _r {a * b}]\nkubernetes: \"1.36\"\ncomponents: {}\nquorum: len(_x)\n",
	}
	if _, ds := evaluateFiles(t, files, &Config{Deadline: 50 * time.Millisecond}); len(ds) != 1 || ds[0].Code != "EVL032" {
		t.Errorf("time budget: %s", ds)
	}
	if _, ds := evaluateFiles(t, files, &Config{MaxMemory: 1}); len(ds) != 1 || ds[0].Code != "EVL033" {
		t.Errorf("memory budget: %s", ds)
	}
}

func TestSandboxDoesNotSeeTheMachine(t *testing.T) {
	t.Setenv("CUE_REGISTRY", "registry.invalid")
	secret := filepath.Join(t.TempDir(), "secret.json")
	if err := os.WriteFile(secret, []byte(`"leak"`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{secret, "../../" + secret, "../secret.json"} {
		_, ds := evaluateFiles(t, map[string]string{
			moduleFile:                "module: \"example.com/fleet@v0\"\nlanguage: version: \"v0.17.0\"\n",
			"clusters/eu/cluster.cue": "@extern(embed)\npackage clusters\nkubernetes: \"1.36\"\ncomponents: {}\nowner: _ @embed(file=\"" + path + "\")\n",
		}, &Config{})
		if len(ds) != 1 || ds[0].Code != "EVL014" {
			t.Errorf("@embed(%s): %s", path, ds)
		}
	}
}

// FuzzEvaluate needs -fuzzminimizetime=1x: the coverage of the evaluator varies
// between runs, which keeps Go's minimiser busy for a minute an input.
func FuzzEvaluate(f *testing.F) {
	for _, s := range []string{"package clusters\nkubernetes: \"1.36\"\ncomponents: {}\n", "package clusters\n#: [...#]\na: {b: a}\n", "package clusters\n\"\\(a\\(b)\":", "@if(x)\npackage clusters\nlet x = x\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		_, ds, err := Evaluate(context.Background(), tree.FromMap(map[string]string{
			moduleFile:                "module: \"example.com/fleet@v0\"\nlanguage: version: \"v0.17.0\"\n",
			"clusters/eu/cluster.cue": src,
		}), &Config{Schemas: schemas.FS, MaxFile: 1 << 12, MaxNesting: 200, Deadline: 5 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range ds {
			if d.Severity == diag.Error && len(d.Help) == 0 {
				t.Errorf("%s without help", d.Code)
			}
		}
	})
}

// TestMutations breaks the rich fleet in forty ways, always the same: none
// may panic (EVL029), hang, or be an error of the environment.
func TestMutations(t *testing.T) {
	_, files := archive(t, "testdata/rich.txtar")
	src := files["clusters/eu-west-1/cluster.cue"]
	r := rand.New(rand.NewPCG(1, 2))
	broken := 0
	for range 40 {
		b := []byte(src)
		for range 1 + r.IntN(3) {
			b[r.IntN(len(b))] = "(){}[]\"\\#,:?!*&|=ab1 \n._"[r.IntN(24)]
		}
		files["clusters/eu-west-1/cluster.cue"] = string(b)
		_, ds := evaluateFiles(t, files, &Config{Clusters: []string{"eu-west-1"}, Deadline: 30 * time.Second})
		for _, d := range ds {
			wellFormed(t, d)
			if d.Code == "EVL029" || d.Code == "EVL032" {
				t.Errorf("%s on %q", d.Message, b)
			}
		}
		if ds.HasErrors() {
			broken++
		}
	}
	if broken < 20 {
		t.Errorf("only %d of 40 mutants were refused: the test proves little", broken)
	}
}
