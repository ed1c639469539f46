package emit

import (
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// guardName is the Kustomization of parts/_guard. No part is called "guard", so
// no component can have the name as well.
const guardName = "darkstart-guard"

// Annotations on the objects that pin: which release, on a suspended object who
// decides and how to go on, and why an object acts as the engine itself.
const (
	annotationSerial      = "darkstart.dev/serial"
	annotationCorrelation = "darkstart.dev/correlation"
	annotationResume      = "darkstart.dev/approval"
	annotationBehind      = "darkstart.dev/behind"
	annotationAccount     = "darkstart.dev/account"
)

// fluxObjects are the source, the guard, and a Kustomization for each part,
// which waits for all of the step before. The first step waits for the guard:
// a release that the guard refuses changes nothing.
func fluxObjects(c *ir.Linked, o *order, pin Pin, acc *access, last []ir.File) []any {
	out := []any{repository(c, pin)}
	if remote(c) {
		// Flux looks for the account beside the Kustomization before it prunes
		// as it; here it has no rights.
		for _, a := range acc.accounts {
			out = append(out, serviceAccount(c, accountName(c, a.component)))
		}
	}
	out = append(out, fluxGuard(c))
	before := []string{guardName}
	stopAt := map[*ir.Part]*stop{}
	for _, s := range stops(c, o) {
		for _, part := range s.parts {
			stopAt[part] = s
		}
	}
	for _, w := range o.waves {
		var names []string
		for _, part := range w.parts {
			ks := fluxKustomization(c, part, before, acc)
			if s := stopAt[part]; s != nil {
				suspend(ks, s, c, pin, last)
			}
			out = append(out, ks)
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
	ks["serviceAccountName"] = accountName(c, "")
	return kustomizationObject(c, guardName, nil, ks)
}

// fluxKustomization applies one part as the account of its component. It
// carries no release annotations, so a new release that moves nothing changes
// only the OCIRepository.
func fluxKustomization(c *ir.Linked, part *ir.Part, before []string, acc *access) map[string]any {
	ks := kustomizationSpec(c, "parts/"+part.ID(), deletionPolicy(part), before)
	gates(ks, part)
	if hasSOPS(part) {
		ks["decryption"] = map[string]any{"provider": "sops", "secretRef": map[string]any{"name": "darkstart-sops"}}
	}
	name, notes := fluxName(part), map[string]any{}
	if account := acc.name(part.Component); account != "" {
		ks["serviceAccountName"] = account
	} else {
		notes[annotationAccount] = "acts as Flux itself: " + acc.own[part.Component]
	}
	return kustomizationObject(c, name, notes, ks)
}

// suspend stops a release at a part. An approval that stands lets it go on.
func suspend(ks map[string]any, s *stop, c *ir.Linked, pin Pin, last []ir.File) {
	notes := object.Map(ks, "metadata", "annotations")
	if notes == nil {
		notes = map[string]any{}
		object.Map(ks, "metadata")["annotations"] = notes
	}
	notes[annotationBehind] = string(s.behind)
	held := func(o map[string]any) bool { return object.Get(o, "spec", "suspend") == true }
	if !s.open(pin, last, fluxFile, object.String(ks, "metadata", "name"), held) {
		object.Map(ks, "spec")["suspend"] = true
		notes[annotationResume] = s.note(c.Name)
	}
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
	if len(notes) > 0 {
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
