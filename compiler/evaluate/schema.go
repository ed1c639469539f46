package evaluate

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
)

// schema is the syntax of the schema: what messages and the reference page say
// about a field, they read from here. The evaluator's own view of a schema is
// of no use for that: it has forgotten names, comments and alternatives.
type schema struct {
	defs  map[string]*definition
	order []string // as declared, by file
}

// definition is one #Definition.
type definition struct {
	name   string // "#Cluster"
	doc    doc
	expr   ast.Expr
	embeds []string // definitions whose fields it has as well
	fields []*field // its own
}

// field is one field of a definition.
type field struct {
	name               string
	required, optional bool
	doc                doc
	expr               ast.Expr
}

// doc is a doc comment taken apart.
type doc struct{ text, unit, def, example string }

// parseSchema reads v1/*.cue.
func parseSchema(schemas fs.FS) (*schema, error) {
	names, err := fs.Glob(schemas, "v1/*.cue")
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("schema: no v1/*.cue: %w", cmpErr(err, fs.ErrNotExist))
	}
	s := &schema{defs: map[string]*definition{}}
	for _, n := range names {
		b, err := fs.ReadFile(schemas, n)
		if err != nil {
			return nil, err
		}
		f, err := parser.ParseFile(n, b, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("schema: %w", err)
		}
		for _, d := range f.Decls {
			if x, ok := d.(*ast.Field); ok {
				s.add(x)
			}
		}
	}
	return s, nil
}

func (s *schema) add(x *ast.Field) {
	d := &definition{name: label(x.Label), doc: docOf(x), expr: x.Value}
	if body, ok := x.Value.(*ast.StructLit); ok {
		for _, e := range body.Elts {
			switch e := e.(type) {
			case *ast.EmbedDecl:
				d.embeds = append(d.embeds, code(e.Expr))
			case *ast.Field:
				if _, never := e.Value.(*ast.BottomLit); never {
					continue // a field that must not be there
				}
				d.fields = append(d.fields, &field{
					name: label(e.Label), doc: docOf(e), expr: e.Value,
					required: e.Constraint == token.NOT, optional: e.Constraint == token.OPTION,
				})
			}
		}
	}
	s.defs[d.name] = d
	s.order = append(s.order, d.name)
}

func label(l ast.Label) string {
	if n, _, err := ast.LabelName(l); err == nil {
		return n
	}
	return ""
}

// code prints syntax on one line.
func code(n ast.Node) string {
	b, err := format.Node(n, format.Simplify())
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(string(b)), " ")
}

// docOf reads the comment above a field: prose, then lines that begin with
// "Unit:", "Default:" and "Example:".
func docOf(f *ast.Field) doc {
	var d doc
	var prose []string
	for _, g := range ast.Comments(f) {
		if !g.Doc {
			continue
		}
		for _, c := range g.List {
			line := strings.TrimSpace(strings.TrimPrefix(c.Text, "//"))
			switch key, rest, _ := strings.Cut(line, ": "); key {
			case "Unit":
				d.unit = rest
			case "Default":
				d.def = rest
			case "Example":
				d.example = rest
			default:
				prose = append(prose, line)
			}
		}
	}
	d.text = strings.Join(prose, " ")
	return d
}

// fieldsOf returns the fields of a definition with those that it embeds.
func (s *schema) fieldsOf(name string) []*field {
	d := s.defs[name]
	if d == nil {
		return nil
	}
	var out []*field
	for _, e := range d.embeds {
		out = append(out, s.fieldsOf(e)...)
	}
	return append(out, d.fields...)
}

// place is what the schema says about one path.
type place struct {
	expr  ast.Expr
	field *field // nil inside lists and maps
}

// at follows a path of the data from an expression of the schema. It returns
// every alternative that the path can mean: a disjunction has several.
func (s *schema) at(p place, path []string) []place {
	if len(path) == 0 {
		return []place{p}
	}
	var out []place
	for _, x := range s.alternatives(p.expr) {
		switch x := x.(type) {
		case *ast.Ident:
			for _, f := range s.fieldsOf(x.Name) {
				if f.name == path[0] {
					out = append(out, s.at(place{f.expr, f}, path[1:])...)
				}
			}
		case *ast.StructLit:
			if _, v := pattern(x); v != nil {
				out = append(out, s.at(place{expr: v}, path[1:])...)
			}
		case *ast.ListLit:
			for _, e := range x.Elts {
				if el, ok := e.(*ast.Ellipsis); ok {
					e = el.Type
				}
				if e != nil {
					out = append(out, s.at(place{expr: e}, path[1:])...)
					break
				}
			}
		}
	}
	return out
}

// alternatives resolves references to what is not a struct and flattens
// disjunctions.
func (s *schema) alternatives(x ast.Expr) []ast.Expr {
	switch x := x.(type) {
	case *ast.ParenExpr:
		return s.alternatives(x.X)
	case *ast.UnaryExpr:
		if x.Op == token.MUL {
			return s.alternatives(x.X)
		}
	case *ast.BinaryExpr:
		if x.Op == token.OR {
			return append(s.alternatives(x.X), s.alternatives(x.Y)...)
		}
	case *ast.Ident:
		if d := s.defs[x.Name]; d != nil {
			if _, isStruct := d.expr.(*ast.StructLit); !isStruct {
				return s.alternatives(d.expr)
			}
		}
	}
	return []ast.Expr{x}
}

// pattern returns the key and value of `{[key]: value}`.
func pattern(x *ast.StructLit) (key, value ast.Expr) {
	for _, e := range x.Elts {
		if f, ok := e.(*ast.Field); ok {
			if l, ok := f.Label.(*ast.ListLit); ok && len(l.Elts) == 1 {
				return l.Elts[0], f.Value
			}
		}
	}
	return nil, nil
}

// names returns the fields that may stand at a path, and the key pattern when
// it is a map.
func (s *schema) names(ps []place) (fields []string, key ast.Expr) {
	for _, p := range ps {
		for _, x := range s.alternatives(p.expr) {
			switch x := x.(type) {
			case *ast.Ident:
				for _, f := range s.fieldsOf(x.Name) {
					fields = append(fields, f.name)
				}
			case *ast.StructLit:
				if k, _ := pattern(x); k != nil {
					key = k
				}
			}
		}
	}
	slices.Sort(fields)
	return slices.Compact(fields), key
}
