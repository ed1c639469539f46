package evaluate

import (
	"strings"

	"cuelang.org/go/cue/ast"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// wants returns what the schema says about a path of the unit.
func (e *evaluation) wants(data []string) []place {
	return e.schemaText.at(place{expr: ast.NewIdent(e.folder.def)}, data)
}

// holder is the nearest enclosing value that the files wrote, for things that
// are missing.
func (e *evaluation) holder(data []string) diag.Position {
	for i := len(data); i >= 0; i-- {
		v := e.unified.LookupPath(cuePath(data[:i]))
		if ps := e.sources(v); v.Exists() && len(ps) > 0 {
			return ps[0]
		}
	}
	if len(e.insts) == 0 {
		return diag.Position{File: e.folder.dir, Line: 1}
	}
	for _, f := range e.insts[0].BuildFiles {
		if name := strings.TrimPrefix(f.Filename, "/"); e.distance(diag.Position{File: name}) == 0 {
			return diag.Position{File: name, Line: 1}
		}
	}
	return diag.Position{File: e.folder.dir}
}

func (e *evaluation) unknownField(data []string, ps []said) *diag.Diagnostic {
	name, parent := data[len(data)-1], data[:len(data)-1]
	fields, key := e.schemaText.names(e.wants(parent))
	if len(fields) == 0 && key != nil {
		d := diag.Errorf("EVL025", "%q cannot be a name in %s: it must be %s", name, dotted(parent), e.schemaText.describe(key))
		if lits, ok := e.schemaText.literals(key); ok {
			if n := diag.Nearest(name, unquote(lits)); n != "" {
				d.Fix("did you mean %q", n)
			}
		}
		if id, ok := key.(*ast.Ident); ok && e.schemaText.defs[id.Name] != nil {
			d.Note("%s", e.schemaText.defs[id.Name].doc.text)
		}
		return atAll(d, ps, "this name").About(e.subject(data)).Fix("rename it")
	}
	where := "here"
	if len(parent) > 0 {
		where = "in " + dotted(parent)
	}
	d := diag.Errorf("EVL021", "unknown field %q %s", name, where).About(e.subject(data))
	atAll(d, ps, "no such field")
	if n := diag.Nearest(name, fields); n != "" {
		d.Fix("did you mean %q", n)
	}
	if len(fields) > 0 {
		return d.Fix("fields %s: %s", where, strings.Join(fields, ", "))
	}
	return d.Fix("remove the field; this value takes none")
}

func (e *evaluation) missing(data []string) *diag.Diagnostic {
	name, parent := data[len(data)-1], data[:len(data)-1]
	d := diag.Errorf("EVL022", "required field %q is missing in %s", name, dotted(parent))
	if len(parent) == 0 {
		d.Message = "required field \"" + name + "\" is missing"
	}
	d.About(e.subject(data)).At(e.holder(parent), "here")
	for _, p := range e.wants(data) {
		if p.field != nil && p.field.doc.example != "" {
			d.Note("%s", p.field.doc.text)
			return d.Fix("add it, for example: %s", p.field.doc.example)
		}
	}
	return d.Fix("add %s", name)
}

func (e *evaluation) conflicting(data []string, ps []said) *diag.Diagnostic {
	d := diag.Errorf("EVL020", "%s has conflicting values", dotted(data)).About(e.subject(data))
	var texts []string
	for _, p := range ps {
		if p.text == "" {
			continue
		}
		d.At(p.at, "says %s", p.text)
		if len(texts) == 0 || texts[len(texts)-1] != p.text {
			texts = append(texts, p.text)
		}
	}
	d.Message += ": " + strings.Join(texts, " and ")
	return d.Fix("keep one of them; to let one file override another, write a default in the other: *%s | _", texts[len(texts)-1])
}

func (e *evaluation) incomplete(data []string, ps []said) *diag.Diagnostic {
	d := diag.Errorf("EVL024", "%s has no concrete value: no file says which one it is", dotted(data)).About(e.subject(data))
	if atAll(d, ps, "leaves it open"); len(d.Labels) == 0 {
		d.At(e.holder(data), "leaves it open")
	}
	if w := e.phrase(data); w != "" {
		d.Note("it must be %s", w)
	}
	return d.Fix("write the value in a file of %s", e.folder.dir)
}

// refused explains a value that the schema does not admit.
func (e *evaluation) refused(data []string, ps []said) *diag.Diagnostic {
	got := ""
	for _, p := range ps {
		if p.text != "" {
			got = p.text
		}
	}
	w := e.phrase(data)
	d := diag.Errorf("EVL023", "%s must be %s", dotted(data), or(w, "what the schema says")).About(e.subject(data))
	if got != "" {
		d.Message += ", not " + got
	}
	for _, p := range ps {
		if got == "" || p.text != "" {
			d.At(p.at, "%s", "not allowed here")
		}
	}
	if len(d.Labels) == 0 {
		d.At(e.holder(data), "not allowed here")
	}
	for _, p := range e.wants(data) {
		e.advise(d, p, strings.Trim(got, `"`))
	}
	if len(d.Help) == 0 {
		d.Fix("change the value; `darkstart schema` documents every field")
	}
	return d
}

// phrase joins what the alternatives of the schema want.
func (e *evaluation) phrase(data []string) string {
	var out []string
	for _, p := range e.wants(data) {
		if w := e.schemaText.describe(p.expr); len(out) == 0 || out[len(out)-1] != w {
			out = append(out, w)
		}
	}
	return strings.Join(out, ", or ")
}

// advise adds the nearest allowed value, the definition's text and an example.
func (e *evaluation) advise(d *diag.Diagnostic, p place, got string) {
	if lits, ok := e.schemaText.literals(p.expr); ok {
		if n := diag.Nearest(got, unquote(lits)); n != "" && got != "" {
			d.Fix("did you mean %q", n)
		} else {
			d.Fix("choose one of %s", strings.Join(lits, ", "))
		}
		return
	}
	if id, ok := p.expr.(*ast.Ident); ok && e.schemaText.defs[id.Name] != nil {
		d.Note("%s", e.schemaText.defs[id.Name].doc.text)
	}
	if p.field != nil && p.field.doc.example != "" {
		d.Fix("for example: %s", p.field.doc.example)
	} else if x := e.schemaText.example(p); x != "" {
		d.Fix("for example: %s", x)
	}
}

func unquote(lits []string) []string {
	out := make([]string, len(lits))
	for i, l := range lits {
		out[i] = strings.Trim(l, `"`)
	}
	return out
}
