package render

import (
	"path"
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/render/kustomize"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/yamlpos"
)

// kustomized finds what wrote a field of a kustomization's object. The line in
// the object's own document is asked first: what no patch touched is there.
func (q *question) kustomized() []diag.Label {
	if len(q.reads()) == 0 {
		return nil
	}
	if len(q.leaf) > len(q.path) {
		return q.held()
	}
	base, has := q.based(q.leaf)
	if has && q.equals(base.value) && q.follows(base) {
		base.at.Text = ""
		return []diag.Label{base.at}
	}
	var cs []candidate
	for _, name := range q.reads() {
		for _, c := range q.scalars(name) {
			if !has || c.at.Position != base.at.Position {
				cs = append(cs, c)
			}
		}
	}
	if has && !q.equals(base.value) {
		cs = append(cs, base)
	}
	found := q.prove(cs)
	if len(found) > 0 && has {
		found = slices.DeleteFunc(found, func(l diag.Label) bool { return l.Position == base.at.Position })
		base.at.Text = "the base says this"
		found = append(found, base.at)
	}
	return found
}

// maxHeld bounds the scalars that are tried for what holds them.
const maxHeld = 4

// held finds where a mapping or list stands in the object's own document: there
// one of its scalars comes from.
func (q *question) held() []diag.Label {
	holder, _ := object.At(q.object.Content, q.path)
	tried := 0
	for _, below := range leavesOf(holder, nil) {
		q.leaf, q.value = slices.Concat(q.path, below.path), below.value
		base, has := q.based(q.leaf)
		if !has || !q.equals(base.value) {
			continue
		}
		if tried++; tried > maxHeld {
			return nil
		}
		if q.follows(base) {
			if at, ok := q.written(); ok {
				return []diag.Label{at}
			}
		}
	}
	return nil
}

// based is the scalar at a path in the object's own document.
func (q *question) based(path []string) (candidate, bool) {
	origin := q.object.Origin
	for _, c := range q.scalars(origin.Pos.File) {
		if c.document == origin.Document && ir.Pointer(c.path...) == origin.Within+ir.Pointer(path...) {
			return c, true
		}
	}
	return candidate{}, false
}

// reads lists the files of YAML that the component's source is made of, the
// outermost kustomization first.
func (q *question) reads() []string {
	return q.source("kustomize "+q.component.Source.Kustomize, func() []string {
		return kustomize.Files(q.ctx, q.tree, path.Clean(q.component.Source.Kustomize), q.cfg.Limits)
	})
}

func (t *Tracer) source(key string, list func() []string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	files, ok := t.sources[key]
	if !ok {
		files = list()
		t.sources[key] = files
	}
	return files
}

// scalars are those of one file, and of the YAML inside its texts.
func (q *question) scalars(name string) []candidate {
	f := q.file(name)
	if f == nil {
		return nil
	}
	var out []candidate
	for _, s := range f.Leaves() {
		if inner, ok := f.Nested(s, q.cfg.Limits.Limits); ok {
			for _, n := range inner.Leaves() {
				out = append(out, scalarOf(name, inner, n))
			}
			continue
		}
		out = append(out, scalarOf(name, f, s))
	}
	return out
}

func scalarOf(name string, f *yamlpos.File, s yamlpos.Leaf) candidate {
	at := label(name, s.Place, "set here")
	return candidate{
		path: s.Path, value: s.Value, document: s.Document, at: at,
		edit: func(to string) (change, bool) {
			where, write, ok := f.Edit(s, to)
			return change{file: name, at: where, write: write}, ok
		},
	}
}
