// Package helm renders vendored charts with Helm's own engine, without a
// cluster, a network or a clock.
//
// A chart is a program. It may draw random numbers, read the clock, or ask a
// cluster; then its output is no function of the repository and a release
// could never be built again (D2, SC005). Such functions are replaced by ones
// that count their calls and answer from a script, and every chart is rendered
// twice with different answers: what is equal both times did not depend on
// them. So `default (randAlphaNum 32) .Values.password` passes once the
// password is set, and when it is not, the template, line and function that
// changed the output are named.
//
// What `helm install` would do is kept: subcharts with conditions, tags and
// import-values, values.schema.json, kubeVersion, the crds folder. Hooks become
// part of the object (DESIGN §7), notes are not rendered.
package helm

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/render/yaml"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// Chart is what to render.
type Chart struct {
	Path        string // folder or .tgz, relative to the fleet's root
	Release     string
	Namespace   string
	Values      map[string]any
	Kubernetes  string   // declared version: "1.36" or "1.36.3"
	APIVersions []string // group/version and group/version/Kind, sorted
}

// Result is what a chart gave.
type Result struct {
	Objects []*object.Object // in no particular order
	Tests   []*object.Object // test hooks: never applied with Objects
	// Impure names the functions that the templates called and that answer
	// something else each time, sorted; no object shows it.
	Impure []string
	// Asks is true when a template looks at .Capabilities.APIVersions.
	Asks bool
	// Charts lists the chart and its subcharts, the chart first.
	Charts []ir.Chart
}

// Render renders one chart. The error is one of reading the tree; all else is
// a diagnostic.
func Render(ctx context.Context, t *tree.Tree, c Chart, limits yaml.Limits) (*Result, diag.List, error) {
	src, d, err := load(t, c.Path, limits)
	if d != nil || err != nil {
		return nil, list(d), err
	}
	r := &renderer{ctx: ctx, chart: c, source: src, limits: limits}
	if ds := r.admit(); len(ds) > 0 {
		return nil, ds, nil
	}
	first, d := r.once(script{})
	if d != nil {
		return nil, list(d), ctx.Err()
	}
	second, d := r.once(script{taint: always})
	if d != nil {
		return nil, list(d), ctx.Err()
	}
	if !equal(first, second) {
		return nil, list(r.culprit(first)), ctx.Err()
	}
	res, ds := split(first.objects)
	res.Asks, res.Charts = src.asks(), src.charts
	res.Impure = slices.Compact(slices.Sorted(slices.Values(first.calls)))
	return res, append(slices.Clone(first.diags), ds...), nil
}

func list(d *diag.Diagnostic) diag.List {
	if d == nil {
		return nil
	}
	return diag.List{d}
}

type renderer struct {
	ctx    context.Context
	chart  Chart
	source *source
	limits yaml.Limits
}

// output is one rendering.
type output struct {
	objects []*object.Object
	diags   diag.List
	calls   []string // of scripted functions, in order
}

// equal compares what two renderings mean, not how they are written: a
// comment with a date harms nobody.
func equal(a, b *output) bool {
	if len(a.objects) != len(b.objects) {
		return false
	}
	for i, o := range a.objects {
		if !reflect.DeepEqual(o.Content(), b.objects[i].Content()) {
			return false
		}
	}
	return true
}

// maxBlame bounds the renderings that look for the call to blame.
const maxBlame = 64

// culprit finds the call whose answer alone changes the output.
func (r *renderer) culprit(first *output) *diag.Diagnostic {
	for i, name := range first.calls[:min(len(first.calls), maxBlame)] {
		out, d := r.once(script{taint: only(i)})
		if d == nil && equal(first, out) {
			continue
		}
		_, refused := r.once(script{failAt: i + 1})
		if refused == nil {
			continue
		}
		return refusal(name, refused)
	}
	d := diag.Errorf("RND057", "two renderings of chart %s differ", r.source.name()).
		At(r.source.position("Chart.yaml", 1), "this chart").
		Fix("give the values that it makes up, or replace the functions")
	if names := slices.Compact(slices.Sorted(slices.Values(first.calls))); len(names) > 0 {
		d.Note("it calls %s", strings.Join(names, ", "))
	}
	return d
}

// refusal turns the error of a call that was made to fail into the diagnostic
// of the function.
func refusal(name string, at *diag.Diagnostic) *diag.Diagnostic {
	code, what, fix := "RND055", "random", "set the value that it makes up, or keep the secret in a secret store and refer to it"
	if clock[name] {
		code, what, fix = "RND056", "clock", "set the value that it makes up, or remove the function from the template"
	}
	d := diag.Errorf(code, "%s function %s reaches the rendered objects", what, name).Fix("%s", fix)
	d.Labels = at.Labels
	return d
}

// once renders the chart with one script.
func (r *renderer) once(s script) (*output, *diag.Diagnostic) {
	if r.ctx.Err() != nil {
		return &output{}, nil
	}
	c, err := r.source.chart()
	if err != nil {
		return nil, r.source.unusable(err)
	}
	values, d := r.values(c)
	if d != nil {
		return nil, d
	}
	o := &oracle{script: s}
	texts, err := execute(r.ctx, c, values, o)
	if err != nil {
		return nil, r.templateError(err, o)
	}
	out := &output{calls: o.calls}
	for _, crd := range c.CRDObjects() {
		objects, ds := yaml.Decode(r.source.locate(crd.Filename), crd.File.Data, r.limits)
		out.objects = append(out.objects, objects...)
		out.diags.Add(ds...)
	}
	for _, t := range texts {
		r.decode(out, t)
	}
	return out, nil
}

// values merges the chart's defaults with the spec's values and settles which
// subcharts are enabled.
func (r *renderer) values(c *chart.Chart) (map[string]any, *diag.Diagnostic) {
	own, err := numbers(r.chart.Values)
	if err != nil {
		return nil, r.source.unusable(err)
	}
	return merged(c, own, r.chart, r.source)
}

// numbers gives values the types that Helm gives those of a values file:
// numbers keep their text, so that 1000000 is not printed as 1e+06.
func numbers(v map[string]any) (map[string]any, error) {
	if len(v) == 0 {
		return map[string]any{}, nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("values of the spec: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var out map[string]any
	return out, dec.Decode(&out)
}

func isNotes(name string) bool { return path.Base(name) == "NOTES.txt" }
