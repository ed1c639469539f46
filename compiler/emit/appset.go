package emit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// ApplicationSetDir is where the sets of rings are, below deploy/. No cluster
// has a name like it.
const ApplicationSetDir = "_applicationsets"

// parameters are what differs between the Applications of two clusters, by the
// path of the field and the name in the set's elements.
var parameters = []struct {
	name string
	path []string
}{
	{"cluster", []string{"metadata", "name"}},
	{"cluster", []string{"metadata", "labels", "darkstart.dev/cluster"}},
	{"cluster", []string{"spec", "destination", "name"}},
	{"project", []string{"spec", "project"}},
	{"repository", []string{"spec", "source", "repoURL"}},
	{"digest", []string{"spec", "source", "targetRevision"}},
	{"serial", []string{"metadata", "annotations", annotationSerial}},
	{"correlation", []string{"metadata", "annotations", annotationCorrelation}},
	{"behind", []string{"metadata", "annotations", annotationBehind}},
	{"approval", []string{"metadata", "annotations", annotationResume}},
}

// ApplicationSets is one file for a ring: the projects of its clusters, and
// what makes the same Applications as their argocd.yaml. pins are the files of
// each cluster; those without an Application are left out. Clusters whose
// Applications differ in more than names and digests, since one waits for an
// approval, are in a set of their own. It returns no file for no Application.
func ApplicationSets(ring int, pins map[string][]ir.File) (*ir.File, error) {
	type set struct {
		template map[string]any
		elements []any
	}
	sets := map[string]*set{}
	var objs []any
	for _, cluster := range slices.Sorted(maps.Keys(pins)) {
		for _, o := range documentsIn(pins[cluster], argoFile) {
			if object.String(o, "kind") != "Application" {
				objs = append(objs, o)
				continue
			}
			template, element := parametrized(o)
			shape, err := object.Encode(template)
			if err != nil {
				return nil, err
			}
			if sets[string(shape)] == nil {
				sets[string(shape)] = &set{template: template}
			}
			sets[string(shape)].elements = append(sets[string(shape)].elements, element)
		}
	}
	list := slices.SortedFunc(maps.Values(sets), func(a, b *set) int {
		return cmp.Compare(object.String(a.elements[0], "cluster"), object.String(b.elements[0], "cluster"))
	})
	if len(list) == 0 {
		return nil, nil
	}
	for i, s := range list {
		name := fmt.Sprintf("darkstart-ring-%d", ring)
		if i > 0 {
			name += fmt.Sprintf("-%d", i+1)
		}
		objs = append(objs, map[string]any{
			"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet",
			"metadata": map[string]any{"name": name, "namespace": argoNamespace},
			"spec": map[string]any{
				"goTemplate": true, "goTemplateOptions": []any{"missingkey=error"},
				"generators": []any{map[string]any{"list": map[string]any{"elements": s.elements}}},
				"template":   s.template,
				// Who deletes the set has not asked for the clusters to be emptied.
				"syncPolicy": map[string]any{"preserveResourcesOnDeletion": true},
			},
		})
	}
	f := documents(fmt.Sprintf("%s/ring-%d.yaml", ApplicationSetDir, ring), objs)
	return &f, nil
}

// parametrized splits an Application into what a set's template says and the
// element that fills it in.
func parametrized(app map[string]any) (template, element map[string]any) {
	template = map[string]any{"metadata": app["metadata"], "spec": app["spec"]}
	element = map[string]any{}
	for _, p := range parameters {
		in := object.Map(template, p.path[:len(p.path)-1]...)
		last := p.path[len(p.path)-1]
		if v, ok := in[last]; ok {
			in[last] = "{{ ." + p.name + " }}"
			element[p.name] = v
		}
	}
	return template, element
}
