package evaluate

import (
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// describe says in words what an expression of the schema admits, as the end
// of a sentence: "must be a whole number, at least 1".
func (s *schema) describe(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.ParenExpr:
		return s.describe(x.X)
	case *ast.Ident:
		return s.describeName(x.Name)
	case *ast.BasicLit:
		return x.Value
	case *ast.UnaryExpr:
		return s.describeBound(x)
	case *ast.BinaryExpr:
		if x.Op == token.OR {
			return s.describeChoice(x)
		}
		return s.describe(x.X) + ", " + s.describe(x.Y)
	case *ast.ListLit:
		return s.describeList(x)
	case *ast.StructLit:
		if _, v := pattern(x); v != nil {
			return "a map of names, each with " + s.describe(v)
		}
		return "a struct"
	case *ast.CallExpr:
		return "text that passes " + code(x)
	}
	return code(x)
}

var basics = map[string]string{
	"int": "a whole number", "number": "a number", "string": "text", "bool": "true or false", "_": "any value",
}

func (s *schema) describeName(name string) string {
	if b, ok := basics[name]; ok {
		return b
	}
	d := s.defs[name]
	if d == nil {
		return name
	}
	if lits, ok := s.literals(d.expr); ok {
		return "one of " + strings.Join(lits, ", ")
	}
	text, _, _ := strings.Cut(d.doc.text, ". ")
	if _, after, ok := strings.Cut(text, " is "); ok {
		text, _, _ = strings.Cut(after, ": ")
		return strings.TrimSuffix(text, ".")
	}
	n := strings.TrimPrefix(name, "#")
	if strings.ContainsAny(n[:1], "AEIOU") {
		return "an " + n
	}
	return "a " + n
}

func (s *schema) describeBound(x *ast.UnaryExpr) string {
	v := code(x.X)
	switch x.Op {
	case token.MUL:
		return s.describe(x.X)
	case token.GEQ:
		return "at least " + v
	case token.GTR:
		return "more than " + v
	case token.LEQ:
		return "at most " + v
	case token.LSS:
		return "less than " + v
	case token.NEQ:
		return "not " + v
	case token.MAT:
		return "text that matches " + v
	}
	return code(x)
}

func (s *schema) describeChoice(x *ast.BinaryExpr) string {
	if lits, ok := s.literals(x); ok {
		return "one of " + strings.Join(lits, ", ")
	}
	var parts []string
	for _, a := range flatten(x) {
		_, isDefault := a.(*ast.UnaryExpr)
		d := s.describe(a)
		if isDefault && len(parts) == 0 && !strings.Contains(d, " ") {
			continue // a default is one value of what follows
		}
		parts = append(parts, d)
	}
	return strings.Join(parts, ", or ")
}

func (s *schema) describeList(x *ast.ListLit) string {
	if len(x.Elts) == 1 {
		if e, ok := x.Elts[0].(*ast.Ellipsis); ok && e.Type != nil {
			return "a list, each item " + s.describe(e.Type)
		}
	}
	var parts []string
	for _, e := range x.Elts {
		parts = append(parts, s.describe(e))
	}
	return "a list of " + strings.Join(parts, " and ")
}

// literals returns the values of an enumeration, and false when the expression
// admits anything else.
func (s *schema) literals(x ast.Expr) ([]string, bool) {
	var out []string
	for _, a := range s.alternatives(x) {
		l, ok := a.(*ast.BasicLit)
		if !ok {
			return nil, false
		}
		out = append(out, l.Value)
	}
	return out, len(out) > 1
}

// flatten lists the branches of a disjunction without resolving names.
func flatten(x ast.Expr) []ast.Expr {
	if b, ok := x.(*ast.BinaryExpr); ok && b.Op == token.OR {
		return append(flatten(b.X), flatten(b.Y)...)
	}
	return []ast.Expr{x}
}

// example returns an example of what an expression admits, or "".
func (s *schema) example(p place) string {
	if id, ok := p.expr.(*ast.Ident); ok && s.defs[id.Name] != nil {
		return s.defs[id.Name].doc.example
	}
	return ""
}
