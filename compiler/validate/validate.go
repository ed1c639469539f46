// Package validate judges rendered objects with the schemas of the Kubernetes
// version that the cluster declares, and with the CustomResourceDefinitions
// among the objects themselves: offline, before anything is signed.
//
// The verdict is the API server's, because the code is: its structural
// schemas, its pruning (what is an unknown field), its defaulting, its CEL
// evaluation with its cost limits, its validation of definitions and of
// metadata. What the API server checks in Go for its own kinds and publishes
// nowhere is not checked here, so an object can pass and still be refused; an
// object that fails here is refused there, or silently not what was written.
//
// A kind without a schema is counted, never passed over (D6).
package validate

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// Config says where schemas come from.
type Config struct {
	// Schemas holds the archives of the Kubernetes releases at its root:
	// schemas/kubernetes.FS. Not needed when Catalog is set.
	Schemas fs.FS
	// Catalog keeps decoded schemas between calls. Nil decodes anew.
	Catalog *Catalog
	// Lines shows a problem at its own line; nil, at the object's first.
	Lines *Lines
	// Declared is where the cluster declares its version, shown beside what
	// depends on it. The zero value shows nothing.
	Declared diag.Position
	// MadeFrom names all that the objects of a component, by its place, were made
	// from: components with equal names are equal, as long as the same components
	// define their kinds. "" when that has no name. With it, and with a cache in the
	// catalog, a component is judged once; nil judges all.
	MadeFrom func(component int) string
	// Parallel bounds the objects judged at once; 0 means one a processor.
	Parallel int
}

func (c *Config) catalog() *Catalog {
	if c.Catalog != nil {
		return c.Catalog
	}
	return NewCatalog(c.Schemas)
}

// run is one validation over one cluster.
type run struct {
	catalog    *Catalog
	kubernetes string   // as it is declared
	release    *release // nil when the version has no schemas
	lifecycle  map[gvk]lifecycle
	crds       map[GroupKind]*crd      // by the kind that they define
	defined    map[*object.Object]*crd // by the object that they are
	lines      *Lines
	declared   diag.Position
}

// item is one object and where it stands.
type item struct {
	cluster, component string
	object             *object.Object
}

// verdict is what was found out about one object.
type verdict struct {
	evaluated bool
	problems  []*problem
}

// Validate judges every object of a cluster for a Kubernetes version such as
// "1.36" or "v1.36.2". The list is sorted; the counts cover every object.
func Validate(ctx context.Context, r *ir.Rendered, kubernetes string, cfg *Config) (*ir.Validation, diag.List, error) {
	v := &run{catalog: cfg.catalog(), kubernetes: kubernetes, lines: cfg.Lines, declared: cfg.Declared}
	var list diag.List
	if err := v.open(kubernetes, r.Cluster, &list); err != nil {
		return nil, nil, err
	}
	parts, defined := make([]part, len(r.Components)), definers(r)
	for i := range r.Components {
		var err error
		if parts[i], err = v.component(ctx, r, i, defined, cfg); err != nil {
			return nil, nil, err
		}
	}
	out := v.join(r, parts, &list)
	return out, list.Sorted(), nil
}

// definers lists the components that define each kind, by their places.
func definers(r *ir.Rendered) map[GroupKind][]int {
	out := map[GroupKind][]int{}
	for i := range r.Components {
		for _, o := range r.Components[i].Objects {
			if isCRD(o) {
				kind := GroupKind{object.String(o.Get("spec", "group")), object.String(o.Get("spec", "names", "kind"))}
				out[kind] = append(out[kind], i)
			}
		}
	}
	return out
}

// component judges the objects of one component, or recalls how they were judged.
// Besides on the objects that depends on the release, and on who defines their
// kinds.
func (v *run) component(ctx context.Context, r *ir.Rendered, i int, defined map[GroupKind][]int, cfg *Config) (part, error) {
	needs := []int{i}
	for _, o := range r.Components[i].Objects {
		needs = append(needs, defined[GroupKind{o.Group(), o.Kind}]...)
	}
	slices.Sort(needs)
	needs = slices.Compact(needs)
	judge := func() (part, error) {
		with := &ir.Rendered{Cluster: r.Cluster}
		for _, n := range needs {
			with.Components = append(with.Components, r.Components[n])
		}
		return v.judgeAll(ctx, itemsOf(with), r.Components[i].Name, cfg)
	}
	if cfg.MadeFrom == nil {
		return judge()
	}
	at := v.declared
	names := []string{r.Cluster, r.Components[i].Name, v.kubernetes, fmt.Sprint(v.lines != nil, at.Line, at.Column, at.EndColumn), at.File}
	for _, n := range needs {
		made := cfg.MadeFrom(n)
		if made == "" {
			return judge()
		}
		names = append(names, made)
	}
	// Who has the cluster's validation never asks for its parts: a shard that works
	// twice is to export the same.
	return cache.Value(v.catalog.Cache.Silent(), "schemas", names, judge)
}

