package guard

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/plans"
)

// A document is the input of the rules in one scope: of a cluster, or of the
// fleet. A rule sees exactly the parts that it reads; a part is built when the
// first rule asks for it and shared by the others.
type document struct {
	s       *session
	linked  *ir.Linked   // nil at fleet scope
	objects *objectIndex // nil at fleet scope
	scope   string
	built   map[string]map[string]*ast.Term
	stated  map[string]map[string]any // statements without terms yet
	sums    map[string]string         // of statements
	locate  Locator                   // made with the first question
}

// A part builds some keys of the input.
type part func(*document) (map[string]*ast.Term, error)

// parts lists what a rule can read in each scope. docs/rules.md and
// policies/README.md describe the shapes.
var parts = map[string]map[string]part{
	ScopeCluster: with(map[string]part{
		"spec":       (*document).spec,
		"objects":    (*document).rendered,
		"images":     (*document).images,
		"scan":       (*document).scan,
		"parts":      (*document).parts,
		"renderings": (*document).renderings,
		"plan":       (*document).plan,
		"now":        (*document).now,
	}, "facts", "fleet", "lock", "params"),
	ScopeFleet: with(map[string]part{
		"clusters": (*document).clusters,
		"plan":     (*document).plan,
		"now":      (*document).now,
		"changes":  (*document).changes,
		"alerts":   (*document).alerts,
	}, sortedKeys(statements)...),
}

func (s *session) document(c *ir.Linked) *document {
	d := &document{s: s, linked: c, scope: ScopeFleet, built: map[string]map[string]*ast.Term{}, stated: map[string]map[string]any{}, sums: map[string]string{}}
	if c != nil {
		d.scope, d.objects = ScopeCluster, indexObjects(s.rendered[c.Name])
	}
	return d
}

// input joins the parts that a rule reads. It is lazy too: an ordinary object
// would ask each part for its hash, and so convert all of it.
func (d *document) input(reads []string) (ast.Value, error) {
	in := map[string]any{}
	if d.linked != nil {
		in["cluster"] = d.linked.Name
	}
	for _, name := range reads {
		p, ok := d.built[name]
		if !ok {
			var err error
			if p, err = d.part(name); err != nil {
				return nil, err
			}
			d.built[name] = p
		}
		for key, t := range p { // a map again: order does not show
			in[key] = t.Value
		}
	}
	return ast.LazyObject(in), nil
}

// leave lets go of the parts that none of these rules reads: the cells of a large
// fleet, and its clusters, are a hundred megabytes each.
func (d *document) leave(rest []*compiled) {
	read := func(name string) bool {
		return slices.ContainsFunc(rest, func(r *compiled) bool { return r.Scope == d.scope && slices.Contains(r.Reads, name) })
	}
	maps.DeleteFunc(d.built, func(name string, _ map[string]*ast.Term) bool { return !read(name) })
	maps.DeleteFunc(d.stated, func(name string, _ map[string]any) bool { return !read(name) })
}

// ofFleet are the parts that every scope reads alike. They are converted once for
// all documents, which read them at the same time: complete values of OPA are made
// for that, lazy ones are not.
var ofFleet = map[string]bool{"fleet": true, "facts": true, "plan": true, "lock": true, "params": true, "now": true}

func (d *document) part(name string) (map[string]*ast.Term, error) {
	build := parts[d.scope][name]
	if !ofFleet[name] {
		return build(d)
	}
	once, _ := d.s.common.LoadOrStore(name, sync.OnceValues(func() (map[string]*ast.Term, error) { return build(d) }))
	return once.(func() (map[string]*ast.Term, error))()
}

// jsonTerm reads canonical JSON, or encodes v when a unit brings none.
func jsonTerm(raw []byte, v any) (*ast.Term, error) {
	if len(raw) == 0 {
		b, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		raw = b
	}
	val, err := ast.ValueFromReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	return ast.NewTerm(val), nil
}

func one(key string, t *ast.Term, err error) (map[string]*ast.Term, error) {
	return map[string]*ast.Term{key: t}, err
}

func plain(key string, v any) (map[string]*ast.Term, error) {
	val, err := ast.InterfaceToValue(v)
	if err != nil {
		return nil, err
	}
	return one(key, ast.NewTerm(val), nil)
}

func (d *document) spec() (map[string]*ast.Term, error) {
	t, err := jsonTerm(d.linked.Unit.JSON, d.linked.Unit.Spec)
	return one("spec", t, err)
}

func (d *document) clusters() (map[string]*ast.Term, error) {
	all := ast.NewObject()
	for _, c := range d.s.in.Fleet.Clusters {
		t, err := jsonTerm(c.Unit.JSON, c.Unit.Spec)
		if err != nil {
			return nil, err
		}
		all.Insert(ast.StringTerm(c.Name), t)
	}
	return one("clusters", ast.NewTerm(all), nil)
}

