package evaluate

import (
	"cmp"
	"slices"
	"strings"

	"cuelang.org/go/cue/errors"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// plain makes one sentence of an error: one line, no full stop.
func plain(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.TrimSuffix(s, ".")
}

func firstFrames(stack []byte) string {
	lines := strings.Split(string(stack), "\n")
	return strings.Join(lines[:min(6, len(lines))], "; ")
}

// sortSpecific orders positions: deeper folders first, then by place.
func sortSpecific(ps []diag.Position) {
	slices.SortFunc(ps, func(a, b diag.Position) int {
		return cmp.Or(cmp.Compare(strings.Count(b.File, "/"), strings.Count(a.File, "/")), a.Compare(b))
	})
}

// explain turns CUE errors into diagnostics.
func (e *evaluation) explain(err error) diag.List {
	var l diag.List
	for _, x := range errors.Errors(err) {
		d := diag.Errorf("EVL028", "%s", plain(x.Error()))
		for _, p := range errors.Positions(x) {
			d.At(position(p), "")
		}
		l.Add(d.Fix("make the value agree with the schema; `darkstart schema` documents every field"))
	}
	return l
}
