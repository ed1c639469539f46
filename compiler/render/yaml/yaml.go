// Package yaml turns manifests in files into objects.
//
// It is the plainest renderer and the judge of the other two: what kustomize
// reads is checked here first, and what Helm prints is decoded here, so one
// set of limits and one meaning of a scalar holds for all. The meaning is
// kubectl's, YAML 1.1 (see internal/yamlpos). Every object carries the place
// of the document, and of the list item, that wrote it.
package yaml

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/darkstart-dev/darkstart/internal/yamlpos"
)

// Limits bound one component. A zero field has the default named with it.
type Limits struct {
	yamlpos.Limits
	Objects int // objects in one file; 20000
	Total   int // bytes of all files of a component; 128 MiB
}

func (l Limits) objects() int {
	if l.Objects == 0 {
		return 20_000
	}
	return l.Objects
}

func (l Limits) total() int64 {
	if l.Total == 0 {
		return 128 << 20
	}
	return int64(l.Total)
}

func (l Limits) bytes() int64 {
	if l.Bytes == 0 {
		return 32 << 20
	}
	return int64(l.Bytes)
}

// Render reads a file, or every .yaml, .yml and .json file below a folder, in
// the order of their paths. The source is relative to the root of the tree.
// The error is one of reading the tree; all else is a diagnostic.
func Render(t *tree.Tree, source string, limits Limits) ([]*object.Object, diag.List, error) {
	var ds diag.List
	entries := Files(t, source)
	if len(entries) == 0 {
		ds.Add(Missing(t, source))
		return nil, ds, nil
	}
	var objects []*object.Object
	var total int64
	for _, e := range entries {
		src, d, err := Read(t, e.Path, limits)
		if err != nil {
			return nil, nil, err
		}
		ds.Add(d)
		if total += int64(len(src)); total > limits.total() {
			ds.Add(diag.Errorf("RND006", "the files below %s have more than %d bytes", source, limits.total()).
				At(diag.Position{File: e.Path}, "the limit is passed here").
				Fix("split the component, or keep generated data out of it"))
			return nil, ds, nil
		}
		if d != nil {
			continue
		}
		os, more := Decode(e.Path, src, limits)
		objects = append(objects, os...)
		ds.Add(more...)
	}
	return objects, ds, nil
}

// Files returns the manifests of a source: itself when it is a file, else the
// files with an extension of YAML or JSON at any depth.
func Files(t *tree.Tree, source string) []tree.Entry {
	if e, ok := t.Lookup(source); ok {
		return []tree.Entry{e}
	}
	var out []tree.Entry
	for _, e := range t.Files(source) {
		if IsManifest(e.Path) {
			out = append(out, e)
		}
	}
	return out
}

// IsManifest reports whether a file has an extension of YAML or JSON.
func IsManifest(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// Missing says that a source is not there. Without a position: there is no file
// to point at, so whoever knows who named it says where.
func Missing(t *tree.Tree, source string) *diag.Diagnostic {
	if t.HasDir(source) {
		return diag.Errorf("RND001", "folder %q holds no .yaml, .yml or .json file", source).
			At(diag.Position{File: source}, "").
			Fix("put the manifests there, or correct the component's source")
	}
	d := diag.Errorf("RND001", "source %q does not exist", source)
	if near := diag.Nearest(source, neighbours(t, source)); near != "" {
		d.Fix("did you mean %q?", near)
	}
	return d.Fix("paths are relative to the fleet's root, and only files that git knows are seen")
}

func neighbours(t *tree.Tree, source string) []string {
	dir := path.Dir(source)
	var out []string
	for _, e := range t.Files(dir) {
		if path.Dir(e.Path) == dir {
			out = append(out, e.Path)
		}
	}
	for _, d := range t.Dirs(dir) {
		out = append(out, path.Join(dir, d))
	}
	return out
}

// Read returns the content of one file, or a diagnostic when it is missing or
// too large; a file that is known to be too large is not read.
func Read(t *tree.Tree, name string, limits Limits) ([]byte, *diag.Diagnostic, error) {
	if e, ok := t.Lookup(name); ok && e.Size > limits.bytes() {
		p := &yamlpos.Problem{Kind: yamlpos.Size, Line: 1, Message: fmt.Sprintf("the file has %d bytes, more than %d", e.Size, limits.bytes())}
		return nil, FromProblem(name, p), nil
	}
	src, err := t.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, Missing(t, name), nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return src, nil, nil
}

// Decode turns the documents of one text into objects. Lists of any kind are
// replaced by their items. Objects that are no objects are diagnostics; the
// good ones are returned all the same.
func Decode(name string, src []byte, limits Limits) ([]*object.Object, diag.List) {
	var ds diag.List
	f, p := yamlpos.Parse(src, limits.Limits)
	if p != nil {
		ds.Add(FromProblem(name, p))
		return nil, ds
	}
	d := decoder{file: f, name: name, limit: limits.objects()}
	for _, doc := range f.Documents {
		at := diag.Position{File: name, Line: doc.Line, Column: doc.Column}
		d.add(doc.Value, object.Origin{Pos: at, Document: doc.Index, Exact: true})
	}
	if d.count > d.limit {
		d.diags.Add(diag.Errorf("RND019", "more than %d objects in one file", d.limit).
			At(diag.Position{File: name}, "%d objects", d.count).
			Fix("split the file into several components"))
		return nil, d.diags
	}
	return d.objects, d.diags
}

type decoder struct {
	file    *yamlpos.File
	name    string
	limit   int
	count   int
	objects []*object.Object
	diags   diag.List
}

func (d *decoder) add(v any, origin object.Origin) {
	m, ok := v.(map[string]any)
	if !ok {
		d.diags.Add(diag.Errorf("RND015", "a document holds %s where a Kubernetes object must stand", describe(v)).
			At(origin.Pos, "this is no mapping").
			Fix("write an object with apiVersion, kind and metadata.name, or remove the document"))
		return
	}
	if items, ok := listItems(m); ok {
		for i, item := range items {
			d.add(item, d.itemOrigin(origin, i))
		}
		return
	}
	if d.count++; d.count > d.limit {
		return
	}
	o := object.New(m, origin)
	if bad := Check(o); bad != nil {
		d.diags.Add(bad)
		return
	}
	d.objects = append(d.objects, o)
}

func (d *decoder) itemOrigin(origin object.Origin, i int) object.Origin {
	origin.Within += fmt.Sprintf("/items/%d", i)
	if at, ok := d.file.Locate(origin.Document, yamlpos.Tokens(origin.Within)); ok {
		origin.Pos.Line, origin.Pos.Column = at.Line, at.Column
	}
	return origin
}

// listItems recognises lists as kustomize and kubectl do: by the name of the
// kind and a list of items.
func listItems(m map[string]any) ([]any, bool) {
	kind, _ := m["kind"].(string)
	if !strings.HasSuffix(kind, "List") {
		return nil, false
	}
	items, has := m["items"]
	if items == nil {
		return nil, has && kind == "List"
	}
	list, ok := items.([]any)
	return list, ok
}

func describe(v any) string {
	switch v.(type) {
	case []any:
		return "a list"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case nil:
		return "nothing"
	}
	return "a number"
}
