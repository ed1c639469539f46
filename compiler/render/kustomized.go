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

// held finds where a mapping or list stands in the object's own document, which
// kustomize names as its origin. No trial is needed: it is the same holder when
// the items of lists on the way to it are the same ones.
func (q *question) held() []diag.Label {
	was, ok := q.wrote()
	if !ok {
		return nil
	}
	is := any(q.object.Content())
	for _, key := range q.path {
		if !sameItem(was, is, key) {
			return nil
		}
		before, n := object.At(was, []string{key})
		after, m := object.At(is, []string{key})
		if n+m != 2 {
			return nil
		}
		was, is = before, after
	}
	if at, ok := q.written(); ok {
		return []diag.Label{at}
	}
	return nil
}

// wrote is the value that the object was written as.
func (q *question) wrote() (any, bool) {
	origin := q.object.Origin
	f := q.manifest()
	if f == nil {
		return nil, false
	}
	for _, d := range f.Documents {
		if d.Index == origin.Document {
			within := yamlpos.Tokens(origin.Within)
			v, n := object.At(d.Value, within)
			return v, n == len(within)
		}
	}
	return nil, false
}

// sameItem reports whether a key leads to the same item of two lists: by name,
// else when both are as long. In mappings it always does.
func sameItem(was, is any, key string) bool {
	before, isList := was.([]any)
	after, stillList := is.([]any)
	if !isList && !stillList {
		return true
	}
	if isList != stillList {
		return false
	}
	name := func(v any) any {
		item, _ := object.At(v, []string{key, "name"})
		text, _ := item.(string)
		return text
	}
	if a, b := name(was), name(is); a != "" || b != "" {
		return a == b
	}
	return len(before) == len(after)
}

// based is the scalar at a path in the object's own document.
func (q *question) based(path []string) (candidate, bool) {
	origin := q.object.Origin
	s := q.scalarsOf(origin.Pos.File)
	if i, ok := s.at[place{origin.Document, origin.Within + ir.Pointer(path...)}]; ok {
		return s.all[i], true
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

// scalars are those of one file, and of the YAML inside its texts; nobody
// changes them.
type scalars struct {
	all []candidate
	at  map[place]int
}

// place is where a scalar stands in a file.
type place struct {
	document int
	pointer  string
}

func (q *question) scalars(name string) []candidate { return q.scalarsOf(name).all }

// scalarsOf reads a file once: thousands of findings may ask about it.
func (q *question) scalarsOf(name string) *scalars {
	q.mu.Lock()
	s := q.leaves[name]
	q.mu.Unlock()
	if s != nil {
		return s
	}
	s = &scalars{at: map[place]int{}}
	if f := q.file(name); f != nil {
		s.all = q.readScalars(name, f)
	}
	for i, c := range s.all {
		p := place{c.document, ir.Pointer(c.path...)}
		if _, taken := s.at[p]; !taken {
			s.at[p] = i
		}
	}
	q.mu.Lock()
	q.leaves[name] = s
	q.mu.Unlock()
	return s
}

func (q *question) readScalars(name string, f *yamlpos.File) []candidate {
	var out []candidate
	// Patches stand as texts in kustomizations. In manifests texts are texts, and
	// the descriptions of a CRD alone are thousands.
	build := kustomize.IsKustomization(path.Base(name))
	for _, s := range f.Leaves() {
		inner, ok := (*yamlpos.File)(nil), false
		if build {
			inner, ok = f.Nested(s, q.cfg.Limits.Limits)
		}
		if ok {
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
