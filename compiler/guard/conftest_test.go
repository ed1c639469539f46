package guard_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/darkstart-dev/darkstart/compiler/guard"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// TestConftest holds the verdicts over many policies and inputs to those of
// stock conftest: rule, level, message, place and metadata, by input.
//
// The policies are those of testdata/conftest (a txtar each, headed by
// settings), generated ones, and conftest's own examples where its source is in
// the module cache. The inputs are testdata/conftest/inputs.yaml, those of
// the examples, and a sample of the corpus of manifests where it is there.
//
// A policy that calls a builtin which the sandbox refuses is not compared but
// counted, by builtin. One that conftest gives up on must be refused here too.
func TestConftest(t *testing.T) {
	c := &comparison{conftest: tools.Path(t, tools.Conftest), excluded: map[string]int{}}
	inputs := conftestInputs(t)
	var cases []*conftestCase
	cases = append(cases, ownCases(t)...)
	if len(cases) < 40 {
		t.Errorf("%d policies in testdata/conftest: too few", len(cases))
	}
	cases = append(cases, generatedCases(50)...)
	cases = append(cases, exampleCases(t)...)
	t.Run("policies", func(t *testing.T) {
		for _, x := range cases {
			t.Run(x.name, func(t *testing.T) {
				t.Parallel()
				c.compare(t, x, append(slices.Clip(inputs), x.inputs...))
			})
		}
	})
	t.Logf("%d policies (%d of testdata, %d generated, %d of conftest's examples), %d inputs: %d compared, %d verdicts and %d exceptions the same, %d refused by both, %d excluded (%v), %d disagreements",
		len(cases), count("testdata/", cases), count("generated/", cases), count("examples/", cases), len(inputs),
		c.compared, c.verdicts, c.exceptions, c.refused, total(c.excluded), c.excluded, c.disagreements)
	if c.verdicts < 1000 || c.exceptions == 0 || c.refused == 0 || total(c.excluded) == 0 {
		t.Error("the comparison compared too little")
	}
}

func count(prefix string, cases []*conftestCase) (n int) {
	for _, x := range cases {
		if strings.HasPrefix(x.name, prefix) {
			n++
		}
	}
	return n
}

func total(m map[string]int) (n int) {
	for _, v := range m {
		n += v
	}
	return n
}

// A conftestCase is one policy set and how it is asked.
type conftestCase struct {
	name     string
	files    map[string]string // policies/… and others
	settings spec.PolicySettings
	inputs   []map[string]any // besides the shared ones
}

// flags asks conftest the same question.
func (x *conftestCase) flags() []string {
	out := []string{"test", "-o", "json", "--no-color", "-p", "policies"}
	for _, n := range x.settings.Namespaces {
		out = append(out, "--namespace", n)
	}
	if x.settings.AllNamespaces {
		out = append(out, "--all-namespaces")
	}
	for _, d := range x.settings.Data {
		out = append(out, "--data", d)
	}
	if x.settings.Combine {
		out = append(out, "--combine")
	}
	if v := x.settings.RegoVersion; v != "" {
		out = append(out, "--rego-version", v)
	}
	return append(out, "in")
}

// comparison is what all cases add up to.
type comparison struct {
	conftest string
	sync.Mutex
	compared, verdicts, exceptions, refused, disagreements int
	excluded                                               map[string]int // by builtin
}

func (c *comparison) compare(t *testing.T, x *conftestCase, inputs []map[string]any) {
	ours := x.judge(t, inputs)
	if ours.banned != "" {
		c.Lock()
		defer c.Unlock()
		c.excluded[ours.banned]++
		return
	}
	theirs := x.stock(t, c.conftest, inputs)
	c.Lock()
	defer c.Unlock()
	if ours.refused != "" || theirs.refused != "" {
		c.refused++
		t.Logf("refused by both: %s", ours.refused)
		if (ours.refused == "") != (theirs.refused == "") {
			c.disagreements++
			t.Errorf("darkstart: %q\nconftest: %q", ours.refused, theirs.refused)
		}
		return
	}
	c.compared++
	c.verdicts += len(theirs.verdicts)
	for _, n := range theirs.exceptions {
		c.exceptions += n
	}
	if !maps.Equal(ours.verdicts, theirs.verdicts) || !maps.Equal(ours.exceptions, theirs.exceptions) {
		c.disagreements++
		t.Errorf("verdicts differ:\n%s", difference(ours, theirs))
	}
}

// said are the verdicts of one side: a set, since a rule that says a thing twice
// about one input has said it.
type saidBy struct {
	verdicts   map[string]bool // "INPUT RULE LEVEL MESSAGE PLACE METADATA"
	exceptions map[string]int  // "NAMESPACE SUFFIX" to inputs
	refused    string          // why nothing was judged
	banned     string          // the builtin
}

