package emit

import (
	"fmt"

	"github.com/darkstart-dev/darkstart/compiler/ir"
)

// application is Argo CD's side: one Application on the whole bundle, ordered
// by sync waves inside. Argo CD cannot stop between waves, so where a phase
// needs an approval nothing is synced by itself.
func application(c *ir.Linked, _ *order, pin Pin) map[string]any {
	sync := map[string]any{
		"automated":   map[string]any{"prune": true, "selfHeal": true},
		"syncOptions": []any{"ServerSideApply=true", "ApplyOutOfSyncOnly=true", "PruneLast=true"},
	}
	m := meta(c.Name, argoNamespace, c, pin)
	if stops := approved(c); len(stops) > 0 {
		delete(sync, "automated")
		m["annotations"].(map[string]any)[annotationResume] = fmt.Sprintf(
			"%s approves each release (phase %s); to go on: argocd app sync %s --prune", stops[0].Approval.Role, stops[0].Name, c.Name)
	}
	return map[string]any{
		"apiVersion": "argoproj.io/v1alpha1",
		"kind":       "Application",
		"metadata":   m,
		"spec": map[string]any{
			"project": "default",
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
