package validate

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// problem is a diagnostic before it has a subject and a position.
type problem struct {
	code     string
	severity diag.Severity
	message  string
	path     []string // tokens of a JSON pointer into the object
	notes    []string
	help     []string
	declared bool // the version that the cluster declares contributes
}

func newProblem(code string, severity diag.Severity, format string, args ...any) *problem {
	return &problem{code: code, severity: severity, message: fmt.Sprintf(format, args...)}
}

func (p *problem) fix(format string, args ...any) *problem {
	p.help = append(p.help, fmt.Sprintf(format, args...))
	return p
}

// dotted prints a path the way Kubernetes does: spec.containers[0].image.
func dotted(path []string) string {
	var b strings.Builder
	for _, t := range path {
		switch _, err := strconv.Atoi(t); {
		case err == nil:
			fmt.Fprintf(&b, "[%s]", t)
		case strings.ContainsAny(t, "./"):
			fmt.Fprintf(&b, "[%q]", t)
		case b.Len() > 0:
			b.WriteString("." + t)
		default:
			b.WriteString(t)
		}
	}
	return b.String()
}

// resolve splits a path that the API server's code printed. Keys with dots are
// told apart by looking at the object itself: the longest key that is there
// wins. What is not there is split at dots.
func resolve(content any, path string) []string {
	var out []string
	for path = strings.TrimPrefix(path, "."); path != ""; path = strings.TrimPrefix(path, ".") {
		token, rest := next(content, path)
		out = append(out, token)
		content, path = step(content, token), rest
	}
	return out
}

// next cuts the first token off a path.
func next(content any, path string) (token, rest string) {
	if inner, ok := strings.CutPrefix(path, "["); ok {
		if i := strings.IndexByte(inner, ']'); i >= 0 {
			return strings.Trim(inner[:i], `"`), inner[i+1:]
		}
	}
	if m, ok := content.(map[string]any); ok {
		for k := range m {
			after, ok := strings.CutPrefix(path, k)
			if ok && len(k) > len(token) && (after == "" || after[0] == '.' || after[0] == '[') {
				token, rest = k, after
			}
		}
		if token != "" {
			return token, rest
		}
	}
	if i := strings.IndexAny(path, ".["); i > 0 {
		return path[:i], path[i:]
	}
	return path, ""
}

func step(content any, token string) any {
	switch x := content.(type) {
	case map[string]any:
		return x[token]
	case []any:
		if i, err := strconv.Atoi(token); err == nil && i >= 0 && i < len(x) {
			return x[i]
		}
	}
	return nil
}

// unknownField names the field nearest to one that the schema does not have.
func unknownField(s *schema.Structural, content map[string]any, path string) *problem {
	tokens := resolve(content, path)
	parent, name := tokens[:len(tokens)-1], tokens[len(tokens)-1]
	where := "the object"
	if len(parent) > 0 {
		where = dotted(parent)
	}
	p := newProblem(codeUnknownField, diag.Error, "unknown field %q in %s", name, where)
	p.path = tokens
	fields := fieldsAt(s, parent)
	if near := diag.Nearest(name, fields); near != "" {
		return p.fix("did you mean %q?", near)
	}
	if near := misplaced(s, parent, name); near != "" {
		return p.fix("move it: %q is a field of %s", name, near)
	}
	if len(fields) == 0 {
		return p.fix("remove it")
	}
	return p.fix("remove it, or correct the name: the fields here are %s", shortList(fields))
}

