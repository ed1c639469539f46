package render

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/render/kustomize"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
)

// patched is what a component's own patches make of what its source gave.
// Clusters that patch a source alike share it.
type patched struct {
	patches        *patches
	objects, tests []*object.Object
}

func patch(res *result, set []spec.Patch) *patched {
	p := newPatches(set)
	return &patched{p, p.apply(res.Objects), p.apply(res.Tests)}
}

// patches are a component's own, in the order in which they are written. They
// come first, as in a kustomization: what they add, the other settings see.
type patches struct {
	list  []*kustomize.Patch // nil where the patch cannot be read
	bad   []error            // by index: the first failure of each
	on    []*object.Object   // what it failed on
	tried []bool
}

func newPatches(set []spec.Patch) *patches {
	n := len(set)
	p := &patches{make([]*kustomize.Patch, n), make([]error, n), make([]*object.Object, n), make([]bool, n)}
	for i, s := range set {
		p.list[i], p.bad[i] = kustomize.NewPatch(s)
	}
	return p
}

// apply returns the objects that are left, those that changed as copies.
func (p *patches) apply(in []*object.Object) []*object.Object {
	for i, patch := range p.list {
		if p.bad[i] != nil {
			continue
		}
		out := make([]*object.Object, 0, len(in))
		for _, o := range in {
			if !patch.Selects(o) {
				out = append(out, o)
				continue
			}
			p.tried[i] = true
			content, err := patch.Apply(o)
			if err != nil {
				p.bad[i], p.on[i] = err, o
				return in
			}
			if content == nil {
				continue
			}
			// A patch can move the items of a list: the lines of the document are no
			// longer those of the object.
			made := o.Own()
			made.Base, made.Edits, made.Origin.Exact = reuse(o.Content(), content), nil, false
			out = append(out, made)
		}
		in = out
	}
	return in
}

// reuse returns what now says, made of what was wherever the two agree: a patch
// changes little, and the rest need not be in memory twice.
func reuse(was, now map[string]any) map[string]any {
	v, _ := reused(was, now)
	return v.(map[string]any)
}

func reused(was, now any) (v any, same bool) {
	switch now := now.(type) {
	case map[string]any:
		old, ok := was.(map[string]any)
		same = ok && len(old) == len(now)
		for k, v := range now {
			below, there := old[k]
			var kept bool
			now[k], kept = reused(below, v)
			same = same && there && kept
		}
	case []any:
		old, ok := was.([]any)
		same = ok && len(old) == len(now)
		for i := range min(len(old), len(now)) {
			var kept bool
			now[i], kept = reused(old[i], now[i])
			same = same && kept
		}
	default:
		same = was == now
	}
	if same {
		return was, true
	}
	return now, false
}

// problems reports patches that fail, or select nothing: a typing error that
// would otherwise look like success.
func (p *patches) problems() diag.List {
	var ds diag.List
	for i := range p.list {
		var d *diag.Diagnostic
		switch {
		case p.bad[i] != nil && p.on[i] != nil:
			d = diag.Errorf("RND027", "a patch cannot be applied to %s", p.on[i].Key()).
				Note("%v", p.bad[i]).
				Fix("correct the patch, or narrow its target")
		case p.bad[i] != nil:
			d = diag.Errorf("RND027", "a patch cannot be read").Note("%v", p.bad[i]).
				Fix("write a struct to merge, or a list of operations with a target")
		case !p.tried[i]:
			d = diag.Errorf("RND026", "a patch selects no object").
				Fix("name what is rendered: `darkstart render` lists kinds, names and namespaces")
		default:
			continue
		}
		ds.Add(d.About(diag.Subject{Path: ir.Pointer("set", "patches", strconv.Itoa(i))}))
	}
	return ds
}

// patched lists the scalars of a component's patches.
func (q *question) patched() []candidate {
	var out []candidate
	for i, p := range q.component.Set.Patches {
		at := []string{"set", "patches", strconv.Itoa(i), "patch"}
		var ops []spec.PatchOperation
		if json.Unmarshal(p.Patch, &ops) == nil {
			for j, op := range ops {
				for _, l := range leavesOf(op.Value, nil) {
					c := q.declared(l.value, slices.Concat(at, []string{strconv.Itoa(j), "value"}, l.path)...)
					c.path = slices.Concat(object.Tokens(op.Path), l.path)
					out = append(out, c)
				}
			}
			continue
		}
		var merge any
		if json.Unmarshal(p.Patch, &merge) == nil {
			for _, l := range leavesOf(merge, nil) {
				out = append(out, q.declared(l.value, slices.Concat(at, l.path)...))
			}
		}
	}
	return out
}
