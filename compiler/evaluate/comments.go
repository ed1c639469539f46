package evaluate

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/parser"
)

// Comment is a line of a CUE comment that begins with a word. Start and End are
// the bytes from its slashes to its end, Text is where the word begins.
type Comment struct{ Start, End, Text int }

// Comments returns the comments of a CUE file that begin with word, ascending,
// and a function that tells the last line of what begins on a line: a field, or
// an item of a list. What begins with the package clause is the whole file.
// Text in a string is no comment, and a file that does not parse has none.
func Comments(name string, src []byte, word string) ([]Comment, func(line int) (last int, all bool)) {
	if !bytes.Contains(src, []byte(word)) {
		return nil, nil
	}
	f, err := parser.ParseFile(name, src, parser.ParseComments)
	if err != nil {
		return nil, nil
	}
	var out []Comment
	last := map[int]int{}
	whole := 0
	ast.Walk(f, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.CommentGroup:
			for _, c := range x.List {
				if c, ok := commentOf(src, c, word); ok {
					out = append(out, c)
				}
			}
		case *ast.Package:
			whole = x.Pos().Line()
		case *ast.Field, *ast.StructLit, *ast.EmbedDecl:
			if p := n.Pos(); p.IsValid() {
				last[p.Line()] = max(last[p.Line()], n.End().Line())
			}
		}
		return true
	}, nil)
	return sortedComments(out), func(line int) (int, bool) {
		if line == whole && line > 0 {
			return bytes.Count(src, []byte("\n")) + 1, true
		}
		return max(line, last[line]), false
	}
}

func commentOf(src []byte, c *ast.Comment, word string) (Comment, bool) {
	start := c.Pos().Offset()
	end := start + len(c.Text)
	rest := strings.TrimPrefix(c.Text, "//")
	text := end - len(strings.TrimLeft(rest, " \t"))
	after, ok := strings.CutPrefix(string(src[text:end]), word)
	return Comment{start, end, text}, ok && (after == "" || after[0] == ' ' || after[0] == '\t')
}

// sortedComments orders comments and drops those that are attached twice.
func sortedComments(cs []Comment) []Comment {
	seen := map[int]Comment{}
	for _, c := range cs {
		seen[c.Start] = c
	}
	out := make([]Comment, 0, len(seen))
	for _, start := range slices.Sorted(maps.Keys(seen)) {
		out = append(out, seen[start])
	}
	return out
}

// Fields returns the byte ranges of the fields at path in a CUE file, each with
// the comment above it. A field that holds nothing but the path (a: b: c: 1,
// asked for a.b) is one range from its first label. Fields that are computed are
// not found.
func Fields(name string, src []byte, path ...string) [][2]int {
	f, err := parser.ParseFile(name, src, parser.ParseComments)
	if err != nil {
		return nil
	}
	var out [][2]int
	for _, d := range f.Decls {
		out = append(out, fieldsAt(d, path)...)
	}
	return out
}

func fieldsAt(d ast.Decl, path []string) [][2]int {
	x, ok := d.(*ast.Field)
	if !ok {
		return nil
	}
	label, _, err := ast.LabelName(x.Label)
	if err != nil || label != path[0] {
		return nil
	}
	if len(path) == 1 {
		return [][2]int{rangeOf(x)}
	}
	s, ok := x.Value.(*ast.StructLit)
	if !ok {
		return nil
	}
	if !s.Lbrace.IsValid() && len(s.Elts) == 1 { // a: b: …
		if len(fieldsAt(s.Elts[0], path[1:])) == 1 && chained(s.Elts[0], path[1:]) {
			return [][2]int{rangeOf(x)}
		}
	}
	var out [][2]int
	for _, e := range s.Elts {
		out = append(out, fieldsAt(e, path[1:])...)
	}
	return out
}

// chained reports whether a declaration is a chain of labels down to path.
func chained(d ast.Decl, path []string) bool {
	x, ok := d.(*ast.Field)
	if !ok {
		return false
	}
	if len(path) == 1 {
		return true
	}
	s, ok := x.Value.(*ast.StructLit)
	return ok && !s.Lbrace.IsValid() && len(s.Elts) == 1 && chained(s.Elts[0], path[1:])
}

// rangeOf is a field with its doc comment.
func rangeOf(x *ast.Field) [2]int {
	start, end := x.Pos().Offset(), x.End().Offset()
	for _, g := range ast.Comments(x) {
		switch {
		case g.Doc && len(g.List) > 0:
			start = min(start, g.List[0].Pos().Offset())
		case g.Line && len(g.List) > 0:
			c := g.List[len(g.List)-1]
			end = max(end, c.Pos().Offset()+len(c.Text))
		}
	}
	return [2]int{start, end}
}

// Insert returns where a field is to be added below path in a CUE file: the
// offset behind the last element of the last struct there that is written in
// braces, and how deep it is indented; at the end of the file, and 0, when there
// is none.
func Insert(name string, src []byte, path ...string) (offset, depth int) {
	f, err := parser.ParseFile(name, src, parser.ParseComments)
	if err != nil {
		return len(src), 0
	}
	offset = len(src)
	decls := f.Decls
	for i, label := range path {
		var in *ast.StructLit
		for _, d := range decls {
			x, ok := d.(*ast.Field)
			if !ok {
				continue
			}
			if l, _, err := ast.LabelName(x.Label); err != nil || l != label {
				continue
			}
			if s, ok := x.Value.(*ast.StructLit); ok && s.Lbrace.IsValid() && s.Rbrace.IsValid() && s.Lbrace.Line() != s.Rbrace.Line() {
				in = s
			}
		}
		if in == nil {
			return len(src), 0
		}
		offset, depth, decls = in.Rbrace.Offset(), i+1, in.Elts
	}
	// Before the brace that closes it, at the start of its line.
	if i := bytes.LastIndexByte(src[:offset], '\n'); i >= 0 && len(bytes.TrimSpace(src[i:offset])) == 0 {
		return i + 1, depth
	}
	return len(src), 0
}
