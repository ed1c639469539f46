package helm

import (
	"encoding/json"
	"path"
	"slices"
	"strconv"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// admit checks what must hold before a template runs.
func (r *renderer) admit() diag.List {
	var ds diag.List
	if err := chartutil.ValidateReleaseName(r.chart.Release); err != nil {
		ds.Add(diag.Errorf("RND066", "release name %q is not usable", r.chart.Release).
			At(r.source.position("Chart.yaml", 1), "rendered from this chart").Note("%s", oneLine(err.Error())).
			Fix("set `source: helm: release:` to lower-case letters, digits and hyphens, at most 53"))
	}
	c, err := r.source.chart()
	if err != nil {
		ds.Add(r.source.unusable(err))
		return ds
	}
	if c.Metadata.Type == "library" {
		ds.Add(diag.Errorf("RND065", "%s is a library chart, which renders nothing", c.Name()).
			At(r.source.field("type"), "").Fix("name the chart that uses it"))
	}
	ds.Add(r.kubernetes(c))
	ds.Add(r.missing(c)...)
	ds.Add(r.schemas(c, "")...)
	return ds
}

// field is the place of a field of the chart's Chart.yaml.
func (s *source) field(path ...string) diag.Position {
	at := s.position("Chart.yaml", 1)
	if _, f := s.metadata(""); f != nil && !s.archive {
		if p, _ := f.Locate(0, path); p.Line > 0 {
			at.Line, at.Column, at.EndColumn = p.Line, p.Column, p.EndColumn
		}
	}
	return at
}

func (r *renderer) kubernetes(c *chart.Chart) *diag.Diagnostic {
	want := c.Metadata.KubeVersion
	caps, err := capabilities(r.chart)
	if want == "" || err != nil || chartutil.IsCompatibleRange(want, caps.KubeVersion.String()) {
		return nil
	}
	return diag.Errorf("RND053", "chart %s needs Kubernetes %s, the cluster declares %s", c.Name(), want, r.chart.Kubernetes).
		At(r.source.field("kubeVersion"), "").
		Fix("vendor a version of the chart for that release, or declare the cluster's patch version")
}

// missing finds dependencies that are not vendored. Nothing is downloaded.
func (r *renderer) missing(c *chart.Chart) (ds diag.List) {
	for i, d := range c.Metadata.Dependencies {
		if d == nil || slices.ContainsFunc(c.Dependencies(), func(s *chart.Chart) bool { return s.Name() == d.Name }) {
			continue
		}
		ds.Add(diag.Errorf("RND052", "dependency %q of chart %s is not vendored", d.Name, c.Name()).
			At(r.source.field("dependencies", strconv.Itoa(i)), "declared here").
			Fix("run `helm dependency build %s` and commit the charts folder", r.source.path))
	}
	return ds
}

// schemas refuses schemas that would be fetched from elsewhere: the validator
// follows references to files and to the network.
func (r *renderer) schemas(c *chart.Chart, prefix string) (ds diag.List) {
	if len(c.Schema) > 0 {
		var v any
		if json.Unmarshal(c.Schema, &v) == nil {
			if ref := foreign(v); ref != "" {
				ds.Add(diag.Errorf("RND064", "values.schema.json of chart %s refers to %s", c.Name(), ref).
					At(r.source.position(path.Join(prefix, "values.schema.json"), 1), "").
					Fix("copy what it refers to below $defs, and refer to it with #/$defs/…"))
			}
		}
	}
	for _, sub := range c.Dependencies() {
		ds.Add(r.schemas(sub, path.Join(prefix, "charts", sub.Name()))...)
	}
	return ds
}

// foreign returns a reference that leaves the document, "" when there is none.
// The drafts of JSON Schema itself are built into the validator.
func foreign(v any) string {
	switch x := v.(type) {
	case map[string]any:
		for _, k := range sortedKeys(x) {
			if s, ok := x[k].(string); ok && leaves(k, s) {
				return s
			}
			if ref := foreign(x[k]); ref != "" {
				return ref
			}
		}
	case []any:
		for _, e := range x {
			if ref := foreign(e); ref != "" {
				return ref
			}
		}
	}
	return ""
}

var drafts = []string{"draft-04/schema", "draft-06/schema", "draft-07/schema", "draft/2019-09/schema", "draft/2020-12/schema", "schema"}

func leaves(key, value string) bool {
	switch key {
	case "$ref", "$dynamicRef", "$recursiveRef", "$schema":
	default:
		return false
	}
	if strings.HasPrefix(value, "#") || value == "" {
		return false
	}
	rest := strings.TrimPrefix(strings.TrimPrefix(value, "https://"), "http://")
	rest, known := strings.CutPrefix(rest, "json-schema.org/")
	return !known || !slices.Contains(drafts, strings.TrimSuffix(rest, "#"))
}

func (s *source) schemaError(err error) *diag.Diagnostic {
	d := diag.Errorf("RND051", "the values do not fit the chart's values.schema.json").
		At(s.position("values.schema.json", 1), "this schema")
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(line); line != "" {
			d.Note("%s", line)
		}
	}
	return d.Fix("correct `source: helm: values:`; the notes name the fields")
}