// rendered is `objects`, by key, and `kinds`, the same objects in lists by kind.
// Most of what is rendered is never looked at (the schema of a definition, the
// dashboards of a ConfigMap), and converting it would cost more than all rules
// together: what OPA calls a lazy object converts what a rule asks for. It is
// no value to share between goroutines; a document belongs to one.
func (d *document) rendered() (map[string]*ast.Term, error) {
	all, kinds := map[string]any{}, map[string]any{}
	for _, e := range d.objects.list {
		t := summary(e)
		all[e.key] = t
		of, _ := kinds[e.object.Kind].([]any)
		kinds[e.object.Kind] = append(of, t)
	}
	return map[string]*ast.Term{"objects": ast.NewTerm(ast.LazyObject(all)), "kinds": ast.NewTerm(ast.LazyObject(kinds))}, nil
}

func summary(e *indexed) map[string]any {
	o := e.object
	return map[string]any{
		"content": o.Content(), "key": e.key, "component": e.component,
		"group": o.Group(), "version": o.Version(), "kind": o.Kind, "namespace": o.Namespace, "name": o.Name,
	}
}

func (d *document) images() (map[string]*ast.Term, error) {
	out := []any{}
	if r := d.s.rendered[d.linked.Name]; r != nil {
		for _, c := range r.Components {
			for _, i := range c.Images {
				m := plainReference(i.Ref)
				m["ref"], m["component"], m["object"], m["path"] = i.Ref, c.Name, i.Object.String(), i.Path
				out = append(out, m)
			}
		}
	}
	return plain("images", out)
}

// parts is the linker's view of the cluster: its phases and what runs in each.
func (d *document) parts() (map[string]*ast.Term, error) {
	list := []any{}
	for _, p := range d.linked.Parts {
		list = append(list, map[string]any{
			"id": p.ID(), "component": p.Component, "name": string(p.Name),
			"node": p.Node, "phase": p.Phase, "objects": int64(len(p.Objects)),
		})
	}
	return plain("parts", list)
}

func references(r plans.Requirement) int {
	if r.Op == plans.Ref {
		return 1
	}
	n := 0
	for _, o := range r.Of {
		n += references(o)
	}
	return n
}

// renderings says how each component was rendered.
func (d *document) renderings() (map[string]*ast.Term, error) {
	out := []any{}
	if r := d.s.rendered[d.linked.Name]; r != nil {
		for _, c := range r.Components {
			out = append(out, map[string]any{"component": c.Name, "impure": append([]string{}, c.Impure...)})
		}
	}
	return plain("renderings", out)
}

// changes is what differs from the base, null without one.
func (d *document) changes() (map[string]*ast.Term, error) {
	if d.s.in.Changes == nil {
		return one("changes", ast.NullTerm(), nil)
	}
	t, err := jsonTerm(nil, d.s.in.Changes)
	return one("changes", t, err)
}

func (d *document) plan() (map[string]*ast.Term, error) {
	if d.s.in.Plan == nil {
		return one("plan", ast.NullTerm(), nil)
	}
	t, err := jsonTerm(nil, d.s.in.Plan)
	return one("plan", t, err)
}

func entries(m map[string]ir.LockEntry) map[string]any {
	out := map[string]any{}
	for k, e := range m {
		out[k] = map[string]any{"digest": string(e.Digest), "signed": e.Signed, "provenance": e.Provenance}
	}
	return out
}

func (d *document) now() (map[string]*ast.Term, error) {
	if d.s.in.Now.IsZero() {
		return one("now", ast.NullTerm(), nil)
	}
	return one("now", ast.StringTerm(d.s.in.Now.UTC().Format(time.RFC3339)), nil)
}

// objectIndex finds the objects of a cluster.
type objectIndex struct {
	list  []*indexed
	byKey map[string]*indexed
}

type indexed struct {
	object    *object.Object
	component string
	key       string
}

func indexObjects(r *ir.Rendered) *objectIndex {
	x := &objectIndex{byKey: map[string]*indexed{}}
	if r == nil {
		return x
	}
	for _, c := range r.Components {
		for _, o := range c.Objects {
			e := &indexed{o, c.Name, o.Key().String()}
			x.list = append(x.list, e)
			if x.byKey[e.key] == nil {
				x.byKey[e.key] = e
			}
		}
	}
	return x
}

// in returns the objects of the scope's cluster, or, at fleet scope, of the named one.
func (d *document) in(cluster string) *objectIndex {
	if d.linked != nil || d.s.rendered[cluster] == nil {
		return d.objects
	}
	return indexObjects(d.s.rendered[cluster])
}

// find returns the object with that key, or nil; matching is exact.
func (x *objectIndex) find(key string) *indexed {
	if x == nil {
		return nil
	}
	return x.byKey[strings.TrimSpace(key)]
}