func difference(ours, theirs *saidBy) string {
	var b strings.Builder
	for _, v := range slices.Sorted(maps.Keys(ours.verdicts)) {
		if !theirs.verdicts[v] {
			fmt.Fprintf(&b, "darkstart alone: %s\n", v)
		}
	}
	for _, v := range slices.Sorted(maps.Keys(theirs.verdicts)) {
		if !ours.verdicts[v] {
			fmt.Fprintf(&b, "conftest alone: %s\n", v)
		}
	}
	fmt.Fprintf(&b, "exceptions: darkstart %v, conftest %v\n", ours.exceptions, theirs.exceptions)
	return b.String()
}

func verdict(input, code, level, msg, at string, metadata []string) string {
	return strings.Join([]string{input, code, level, fmt.Sprintf("%q", msg), at, strings.Join(metadata, " ")}, " ")
}

func inputName(i int) string { return fmt.Sprintf("in/%04d.json", i) }

var bannedBuiltin = regexp.MustCompile(`^builtin (\S+) is not allowed|^(data\.conftest) is not there`)

// judge asks Darkstart, the inputs being the objects of one cluster.
func (x *conftestCase) judge(t *testing.T, inputs []map[string]any) *saidBy {
	t.Helper()
	u := &ir.Unit[spec.Cluster]{Name: "c"}
	r := &ir.Rendered{Cluster: "c"}
	for i, content := range inputs {
		o := object.New(object.Normalize(clone(content)).(map[string]any), object.Origin{Pos: diag.Position{File: inputName(i)}, Exact: true})
		r.Components = append(r.Components, ir.RenderedComponent{Name: inputName(i), Objects: []*object.Object{o}})
	}
	in := &guard.Input{
		Fleet: &ir.Fleet{Units: &ir.Units{
			Project:  &ir.Unit[spec.Project]{Spec: spec.Project{Policies: x.settings}},
			Clusters: []*ir.Unit[spec.Cluster]{u},
		}, Clusters: []*ir.Linked{{Name: "c", Unit: u}}},
		Rendered: []*ir.Rendered{r}, Tree: tree.FromMap(x.files),
	}
	v, diags, err := guard.Guard(t.Context(), in, &guard.Config{Prepared: &guard.Prepared{}, Deadline: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	out := &saidBy{verdicts: map[string]bool{}, exceptions: map[string]int{}}
	for _, d := range diags {
		if m := bannedBuiltin.FindStringSubmatch(d.Message); m != nil {
			out.banned = m[1] + m[2]
		}
		if d.Severity == diag.Error && d.Code != "GRD007" {
			out.refused = d.Code + " " + d.Message
		}
	}
	for _, f := range v.Findings {
		input, at := f.Subject.Component, ""
		if input == "" {
			input = "Combined"
		}
		if l := f.Labels[0]; l.Text == "" {
			at = l.Position.String()
		}
		out.verdicts[verdict(input, f.Code, f.Severity.String(), f.Message, at, f.Notes)] = true
	}
	for _, r := range v.Rules {
		if n := r.Excepted; n > 0 {
			if x.settings.Combine {
				n = 1
			}
			out.exceptions[r.ID[:strings.LastIndexByte(r.ID, '.')]+" "+ruleSuffix(r.ID)] = n
		}
	}
	return out
}

func ruleSuffix(code string) string {
	s := code[strings.LastIndexByte(code, '.')+1:]
	for _, p := range []string{"violation", "deny", "warn"} {
		if s == p {
			return ""
		}
	}
	for _, p := range []string{"violation_", "deny_", "warn_"} {
		s = strings.TrimPrefix(s, p)
	}
	return s
}

func clone(v map[string]any) map[string]any {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var out map[string]any
	if err := d.Decode(&out); err != nil {
		panic(err)
	}
	return out
}

// conftestResult is what conftest prints for one file and namespace.
type conftestResult struct {
	Filename, Namespace            string
	Failures, Warnings, Exceptions []struct {
		Msg string
		Loc *struct {
			File string
			Line json.Number
		}
		Metadata map[string]any
	}
}

// stock asks conftest, the inputs being files.
func (x *conftestCase) stock(t *testing.T, conftest string, inputs []map[string]any) *saidBy {
	t.Helper()
	dir := t.TempDir()
	for name, text := range x.files {
		put(t, filepath.Join(dir, filepath.FromSlash(name)), []byte(text))
	}
	for i, v := range inputs {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, inputName(i)), b)
	}
	cmd := exec.Command(conftest, x.flags()...)
	cmd.Dir = dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if stdout.Len() == 0 {
		return &saidBy{refused: fmt.Sprintf("%v: %s", err, strings.TrimSpace(stderr.String()))}
	}
	var results []conftestResult
	d := json.NewDecoder(&stdout)
	d.UseNumber()
	if err := d.Decode(&results); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	out := &saidBy{verdicts: map[string]bool{}, exceptions: map[string]int{}}
	for _, r := range results {
		out.add(r)
	}
	return out
}

