package compiler

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/darkstart-dev/darkstart/compiler/evaluate"
	"github.com/darkstart-dev/darkstart/compiler/guard"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/waive"
	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// WaiversFile is where `waiver add` writes.
const WaiversFile = "waivers/waivers.cue"

// beside is what the comments of a file say about waivers.
type beside struct {
	Waivers []ir.Waiver
	Diags   diag.List
}

// waiverComments reads the waivers that stand beside lines, by place. A file
// that cannot be read is left to the stage that needs it.
func waiverComments(t *tree.Tree, kept *cache.Store) ([]ir.Waiver, diag.List, error) {
	var out []ir.Waiver
	var diags diag.List
	for _, e := range t.Entries() {
		l, ok := language(t, e.Path)
		if !ok {
			continue
		}
		b, err := cache.Value(kept, "comments", []string{e.Path, string(e.ID), fmt.Sprint(l)}, func() (beside, error) {
			src, err := t.ReadFile(e.Path)
			if err != nil {
				return beside{}, err
			}
			ws, ds := waive.Read(commented(e.Path, src, l))
			return beside{ws, ds}, nil
		})
		if _, theirs := diag.From(err); theirs {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		out = append(out, b.Waivers...)
		diags.Add(b.Diags...)
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

// WaiverEntry returns the edit that adds a waiver to WaiversFile.
func WaiverEntry(t *tree.Tree, name string, w spec.Waiver) (diag.Edit, error) {
	var src []byte
	if _, ok := t.Lookup(WaiversFile); ok {
		var err error
		if src, err = t.ReadFile(WaiversFile); err != nil {
			return diag.Edit{}, err
		}
	}
	var fields []evaluate.Pair
	for _, p := range []evaluate.Pair{
		{Name: "rule", Value: w.Rule},
		{Name: "cluster", Value: w.Cluster},
		{Name: "component", Value: w.Component},
		{Name: "object", Value: w.Object},
		{Name: "path", Value: w.Path},
		{Name: "node", Value: w.Node},
		{Name: "reason", Value: w.Reason},
		{Name: "owner", Value: w.Owner},
		{Name: "ticket", Value: w.Ticket},
		{Name: "expires", Value: w.Expires},
	} {
		if p.Value != "" {
			fields = append(fields, p)
		}
	}
	return evaluate.AddEntry(WaiversFile, src, "waivers", "waivers", name, fields)
}

// WaiverComment returns the edit that writes a waiver above a line, and the
// waiver as it covers the file's lines as they are now.
func WaiverComment(t *tree.Tree, file string, line int, w spec.Waiver) (ir.Waiver, diag.Edit, error) {
	l, ok := language(t, file)
	if !ok {
		return ir.Waiver{}, diag.Edit{}, fmt.Errorf("a waiver beside a line stands in CUE, YAML or a Helm template of the fleet, and this is none")
	}
	src, err := t.ReadFile(file)
	if err != nil {
		return ir.Waiver{}, diag.Edit{}, err
	}
	edit, ok := waive.Beside(&waive.File{Name: file, Source: src, Language: l}, line, waive.Format(w))
	if !ok {
		return ir.Waiver{}, diag.Edit{}, fmt.Errorf("there is nothing on that line")
	}
	text, err := diag.Apply(src, []diag.Edit{edit})
	if err != nil {
		return ir.Waiver{}, diag.Edit{}, err
	}
	ws, _ := waive.Read(commented(file, text, l))
	for _, x := range ws {
		if x.At.Line != line {
			continue
		}
		x.Beside = &ir.Lines{First: x.Beside.First - 1, Last: x.Beside.Last - 1, All: x.Beside.All}
		return x, edit, nil
	}
	return ir.Waiver{}, diag.Edit{}, fmt.Errorf("that line is inside a value, where a comment would be text")
}
