package render

import (
	"context"
	"slices"
	"sync"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/render/discovery"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/darkstart-dev/darkstart/internal/yamlpos"
)

// What one question may cost. A trial renders one component once; a question
// is one field of one object.
const (
	maxTrials        = 12 // of one question
	maxTrialsTotal   = 96 // of all questions about one component of one cluster
	maxContributions = 3  // places of one field
	// maxRead bounds the bytes of sources that the trials of one asker read.
	// kustomize takes half a second for a megabyte, and judging that takes a tenth:
	// a component of many definitions gets no trial, a usual one dozens.
	maxRead = 512 << 10
)

// Tracer finds the places that set fields of rendered objects: the cluster's
// CUE value, the line of a manifest, the patch or the field of a kustomization
// that changed it, the key of a chart's values, the line of a template.
//
// It knows none of the languages that stand between a file and an object.
// It proposes scalars that could be the origin of a value, because they equal
// it or are a part of it; changes one of them in a copy of the tree; renders the
// component again, and looks whether the field changed in the same way. What
// it returns is therefore proven, and where nothing is proven it returns
// nothing: a wrong line is worse than none. An object that is as its manifest
// wrote it needs no trial.
//
// Work is done when somebody asks, and bounded. A Tracer is safe for concurrent
// use; what it bounds is counted by each of its Askers.
type Tracer struct {
	tree  *tree.Tree
	cfg   *Config
	cache *Cache

	mu        sync.Mutex
	files     map[string]*yamlpos.File
	texts     map[string]*yamlpos.Text // of files, nil for what cannot be read
	documents map[diag.Position]*yamlpos.File
	leaves    map[string]*scalars // by file
	sources   map[string][]string
	trials    map[string]*trialEntry
	sizes     map[string]int // of sources, in bytes
}

// Asker asks about fields, one after the other. What it answers is a function
// of its questions in their order, whoever else asks at the same time.
type Asker struct {
	*Tracer
	clusters map[string]*traced
	read     int // bytes of sources, by trials
}

type trialEntry struct {
	once   sync.Once
	result *result
}

// NewTracer makes a tracer over the tree that was rendered with the same Config.
func NewTracer(t *tree.Tree, cfg *Config) *Tracer {
	if cfg == nil {
		cfg = &Config{}
	}
	cache := cfg.Cache
	if cache == nil {
		cache = NewCache(nil)
	}
	return &Tracer{
		tree: t, cfg: cfg, cache: cache, files: map[string]*yamlpos.File{}, texts: map[string]*yamlpos.Text{}, documents: map[diag.Position]*yamlpos.File{}, leaves: map[string]*scalars{}, sources: map[string][]string{},
		trials: map[string]*trialEntry{}, sizes: map[string]int{},
	}
}

// Asker makes an asker that has spent nothing.
func (t *Tracer) Asker() *Asker { return &Asker{Tracer: t, clusters: map[string]*traced{}} }

// traced is what is known about one cluster.
type traced struct {
	scopes map[string]string
	apis   []string
	asker  *Asker
	spent  map[string]int              // trials by component
	known  map[string]object.Trace     // answers by object and pointer
	before map[string][]*object.Object // objects by component, as rendered
}

// question is one field of one object.
type question struct {
	*Tracer
	ctx       context.Context
	cluster   *traced
	renderer  *renderer
	component spec.Component
	name      string
	object    *object.Object
	path      []string // of the field, or of the ancestor that the object has
	leaf      []string // of the scalar that stands for it
	value     any      // of the leaf
	left      int      // trials
}

// Trace says what set the value at a JSON pointer of an object of a rendered
// cluster. For what the object does not have it answers for the nearest
// ancestor.
func (a *Asker) Trace(ctx context.Context, u *ir.Unit[spec.Cluster], r *ir.Rendered, o *object.Object, pointer string) object.Trace {
	c := a.clusterOf(u, r)
	id := o.Component + "\n" + o.Key().String() + "\n" + pointer
	known, ok := c.known[id]
	if !ok {
		known = a.trace(ctx, c, u, o, pointer)
		c.known[id] = known
	}
	return known
}

func (t *Tracer) trace(ctx context.Context, c *traced, u *ir.Unit[spec.Cluster], o *object.Object, pointer string) object.Trace {
	q := &question{
		Tracer: t, ctx: ctx, cluster: c, name: o.Component, object: o,
		renderer: &renderer{tree: t.tree, unit: u, cfg: t.cfg, cache: t.cache},
		left:     maxTrials,
	}
	component, known := u.Spec.Components[q.name]
	if !known || o.Hook != nil && len(o.Content()) == 0 {
		return object.Trace{}
	}
	q.component = component
	tokens := object.Tokens(pointer)
	at, depth := object.At(o.Content(), tokens)
	q.path = tokens[:depth]
	out := object.Trace{Path: ir.Pointer(q.path...)}
	if below, ok := object.Leaf(at); ok {
		q.leaf = slices.Concat(q.path, below)
		q.value, _ = object.At(o.Content(), q.leaf)
	}
	written, exact := q.written()
	exact = exact && o.Origin.Exact
	switch {
	case depth == 0 && (pointer != "" || !exact), q.value == nil && !exact:
		return object.Trace{}
	case q.value == nil, depth == 0:
		out.Places = []diag.Label{written}
		return out
	}
	if len(q.leaf) == len(q.path) {
		out.Places = q.settings()
	}
	switch {
	case len(out.Places) > 0:
		if written.File != "" && exact && depth == len(tokens) {
			written.Text = "the manifest says this"
			out.Places = append(out.Places, written)
		}
	case exact:
		out.Places = []diag.Label{written}
	case component.Source.YAML != "":
		out.Places = q.kept()
	case component.Source.Kustomize != "":
		out.Places = q.kustomized()
	case component.Source.Helm != nil:
		out.Places = q.charted()
	}
	return out
}

