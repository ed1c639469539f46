package emit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

// Pin is what an engine may fetch: exactly one manifest.
type Pin struct {
	Repository  string        // "oci://registry.example/fleet/eu-west-1"
	Manifest    digest.Digest // of the image manifest
	Serial      int
	Correlation string // first 12 hex of the content digest
}

// Names that the objects in deploy/ refer to.
const (
	fluxNamespace   = "flux-system"
	argoNamespace   = "argocd"
	releaseKey      = "darkstart-release-key" // Secret with the public key
	defaultInterval = "10m"
	defaultTimeout  = "10m"
)

// Deploy writes the objects that point the engines at one release of a
// cluster: flux.yaml and argocd.yaml, or only the one that delivery names.
// The digest in them is the control (D8); the signature is checked on top.
func Deploy(f *ir.Fleet, p *plans.Plan, cluster string, pin Pin) ([]ir.File, diag.List, error) {
	c := f.Cluster(cluster)
	o, diags := orderOf(c, p)
	if diags.HasErrors() {
		return nil, diags, nil
	}
	kind := ""
	if d := c.Unit.Spec.Delivery; d != nil {
		kind = d.Kind
	}
	var out []ir.File
	if kind == "" || kind == "flux" {
		out = append(out, documents("flux.yaml", fluxObjects(c, o, pin)))
	}
	if kind == "" || kind == "argocd" {
		out = append(out, documents("argocd.yaml", []any{application(c, pin)}))
	}
	return out, diags, nil
}

// documents joins objects into one YAML stream of JSON documents.
func documents(name string, objs []any) ir.File {
	var b strings.Builder
	for i, o := range objs {
		if i > 0 {
			b.WriteString("---\n")
		}
		enc, err := object.Encode(o)
		if err != nil { // maps of strings, numbers and lists always encode
			panic(err)
		}
		b.Write(enc)
	}
	return ir.File{Path: name, Data: []byte(b.String())}
}

func fluxObjects(c *ir.Linked, o *order, pin Pin) []any {
	out := []any{repository(c, pin)}
	var before []string
	for _, w := range o.waves {
		var names []string
		for _, part := range w.parts {
			out = append(out, fluxKustomization(c, part, before))
			names = append(names, fluxName(part))
		}
		before = names
	}
	return out
}

func meta(name, namespace string, c *ir.Linked, pin Pin) map[string]any {
	return map[string]any{
		"name": name, "namespace": namespace,
		"labels": map[string]any{"darkstart.dev/cluster": c.Name},
		"annotations": map[string]any{
			"darkstart.dev/serial":      fmt.Sprint(pin.Serial),
			"darkstart.dev/correlation": pin.Correlation,
		},
	}
}

// repository pins the digest and asks Flux to check the signature as well.
// `copy` keeps the layer's own bytes, so the digest that Flux reports is the
// one in the release record.
func repository(c *ir.Linked, pin Pin) map[string]any {
	return map[string]any{
		"apiVersion": "source.toolkit.fluxcd.io/v1",
		"kind":       "OCIRepository",
		"metadata":   meta(c.Name, fluxNamespace, c, pin),
		"spec": map[string]any{
			"interval": defaultInterval,
			"url":      pin.Repository,
			"ref":      map[string]any{"digest": string(pin.Manifest)},
			"layerSelector": map[string]any{
				"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
				"operation": "copy",
			},
			"verify": map[string]any{
				"provider":  "cosign",
				"secretRef": map[string]any{"name": releaseKey},
			},
		},
	}
}

// fluxName is component-part with the separator of extras flattened.
func fluxName(p *ir.Part) string {
	return p.Component + "-" + strings.ReplaceAll(string(p.Name), "/", "-")
}