// fieldsAt lists the fields that the schema has below a path.
func fieldsAt(s *schema.Structural, path []string) []string {
	for _, t := range path {
		if s = below(s, t); s == nil {
			return nil
		}
	}
	var out []string
	for name := range s.Properties {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func below(s *schema.Structural, token string) *schema.Structural {
	switch p, ok := s.Properties[token]; {
	case ok:
		return &p
	case s.Items != nil:
		return s.Items
	case s.AdditionalProperties != nil:
		return s.AdditionalProperties.Structural
	}
	return nil
}

// misplaced looks for a field of that name one level up or down: the usual
// slip of indentation.
func misplaced(s *schema.Structural, parent []string, name string) string {
	if len(parent) > 0 {
		up := parent[:len(parent)-1]
		if slices.Contains(fieldsAt(s, up), name) && len(up) > 0 {
			return dotted(up)
		}
	}
	for _, child := range fieldsAt(s, parent) {
		down := append(slices.Clone(parent), child)
		if slices.Contains(fieldsAt(s, down), name) {
			return dotted(down)
		}
	}
	return ""
}

// shortList joins names, the first ten at most.
func shortList(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	if len(names) > 10 {
		return strings.Join(names[:10], ", ") + fmt.Sprintf(" and %d more", len(names)-10)
	}
	return strings.Join(names, ", ")
}

// fromField turns what the API server's code reports into a problem. The code
// is that of the schema's errors unless the caller names another.
func fromField(content map[string]any, e *field.Error, code string) *problem {
	path := resolve(content, e.Field)
	if e.Field == "<nil>" {
		path = nil
	}
	at := orElse(dotted(path), "the object")
	p := &problem{severity: diag.Error, path: path, code: code}
	detail := p.split(cleanDetail(e))
	switch {
	case code == codeRule:
		p.as(codeRule, "%s: %s", at, detail).fix("change %s so that the rule holds", at)
	case e.Type == field.ErrorTypeRequired:
		p.as(codeRequired, "%s is required%s", at, suffix(detail)).fix("add %s", at)
	case e.Type == field.ErrorTypeNotSupported:
		p.as(codeEnum, "%s is not one of the values it can have: %v", at, e.BadValue).fix("%s", supported(e, detail))
	case e.Type == field.ErrorTypeTypeInvalid:
		p.wrongType(at, detail)
	case e.Type == field.ErrorTypeDuplicate:
		p.as(codeDuplicate, "%s repeats the entry %s", at, shortValue(e.BadValue)).fix("merge or rename the entries: they are told apart by this key")
	default:
		p.as(codeValue, "%s %s", at, orElse(detail, strings.ToLower(string(e.Type)))).fix("correct the value of %s", at)
	}
	return p
}

// wrongType tells a value of another JSON type from text of the wrong form,
// which kube-openapi reports alike.
func (p *problem) wrongType(at, detail string) {
	want, got, _ := strings.Cut(strings.TrimPrefix(detail, "must be of type "), ": ")
	switch want {
	case "string", "integer", "number", "boolean", "object", "array", "null":
		p.as(codeType, "%s must be of type %s, and is of type %s", at, want, strings.Trim(got, `"`)).fix("%s", typeHelp(want, strings.Trim(got, `"`)))
	case "byte":
		p.as(codeValue, "%s is no base64: %s", at, got).fix("encode the value, or write it as it is under stringData")
	default:
		p.as(codeValue, "%s is no valid %s: %s", at, want, got).fix("correct the value of %s", at)
	}
}

// as sets message and, unless the caller chose one, the code.
func (p *problem) as(code, format string, args ...any) *problem {
	p.code = orElse(p.code, code)
	p.message = fmt.Sprintf(format, args...)
	return p
}

// split moves the examples and expressions behind a sentence into a note.
func (p *problem) split(detail string) string {
	before, after, ok := strings.Cut(detail, " (e.g. ")
	if ok {
		p.notes = append(p.notes, "for example "+strings.TrimSuffix(after, ")"))
	}
	return before
}

// cleanDetail drops the repeated path from kube-openapi's sentences.
func cleanDetail(e *field.Error) string {
	d := e.Detail
	if _, after, ok := strings.Cut(d, " in body "); ok {
		d = after
	}
	d = strings.TrimSpace(strings.TrimSuffix(d, "."))
	switch e.Type {
	case field.ErrorTypeInvalid:
		if s, ok := e.BadValue.(string); ok && s != "" && !strings.Contains(d, s) {
			d = fmt.Sprintf("has %s: %s", shortValue(s), d)
		}
	case field.ErrorTypeTooLong, field.ErrorTypeTooMany:
		d = strings.ToLower(string(e.Type)) + ": " + d
	}
	return d
}

func suffix(detail string) string {
	if detail == "" {
		return ""
	}
	return ": " + detail
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// supported phrases the list of values; the nearest one comes first.
func supported(e *field.Error, detail string) string {
	values := strings.Split(strings.TrimPrefix(detail, "supported values: "), ", ")
	for i, v := range values {
		values[i] = strings.Trim(v, `"`)
	}
	values = slices.DeleteFunc(values, func(v string) bool { return v == "" })
	if s, ok := e.BadValue.(string); ok {
		for _, v := range values {
			if strings.EqualFold(s, v) {
				return fmt.Sprintf("did you mean %q?", v)
			}
		}
		if near := diag.Nearest(s, values); near != "" {
			return fmt.Sprintf("did you mean %q?", near)
		}
	}
	return "use one of " + strings.Join(values, ", ")
}

// typeHelp knows the slips that YAML makes easy.
func typeHelp(want, got string) string {
	switch {
	case want == "string" && got != "object" && got != "array":
		return "quote the value: YAML reads it as a number or a boolean"
	case got == "string" && want != "object" && want != "array":
		return "write the value without quotes"
	case want == "array":
		return "write a list: each entry begins with \"- \""
	}
	return "write the value as " + want
}

// shortValue prints a value as JSON, in at most 60 bytes.
func shortValue(v any) string {
	s := fmt.Sprint(v)
	if b, err := json.Marshal(v); err == nil {
		s = string(b)
	}
	if len(s) > 60 {
		s = s[:57] + "..."
	}
	return s
}
