package report

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/plans"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// TestGoldens replays the result of each archive. Files before result.json are
// the fleet's sources; those named out.* are goldens.
func TestGoldens(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no archives", err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) { golden(t, name) })
	}
}

func golden(t *testing.T, name string) {
	ar, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	files, old := map[string][]byte{}, map[string][]byte{}
	inputs := ar.Files[:0:0]
	for _, f := range ar.Files {
		if strings.HasPrefix(f.Name, "out.") {
			old[f.Name] = f.Data
			continue
		}
		inputs = append(inputs, f)
		files[f.Name] = f.Data
	}
	r, err := Decode(bytes.NewReader(files["result.json"]))
	if err != nil {
		t.Fatal(err)
	}
	r.Finish()
	source := func(file string) ([]byte, error) {
		if b, ok := files[file]; ok {
			return b, nil
		}
		return nil, fs.ErrNotExist
	}
	r.Excerpt(source)
	outs := inputs
	for _, c := range []struct {
		name   string
		format Format
	}{
		{"out.txt", Formats(Options{})["text"]},
		{"out.verbose.txt", Formats(Options{Verbose: true, Width: 60})["text"]},
		{"out.color.txt", Formats(Options{Color: true, Lines: 5})["text"]},
		{"out.json", JSON},
	} {
		var b bytes.Buffer
		if err := c.format(&b, r); err != nil {
			t.Fatal(err)
		}
		got := bytes.ReplaceAll(b.Bytes(), []byte("\x1b["), []byte("⟦"))
		if !*update && !bytes.Equal(got, old[c.name]) {
			t.Errorf("%s differs (-update rewrites it):\n%s", c.name, got)
		}
		outs = append(outs, txtar.File{Name: c.name, Data: got})
	}
	if *update {
		if err := os.WriteFile(name, txtar.Format(&txtar.Archive{Comment: ar.Comment, Files: outs}), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// frame renders one diagnostic over one file and returns the frame alone.
func frame(t *testing.T, o Options, content string, labels ...diag.Label) string {
	t.Helper()
	d := &diag.Diagnostic{Code: "X1", Severity: diag.Error, Message: "m", Labels: labels}
	r := New(Tool{}, "t")
	r.Diagnostics.Add(d)
	r.Finish().Excerpt(func(string) ([]byte, error) { return []byte(content), nil })
	var b bytes.Buffer
	if err := Text(&b, r, o); err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(b.String(), "  |\n")
	body, _, _ = strings.Cut(body, "  =")
	return strings.TrimSpace(strings.ReplaceAll("\n"+body, "\n1 | ", "\n"))
}

func label(column, end int) diag.Label {
	return diag.Label{Position: diag.Position{File: "f", Line: 1, Column: column, EndColumn: end}, Text: "here"}
}

func TestAlignment(t *testing.T) {
	for name, c := range map[string]struct {
		line        string
		column, end int
		want        string
	}{
		"tab":             {"\tab\tcd", 5, 7, "ab    cd\n  |           ^^ here"},
		"wide":            {"日本: x", 9, 10, "日本: x\n  |       ^ here"},
		"under wide":      {"a日本b", 2, 8, "a日本b\n  |  ^^^^ here"},
		"combining":       {"e\u0301e\u0301x", 7, 8, "e\u0301e\u0301x\n  |   ^ here"},
		"family":          {"👨‍👩‍👧x", 19, 20, "👨‍👩‍👧x\n  |   ^ here"},
		"escape":          {"a\x1b[31mred", 7, 10, "a␛[31mred\n  |       ^^^ here"},
		"carriage return": {"a\rb", 3, 4, "a␍b\n  |   ^ here"},
		"bidi":            {"a\u202eb", 5, 6, "a<U+202E>b\n  |          ^ here"},
		"not utf-8":       {"a\xffb", 3, 4, "a\ufffdb\n  |   ^ here"},
		"c1":              {"a\u009bb", 4, 5, "a<U+009B>b\n  |          ^ here"},
		"windows":         {"abc\r", 1, 0, "abc\n  | ^^^ here"},
		"a word":          {"key: value, x", 6, 0, "key: value, x\n  |      ^^^^^ here"},
		"a quoted word":   {`key: "a b", x`, 6, 0, "key: \"a b\", x\n  |      ^^^^^ here"},
		"past the end":    {"ab", 3, 0, "ab\n  |   ^ here"},
		"far outside":     {"ab", 99, 0, "ab\n  | ^^ here"},
		"end before it":   {"abc", 2, 1, "abc\n  |  ^^ here"},
		"end too far":     {"abc", 2, 99, "abc\n  |  ^^ here"},
		"empty line":      {"", 1, 0, "|\n  | ^ here"},
	} {
		got := frame(t, Options{}, c.line+"\nnext\n", label(c.column, c.end))
		if name == "empty line" {
			got = strings.TrimPrefix(got, "1 ")
		}
		if got != c.want {
			t.Errorf("%s:\n%q\nwant\n%q", name, got, c.want)
		}
	}
}

func TestLongLinesAreCut(t *testing.T) {
	line := strings.Repeat("a", 300) + "HERE" + strings.Repeat("b", 300)
	got := frame(t, Options{Width: 44}, line, label(301, 305))
	want := "…aaaaaaaaaaaaaaaaaHEREbbbbbbbbbbbbbbbbb…"
	code, under, _ := strings.Cut(got, "\n")
	if !strings.Contains(code, "aaHEREbb") || !strings.HasPrefix(code, "…") || !strings.HasSuffix(code, "…") || len([]rune(code)) > 40 {
		t.Errorf("got %q, want about %q", code, want)
	}
	if strings.Index(under, "^^^^")-len("  | ") != len([]rune(code[:strings.Index(code, "HERE")])) {
		t.Errorf("not aligned:\n%s\n%s", code, under)
	}
	// Two marks too far apart get a window each; one that is too long is cut.
	got = frame(t, Options{Width: 44}, line, label(1, 3), label(590, 600))
	if strings.Count(got, "…") != 2 || !strings.Contains(got, "^^ here") || !strings.Contains(got, "---------- here") {
		t.Errorf("two windows:\n%s", got)
	}
	for _, l := range strings.Split(frame(t, Options{Width: 44}, line, label(1, 500)), "\n") {
		if len([]rune(l)) > 44+len(" here") {
			t.Errorf("too wide: %q", l)
		}
	}
}

// FuzzText holds two promises for any source and position: no panic, and
// nothing reaches the terminal that it would obey.
func FuzzText(f *testing.F) {
	f.Add("a\tb\x1b[0m\u202e日", "m\x07", 1, 3, 9, 20, "/x\r")
	f.Add("", "", 0, 0, 0, 0, "")
	f.Add(strings.Repeat("日", 100), "x\n\ny", 1, 50, 70, 30, "f")
	f.Fuzz(func(t *testing.T, content, text string, line, column, end, width int, file string) {
		at := diag.Position{File: file, Line: line, Column: column, EndColumn: end}
		r := New(Tool{Name: text, Version: text}, text)
		r.Error = text
		for range 3 {
			r.Diagnostics.Add(diag.Errorf("X", "%s", text).At(at, "%s", text).At(diag.Position{File: text, Line: 1, Column: end, EndColumn: column}, "%s", content).
				Note("%s", text).Fix("%s", content).About(diag.Subject{Cluster: text, Object: file}))
		}
		r.Diagnostics.Add(&diag.Diagnostic{Code: text, Message: text, Waived: &diag.Waived{ID: text, Reason: text, Owner: text, Expires: text}})
		r.Artifacts = []Artifact{{Name: text, Path: file}}
		var b bytes.Buffer
		source := func(string) ([]byte, error) { return []byte(content), nil }
		r.Finish().Excerpt(source)
		if err := Text(&b, r, Options{Width: width % 300, Verbose: line%2 == 0}); err != nil {
			t.Fatal(err)
		}
		for _, l := range strings.Split(b.String(), "\n") {
			if !safe(l) {
				t.Fatalf("unsafe: %q", l)
			}
		}
	})
}

func TestResultFromStages(t *testing.T) {
	objects := []*object.Object{{}, {}}
	f := FleetOf([]*ir.Rendered{{Cluster: "a", Components: []ir.RenderedComponent{{Objects: objects}}}, nil, {Cluster: "b"}},
		[]*ir.Validation{{Evaluated: 1, NotEvaluated: []ir.Uncovered{{Kind: "x", Objects: 1}}}, nil, {NotEvaluated: []ir.Uncovered{{Kind: "a", Objects: 2}, {Kind: "x", Objects: 3}}}}, nil)
	if f.Objects != 2 || f.Components != 1 || len(f.Clusters) != 2 || f.Validated != 1 || len(f.NotValidated) != 2 || f.NotValidated[1].Objects != 4 {
		t.Errorf("%+v", f)
	}
	rules := RulesOf(&ir.Verdict{Rules: []ir.RuleResult{{ID: "A", Evaluated: 2, Waived: 1}, {ID: "B"}, {ID: "C", Skipped: "no store"}}})
	if rules.Evaluated != 1 || rules.Skipped != 2 || rules.Waived != 1 {
		t.Errorf("a rule that evaluated nothing counts as skipped: %+v", rules)
	}
	p := PlanOf(&plans.Plan{Scenarios: []plans.Recovery{{Cells: []*plans.Cell{{Verdict: plans.Proven}, {Verdict: plans.Proven}, {Verdict: plans.UnknownV}}}}})
	if p.Verdicts[plans.Proven] != 2 || p.Verdicts[plans.UnknownV] != 1 || p.Scenarios != 1 {
		t.Errorf("%+v", p)
	}
	if RulesOf(nil) != nil || PlanOf(nil) != nil {
		t.Error("what was not reached must be absent")
	}
}

func TestDecodeRefusesAnotherVersion(t *testing.T) {
	if _, err := Decode(strings.NewReader(`{"version": "darkstart.dev/result/v2"}`)); err == nil {
		t.Error("accepted")
	}
	if _, err := Decode(strings.NewReader(`{`)); err == nil {
		t.Error("accepted half a result")
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestWriteErrorsAreReturned(t *testing.T) {
	for _, name := range FormatNames() {
		if Formats(Options{})[name](brokenPipe{}, New(Tool{}, "x").Finish()) == nil {
			t.Errorf("%s lost the error", name)
		}
	}
}

// TestDiagnosticsAreTheHeadOfText: the same findings in the same words.
func TestDiagnosticsAreTheHeadOfText(t *testing.T) {
	r := New(Tool{}, "verify")
	r.Diagnostics.Add(diag.Errorf("SIG001", "refused").Fix("sign it"))
	var all, head bytes.Buffer
	if Text(&all, r.Finish(), Options{}) != nil || Diagnostics(&head, r, Options{}) != nil {
		t.Fatal("not written")
	}
	if rest, ok := strings.CutPrefix(all.String(), head.String()); !ok || head.Len() == 0 || strings.Contains(head.String(), "evaluated") || !strings.Contains(rest, "evaluated") {
		t.Errorf("%q is not the head of %q", head.String(), all.String())
	}
}