// judgeAll judges those of the items that are of a component, with the definitions
// among all.
func (v *run) judgeAll(ctx context.Context, all []item, component string, cfg *Config) (part, error) {
	w := *v
	if err := w.readDefinitions(ctx, all); err != nil {
		return part{}, err
	}
	items := slices.DeleteFunc(all, func(it item) bool { return it.component != component })
	verdicts := make([]verdict, len(items))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(cmp.Or(cfg.Parallel, runtime.GOMAXPROCS(0)))
	for i, it := range items {
		g.Go(func() (err error) {
			if err = ctx.Err(); err == nil {
				verdicts[i], err = w.judge(ctx, it.object)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return part{}, err
	}
	return w.report(items, verdicts), nil
}

// open finds the schemas of the declared version. A version that cannot be
// read is an error; one without schemas is told, and its built-in kinds count
// as not evaluated.
func (v *run) open(kubernetes, cluster string, list *diag.List) error {
	releases, err := v.catalog.Releases()
	if err != nil {
		return err
	}
	if v.lifecycle, err = v.catalog.lifecycles(); err != nil {
		return err
	}
	minor, ok := parseRelease(kubernetes)
	if ok && slices.Contains(releases, minor.String()) {
		v.release, err = v.catalog.release(minor.String())
		return err
	}
	list.Add(noSchemas(kubernetes, releases, ok).About(diag.Subject{Cluster: cluster}).At(v.declared, "declared here"))
	return nil
}

// noSchemas is the diagnostic for a version that cannot be judged.
func noSchemas(kubernetes string, releases []string, valid bool) *diag.Diagnostic {
	if !valid {
		return diag.Errorf(codeVersion, "%q is not a Kubernetes version", kubernetes).
			Fix("declare a minor release of the cluster, such as kubernetes: %q", slices.Max(append(releases, "1.37")))
	}
	d := diag.Warningf(codeVersion, "kubernetes %s has no schemas here, so its own kinds are not evaluated", kubernetes)
	if len(releases) > 0 {
		d.Fix("declare a release from %s to %s, or use a version of darkstart that knows this one", releases[0], releases[len(releases)-1])
	}
	return d
}

func itemsOf(r *ir.Rendered) []item {
	var out []item
	for _, c := range r.Components {
		for _, o := range c.Objects {
			out = append(out, item{r.Cluster, c.Name, o})
		}
	}
	return out
}

// readDefinitions collects the CustomResourceDefinitions among the objects.
// Of two definitions of a kind the first counts; that there are two is told by
// the stage that joins the components.
func (v *run) readDefinitions(ctx context.Context, items []item) error {
	var defs []*object.Object
	for _, it := range items {
		if isCRD(it.object) {
			defs = append(defs, it.object)
		}
	}
	read := make([]*crd, len(defs))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, o := range defs {
		g.Go(func() (err error) {
			read[i], err = v.catalog.crd(ctx, o)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	v.crds, v.defined = map[GroupKind]*crd{}, map[*object.Object]*crd{}
	for i, c := range read {
		v.defined[defs[i]] = c
		if c.broken == nil && v.crds[c.kind] == nil {
			v.crds[c.kind] = c
		}
	}
	return nil
}

// judge finds the schema of one object and applies it.
func (v *run) judge(ctx context.Context, o *object.Object) (verdict, error) {
	id := gvk{o.Group(), o.Version(), o.Kind}
	if isCRD(o) && v.release != nil {
		return judgeDefinition(o, v.defined[o]), nil
	}
	if c := v.crds[GroupKind{id.group, id.kind}]; c != nil {
		return judgeCustom(ctx, o, id, c), nil
	}
	if v.release == nil {
		return verdict{}, nil
	}
	if _, ok := v.release.kinds[id]; !ok {
		if p := v.missing(id); p != nil {
			return verdict{evaluated: true, problems: []*problem{p}}, nil
		}
		return verdict{}, nil
	}
	c, err := v.release.checker(id)
	if err != nil {
		return verdict{}, err
	}
	out := verdict{evaluated: true, problems: c.problems(ctx, o, v.release.minor)}
	out.problems = append(out.problems, judgeWorkload(o)...)
	if p := v.aging(id); p != nil {
		out.problems = append(out.problems, p)
	}
	return out, nil
}

// judgeDefinition tells what is wrong with a CustomResourceDefinition.
func judgeDefinition(o *object.Object, c *crd) verdict {
	out := verdict{evaluated: true}
	if c.broken != nil {
		p := newProblem(codeDefinition, diag.Error, "the definition cannot be decoded: %v", c.broken)
		out.problems = append(out.problems, p.fix("correct the type of the named field"))
		return out
	}
	for _, path := range c.unknown {
		p := newProblem(codeUnknownField, diag.Error, "unknown field %s", path)
		p.path = resolve(o.Content(), path)
		out.problems = append(out.problems, p.fix("remove it, or correct the name"))
	}
	for _, e := range c.errors {
		out.problems = append(out.problems, fromField(o.Content(), e, codeDefinition))
	}
	return out
}

// judgeCustom judges a custom resource by the definition beside it.
func judgeCustom(ctx context.Context, o *object.Object, id gvk, c *crd) verdict {
	version := c.versions[id.version]
	if version == nil || !version.served {
		p := newProblem(codeNotServed, diag.Error, "the definition of %s does not serve version %s", c.kind, id.version)
		if served := c.served(); len(served) > 0 {
			p.fix("write apiVersion: %s", gvk{id.group, served[0], id.kind}.apiVersion())
		} else {
			p.fix("serve a version in the CustomResourceDefinition: set served: true")
		}
		return verdict{evaluated: true, problems: []*problem{p}}
	}
	checker, err := version.get()
	if checker == nil || err != nil {
		return verdict{} // the definition has its own diagnostics
	}
	out := verdict{evaluated: true, problems: checker.problems(ctx, o, "")}
	if version.deprecated {
		p := newProblem(codeDeprecated, diag.Warning, "%s is deprecated by its definition", id)
		if version.warning != "" {
			p.notes = append(p.notes, version.warning)
		}
		if served := c.served(); len(served) > 0 && served[0] != id.version {
			p.fix("migrate to %s", gvk{id.group, served[0], id.kind})
		}
		out.problems = append(out.problems, p)
	}
	return out
}

// problems runs all checks of a kind on one object.
func (c *checker) problems(ctx context.Context, o *object.Object, minor string) []*problem {
	var out []*problem
	content := o.Content()
	if !c.passes(ctx, o) {
		found := c.found(ctx, content)
		out = found.problems(c, content)
	}
	for _, e := range judgeMeta(GroupKind{o.Group(), o.Kind}, minor, content) {
		out = append(out, fromField(content, e, codeMeta))
	}
	if p := c.scope(o); p != nil {
		out = append(out, p)
	}
	return out
}

// found is what the schema says about a content as it was written: encrypted,
// perhaps.
func (c *checker) found(ctx context.Context, content map[string]any) judged {
	found := c.judge(ctx, content)
	if object.Map(content, "sops") != nil {
		found.sealed()
	}
	return found
}

func (f *judged) problems(c *checker, content map[string]any) []*problem {
	var out []*problem
	for _, path := range f.unknown {
		if !underWrongType(path, f.errors) {
			out = append(out, unknownField(c.structural, content, path))
		}
	}
	for _, e := range f.errors {
		p := fromField(content, e, "")
		if c.builtin && p.code == codeDuplicate {
			// Accepted by client-side apply; server-side apply, as Flux does it, refuses.
			p.severity = diag.Warning
		}
		out = append(out, p)
	}
	for _, e := range f.rules {
		out = append(out, fromField(content, e, codeRule))
	}
	return out
}

// sealed leaves out what is no problem of an object that SOPS encrypted: the
// engine takes its `sops` field away, and nobody can judge a value that is not
// there yet.
func (f *judged) sealed() {
	f.unknown = slices.DeleteFunc(f.unknown, func(path string) bool { return path == "sops" || strings.HasPrefix(path, "sops.") })
	f.errors = slices.DeleteFunc(f.errors, func(e *field.Error) bool {
		v, ok := e.BadValue.(string)
		return ok && strings.HasPrefix(v, "ENC[")
	})
}

// underWrongType reports whether a path leads through a value of the wrong
// type: its fields are then no problem of their own.
func underWrongType(path string, errs field.ErrorList) bool {
	return slices.ContainsFunc(errs, func(e *field.Error) bool {
		return e.Type == field.ErrorTypeTypeInvalid && strings.HasPrefix(path, e.Field+".")
	})
}

// scope compares the object's namespace with where its kind lives.
func (c *checker) scope(o *object.Object) *problem {
	switch {
	case c.namespaced && o.Namespace == "":
		return newProblem(codeNamespace, diag.Warning, "%s has no namespace, so whoever applies it decides where it goes", o.Kind).
			fix("set the component's namespace, or metadata.namespace")
	case !c.namespaced && o.Namespace != "":
		p := newProblem(codeNamespace, diag.Warning, "%s is cluster-wide, and its namespace %q is ignored", o.Kind, o.Namespace).
			fix("remove metadata.namespace")
		p.path = []string{"metadata", "namespace"}
		return p
	}
	return nil
}

// sortedKeys lists the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
