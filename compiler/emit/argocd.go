package emit

import (
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// application is Argo CD's side: one Application on the whole bundle, ordered
// by sync waves inside. Argo CD cannot stop between waves, so where a phase
// waits for an approval nothing is synced by itself.
func application(c *ir.Linked, o *order, pin Pin, before []ir.File) map[string]any {
	sync := map[string]any{
		"automated":   map[string]any{"prune": true, "selfHeal": true},
		"syncOptions": []any{"ServerSideApply=true", "ApplyOutOfSyncOnly=true", "PruneLast=true"},
	}
	m := meta(c.Name, argoNamespace, c, pin)
	// The API server says what would change. By its own knowledge Argo CD takes
	// what the server fills into the volume claims of a StatefulSet for drift, and
	// heals it again and again.
	object.Map(m, "annotations")[annotationCompare] = "ServerSideDiff=true"
	if list := stops(c, o); len(list) > 0 {
		first, notes := list[0], object.Map(m, "annotations")
		notes[annotationBehind] = string(first.behind)
		held := func(o map[string]any) bool { return object.Get(o, "spec", "syncPolicy", "automated") == nil }
		if !first.open(pin, before, argoFile, c.Name, held) {
			delete(sync, "automated")
			notes[annotationResume] = first.note(c.Name)
		}
	}
	return map[string]any{
		"apiVersion": "argoproj.io/v1alpha1",
		"kind":       "Application",
		"metadata":   m,
		"spec": map[string]any{
			"project": projectName(c),
			"source": map[string]any{
				"repoURL":        pin.Repository,
				"targetRevision": string(pin.Manifest),
				"path":           ".",
			},
			"destination": map[string]any{"name": c.Name},
			"syncPolicy":  sync,
		},
	}
}
