package yamlpos_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
	stock "sigs.k8s.io/yaml"

	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/yamlpos"
)

// asKubectl reads a document the way kubectl does.
func asKubectl(t interface{ Fatal(...any) }, doc string) (any, bool) {
	b, err := stock.YAMLToJSONStrict([]byte(doc))
	if err != nil {
		return nil, false
	}
	dec := json.NewDecoder(strings.NewReader(string(b)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return object.Normalize(v), true
}

// TestScalarsAreKubectls guards the meaning of plain scalars: two
// implementations agree on every one of them.
func TestScalarsAreKubectls(t *testing.T) {
	words := strings.Fields(`y Y n N yes Yes YES no NO on On ON off OFF true True FALSE null Null ~ 1 -1 +1 1_000 0777 0o17
		0x1F 0b11 -0b11 +0b1 1.0 1. .5 -.5 1e3 1E3 1.5e-3 .e 1e 12e03 0.1 1:30 1:30:45 2024-01-02 2024-01-02T03:04:05Z 9223372036854775807
		1e21 -0 -0.0 00 08 0_8 _1 1__2 + - . .. ... yEs nULL tRue 0x 0xG 1.2.3 v1 1h30m 100m 1Gi =  <=`)
	for _, w := range words {
		doc := "a: " + w + "\nb: \"" + w + "\"\nc: [" + w + "]\nd: !!str " + w + "\n"
		same(t, doc)
	}
	rapid.Check(t, func(t *rapid.T) {
		w := rapid.StringMatching(`[-+.]{0,2}[0-9_xobeE.:TZ-]{0,8}`).Draw(t, "scalar")
		same(t, "a: "+w+"\n")
	})
}

func same(t interface {
	Errorf(string, ...any)
	Fatal(...any)
}, doc string,
) {
	want, ok := asKubectl(t, doc)
	f, p := yamlpos.Parse([]byte(doc), yamlpos.Limits{})
	if !ok || p != nil || len(f.Documents) != 1 {
		return // one of the two refuses it
	}
	if got := f.Documents[0].Value; !reflect.DeepEqual(integral(want), got) {
		t.Errorf("%q: kubectl reads %#v, here %#v", doc, want, got)
	}
}

// integral turns floats into the integers that their JSON text is.
func integral(v any) any {
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			x[k] = integral(e)
		}
	case []any:
		for i, e := range x {
			x[i] = integral(e)
		}
	case float64:
		return yamlpos.Number(x)
	}
	return v
}

// FuzzParse guards that no text hangs, panics, or is read other than kubectl
// reads it.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a: &x [1, *x]", "a: *b", "{a: 1, a: 2}", "? [a]\n: b", "<<: {a: 1}\na: 2", "\t- a", "a: !!binary aGk=", "--- |\n x\n---\n", "a: \"\\u0000\""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		limits := yamlpos.Limits{Bytes: 1 << 16, Documents: 10, Depth: 30, Values: 5000, Expansion: 500}
		file, p := yamlpos.Parse([]byte(doc), limits)
		if p != nil {
			if p.Message == "" || p.Line < 1 {
				t.Errorf("problem without message or line: %+v", p)
			}
			return
		}
		for _, d := range file.Documents {
			if _, err := json.Marshal(d.Value); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestProblems(t *testing.T) {
	laughs := "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n" +
		"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"
	tests := []struct {
		name, doc string
		kind      yamlpos.Kind
		line, col int
	}{
		{"syntax", "a: 1\nb: [\n", yamlpos.Syntax, 2, 0},
		{"encoding", "a: ok\nb: \xff\n", yamlpos.Encoding, 2, 4},
		{"nul", "a: \x00", yamlpos.Encoding, 1, 4},
		{"tab", "a:\n\tb: 1\n", yamlpos.Tab, 2, 1},
		{"billion laughs", laughs, yamlpos.Alias, 4, 0},
		{"self", "a: &a\n  b: *a\n", yamlpos.Alias, 2, 6},
		{"duplicate", "a: 1\nb: 2\na: 3\n", yamlpos.Duplicate, 3, 1},
		{"boolean key", "data:\n  on: push\n", yamlpos.KeyType, 2, 3},
		{"number key", "80: x\n", yamlpos.KeyType, 1, 1},
		{"list key", "? [a]\n: b\n", yamlpos.KeyType, 1, 3},
		{"infinity", "a: .inf\n", yamlpos.Scalar, 1, 4},
		{"tag", "a: !thing b\n", yamlpos.Tag, 1, 4},
		{"wrong tag", "a: !!int b\n", yamlpos.Tag, 1, 4},
		{"depth", "a: " + strings.Repeat("[", 300) + strings.Repeat("]", 300), yamlpos.Depth, 1, 0},
		{"documents", strings.Repeat("--- a\n", 101), yamlpos.Documents, 101, 0},
		{"size", strings.Repeat("#", 1<<20+1), yamlpos.Size, 1, 0},
		{"values", "[" + strings.Repeat("1,", 20001) + "]", yamlpos.Values, 1, 0},
	}
	limits := yamlpos.Limits{Bytes: 1 << 20, Documents: 100, Values: 20_000, Expansion: 5_000}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, p := yamlpos.Parse([]byte(tt.doc), limits)
			if p == nil {
				t.Fatal("accepted")
			}
			if p.Kind != tt.kind || p.Line != tt.line || (tt.col > 0 && p.Column != tt.col) {
				t.Errorf("got %+v, want kind %d at %d:%d", p, tt.kind, tt.line, tt.col)
			}
		})
	}
}

func TestLocate(t *testing.T) {
	doc := "# comment\nfirst: 1\n---\nbase: &b {x: ü, image: nginx}\nspec:\n  list:\n  - name: \"a \\\" b\" # c\n    image: 'it''s'\n  - *b\n  merged:\n    <<: *b\n    own: 2\n  text: |\n    block\n"
	tests := []struct {
		path           string
		line, col, end int
		ok             bool
	}{
		{"", 4, 1, 0, true},
		{"/spec", 5, 1, 5, true},
		{"/spec/list/0/name", 7, 11, 19, true},
		{"/spec/list/0/image", 8, 12, 19, true},
		{"/spec/list/1/image", 4, 25, 30, true},
		{"/base/x", 4, 14, 16, true},
		{"/spec/merged/image", 4, 25, 30, true},
		{"/spec/merged/own", 12, 10, 11, true},
		{"/spec/text", 13, 9, 0, true},
		{"/spec/list/7/name", 6, 3, 7, false},
		{"/nothing", 4, 1, 0, false},
	}
	for _, tt := range tests {
		line, col, end, ok := yamlpos.Locate([]byte(doc), 1, yamlpos.Tokens(tt.path))
		if line != tt.line || col != tt.col || end != tt.end || ok != tt.ok {
			t.Errorf("%s: %d:%d-%d %v, want %d:%d-%d %v", tt.path, line, col, end, ok, tt.line, tt.col, tt.end, tt.ok)
		}
	}
	if _, _, _, ok := yamlpos.Locate([]byte(doc), 5, nil); ok {
		t.Error("a document that is not there was found")
	}
}
