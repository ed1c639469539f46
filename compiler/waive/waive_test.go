package waive

import (
	"fmt"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/spec"
)

const full = `darkstart:waive PS001 owner=platform expires=2027-02-01 reason="r"`

func read(src string, l Language) ([]ir.Waiver, diag.List) {
	f := &File{Name: "f", Source: []byte(src), Language: l}
	f.Comments = Find(f.Source, l)
	return Read(f)
}

// covered prints each waiver's place and the lines that it speaks about.
func covered(ws []ir.Waiver) string {
	var out []string
	for _, w := range ws {
		out = append(out, fmt.Sprintf("%s→%d-%d", w.At, w.Beside.First, w.Beside.Last))
	}
	return strings.Join(out, " ")
}

func TestBesideWhat(t *testing.T) {
	for _, c := range []struct {
		name string
		l    Language
		src  string
		want string // W is the waiver
	}{
		{"end of a line", YAML, "a: 1\nb: 2 # W\nc: 3\n", "f:2:8→2-2"},
		{"above a line", YAML, "a: 1\n# W\nb: 2\nc: 3\n", "f:2:3→3-3"},
		{"above a value with fields", YAML, "a: 1\n# W\nb:\n  x: 1\n\n  v: 2\nc: 3\n", "f:2:3→3-6"},
		{"a list at its key's indentation", YAML, "a: 1\nb: # W\n- 1\n- 2\nc: 3\n", "f:2:6→2-4"},
		{"one item of a list", YAML, "a: 1\nb:\n- x: 1 # W\n  v: 2\n- x: 3\n", "f:3:10→3-4"},
		{"an object", YAML, "# W\na: 1\nb: 2\n---\na: 3\n", "f:1:3→2-3"},
		{"the second object", YAML, "a: 1\n---\n# W\na: 3\nb: 4\n", "f:3:3→4-5"},
		{"past other comments", YAML, "x: 0\n# W\n# why\n# W\na: 1\nb: 2\n", "f:2:3→5-5 f:4:3→5-5"},
		{"in a block scalar it is text", YAML, "a: |\n  x\n  # W\n  y\nb: 1\n", ""},
		{"in a quoted value it is text", YAML, "a: \"# W\"\nb: '# W'\n", ""},
		{"the same text as value and as comment", YAML, "z: 1\na: |\n  # W\nb: 1 # W\n", "f:4:8→4-4"},
		{"in a plain value without a space it is text", YAML, "a: x#W\n", ""},
		{"after a comment between a key and its list", YAML, "z: 1\na:\n  # W\n  - 1\n  - 2\n", "f:3:5→4-4"},
		{"prose", YAML, "a: 1 # see W\n", ""},
		{"another word", YAML, "a: 1 # darkstart:waived PS001\n", ""},
		{"windows line ends", YAML, "a: 1\r\n# W\r\nb: 2\r\nc: 3\r\n", "f:2:3→3-3"},
		{"does not parse", YAML, "a: [1 # W\n", ""},
		{"template comment above", Template, "a: 1\n{{- /* W */}}\nb: {{ .Values.b }}\nc: 3\n", "f:2:8→3-3"},
		{"template comment at the end", Template, "a: 1\nb: {{ .Values.b }} {{/* W */}}\nc: 3\n", "f:2:25→2-2"},
		{"hash in a template", Template, "a: 1\n{{- if .Values.x }}\nb: 2 # W\n{{- end }}\n", "f:3:8→3-3"},
		{"fields past an action", Template, "a: 1\nb: # W\n  x: 1\n{{- if .Values.x }}\n  y: 2\n{{- end }}\nc: 3\n", "f:2:6→2-5"},
		{"block scalar in a template", Template, "a: |-\n  # W\nb: 1\n", ""},
		{"inside an action", Template, "a: {{ \"# W\" }}\n", ""},
		{"in a definition", Template, "{{ define \"x\" }}\na: 1 # W\n{{ end }}\n", "f:2:8→2-2"},
		{"in else", Template, "z: 1\n{{ if .a }}\na: 1\n{{ else }}\na: 2 # W\n{{ end }}\n", "f:5:8→5-5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ws, ds := read(strings.ReplaceAll(c.src, "W", full), c.l)
			got := strings.Fields(covered(ws))
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("want %q, got %q", c.want, s)
			}
			if len(ds) > 0 {
				t.Error(ds)
			}
		})
	}
}

