package compiler

import (
	"path"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/evaluate"
	"github.com/darkstart-dev/darkstart/compiler/guard"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// Format writes a file of a fleet in its one form: CUE as `cue fmt`, Rego as
// `opa fmt` do. A file that does not parse is a diagnostic and no text.
func Format(name string, src []byte) ([]byte, diag.List) {
	if path.Ext(name) == ".rego" {
		return guard.Format(name, src)
	}
	return evaluate.Format(name, src)
}

// Formatted lists the files of a fleet that Format is for, sorted: what others
// wrote, below cue.mod, policies/vendor and a chart, stays as they wrote it.
func Formatted(t *tree.Tree) []string {
	charts := map[string]bool{}
	for _, e := range t.Entries() {
		if path.Base(e.Path) == "Chart.yaml" {
			charts[path.Dir(e.Path)] = true
		}
	}
	var out []string
	for _, e := range t.Entries() {
		ext := path.Ext(e.Path)
		if ext != ".cue" && ext != ".rego" || strings.HasPrefix(e.Path, "cue.mod/") || strings.HasPrefix(e.Path, "policies/vendor/") {
			continue
		}
		foreign := false
		for d := path.Dir(e.Path); d != "."; d = path.Dir(d) {
			foreign = foreign || charts[d]
		}
		if !foreign {
			out = append(out, e.Path)
		}
	}
	return out
}
