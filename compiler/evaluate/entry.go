package evaluate

import (
	"bytes"
	"fmt"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/format"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// Pair is one field of an entry, whose value is text.
type Pair struct{ Name, Value string }

// AddEntry returns the edit that adds name: {fields} below a field at the top of
// a CUE file, in the form that `cue fmt` gives it. It goes into the struct in
// braces that the file has there, else to the end. A file that is empty is begun
// with its package.
func AddEntry(file string, src []byte, pkg, field, name string, fields []Pair) (diag.Edit, error) {
	s := &ast.StructLit{}
	for _, p := range fields {
		s.Elts = append(s.Elts, &ast.Field{Label: ast.NewIdent(p.Name), Value: ast.NewString(p.Value)})
	}
	b, err := format.Node(s, format.Simplify())
	if err != nil {
		return diag.Edit{}, fmt.Errorf("format the entry %q: %w", name, err)
	}
	body := strings.TrimSpace(string(b))
	if len(bytes.TrimSpace(src)) == 0 {
		return diag.Edit{File: file, Line: 1, Column: 1, EndLine: 1, EndColumn: 1, New: fmt.Sprintf("package %s\n\n%s: %q: %s\n", pkg, field, name, body)}, nil
	}
	offset, depth := Insert(file, src, field)
	text := fmt.Sprintf("%s: %q: %s\n", field, name, body)
	if depth > 0 {
		text = fmt.Sprintf("%q: %s\n", name, body)
		text = "\t" + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n\t") + "\n"
	} else {
		text = "\n" + text
		if !bytes.HasSuffix(src, []byte("\n")) {
			text = "\n" + text
		}
	}
	line := 1 + bytes.Count(src[:offset], []byte("\n"))
	column := offset - bytes.LastIndexByte(src[:offset], '\n')
	return diag.Edit{File: file, Line: line, Column: column, EndLine: line, EndColumn: column, New: text}, nil
}
