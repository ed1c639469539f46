package compiler

import (
	"reflect"
	"sync"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/darkstart-dev/darkstart/internal/yamlpos"
)

// lines maps JSON pointers of objects to lines of the files they came from.
// A file is parsed for that once, and only when a finding points into it.
type lines struct {
	mu    sync.Mutex
	files map[string]*yamlpos.File
}

// in returns the lookup over one tree. It finds nothing for an object that a
// transformer or template changed: a wrong line is worse than none.
func (l *lines) in(t *tree.Tree) func(*object.Object, string) (diag.Position, bool) {
	return func(o *object.Object, pointer string) (diag.Position, bool) {
		f := l.file(t, o.Origin.Pos.File)
		if f == nil || !o.Origin.Exact {
			return diag.Position{}, false
		}
		if !same(f, o, pointer) {
			return diag.Position{}, false // the cluster's own settings changed it
		}
		at, ok := f.Locate(o.Origin.Document, yamlpos.Tokens(o.Origin.Within+pointer))
		if !ok {
			return diag.Position{}, false
		}
		return diag.Position{File: o.Origin.Pos.File, Line: at.Line, Column: at.Column, EndColumn: at.EndColumn}, true
	}
}

// same reports whether a field of an object is as its document says.
func same(f *yamlpos.File, o *object.Object, pointer string) bool {
	for _, d := range f.Documents {
		if d.Index == o.Origin.Document {
			was, n := object.At(d.Value, object.Tokens(o.Origin.Within+pointer))
			is, m := object.At(o.Content(), object.Tokens(pointer))
			return n-m == len(object.Tokens(o.Origin.Within)) && reflect.DeepEqual(was, is)
		}
	}
	return false
}

// file returns a parsed file, nil when there is none or it does not parse.
func (l *lines) file(t *tree.Tree, name string) *yamlpos.File {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, ok := l.files[name]
	if ok {
		return f
	}
	if b, err := t.ReadFile(name); err == nil {
		f, _ = yamlpos.Parse(b, yamlpos.Limits{})
	}
	if l.files == nil {
		l.files = map[string]*yamlpos.File{}
	}
	l.files[name] = f
	return f
}
