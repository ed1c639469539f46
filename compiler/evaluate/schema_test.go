package evaluate

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"cuelang.org/go/cue/ast"

	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
	"github.com/darkstart-dev/darkstart/schemas"
)

// The Go side and the CUE side are two views of one model: this walks both
// from the units down and compares name, kind and obligation of every field.
func TestSchemaMirrorsSpec(t *testing.T) {
	s, err := parseSchema(schemas.FS)
	if err != nil {
		t.Fatal(err)
	}
	m := &mirror{t: t, s: s, seen: map[string]bool{"#Target": true}}
	for def, v := range map[string]any{
		"#Project": spec.Project{}, "#Fleet": spec.Fleet{}, "#Cluster": spec.Cluster{}, "#Recovery": spec.Recovery{}, "#Waivers": spec.Waivers{}, "#Evidence": spec.Evidence{}, "#Trust": spec.Trust{},
		"#PatchOperation": spec.PatchOperation{}, // one of two shapes of a field that Go keeps as JSON
	} {
		m.definition(def, reflect.TypeOf(v))
	}
	for _, n := range s.order {
		d := s.defs[n]
		if _, isStruct := d.expr.(*ast.StructLit); isStruct && !m.seen[n] && !slices.Contains([]string{"#Node", "#AllOf", "#AnyOf", "#SomeOf"}, n) {
			t.Errorf("%s has no Go type", n)
		}
		if d.doc.text == "" || d.doc.example == "" {
			t.Errorf("%s lacks a doc comment or an example", n)
		}
		for _, f := range d.fields {
			if f.doc.text == "" || f.doc.example == "" {
				t.Errorf("%s.%s lacks a doc comment or an example", n, f.name)
			}
		}
	}
}

type mirror struct {
	t    *testing.T
	s    *schema
	seen map[string]bool
}

func (m *mirror) definition(name string, typ reflect.Type) {
	if m.seen[name] {
		return
	}
	m.seen[name] = true
	goFields := map[string]reflect.StructField{}
	collect(typ, goFields)
	for _, f := range m.s.fieldsOf(name) {
		g, ok := goFields[f.name]
		if !ok {
			m.t.Errorf("%s.%s has no field in %s", name, f.name, typ)
			continue
		}
		delete(goFields, f.name)
		omits := strings.Contains(g.Tag.Get("json"), "omit")
		if f.optional && !omits {
			m.t.Errorf("%s.%s is optional, but %s.%s is always written", name, f.name, typ, g.Name)
		}
		if f.required && omits {
			m.t.Errorf("%s.%s is required, but %s.%s is omitted when empty", name, f.name, typ, g.Name)
		}
		m.value(name+"."+f.name, f.expr, g.Type)
	}
	for n := range goFields {
		m.t.Errorf("%s.%s is not in %s", typ, n, name)
	}
}

func collect(typ reflect.Type, out map[string]reflect.StructField) {
	for i := range typ.NumField() {
		f := typ.Field(i)
		if f.Anonymous {
			collect(f.Type, out)
			continue
		}
		if n, _, _ := strings.Cut(f.Tag.Get("json"), ","); n != "" && n != "-" {
			out[n] = f
		}
	}
}

// value compares kinds: structs by definition, lists and maps by element,
// scalars by what JSON makes of them.
func (m *mirror) value(at string, x ast.Expr, typ reflect.Type) {
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if id, ok := x.(*ast.Ident); ok && m.s.defs[id.Name] != nil {
		if _, isStruct := m.s.defs[id.Name].expr.(*ast.StructLit); isStruct {
			if typ.Kind() != reflect.Struct {
				m.t.Errorf("%s is %s, but %s in Go", at, id.Name, typ)
				return
			}
			m.definition(id.Name, typ)
			return
		}
		if slices.Contains([]string{"#Interval", "#Rates", "#Requirement"}, id.Name) {
			if "#"+typ.Name() != id.Name {
				m.t.Errorf("%s is %s, but %s in Go", at, id.Name, typ)
			}
			return
		}
	}
	switch x := x.(type) {
	case *ast.ListLit:
		if typ.Kind() != reflect.Slice {
			m.t.Errorf("%s is a list, but %s in Go", at, typ)
			return
		}
		m.value(at+"[]", x.Elts[0].(*ast.Ellipsis).Type, typ.Elem())
		return
	case *ast.StructLit:
		if typ.Kind() != reflect.Map {
			m.t.Errorf("%s is a map, but %s in Go", at, typ)
			return
		}
		if _, v := pattern(x); v != nil {
			m.value(at+"{}", v, typ.Elem())
		}
		return
	}
	if want := scalar(typ); want != "any" && !strings.Contains(m.kind(x), want) {
		m.t.Errorf("%s is %s, but %s in Go", at, m.kind(x), typ)
	}
}

func scalar(t reflect.Type) string {
	if t.Name() == "Duration" {
		return "string"
	}
	if t == reflect.TypeFor[json.RawMessage]() {
		return "any"
	}
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Int, reflect.Int64:
		return "int"
	case reflect.Float64:
		return "number"
	case reflect.Interface:
		return "any"
	}
	return t.String()
}

func (m *mirror) kind(x ast.Expr) string {
	src := ""
	for _, a := range m.s.alternatives(x) {
		src += code(a) + " "
	}
	switch {
	case strings.HasPrefix(src, "int ") || strings.Contains(src, " int ") || strings.Contains(src, "(int "):
		return "int"
	case strings.Contains(src, "number "):
		return "number"
	case strings.Contains(src, "bool "):
		return "bool"
	case strings.ContainsAny(src, "\"") || strings.Contains(src, "string") || strings.Contains(src, "time."):
		return "string"
	}
	return src
}

// Stock CUE accepts the fleet that Darkstart accepts, offline, with the
// vendored schema; and refuses what Darkstart refuses.
func TestStockCUE(t *testing.T) {
	cue := tools.Path(t, tools.CUE)
	vet := func(files map[string]string) (string, error) {
		dir := t.TempDir()
		for p, b := range files {
			write(t, filepath.Join(dir, p), []byte(b))
		}
		vendored, err := Vendor(schemas.FS)
		if err != nil {
			t.Fatal(err)
		}
		for p, b := range vendored {
			write(t, filepath.Join(dir, p), b)
		}
		cmd := exec.Command(cue, "vet", "./...")
		cmd.Dir = dir
		cmd.Env = []string{"HOME=" + t.TempDir(), "CUE_REGISTRY=none", "PATH=" + os.Getenv("PATH")}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	_, files := archive(t, "testdata/rich.txtar")
	if out, err := vet(files); err != nil {
		t.Errorf("cue vet refuses the rich fleet: %v\n%s", err, out)
	}
	files["clusters/eu-west-1/bad.cue"] = "package clusters\ncomponents: web: gates: [{object: \"nonsense\"}]\n"
	if out, err := vet(files); err == nil {
		t.Errorf("cue vet accepts a gate on %q\n%s", "nonsense", out)
	}
}

func write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestReferenceIsCurrent(t *testing.T) {
	got, err := Reference(schemas.FS)
	if err != nil {
		t.Fatal(err)
	}
	const page = "../../docs/schema.md"
	if *update {
		write(t, page, got)
	}
	want, err := os.ReadFile(page)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/schema.md is out of date (%v); run make docs", err)
	}
}
