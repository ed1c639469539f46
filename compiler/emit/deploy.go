package emit

import (
	"fmt"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/plans"
)

// Pin is what an engine may fetch: exactly one manifest.
type Pin struct {
	Repository  string        // "oci://registry.example/fleet/eu-west-1"
	Manifest    digest.Digest // of the image manifest
	Serial      int
	Correlation string // first 12 hex of the content digest
	// Secrets to pull with, by namespace of the engine.
	Secrets map[string]string
	// Approve lets what approvals hold back go on, for as long as nothing behind
	// them changes.
	Approve bool
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
// cluster: flux.yaml and argocd.yaml, or only the one that delivery names, and
// for Flux the accounts that it acts as. The digest in them is the control (D8);
// the signature is checked on top. before are the files that it replaces, if
// any: they tell what an engine has still to prune, and what was approved.
func Deploy(f *ir.Fleet, p *plans.Plan, cluster string, pin Pin, before []ir.File) ([]ir.File, diag.List, error) {
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
		acc := newAccess(f, c)
		out = append(out, acc.files(pin, before)...)
		out = append(out, documents(fluxFile, fluxObjects(c, o, pin, acc, before)))
	}
	if kind == "" || kind == "argocd" {
		out = append(out, documents(argoFile, []any{project(c, pin, before), application(c, o, pin, before)}))
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

func meta(name, namespace string, c *ir.Linked, pin Pin) map[string]any {
	return map[string]any{
		"name": name, "namespace": namespace,
		"labels": map[string]any{"darkstart.dev/cluster": c.Name},
		"annotations": map[string]any{
			annotationSerial:      fmt.Sprint(pin.Serial),
			annotationCorrelation: pin.Correlation,
		},
	}
}

// repository pins the digest and asks Flux to check the signature as well.
// `copy` keeps the layer's own bytes, so the digest that Flux reports is the
// one in the release record.
func repository(c *ir.Linked, pin Pin) map[string]any {
	repo := map[string]any{
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
	if name := pin.Secrets[fluxNamespace]; name != "" {
		object.Map(repo, "spec")["secretRef"] = map[string]any{"name": name}
	}
	return repo
}

// Orphaned reports whether objects of such a part stay in the cluster when all of
// the part is gone.
func Orphaned(n ir.PartName) bool { return n == ir.PartDefs }

// Protected reports whether an object itself tells Flux not to prune it.
func Protected(o *object.Object) bool {
	return object.String(o.Get("metadata", "annotations", annotationPrune)) == "disabled"
}

func deletionPolicy(part *ir.Part) string {
	if Orphaned(part.Name) {
		return "Orphan"
	}
	return "MirrorPrune"
}
