// Package shapes reads JSON Schemas from Go types, for tests that hold what is
// published under docs to the code, and documents to what is published.
package shapes

import (
	"bytes"
	"encoding/json"
	"os"
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

// Config says what a schema is of.
type Config struct {
	ID, Title string
	// Version is the only value of the field "version" of every alternative.
	Version string
	// Of are the documents that there are: pointers to structs.
	Of []any
	// Root of the module, and the packages below it whose comments describe.
	Root     string
	Packages []string
	// Names are those of types that would have the name of another.
	Names map[reflect.Type]string
	// Strict refuses fields that are not described. A published schema lets them
	// pass, since fields may be added.
	Strict bool
}

// Describe returns the schema, indented.
func Describe(t *testing.T, c Config) []byte {
	t.Helper()
	r, types := reflector(t, c)
	t.Chdir(c.Root)
	for _, dir := range c.Packages {
		if err := r.AddGoComments(module, dir); err != nil {
			t.Fatal(err)
		}
	}
	var out *reflected.Schema
	for _, v := range c.Of {
		s := r.Reflect(v)
		for name, d := range s.Definitions {
			d.Required = slices.DeleteFunc(d.Required, func(field string) bool { return omitted(types[name], field) })
		}
		root := s.Definitions[strings.TrimPrefix(s.Ref, "#/$defs/")]
		v, _ := root.Properties.Get("version")
		v.Const = c.Version
		switch {
		case out == nil:
			out = s
		case out.Ref != "":
			out.OneOf, out.Ref = []*reflected.Schema{{Ref: out.Ref}, {Ref: s.Ref}}, ""
		default:
			out.OneOf = append(out.OneOf, &reflected.Schema{Ref: s.Ref})
		}
		for name, d := range s.Definitions {
			out.Definitions[name] = d
		}
	}
	out.ID, out.Title = reflected.ID(c.ID), c.Title
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(out); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func reflector(t *testing.T, c Config) (*reflected.Reflector, map[string]reflect.Type) {
	types := map[string]reflect.Type{} // by the names that the schema gives them
	duration := &reflected.Schema{Type: "string", Description: "a duration such as 1h30m"}
	return &reflected.Reflector{
		AllowAdditionalProperties: !c.Strict, Anonymous: true,
		Namer: func(x reflect.Type) string {
			name := x.Name()
			if n := c.Names[x]; n != "" {
				name = n
			}
			if y := types[name]; name != "" && y != nil && y != x {
				t.Errorf("%v and %v would be one definition", x, y)
			}
			types[name] = x
			return name
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
	}, types
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

// Published holds a file to what the types say, and with update writes it.
func Published(t *testing.T, file string, want []byte, update bool) {
	t.Helper()
	if update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%s is not what the types say (run the test with -update): %v", file, err)
	}
}

// Compile reads a schema.
func Compile(t testing.TB, schema []byte) *jsonschema.Schema {
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

// Validate judges one document.
func Validate(s *jsonschema.Schema, text []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return s.Validate(v)
}
