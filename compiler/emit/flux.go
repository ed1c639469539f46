package emit

import (
	"fmt"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/plans"
)

// guardName is the Kustomization of parts/_guard. No part is called "guard", so
// no component can have the name as well.
const guardName = "darkstart-guard"

// annotationResume says on a suspended object who decides, and how to go on.
const annotationResume = "darkstart.dev/approval"

// fluxObjects are the source, the guard, and a Kustomization for each part,
// which waits for all of the step before. The first step waits for the guard:
// a release that the guard refuses changes nothing.
func fluxObjects(c *ir.Linked, o *order, pin Pin) []any {
	out := []any{repository(c, pin), fluxGuard(c)}
	before := []string{guardName}
	stops := approvals(c, o)
	for _, w := range o.waves {
		var names []string
		for _, part := range w.parts {
			out = append(out, fluxKustomization(c, part, before, stops[part]))
			names = append(names, fluxName(part))
		}
		before = names
	}
	return out
}

// fluxName is component-part with the separator of extras flattened.
func fluxName(p *ir.Part) string {
	return p.Component + "-" + strings.ReplaceAll(string(p.Name), "/", "-")
}

// fluxGuard applies the serial of the release. It is orphaned when it is
// removed: a cluster that forgets its serial takes an older release.
func fluxGuard(c *ir.Linked) map[string]any {
	ks := kustomizationSpec(c, guardDir, "Orphan", nil)
	return kustomizationObject(c, guardName, nil, ks)
}

// fluxKustomization applies one part. It carries no release annotations, so a
// new release that moves nothing changes only the OCIRepository.
func fluxKustomization(c *ir.Linked, part *ir.Part, before []string, stop *plans.Approval) map[string]any {
	ks := kustomizationSpec(c, "parts/"+part.ID(), deletionPolicy(part), before)
	gates(ks, part)
	if hasSOPS(part) {
		ks["decryption"] = map[string]any{"provider": "sops", "secretRef": map[string]any{"name": "darkstart-sops"}}
	}
	name := fluxName(part)
	if stop == nil {
		return kustomizationObject(c, name, nil, ks)
	}
	ks["suspend"] = true
	return kustomizationObject(c, name, map[string]any{annotationResume: fmt.Sprintf(
		"%s approves each release here; to go on: flux resume kustomization %s -n %s (the next apply of these objects suspends it again)",
		stop.Role, kustomizationName(c, name), fluxNamespace)}, ks)
}

func kustomizationSpec(c *ir.Linked, path, deletion string, before []string) map[string]any {
	ks := map[string]any{
		"interval":       defaultInterval,
		"retryInterval":  "1m",
		"timeout":        defaultTimeout,
		"path":           "./" + path,
		"prune":          true,
		"wait":           true,
		"deletionPolicy": deletion,
		"sourceRef":      map[string]any{"kind": "OCIRepository", "name": c.Name},
	}
	if len(before) > 0 {
		deps := make([]any, 0, len(before))
		for _, b := range before {
			deps = append(deps, map[string]any{"name": kustomizationName(c, b)})
		}
		ks["dependsOn"] = deps
	}
	if remote(c) {
		ks["kubeConfig"] = map[string]any{"secretRef": map[string]any{"name": c.Name + "-kubeconfig"}}
	}
	return ks
}

func kustomizationObject(c *ir.Linked, name string, notes, spec map[string]any) map[string]any {
	meta := map[string]any{
		"name": kustomizationName(c, name), "namespace": fluxNamespace,
		"labels": map[string]any{"darkstart.dev/cluster": c.Name},
	}
	if notes != nil {
		meta["annotations"] = notes
	}
	return map[string]any{
		"apiVersion": "kustomize.toolkit.fluxcd.io/v1",
		"kind":       "Kustomization",
		"metadata":   meta,
		"spec":       spec,
	}
}

// kustomizationName adds the cluster where one engine serves several.
func kustomizationName(c *ir.Linked, name string) string {
	if remote(c) {
		return c.Name + "-" + name
	}
	return name
}

// remote reports whether the engine stands in another cluster.
func remote(c *ir.Linked) bool {
	d := c.Unit.Spec.Delivery
	if d == nil {
		return false
	}
	in, _, explicit := strings.Cut(strings.TrimPrefix(d.Engine, "/"), "/")
	return explicit && in != "." && in != c.Name
}
