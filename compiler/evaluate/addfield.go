package evaluate

import (
	"bytes"
	"strconv"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/parser"
)

// AddField returns the text that gives the struct at path one more field, and
// the byte offset to insert it at. It goes first into the struct where that is
// written in braces, and else as a line of its own behind the declaration that
// holds it, which CUE unifies with it. It returns false when no declaration of
// the file leads towards path.
func AddField(name string, src []byte, path []string, field, value string) (offset int, text string, ok bool) {
	f, err := parser.ParseFile(name, src, parser.ParseComments)
	if err != nil || len(path) == 0 {
		return 0, "", false
	}
	entry := labelText(field) + ": " + strconv.Quote(value)
	var last ast.Decl
	for _, d := range f.Decls {
		x, is := d.(*ast.Field)
		if !is || !called(x, path[0]) {
			continue
		}
		last = d
		if s := braced(x, path[1:]); s != nil {
			offset, text = within(src, s, entry)
			return offset, text, true
		}
	}
	if last == nil {
		return 0, "", false
	}
	chain := ""
	for _, p := range path {
		chain += labelText(p) + ": "
	}
	return last.End().Offset(), "\n" + chain + entry, true
}

func called(x *ast.Field, name string) bool {
	l, _, err := ast.LabelName(x.Label)
	return err == nil && l == name
}

// braced finds the struct in braces at path below a field.
func braced(x *ast.Field, path []string) *ast.StructLit {
	s := structOf(x.Value)
	if s == nil || len(path) == 0 {
		if s != nil && s.Lbrace.IsValid() {
			return s
		}
		return nil
	}
	for _, d := range s.Elts {
		if y, ok := d.(*ast.Field); ok && called(y, path[0]) {
			if found := braced(y, path[1:]); found != nil {
				return found
			}
		}
	}
	return nil
}

// structOf is the struct of a value: itself, or one that it is unified with.
func structOf(e ast.Expr) *ast.StructLit {
	switch x := e.(type) {
	case *ast.StructLit:
		return x
	case *ast.BinaryExpr:
		if x.Op.String() != "&" {
			return nil
		}
		if s := structOf(x.Y); s != nil {
			return s
		}
		return structOf(x.X)
	}
	return nil
}

// within inserts an entry behind an opening brace, as the struct is written.
func within(src []byte, s *ast.StructLit, entry string) (int, string) {
	at := s.Lbrace.Offset() + 1
	switch {
	case s.Lbrace.Line() != s.Rbrace.Line():
		line := src[bytes.LastIndexByte(src[:at], '\n')+1 : at]
		indent := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]
		return at, "\n" + string(indent) + "\t" + entry
	case strings.TrimSpace(string(src[at:s.Rbrace.Offset()])) == "":
		return at, entry
	}
	return at, entry + ", "
}

func labelText(name string) string {
	if ast.IsValidIdent(name) && !strings.HasPrefix(name, "_") && !strings.HasPrefix(name, "#") {
		return name
	}
	return strconv.Quote(name)
}
