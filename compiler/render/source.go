package render

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/render/discovery"
	"github.com/darkstart-dev/darkstart/compiler/render/helm"
	"github.com/darkstart-dev/darkstart/compiler/render/kustomize"
	"github.com/darkstart-dev/darkstart/compiler/render/yaml"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// sources renders every component's source. Charts ask which kinds the cluster
// has, so they come second; and since a chart may define kinds that another
// asks for, the charts that ask are rendered again until no kind is new.
func (r *renderer) sources(ctx context.Context) error {
	err := r.each(ctx, func(i int) error {
		src := r.spec(i).Source
		if src.Helm != nil || !r.wellFormed(i, src) {
			return nil
		}
		return r.render(ctx, i, nil)
	})
	if err != nil {
		return err
	}
	base, _ := discovery.APIVersions(r.unit.Spec.Kubernetes)
	apis := union(base, r.kinds())
	for round := 0; ; round++ {
		err := r.each(ctx, func(i int) error {
			done := r.components[i].result
			if r.spec(i).Source.Helm == nil || !r.wellFormed(i, r.spec(i).Source) || (done != nil && !done.Asks) {
				return nil
			}
			return r.render(ctx, i, apis)
		})
		next := union(apis, r.kinds())
		// Sets only grow and charts are finite, so this ends; the bound is for
		// a chart that removes its kinds when it sees them.
		if err != nil || len(next) == len(apis) || round == len(r.names) {
			r.reportSources()
			return err
		}
		apis = next
	}
}

func (r *renderer) reportSources() {
	for i := range r.components {
		if res := r.components[i].result; res != nil {
			r.report(i, res.Diags)
		}
	}
}

// wellFormed checks that exactly one source is named by a path of the fleet.
// Only the first call for a component reports.
func (r *renderer) wellFormed(i int, src spec.Source) bool {
	var named []string
	for _, p := range []string{src.Kustomize, src.YAML} {
		if p != "" {
			named = append(named, p)
		}
	}
	if src.Helm != nil {
		named = append(named, src.Helm.Chart)
	}
	bad := func(code, message, fix string) bool {
		if len(r.components[i].diags) == 0 {
			r.components[i].diags.Add(diag.Errorf(code, "%s", message).
				At(r.at(i, "source"), "").About(r.subject(i)).Fix("%s", fix))
		}
		return false
	}
	if len(named) != 1 {
		return bad("RND025", "component "+r.names[i]+" must have exactly one source",
			"name one of `kustomize`, `helm` and `yaml`")
	}
	p := named[0]
	if path.IsAbs(p) || strings.Contains(p, `\`) || strings.Contains(p, "://") {
		return bad("RND002", "source \""+p+"\" is no path of the fleet",
			"write a path relative to the fleet's root; vendor what is remote")
	}
	if c := path.Clean(p); c == ".." || strings.HasPrefix(c, "../") {
		return bad("RND002", "source \""+p+"\" leaves the fleet's folder", "move the source into the fleet")
	}
	return true
}

// result is what a source gave: shared between clusters, never changed. Its
// fields are exported because it is kept.
type result struct {
	Objects []*object.Object
	Tests   []*object.Object
	Diags   diag.List
	Impure  []string // see helm.Result
	Asks    bool     // a chart that asks which kinds there are
	Charts  []ir.Chart

	saw string // see cache.Memo
}

// render takes the caller's context and not that of the components beside it:
// the cache keeps the answer for other clusters, which must not be told that
// something was cancelled when in truth a neighbour failed.
func (r *renderer) render(ctx context.Context, i int, apis []string) error {
	src := r.spec(i).Source
	release := r.names[i]
	res, err := r.cache.do(r.tree, key(src, release, r.unit.Spec.Kubernetes, apis), func(t *tree.Tree) (*result, error) {
		return r.over(t).dispatch(ctx, src, release, apis)
	})
	r.components[i].result = res
	return err
}

// over is the same renderer on another tree.
func (r *renderer) over(t *tree.Tree) *renderer {
	other := *r
	other.tree = t
	return &other
}

func (r *renderer) dispatch(ctx context.Context, src spec.Source, name string, apis []string) (res *result, err error) {
	res = &result{}
	switch {
	case src.YAML != "":
		res.Objects, res.Diags, err = yaml.Render(r.tree, path.Clean(src.YAML), r.cfg.Limits)
	case src.Kustomize != "" && !exists(r.tree, path.Clean(src.Kustomize)):
		res.Diags.Add(yaml.Missing(r.tree, path.Clean(src.Kustomize)))
	case src.Kustomize != "":
		res.Objects, res.Diags, err = kustomize.Render(ctx, r.tree, path.Clean(src.Kustomize), r.cfg.Limits)
	default:
		var out *helm.Result
		out, res.Diags, err = helm.Render(ctx, r.tree, chart(src.Helm, name, r.unit.Spec.Kubernetes, apis), r.cfg.Limits)
		if out != nil {
			res.Objects, res.Tests, res.Asks, res.Impure, res.Charts = out.Objects, out.Tests, out.Asks, out.Impure, out.Charts
		}
	}
	if err != nil {
		return nil, err
	}
	if len(res.Objects) == 0 && !res.Diags.HasErrors() {
		res.Diags.Add(diag.Warningf("RND022", "the source gives no object").
			At(diag.Position{File: sourcePath(src)}, "").
			Fix("check the values or the list of resources, or remove the component"))
	}
	return res, nil
}

func exists(t *tree.Tree, p string) bool {
	_, file := t.Lookup(p)
	return file || t.HasDir(p)
}

func chart(h *spec.Helm, name, kubernetes string, apis []string) helm.Chart {
	c := helm.Chart{
		Path: path.Clean(h.Chart), Release: h.Release, Namespace: h.Namespace, Values: h.Values,
		Kubernetes: kubernetes, APIVersions: apis,
	}
	if c.Release == "" {
		c.Release = name
	}
	if c.Namespace == "" {
		c.Namespace = "default"
	}
	return c
}

func sourcePath(s spec.Source) string {
	if s.Helm != nil {
		return path.Clean(s.Helm.Chart)
	}
	return path.Clean(s.Kustomize + s.YAML)
}

// kinds returns the versions that CustomResourceDefinitions in the rendered
// components define, as .Capabilities.APIVersions names them.
func (r *renderer) kinds() []string {
	var out []string
	for _, c := range r.components {
		if c.result == nil {
			continue
		}
		for _, o := range c.result.Objects {
			out = append(out, defines(o)...)
		}
	}
	return out
}

func defines(o *object.Object) (versions []string) {
	if o.Kind != "CustomResourceDefinition" || o.Group() != "apiextensions.k8s.io" {
		return nil
	}
	group, kind := object.String(o.Get("spec", "group")), object.String(o.Get("spec", "names", "kind"))
	for _, v := range object.Slice(o.Get("spec", "versions")) {
		if served, ok := object.Get(v, "served").(bool); ok && !served {
			continue
		}
		gv := group + "/" + object.String(v, "name")
		versions = append(versions, gv, gv+"/"+kind)
	}
	return versions
}

func union(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}
