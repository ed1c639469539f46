package evaluate

import (
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/parser"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// Format writes a CUE file as `cue fmt` does. A file that does not parse is
// a diagnostic for each error, and no text.
func Format(name string, src []byte) ([]byte, diag.List) {
	f, err := parser.ParseFile(name, src, parser.ParseComments)
	if err == nil {
		var out []byte
		if out, err = format.Node(f); err == nil {
			return out, nil
		}
	}
	var ds diag.List
	for _, x := range errors.Errors(err) {
		p := x.Position()
		ds.Add(diag.Errorf("EVL010", "syntax error: %s", plain(tail(x))).
			At(diag.Position{File: name, Line: p.Line(), Column: p.Column()}, "").
			Fix("correct the syntax; `cue vet` and editors with the CUE language server point at the same place"))
	}
	return nil, ds
}
