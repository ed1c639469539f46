package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/darkstart-dev/darkstart/internal/yamlpos"
)

// change is one edit for a trial: of a file, or of the component's declaration.
type change struct {
	file  string
	at    yamlpos.Place
	write string

	pointer []string // below the component
	value   any
}

// try renders the component with one change and returns the object that the
// one in question became, nil when there is none or the rendering failed.
func (q *question) try(c change) *object.Object {
	cost := q.cost()
	if q.left == 0 || q.cluster.spent[q.name] >= maxTrialsTotal || q.cluster.asker.read+cost > maxRead || q.ctx.Err() != nil {
		q.left = 0
		return nil
	}
	q.left--
	q.cluster.spent[q.name]++
	q.cluster.asker.read += cost
	component, ok := c.declare(q.component)
	if !ok {
		return nil
	}
	res := q.rendered(c, component.Source)
	if res == nil || res.Diags.HasErrors() {
		return nil
	}
	made, _ := q.renderer.make(component, res, q.cluster.scopes)
	return counterpart(q.object, q.cluster.before[q.name], made.Objects)
}

// cost is what a trial reads, in bytes. A chart is weighed by what it makes.
func (q *question) cost() int {
	const ofObject = 2 << 10
	if q.component.Source.Kustomize == "" {
		return ofObject * max(1, len(q.cluster.before[q.name]))
	}
	files := q.reads()
	q.mu.Lock()
	defer q.mu.Unlock()
	n, ok := q.sizes[q.component.Source.Kustomize]
	if !ok {
		for _, name := range files {
			b, err := q.tree.ReadFile(name)
			if err == nil {
				n += len(b)
			}
		}
		q.sizes[q.component.Source.Kustomize] = n
	}
	return n
}

// rendered renders a source with one change. Clusters that share a source share
// its trials.
func (q *question) rendered(c change, src spec.Source) *result {
	k := key(src, q.name, q.renderer.unit.Spec.Kubernetes, q.cluster.apis)
	if c.file == "" && slices.Index([]string{"set", "images"}, c.pointer[0]) >= 0 {
		res, err := q.cache.do(q.tree, k, func(t *tree.Tree) (*result, error) {
			return q.renderer.over(t).dispatch(q.ctx, src, q.name, q.cluster.apis)
		})
		if err != nil {
			return nil
		}
		return res
	}
	k = fmt.Sprintf("%s\n%s %v %q", k, c.file, c.at, c.write)
	q.mu.Lock()
	e := q.trials[k]
	if e == nil {
		e = &trialEntry{}
		q.trials[k] = e
	}
	q.mu.Unlock()
	e.once.Do(func() {
		r := q.renderer
		if c.file != "" {
			text, err := q.tree.ReadFile(c.file)
			if err != nil {
				return
			}
			if text, err = c.splice(text); err != nil {
				return
			}
			r = r.over(q.tree.With(c.file, text))
		}
		if e.result, _ = r.dispatch(q.ctx, src, q.name, q.cluster.apis); e.result != nil {
			q.cache.settle(e.result)
		}
	})
	return e.result
}

func (c change) splice(text []byte) ([]byte, error) {
	return diag.Apply(text, []diag.Edit{{File: c.file, Line: c.at.Line, Column: c.at.Column, EndLine: c.at.Line, EndColumn: c.at.EndColumn, New: c.write}})
}

// declare makes the change in the parts of a declaration that render.
func (c change) declare(in spec.Component) (spec.Component, bool) {
	if c.file != "" {
		return in, true
	}
	part := struct {
		Source spec.Source       `json:"source"`
		Images map[string]string `json:"images,omitempty"`
		Set    spec.Overrides    `json:"set,omitzero"`
	}{in.Source, in.Images, in.Set}
	b, err := json.Marshal(part)
	if err != nil {
		return in, false
	}
	var v any
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil || !replaceAt(v, c.pointer, c.value) {
		return in, false
	}
	part.Source, part.Images, part.Set = spec.Source{}, nil, spec.Overrides{}
	if b, err = json.Marshal(v); err != nil || json.Unmarshal(b, &part) != nil {
		return in, false
	}
	in.Source, in.Images, in.Set = part.Source, part.Images, part.Set
	return in, true
}

func replaceAt(v any, path []string, to any) bool {
	holder, depth := object.At(v, path[:len(path)-1])
	if depth != len(path)-1 {
		return false
	}
	last := path[len(path)-1]
	switch x := holder.(type) {
	case map[string]any:
		_, has := x[last]
		x[last] = to
		return has
	case []any:
		i, err := strconv.Atoi(last)
		if err != nil || i < 0 || i >= len(x) {
			return false
		}
		x[i] = to
		return true
	}
	return false
}

// counterpart finds what an object became. A change may move or rename it; then
// it is the only object of its kind that the rendering before did not have, or
// the only one of them with its name or its namespace.
func counterpart(o *object.Object, before, after []*object.Object) *object.Object {
	old := map[object.Key]bool{}
	for _, b := range before {
		old[b.Key()] = true
	}
	var fresh []*object.Object
	for _, a := range after {
		if a.Key() == o.Key() {
			return a
		}
		if !old[a.Key()] && a.Kind == o.Kind && a.Group() == o.Group() {
			fresh = append(fresh, a)
		}
	}
	for _, same := range []func(*object.Object) bool{
		func(a *object.Object) bool { return true },
		func(a *object.Object) bool { return a.Name == o.Name },
		func(a *object.Object) bool { return a.Origin.Pos == o.Origin.Pos && a.Origin.Within == o.Origin.Within },
		func(a *object.Object) bool { return a.Namespace == o.Namespace && stem(a.Name) == stem(o.Name) },
	} {
		var found []*object.Object
		for _, a := range fresh {
			if same(a) {
				found = append(found, a)
			}
		}
		if len(found) == 1 {
			return found[0]
		}
	}
	return nil
}

// stem is a name without the hash that ends it.
func stem(name string) string {
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		return name[:i]
	}
	return name
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