func TestMalformed(t *testing.T) {
	for _, c := range []struct{ comment, want string }{
		{`darkstart:waive`, `GRD018 f:1:8 it names no rule`},
		{`darkstart:waive owner=o`, `it names no rule`},
		{`darkstart:waive PS001 because`, `GRD018 f:1:30 "because" is no key=value`},
		{`darkstart:waive PS001 reason=moves soon`, `GRD018 f:1:43 "soon" is no key=value`},
		{`darkstart:waive PS001 resaon="x"`, `GRD018 f:1:30 "resaon" is nothing that it may say help did you mean "reason"?`},
		{`darkstart:waive PS001 owner=a owner=b`, `"owner" stands twice`},
		{`darkstart:waive PS001 reason="x`, `GRD018 f:1:37 a quoted value does not end`},
		{`darkstart:waive PS001 reason="x"y`, `text follows a quoted value`},
		{`darkstart:waive PS001 reason=x"y`, `a quote stands inside a value`},
		{`darkstart:waive PS001 owner=Plat_form`, `owner "Plat_form" is no name`},
	} {
		ws, ds := read("a: 1 # "+c.comment+"\n", YAML)
		var got string
		for _, d := range ds {
			p := d.Primary()
			got += fmt.Sprintf("%s %s:%d:%d %s help %s", d.Code, p.File, p.Line, p.Column, strings.TrimPrefix(d.Message, "a waiver comment cannot be read: "), strings.Join(d.Help, " "))
		}
		if !strings.Contains(got, c.want) || len(ws) != 0 {
			t.Errorf("%s: want %q, got %q and %v", c.comment, c.want, got, ws)
		}
	}
	for _, src := range []string{"a: 1\n# W\n", "# W\n\na: 1\n", "a: 1\n# W\n---\nb: 1\n"} {
		ws, ds := read(strings.ReplaceAll(src, "W", full), YAML)
		if len(ws) != 0 || len(ds) != 1 || ds[0].Code != "GRD019" || ds[0].Primary().Line == 0 {
			t.Errorf("%q stands beside nothing: %v %v", src, ws, ds)
		}
	}
}

// Whatever a waiver says, its comment says the same.
func FuzzFormat(f *testing.F) {
	f.Add("PS001", "platform", "moves with \"OPS-412\" =\\", "Namespace/*", "/a~1b/0")
	f.Add("main.deny_x", "", "", "", "")
	f.Add("X", "o", "\u2028 \x00\xff", " ", "\t")
	f.Fuzz(func(t *testing.T, rule, by, reason, object, path string) {
		if rule == "" || strings.ContainsFunc(rule, special) || by != "" && !owner.MatchString(by) {
			t.Skip()
		}
		want := spec.Waiver{Rule: rule, Owner: by, Reason: reason, Object: object, Path: path}
		if strings.ToValidUTF8(reason+object+path, "") != reason+object+path {
			t.Skip() // a file that is not UTF-8 is refused before
		}
		got, bad := readText(Format(want))
		if bad != nil || got != want {
			t.Errorf("%q became %+v (%+v)", Format(want), got, bad)
		}
	})
}

func TestCut(t *testing.T) {
	for _, c := range []struct{ src, cut, want string }{
		{"a\n# X\nb\n", "# X", "a\nb\n"},
		{"a # X\nb\n", "# X", "a\nb\n"},
		{"a\r\n# X\r\nb\r\n", "# X", "a\r\nb\r\n"},
		{"a\n\n# X\nb\n", "# X", "a\n\nb\n"},
		{"a\n\nX\nX\n\nb\n", "X\nX", "a\n\nb\n"},
		{"a\n\nX", "X", "a\n"},
		{"w: {X, b: 1}\n", "X", "w: {b: 1}\n"},
		{"\tX", "X", ""},
	} {
		i := strings.Index(c.src, c.cut)
		e := Cut("f", []byte(c.src), i, i+len(c.cut))
		if got := apply(c.src, e); got != c.want {
			t.Errorf("%q without %q is %q, want %q", c.src, c.cut, got, c.want)
		}
	}
}

func apply(src string, e diag.Edit) string {
	offset := func(line, column int) int {
		at := 0
		for range line - 1 {
			at += strings.IndexByte(src[at:], '\n') + 1
		}
		return at + column - 1
	}
	return src[:offset(e.Line, e.Column)] + e.New + src[offset(e.EndLine, e.EndColumn):]
}
