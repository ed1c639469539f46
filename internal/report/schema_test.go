package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	reflected "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/plans"
)

const module = "github.com/darkstart-dev/darkstart"

// published is where the schema of a result stands; docs/pull-request.md links it.
var published = filepath.Join("..", "..", "docs", "result.schema.json")

// described reads the schema from the types. Fields may be added to a result, so
// a reader has to let unknown ones pass; strict refuses them, for the test that
// nothing is written which is not described.
func described(t *testing.T, strict bool) []byte {
	t.Helper()
	types := map[string]reflect.Type{} // by the names that the schema gives them
	duration := &reflected.Schema{Type: "string", Description: "a duration such as 1h30m"}
	r := &reflected.Reflector{
		AllowAdditionalProperties: !strict, Anonymous: true,
		Namer: func(x reflect.Type) string {
			if y := types[x.Name()]; x.Name() != "" && y != nil && y != x {
				t.Errorf("%v and %v would be one definition", x, y)
			}
			types[x.Name()] = x
			return x.Name()
		},
		Mapper: func(x reflect.Type) *reflected.Schema {
			switch x {
			case reflect.TypeFor[diag.Severity]():
				return &reflected.Schema{Type: "string", Enum: []any{"note", "warning", "error"}}
			case reflect.TypeFor[plans.Duration]():
				return duration
			case reflect.TypeFor[plans.Interval]():
				two := uint64(2)
				return &reflected.Schema{Type: "array", Items: duration, MinItems: &two, MaxItems: &two}
			}
			return nil
		},
	}
	t.Chdir("../..") // the comments of the packages that a result is made of
	for _, dir := range []string{"internal/report", "internal/diag", "internal/object", "compiler/ir", "plans"} {
		if err := r.AddGoComments(module, dir); err != nil {
			t.Fatal(err)
		}
	}
	s := r.Reflect(&Result{})
	s.ID, s.Title = "https://darkstart.dev/result/v1.schema.json", "What a run of darkstart has to say"
	for name, d := range s.Definitions {
		d.Required = slices.DeleteFunc(d.Required, func(field string) bool { return omitted(types[name], field) })
	}
	result := s.Definitions["Result"]
	v, _ := result.Properties.Get("version")
	v.Const = Version
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// omitted reports whether a field is left out when it is zero: the reflector
// knows omitempty alone.
func omitted(x reflect.Type, field string) bool {
	for i := range x.NumField() {
		name, options, _ := strings.Cut(x.Field(i).Tag.Get("json"), ",")
		if name == field && strings.Contains(options, "omitzero") {
			return true
		}
	}
	return false
}

func compiled(t *testing.T, schema []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func against(t *testing.T, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

// The schema that is published is the one that the types have.
func TestSchemaIsPublished(t *testing.T) {
	file, err := filepath.Abs(published)
	if err != nil {
		t.Fatal(err)
	}
	want := described(t, false)
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("docs/result.schema.json is not what the types say (go test ./internal/report -run Schema -update): %v", err)
	}
}

// What JSON writes is what the schema describes, and nothing else; what is no
// result is refused.
func TestResultsAreValid(t *testing.T) {
	rs := map[string]*Result{"rich": rich(), "many": many(30), "empty": New(Tool{"darkstart", ""}, "check").Finish()}
	failed := New(Tool{"darkstart", "v1"}, "compile").Finish()
	failed.Error, failed.ExitCode = "no space left on device", 2
	rs["failed"] = failed
	strict := compiled(t, described(t, true))
	for name, r := range rs {
		if err := against(t, strict, written(t, JSON, r)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := string(written(t, JSON, rich()))
	for what, change := range map[string][2]string{
		"another version":  {Version, "darkstart.dev/result/v9"},
		"no severity":      {`"severity": "error"`, `"severity": "fatal"`},
		"a line of text":   {`"line": 2`, `"line": "2"`},
		"an unknown field": {`"exitCode"`, `"extiCode"`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good || against(t, strict, []byte(bad)) == nil {
			t.Errorf("%s is valid", what)
		}
	}
}