// kept finds what a patch of the cluster left as its document says.
func (q *question) kept() []diag.Label {
	if len(q.leaf) == len(q.path) {
		if was, ok := q.based(q.path); !ok || !q.equals(was.value) {
			return nil
		}
	}
	return q.held()
}

// clusterOf returns what is known about a cluster.
func (a *Asker) clusterOf(u *ir.Unit[spec.Cluster], r *ir.Rendered) *traced {
	c := a.clusters[u.Name]
	if c != nil {
		return c
	}
	c = &traced{asker: a, spent: map[string]int{}, known: map[string]object.Trace{}, before: map[string][]*object.Object{}}
	rr := &renderer{unit: u}
	for _, rc := range r.Components {
		rr.components = append(rr.components, component{result: &result{Objects: rc.Objects}})
		c.before[rc.Name] = rc.Objects
	}
	base, _ := discovery.APIVersions(u.Spec.Kubernetes)
	c.scopes, c.apis = rr.scopes(), union(base, rr.kinds())
	a.clusters[u.Name] = c
	return c
}

// written returns the line of the field in the document that the object comes
// from.
func (q *question) written() (diag.Label, bool) {
	origin := q.object.Origin
	f := q.manifest()
	if f == nil {
		return diag.Label{}, false
	}
	at, ok := f.Locate(origin.Document, append(yamlpos.Tokens(origin.Within), q.path...))
	if !ok {
		return diag.Label{}, false
	}
	return label(origin.Pos.File, at, ""), true
}

func label(file string, at yamlpos.Place, text string) diag.Label {
	return diag.Label{Position: diag.Position{File: file, Line: at.Line, Column: at.Column, EndColumn: at.EndColumn}, Text: text}
}

// manifest returns the file that the object was written in, nil when that is no
// YAML. Of a file that was rendered as it stands, the object's document is all
// that is read: a few findings would else cost as much as rendering it.
func (q *question) manifest() *yamlpos.File {
	origin := q.object.Origin
	if (origin.Exact || q.component.Source.YAML != "") && origin.Within == "" {
		if f := q.document(origin); f != nil {
			return f
		}
	}
	return q.file(origin.Pos.File)
}

// document returns a file of which no more than the document of an object is
// parsed; nil when that cannot be had alone.
func (t *Tracer) document(origin object.Origin) *yamlpos.File {
	t.mu.Lock()
	defer t.mu.Unlock()
	f, ok := t.documents[origin.Pos]
	if text := t.text(origin.Pos.File); !ok && text != nil {
		f, _ = text.Document(origin.Document, origin.Pos.Line, origin.Pos.Column, t.cfg.Limits.Limits)
		t.documents[origin.Pos] = f
	}
	return f
}

// file returns a parsed file, nil when there is none or it does not parse.
func (t *Tracer) file(name string) *yamlpos.File {
	t.mu.Lock()
	defer t.mu.Unlock()
	f, ok := t.files[name]
	if text := t.text(name); !ok && text != nil {
		f, _ = text.Parse(t.cfg.Limits.Limits)
	}
	t.files[name] = f
	return f
}

// text returns a file as it is written. The caller holds the lock.
func (t *Tracer) text(name string) *yamlpos.Text {
	text, ok := t.texts[name]
	if !ok {
		if b, err := t.tree.ReadFile(name); err == nil {
			text = yamlpos.NewText(b)
		}
		t.texts[name] = text
	}
	return text
}

// settings finds the cluster's own setting that is the field's value.
func (q *question) settings() []diag.Label {
	c := q.component
	var cs []candidate
	add := func(value any, path ...string) { cs = append(cs, q.declared(value, path...)) }
	if c.Set.Namespace != "" {
		add(c.Set.Namespace, "set", "namespace")
	}
	for _, k := range sorted(c.Set.Labels) {
		add(c.Set.Labels[k], "set", "labels", k)
	}
	for _, k := range sorted(c.Set.Annotations) {
		add(c.Set.Annotations[k], "set", "annotations", k)
	}
	for _, k := range sorted(c.Set.Replicas) {
		add(int64(c.Set.Replicas[k]), "set", "replicas", k)
	}
	for _, k := range sorted(c.Images) {
		add(c.Images[k], "images", k)
	}
	if c.Source.Helm != nil && c.Source.Helm.Namespace != "" {
		add(c.Source.Helm.Namespace, "source", "helm", "namespace")
	}
	return q.prove(append(cs, q.patched()...))
}

// declared is a scalar of the component's declaration.
func (q *question) declared(value any, path ...string) candidate {
	pointer := ir.Pointer(append([]string{"components", q.name}, path...)...)
	return candidate{
		path: path, value: value,
		at:   diag.Label{Position: q.renderer.unit.Pos.First(pointer), Text: "set here for cluster " + q.renderer.unit.Name},
		edit: func(to string) (change, bool) { return change{pointer: path, value: like(value, to)}, true },
	}
}