// fluxKustomization applies one part. It carries no release annotations, so a
// new release that moves nothing changes only the OCIRepository.
func fluxKustomization(c *ir.Linked, part *ir.Part, before []string) map[string]any {
	ks := map[string]any{
		"interval":       defaultInterval,
		"retryInterval":  "1m",
		"timeout":        defaultTimeout,
		"path":           "./parts/" + part.ID(),
		"prune":          true,
		"wait":           true,
		"deletionPolicy": deletionPolicy(part),
		"sourceRef":      map[string]any{"kind": "OCIRepository", "name": c.Name},
	}
	if len(before) > 0 {
		deps := make([]any, 0, len(before))
		for _, b := range before {
			deps = append(deps, map[string]any{"name": kustomizationName(c, b)})
		}
		ks["dependsOn"] = deps
	}
	gates(ks, part)
	if hasSOPS(part) {
		ks["decryption"] = map[string]any{"provider": "sops", "secretRef": map[string]any{"name": "darkstart-sops"}}
	}
	if remote(c) {
		ks["kubeConfig"] = map[string]any{"secretRef": map[string]any{"name": c.Name + "-kubeconfig"}}
	}
	return map[string]any{
		"apiVersion": "kustomize.toolkit.fluxcd.io/v1",
		"kind":       "Kustomization",
		"metadata": map[string]any{
			"name": kustomizationName(c, fluxName(part)), "namespace": fluxNamespace,
			"labels": map[string]any{"darkstart.dev/cluster": c.Name},
		},
		"spec": ks,
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

// Orphaned reports whether objects of such a part stay in the cluster when all of
// the part is gone.
func Orphaned(n ir.PartName) bool { return n == ir.PartDefs }

// Protected reports whether an object itself tells Flux not to prune it.
func Protected(o *object.Object) bool {
	return object.String(o.Content, "metadata", "annotations", annotationPrune) == "disabled"
}

func deletionPolicy(part *ir.Part) string {
	if Orphaned(part.Name) {
		return "Orphan"
	}
	return "MirrorPrune"
}

// gates turns a part's gates into Flux health checks. `wait: true` makes Flux
// check everything in the part and ignore healthChecks; so a gate on an object
// that comes to be at run time needs wait: false and the complete list.
func gates(ks map[string]any, part *ir.Part) {
	if t := longest(part.Gates); t > 0 {
		ks["timeout"] = t.String()
	}
	var inside []gated
	var outside []any
	for _, g := range part.Gates {
		kind, ns, name := splitObject(g.Object)
		if api := apiVersionOf(part, kind, ns, name); api != "" {
			inside = append(inside, gated{api, kind, ns, name, g})
		} else if api = builtinVersions[kind]; api != "" {
			outside = append(outside, healthCheck(api, kind, ns, name))
		}
	}
	if exprs := healthExprs(inside); len(exprs) > 0 {
		ks["healthCheckExprs"] = exprs
	}
	if len(outside) > 0 {
		ks["wait"] = false
		ks["healthChecks"] = append(own(part), outside...)
	}
}

// own lists the part's objects that have a health of their own.
func own(part *ir.Part) []any {
	var out []any
	for _, o := range part.Objects {
		if builtinVersions[o.Kind] == o.APIVersion && o.Kind != "Secret" && o.Kind != "ConfigMap" {
			out = append(out, healthCheck(o.APIVersion, o.Kind, o.Namespace, o.Name))
		}
	}
	return out
}

func healthCheck(api, kind, ns, name string) map[string]any {
	return map[string]any{"apiVersion": api, "kind": kind, "namespace": ns, "name": name}
}

// builtinVersions names the API of kinds that a gate may wait for without
// their being in the bundle: what controllers make at run time.
var builtinVersions = map[string]string{
	"Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "ReplicaSet": "apps/v1", "Job": "batch/v1",
	"Pod": "v1", "Service": "v1", "Secret": "v1", "ConfigMap": "v1", "PersistentVolumeClaim": "v1",
}

func longest(gs []spec.Gate) plans.Duration {
	var t plans.Duration
	for _, g := range gs {
		t = max(t, g.Timeout)
	}
	return t
}

func apiVersionOf(part *ir.Part, kind, ns, name string) string {
	i := slices.IndexFunc(part.Objects, func(o *object.Object) bool {
		return o.Kind == kind && o.Namespace == ns && o.Name == name
	})
	if i < 0 {
		return ""
	}
	return part.Objects[i].APIVersion
}

// hasSOPS reports whether an object is encrypted by SOPS.
func hasSOPS(part *ir.Part) bool {
	return slices.ContainsFunc(part.Objects, func(o *object.Object) bool { return object.Map(o.Content, "sops") != nil })
}

// application is Argo CD's side: one Application on the whole bundle, ordered
// by sync waves inside.
func application(c *ir.Linked, pin Pin) map[string]any {
	return map[string]any{
		"apiVersion": "argoproj.io/v1alpha1",
		"kind":       "Application",
		"metadata":   meta(c.Name, argoNamespace, c, pin),
		"spec": map[string]any{
			"project": "default",
			"source": map[string]any{
				"repoURL":        pin.Repository,
				"targetRevision": string(pin.Manifest),
				"path":           ".",
			},
			"destination": map[string]any{"name": c.Name},
			"syncPolicy": map[string]any{
				"automated":   map[string]any{"prune": true, "selfHeal": true},
				"syncOptions": []any{"ServerSideApply=true", "ApplyOutOfSyncOnly=true", "PruneLast=true"},
			},
		},
	}
}
