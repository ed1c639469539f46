package evaluate

import (
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// position converts a CUE position; columns of both count bytes from 1.
func position(p token.Pos) diag.Position {
	if !p.IsValid() || p.File() == nil {
		return diag.Position{}
	}
	q := p.Position()
	return diag.Position{File: strings.TrimPrefix(q.Filename, "/"), Line: q.Line, Column: q.Column}
}

// span is position with an end, for text of n bytes on one line.
func span(p token.Pos, n int) diag.Position {
	q := position(p)
	if q.Column > 0 && n > 0 {
		q.EndColumn = q.Column + n
	}
	return q
}

// nodeSpan returns the place of a syntax node. For a field it is the value, if
// that is on one line, else the label: what a reader would point at.
func nodeSpan(n ast.Node) diag.Position {
	switch x := n.(type) {
	case nil:
		return diag.Position{}
	case *ast.Field:
		if q := nodeSpan(x.Value); q.EndColumn > 0 {
			if _, isStruct := x.Value.(*ast.StructLit); !isStruct {
				return q
			}
		}
		return nodeSpan(x.Label)
	}
	if !n.Pos().IsValid() {
		return diag.Position{}
	}
	q := position(n.Pos())
	if e := n.End(); e.IsValid() && e.File() == n.Pos().File() && e.Line() == q.Line && e.Column() > q.Column {
		q.EndColumn = e.Column()
	}
	return q
}

func fromSchema(p diag.Position) bool { return strings.HasPrefix(p.File, vendorDir+"/") }

// positions maps every value of the unit to the places that set it: files of
// the fleet only, since the schema's are the same for everyone.
func (e *evaluation) positions(v cue.Value) map[string][]diag.Position {
	out := map[string][]diag.Position{}
	e.walk(v, "", out)
	return out
}

func (e *evaluation) walk(v cue.Value, pointer string, out map[string][]diag.Position) {
	if ps := e.sources(v); len(ps) > 0 {
		out[pointer] = ps
	}
	switch v.IncompleteKind() {
	case cue.StructKind:
		it, err := v.Fields()
		for err == nil && it.Next() {
			e.walk(it.Value(), pointer+ir.Pointer(it.Selector().Unquoted()), out)
		}
	case cue.ListKind:
		it, err := v.List()
		for i := 0; err == nil && it.Next(); i++ {
			e.walk(it.Value(), pointer+"/"+strconv.Itoa(i), out)
		}
	}
}

// sources returns the places in the fleet that contribute to one value, most
// specific first: a cluster speaks before what clusters share, and both before
// what they import. A pattern ([string]: …) says what all have in common, so it
// comes last: nobody looks there for the one that is wrong.
func (e *evaluation) sources(v cue.Value) []diag.Position {
	var out []diag.Position
	seen, common := map[diag.Position]bool{}, map[diag.Position]bool{}
	add := func(n ast.Node) {
		if q := nodeSpan(n); !q.IsZero() && !fromSchema(q) && !seen[q] {
			seen[q] = true
			common[q] = isPattern(n)
			out = append(out, q)
		}
	}
	op, args := v.Expr()
	if op == cue.AndOp {
		for _, a := range args {
			add(a.Source())
		}
	}
	if len(out) == 0 {
		add(v.Source())
	}
	slices.SortFunc(out, func(a, b diag.Position) int {
		if common[a] != common[b] {
			if common[a] {
				return 1
			}
			return -1
		}
		return e.specific(a, b)
	})
	return out
}

// isPattern reports a field [pattern]: value.
func isPattern(n ast.Node) bool {
	f, ok := n.(*ast.Field)
	if !ok {
		return false
	}
	_, ok = f.Label.(*ast.ListLit)
	return ok
}

// cuePath makes a path of data; numbers index lists.
func cuePath(data []string) cue.Path {
	var sel []cue.Selector
	for _, d := range data {
		if n, err := strconv.Atoi(d); err == nil {
			sel = append(sel, cue.Index(n))
		} else {
			sel = append(sel, cue.Str(d))
		}
	}
	return cue.MakePath(sel...)
}

// declared returns the identifier that a declaration introduces, or "".
func declared(d ast.Decl) string {
	switch x := d.(type) {
	case *ast.Field:
		if id, ok := x.Label.(*ast.Ident); ok {
			return id.Name
		}
	case *ast.LetClause:
		return x.Ident.Name
	}
	return ""
}
