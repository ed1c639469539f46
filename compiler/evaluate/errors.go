package evaluate

import (
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/scanner"
	"cuelang.org/go/cue/token"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// explain turns CUE errors into diagnostics. Errors about one value are one
// diagnostic: CUE reports each failed branch of an alternative by itself,
// which says less the more there are.
func (e *evaluation) explain(err error) diag.List {
	var l diag.List
	var order []string
	groups := map[string][]errors.Error{}
	for _, x := range errors.Errors(err) {
		p := e.dataPath(x.Path())
		if p == nil || classify(x) != nil {
			l.Add(e.single(x))
			continue
		}
		k := ir.Pointer(p...)
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], x)
	}
	for _, k := range order {
		if !e.shadowed(k, order, groups) {
			l.Add(e.valueError(groups[k]))
		}
	}
	return l
}

// shadowed reports an error that only repeats one about something inside: an
// alternative fails because a field of its branch does.
func (e *evaluation) shadowed(k string, order []string, groups map[string][]errors.Error) bool {
	inner := slices.ContainsFunc(order, func(o string) bool { return strings.HasPrefix(o, k+"/") })
	return inner && !contains(groups[k], "not allowed") && !contains(groups[k], "required")
}

// dataPath strips the definition's name from a path, and gives nil for an
// error that is not about a value of the unit.
func (e *evaluation) dataPath(p []string) []string {
	if len(p) == 0 {
		return nil
	}
	if p[0] == e.folder.def {
		p = p[1:]
	}
	out := make([]string, 0, len(p))
	for _, s := range p {
		if strings.HasPrefix(s, "#") || strings.HasPrefix(s, "_") {
			return nil
		}
		out = append(out, strings.Trim(s, `"`))
	}
	return out
}

// valueError explains the errors about one value.
func (e *evaluation) valueError(xs []errors.Error) *diag.Diagnostic {
	data := e.dataPath(xs[0].Path())
	places := e.labels(xs)
	switch {
	case contains(xs, "field not allowed"):
		return e.unknownField(data, places)
	case contains(xs, "field is required but not present"):
		return e.missing(data)
	case conflict(places):
		return e.conflicting(data, places)
	case contains(xs, "incomplete value"), contains(xs, "non-concrete value"):
		return e.incomplete(data, places)
	case contains(xs, "conflicting values"), contains(xs, "out of bound"), contains(xs, "does not satisfy"),
		contains(xs, "empty disjunction"), contains(xs, "invalid value"), contains(xs, "incompatible list lengths"):
		return e.refused(data, places)
	}
	d := diag.Errorf("EVL028", "%s: %s", dotted(data), plain(tail(xs[0]))).About(e.subject(data))
	return atAll(d, places, "").Fix("correct the expression; `cue eval` on the folder shows how it is computed")
}

// subject names the cluster and component that a path lies in.
func (e *evaluation) subject(data []string) diag.Subject {
	s := diag.Subject{Path: ir.Pointer(data...)}
	if e.folder.def == "#Cluster" {
		s.Cluster = e.folder.name
		if len(data) > 1 && data[0] == "components" {
			s.Component = data[1]
		}
	}
	return s
}

// said is a place in the fleet and the literal that stands there.
type said struct {
	at   diag.Position
	text string
}

// labels collects the fleet's places of some errors, each with what it says.
func (e *evaluation) labels(xs []errors.Error) []said {
	var out []said
	seen := map[diag.Position]bool{}
	for _, x := range xs {
		for _, p := range errors.Positions(x) {
			q := position(p)
			if q.File == "" || fromSchema(q) || seen[q] {
				continue
			}
			seen[q] = true
			text, isValue := e.token(p)
			q.EndColumn = span(p, len(text)).EndColumn
			if !isValue {
				text = ""
			}
			out = append(out, said{q, text})
		}
	}
	slices.SortStableFunc(out, func(a, b said) int { return e.specific(a.at, b.at) })
	return out
}

// token returns the token that begins at a position, and whether it is a
// literal; "" when it spans lines.
func (e *evaluation) token(p token.Pos) (text string, literal bool) {
	b, err := e.reader.ReadFile(strings.TrimPrefix(e.sandboxPath(p), "/"))
	if err != nil || p.Offset() < 0 || p.Offset() >= len(b) {
		return "", false
	}
	b = b[p.Offset():]
	var s scanner.Scanner
	s.Init(token.NewFile("", -1, len(b)), b, func(token.Pos, string, []any) {}, 0)
	_, tok, lit := s.Scan()
	switch tok {
	case token.TRUE, token.FALSE, token.NULL:
		return tok.String(), true
	case token.STRING, token.INT, token.FLOAT:
		literal = true
	}
	if strings.Contains(lit, "\n") {
		return "", false
	}
	return lit, literal
}

// sandboxPath undoes realPath for vendored packages.
func (e *evaluation) sandboxPath(p token.Pos) string {
	name := position(p).File
	for s, r := range e.src.real {
		if r == name {
			return s
		}
	}
	return name
}

// specific orders places: the unit's own folder, then what it inherits, then
// what it imports.
func (e *evaluation) specific(a, b diag.Position) int {
	if x, y := e.distance(a), e.distance(b); x != y {
		return x - y
	}
	return a.Compare(b)
}

func (e *evaluation) distance(p diag.Position) int {
	dir := path.Dir(p.File)
	switch {
	case dir == e.folder.dir:
		return 0
	case dir == ".", strings.HasPrefix(e.folder.dir, dir+"/"):
		return 1
	}
	return 2
}

func contains(xs []errors.Error, text string) bool {
	return slices.ContainsFunc(xs, func(x errors.Error) bool { return strings.Contains(x.Error(), text) })
}

// conflict reports places that state different literals.
func conflict(ps []said) bool {
	first := ""
	for _, p := range ps {
		switch {
		case p.text == "":
		case first == "":
			first = p.text
		case first != p.text:
			return true
		}
	}
	return false
}

// tail is the message without the path in front.
func tail(x errors.Error) string {
	s := x.Error()
	if p := strings.Join(x.Path(), "."); p != "" {
		s = strings.TrimPrefix(s, p+": ")
	}
	return s
}

// dotted writes a path as users write it: components.vault.phase.
func dotted(data []string) string {
	if len(data) == 0 {
		return "the file"
	}
	return strings.Join(data, ".")
}

func atAll(d *diag.Diagnostic, ps []said, text string) *diag.Diagnostic {
	for _, p := range ps {
		d.At(p.at, "%s", text)
	}
	return d
}

// plain makes one sentence of an error: one line, no full stop.
func plain(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.TrimSuffix(s, ".")
}

// firstFrames names the functions of a stack, without the machine's paths.
func firstFrames(stack []byte) string {
	var out []string
	for _, l := range strings.Split(string(stack), "\n") {
		if i := strings.LastIndexByte(l, '('); i > 0 && !strings.HasPrefix(l, "\t") && len(out) < 8 {
			out = append(out, l[strings.LastIndexByte(l[:i], '/')+1:i])
		}
	}
	return strings.Join(out, " < ")
}
