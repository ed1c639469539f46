package helm

import (
	"context"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// text is the output of one template.
type text struct {
	template string
	body     string
}

// execute renders all templates, sorted by name. The library turns a panic in
// a template into an error.
func execute(ctx context.Context, c *chart.Chart, values common.Values, o *oracle) ([]text, error) {
	e := engine.Engine{CustomTemplateFuncs: o.functions()}
	files, err := e.RenderWithContext(ctx, c, values)
	if err != nil {
		return nil, err
	}
	var out []text
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.TrimSpace(files[name]) != "" && !strings.HasPrefix(path.Base(name), "_") {
			out = append(out, text{name, files[name]})
		}
	}
	return out, nil
}

// merged computes what templates see.
func merged(c *chart.Chart, own map[string]any, in Chart, s *source) (common.Values, *diag.Diagnostic) {
	if err := chartutil.ProcessDependencies(c, own); err != nil {
		return nil, s.unusable(err)
	}
	caps, err := capabilities(in)
	if err != nil {
		return nil, s.unusable(err)
	}
	release := common.ReleaseOptions{Name: in.Release, Namespace: in.Namespace, Revision: 1, IsInstall: true}
	values, err := util.ToRenderValuesWithSchemaValidation(c, own, release, caps, true)
	if err != nil {
		return nil, s.unusable(err)
	}
	if coalesced, ok := values["Values"].(common.Values); ok {
		if err := util.ValidateAgainstSchema(c, coalesced); err != nil {
			return nil, s.schemaError(err)
		}
	}
	return values, nil
}

// helmVersion is what templates see as the program that renders them: the
// version of the SDK, without the toolchain that built it.
const helmVersion = "v4.3"

func capabilities(in Chart) (*common.Capabilities, error) {
	version, err := common.ParseKubeVersion(in.Kubernetes)
	if err != nil {
		return nil, err
	}
	if strings.Count(in.Kubernetes, ".") == 1 {
		if version, err = common.ParseKubeVersion(in.Kubernetes + ".0"); err != nil {
			return nil, err
		}
	}
	caps := common.DefaultCapabilities.Copy()
	caps.KubeVersion = *version
	caps.APIVersions = in.APIVersions
	caps.HelmVersion.Version, caps.HelmVersion.GoVersion = helmVersion, ""
	caps.HelmVersion.GitCommit, caps.HelmVersion.GitTreeState = "", ""
	return caps, nil
}

// place is how the engine writes a position: a template, a line and perhaps a
// column.
var place = regexp.MustCompile(`([^\s():"<>]+/[^\s():"<>]+):(\d+)(?::(\d+))?`)

// templateError turns an error of the engine into a diagnostic with the chain
// of places that it names, the innermost first.
func (r *renderer) templateError(err error, o *oracle) *diag.Diagnostic {
	message := err.Error()
	d := classify(message, o)
	seen := map[string]bool{}
	places := place.FindAllStringSubmatch(message, -1)
	slices.Reverse(places)
	for i, m := range places {
		in := r.source.inside(m[1])
		if in == "" || seen[m[0]] {
			continue
		}
		seen[m[0]] = true
		at := r.source.position(in, number(m[2]))
		if m[3] != "" && !r.source.archive {
			at.Column = number(m[3]) + 1 // the engine counts columns from 0
		}
		label := "included from here"
		if i == 0 {
			label = "here"
		}
		d.At(at, "%s", label)
		if r.source.archive {
			d.Note("in %s, line %s of the archive", in, m[2])
		}
	}
	if len(d.Labels) == 0 {
		d.At(r.source.position("Chart.yaml", 1), "this chart")
	}
	return d
}

func number(s string) int {
	n, _ := strconv.Atoi(s) // the expression matched digits
	return n
}

var executionError = regexp.MustCompile(`(?s)^execution error at \([^)]*\): (.*)$`)

var parseError = regexp.MustCompile(`^parse error at \([^)]*\): `)

// reason cuts an error of the engine down to why: the chain of places before
// it becomes labels.
func reason(message string) string {
	lines := strings.Split(strings.TrimSpace(message), "\n")
	last := parseError.ReplaceAllString(oneLine(lines[len(lines)-1]), "")
	if i := strings.LastIndex(last, ">: "); i >= 0 {
		last = last[i+len(">: "):]
	}
	return last[:min(len(last), 300)]
}

func classify(message string, o *oracle) *diag.Diagnostic {
	switch {
	case o.refused == "lookup":
		return diag.Errorf("RND054", "lookup asks a cluster: a compile has none").
			Fix("set the value that the chart looks up, so that the branch is not taken")
	case o.refused != "":
		return diag.Errorf("RND054", "%s asks the network: a compile never uses it", o.refused).
			Fix("set the value instead")
	}
	if m := executionError.FindStringSubmatch(message); m != nil && !strings.Contains(m[1], "executing") {
		return diag.Errorf("RND059", "the chart refuses its values: %s", strings.TrimRight(oneLine(m[1]), ". ")).
			Fix("set the value that it asks for under `source: helm: values:`")
	}
	last := reason(message)
	return diag.Errorf("RND058", "a template failed: %s", last).
		Fix("correct the template, or the values that lead there")
}
