package compiler

import (
	"path"
	"strings"
	"time"

	"github.com/darkstart-dev/darkstart/compiler/evaluate"
	"github.com/darkstart-dev/darkstart/compiler/guard"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/waive"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// WaiversFile is where `waiver add` writes.
const WaiversFile = "waivers/waivers.cue"

// waiverComments reads the waivers that stand beside lines, by place. A file
// that cannot be read is left to the stage that needs it.
func waiverComments(t *tree.Tree) ([]ir.Waiver, diag.List, error) {
	var out []ir.Waiver
	var diags diag.List
	for _, e := range t.Entries() {
		l, ok := language(t, e.Path)
		if !ok {
			continue
		}
		src, err := t.ReadFile(e.Path)
		if _, theirs := diag.From(err); theirs {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		ws, ds := waive.Read(commented(e.Path, src, l))
		out = append(out, ws...)
		diags.Add(ds...)
	}
	return out, diags, nil
}

// commented finds the waivers of one file.
func commented(name string, src []byte, l waive.Language) *waive.File {
	f := &waive.File{Name: name, Source: src, Language: l}
	if l != waive.CUE {
		f.Comments = waive.Find(src, l)
		return f
	}
	cs, extent := evaluate.Comments(name, src, waive.Marker)
	f.Extent = extent
	for _, c := range cs {
		f.Comments = append(f.Comments, waive.Comment{Start: c.Start, End: c.End, Text: c.Text, TextEnd: c.End})
	}
	return f
}

// language tells which comments a file of the fleet may hold waivers in. What
// is written by a program, or is no input of the fleet, holds none.
func language(t *tree.Tree, name string) (waive.Language, bool) {
	top, _, below := strings.Cut(name, "/")
	if below {
		switch top {
		case "waivers", "policies", "evidence", "releases", "deploy", "dist", "cue.mod":
			return 0, false
		}
	}
	switch path.Ext(name) {
	case ".cue":
		return waive.CUE, true
	case ".yaml", ".yml":
		if isTemplate(t, name) {
			return waive.Template, true
		}
		return waive.YAML, true
	case ".tpl":
		return waive.Template, isTemplate(t, name)
	}
	return 0, false
}

// isTemplate reports a file below the templates folder of a chart.
func isTemplate(t *tree.Tree, name string) bool {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if path.Base(dir) != "templates" {
			continue
		}
		if _, ok := t.Lookup(path.Join(path.Dir(dir), "Chart.yaml")); ok {
			return true
		}
	}
	return false
}

// RemoveWaiver returns the edits that take a waiver out of its file and leave
// every other byte as it is. It returns nil for one that is not written out: an
// entry of waivers/ that CUE computes.
func RemoveWaiver(t *tree.Tree, w *ir.Waiver) []diag.Edit {
	if w.Beside != nil {
		return removeComment(t, w)
	}
	var out []diag.Edit
	for _, e := range t.Files("waivers") {
		src, err := t.ReadFile(e.Path)
		if err != nil || path.Ext(e.Path) != ".cue" {
			continue
		}
		for _, r := range evaluate.Fields(e.Path, src, "waivers", w.ID) {
			out = append(out, waive.Cut(e.Path, src, r[0], r[1]))
		}
	}
	return out
}

func removeComment(t *tree.Tree, w *ir.Waiver) []diag.Edit {
	l, ok := language(t, w.At.File)
	src, err := t.ReadFile(w.At.File)
	if !ok || err != nil {
		return nil
	}
	f := commented(w.At.File, src, l)
	for _, c := range f.Comments {
		if f.Position(c) == w.At {
			return []diag.Edit{waive.Cut(w.At.File, src, c.Start, c.End)}
		}
	}
	return nil
}

// CheckWaiver judges a waiver that is about to be written, as a run of the
// guardrails would: an error means that it would not be honoured.
func CheckWaiver(res *Result, w ir.Waiver, now time.Time) diag.List {
	var rules []string
	for _, r := range res.Verdict.Rules {
		rules = append(rules, r.ID)
	}
	return guard.CheckWaiver(w, rules, res.Units.Project, now)
}