func (s *saidBy) add(r conftestResult) {
	for level, list := range map[string]int{"error": 0, "warning": 1} {
		found := r.Failures
		if list == 1 {
			found = r.Warnings
		}
		for _, f := range found {
			at, metadata := "", []string(nil)
			for _, k := range slices.Sorted(maps.Keys(f.Metadata)) {
				if k != "query" {
					b, _ := json.Marshal(f.Metadata[k])
					metadata = append(metadata, k+": "+string(b))
				}
			}
			if f.Loc != nil {
				p := diag.Position{File: f.Loc.File}
				if p.File == "" && r.Filename != "Combined" {
					p.File = r.Filename
				}
				if n, err := f.Loc.Line.Int64(); err == nil {
					p.Line = int(n)
				}
				at = p.String()
			}
			query, _ := f.Metadata["query"].(string)
			s.verdicts[verdict(r.Filename, strings.TrimPrefix(query, "data."), level, f.Msg, at, metadata)] = true
		}
	}
	seen := map[string]bool{}
	for _, e := range r.Exceptions {
		suffix := strings.Trim(e.Msg[strings.LastIndex(e.Msg, "== ")+3:], `"`)
		if key := r.Namespace + " " + suffix; !seen[key] {
			seen[key] = true
			s.exceptions[key]++
		}
	}
}

func put(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// conftestInputs are the objects that every policy is asked about.
func conftestInputs(t *testing.T) []map[string]any {
	src, err := os.ReadFile("testdata/conftest/inputs.yaml")
	if err != nil {
		t.Fatal(err)
	}
	out := documents(t, src)
	if len(out) < 30 {
		t.Fatalf("%d inputs: too few", len(out))
	}
	files, _ := filepath.Glob("../../../shared/corpus/manifests/*.yaml")
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for i, d := range documents(t, src) {
			if i%8 == 0 { // a sample: a CRD more or less shows nothing new
				out = append(out, d)
			}
		}
	}
	return out
}

// ownCases reads testdata/conftest. The comment of an archive is its settings,
// a flag of conftest a line, and lines of prose.
func ownCases(t *testing.T) []*conftestCase {
	archives, err := filepath.Glob("testdata/conftest/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var out []*conftestCase
	for _, f := range archives {
		ar, err := txtar.ParseFile(f)
		if err != nil {
			t.Fatal(err)
		}
		x := &conftestCase{name: "testdata/" + strings.TrimSuffix(filepath.Base(f), ".txtar"), files: map[string]string{}}
		for line := range strings.Lines(string(ar.Comment)) {
			switch flag, value, _ := strings.Cut(strings.TrimSpace(line), " "); flag {
			case "--namespace":
				x.settings.Namespaces = append(x.settings.Namespaces, value)
			case "--all-namespaces":
				x.settings.AllNamespaces = true
			case "--data":
				x.settings.Data = append(x.settings.Data, value)
			case "--combine":
				x.settings.Combine = true
			case "--rego-version":
				x.settings.RegoVersion = value
			default:
				if strings.HasPrefix(flag, "--") {
					t.Fatalf("%s: unknown %s", f, flag)
				}
			}
		}
		for _, e := range ar.Files {
			if e.Name == "inputs.yaml" {
				x.inputs = documents(t, e.Data)
				continue
			}
			x.files[e.Name] = string(e.Data)
		}
		out = append(out, x)
	}
	return out
}

// exampleCases are the policies of conftest's own examples and tests, with the
// manifests beside them; none where its source is not in the module cache.
func exampleCases(t *testing.T) []*conftestCase {
	cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		return nil
	}
	root := filepath.Join(strings.TrimSpace(string(cache)), filepath.FromSlash(tools.Conftest.Module)+"@"+tools.Conftest.Version)
	byDir := map[string][]string{}
	for _, top := range []string{"examples", "tests"} {
		_ = filepath.WalkDir(filepath.Join(root, top), func(p string, d os.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(p, ".rego") && !strings.HasSuffix(p, "_test.rego") { // tests judge policies, not inputs
				byDir[filepath.Dir(p)] = append(byDir[filepath.Dir(p)], p)
			}
			return nil
		})
	}
	var out []*conftestCase
	for _, dir := range slices.Sorted(maps.Keys(byDir)) {
		rel, _ := filepath.Rel(root, dir)
		x := &conftestCase{name: "examples/" + filepath.ToSlash(rel), files: map[string]string{}, settings: spec.PolicySettings{AllNamespaces: true}}
		for _, f := range byDir[dir] {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			x.files["policies/"+filepath.Base(f)] = string(b)
			if strings.Contains(string(b), "input[") && strings.Contains(string(b), ".contents") {
				x.settings.Combine = true
			}
		}
		manifests, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), "*.yaml"))
		for _, f := range manifests {
			if b, err := os.ReadFile(f); err == nil && strings.Contains(string(b), "kind: ") {
				x.inputs = append(x.inputs, documents(t, b)...)
			}
		}
		out = append(out, x)
	}
	return out
}
