package kustomize

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// lists are the fields of a build file that hold references, in a fixed order.
var lists = []struct {
	field string
	kind  refKind
}{
	{"resources", anyRef},
	{"bases", dirRef},
	{"components", dirRef},
	{"crds", yamlRef},
	{"configurations", yamlRef},
	{"generators", pluginRef},
	{"transformers", pluginRef},
	{"validators", pluginRef},
	{"patchesStrategicMerge", patchRef},
}

// collect returns every reference of a build file, in the order of the fields
// above. Fields with another type than expected are left to kustomize, which
// refuses them.
func collect(v map[string]any) []ref {
	var out []ref
	for _, l := range lists {
		for i, e := range object.Slice(v, l.field) {
			if s, ok := e.(string); ok {
				out = append(out, ref{s, []string{l.field, strconv.Itoa(i)}, l.kind})
			}
		}
	}
	for _, field := range []string{"patches", "patchesJson6902", "replacements"} {
		for i, e := range object.Slice(v, field) {
			at := []string{field, strconv.Itoa(i)}
			out = append(out, stringAt(e, at, "path", yamlRef)...)
			if inline := object.String(e, "patch"); inline != "" {
				out = append(out, ref{inline, append(slices.Clone(at), "patch"), patchRef})
			}
		}
	}
	for _, field := range []string{"configMapGenerator", "secretGenerator"} {
		for i, e := range object.Slice(v, field) {
			out = append(out, generatorRefs(e, []string{field, strconv.Itoa(i)})...)
		}
	}
	return append(out, stringAt(object.Map(v, "openapi"), []string{"openapi"}, "path", yamlRef)...)
}

func stringAt(v any, at []string, field string, kind refKind) []ref {
	if s := object.String(v, field); s != "" {
		return []ref{{s, append(slices.Clone(at), field), kind}}
	}
	return nil
}

// generatorRefs finds the files of a ConfigMap or Secret generator. An entry
// of files is a path, or key=path.
func generatorRefs(v any, at []string) []ref {
	out := stringAt(v, at, "env", rawRef)
	for _, field := range []string{"files", "envs"} {
		for i, e := range object.Slice(v, field) {
			s, ok := e.(string)
			if !ok {
				continue
			}
			if _, file, keyed := strings.Cut(s, "="); keyed && field == "files" {
				s = file
			}
			out = append(out, ref{s, append(slices.Clone(at), field, strconv.Itoa(i)), rawRef})
		}
	}
	return out
}

// forbidden refuses the fields that run Helm.
func (s *scanner) forbidden(u *unit) {
	for _, field := range []string{"helmCharts", "helmGlobals", "helmChartInflationGenerator"} {
		if _, ok := u.value[field]; ok {
			s.diags.Add(diag.Errorf("RND032", "%s would run the helm program", field).
				At(s.at(u, []string{field}), "").
				Fix("render the chart as a component of its own: `source: helm: chart: \"…\"`"))
		}
	}
}

// unknownFields proposes the nearest field; kustomize alone would name only
// the wrong one.
func (s *scanner) unknownFields(u *unit) {
	known := fieldNames(reflect.TypeFor[types.Kustomization]())
	for _, k := range slices.Sorted(maps.Keys(u.value)) {
		if slices.ContainsFunc(known, func(f string) bool { return strings.EqualFold(f, k) }) {
			continue
		}
		d := diag.Errorf("RND039", "kustomize knows no field %q", k).At(s.at(u, []string{k}), "")
		if near := diag.Nearest(k, known); near != "" {
			d.Fix("did you mean %q?", near)
		}
		s.diags.Add(d.Fix("remove the field"))
	}
}

func fieldNames(t reflect.Type) []string {
	var out []string
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name != "":
			out = append(out, name)
		case f.Anonymous:
			out = append(out, fieldNames(f.Type)...)
		}
	}
	return out
}

// modern rewrites fields that kustomize warns about on standard error into the
// ones that do the same: bases into resources, imageTags into images,
// patchesStrategicMerge into patches before the others, commonLabels into
// labels with selectors. What is left (patchesJson6902, vars) runs at another
// moment than its successor, so it stays and the library warns.
func modern(v map[string]any) map[string]any {
	out := maps.Clone(v)
	move := func(from, to string, entries []any) {
		if _, ok := v[from]; ok {
			out[to] = append(slices.Clone(object.Slice(v, to)), entries...)
			delete(out, from)
		}
	}
	move("bases", "resources", object.Slice(v, "bases"))
	move("imageTags", "images", object.Slice(v, "imageTags"))
	if patches := object.Slice(v, "patchesStrategicMerge"); len(patches) > 0 {
		out["patches"] = append(mergePatches(patches), object.Slice(v, "patches")...)
		delete(out, "patchesStrategicMerge")
	}
	if labels := object.Map(v, "commonLabels"); len(labels) > 0 {
		move("commonLabels", "labels", []any{map[string]any{"pairs": labels, "includeSelectors": true}})
	}
	return out
}

// mergePatches turns entries that are a path or YAML into ones that say which.
func mergePatches(entries []any) []any {
	out := make([]any, 0, len(entries))
	for _, e := range entries {
		field := "path"
		if s, ok := e.(string); ok && inline(ref{text: s, kind: patchRef}) {
			field = "patch"
		}
		out = append(out, map[string]any{field: e})
	}
	return out
}

// effects notes what a build file may do to the identity of objects. Metadata
// is the root's to ask for: what a base asks is ignored by kustomize.
func (s *scanner) effects(v map[string]any, root bool) {
	for _, field := range []string{
		"namePrefix", "nameSuffix", "configMapGenerator", "secretGenerator", "generators", "transformers", "replacements", "vars",
	} {
		_, has := v[field]
		s.renames = s.renames || has
	}
	for _, field := range []string{"patchesJson6902", "vars"} {
		_, has := v[field]
		s.warns = s.warns || has
	}
	_, moves := v["namespace"]
	s.moves = s.moves || moves
	s.asked = s.asked || root && slices.Contains(object.Slice(v, "buildMetadata"), any(types.OriginAnnotations))
}

// traceOrigins returns the build file of dir with the request that kustomize
// write down where each object came from.
func (s *scanner) traceOrigins(dir string) []byte {
	root := s.files[s.roots[dir]]
	var v map[string]any
	if err := json.Unmarshal(root, &v); err != nil || s.asked {
		return root
	}
	v["buildMetadata"] = append(object.Slice(v, "buildMetadata"), types.OriginAnnotations)
	return encode(v)
}

func encode(v any) []byte {
	b, err := object.Encode(v)
	if err != nil {
		panic(err) // values of yamlpos are JSON values
	}
	return b
}
