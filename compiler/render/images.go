package render

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/render/discovery"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// images lists every image that the objects will make a node pull, sorted by
// object and path. Lists of containers count wherever they stand, and image
// volumes; in custom resources so do the steps and scripts of pipelines, the
// fields that operators are known to take an image from, any string field
// `image` that reads like a reference, and one that is written in pieces, as
// charts do. A reference of a container that cannot be parsed is an error.
func images(objects []*object.Object) ([]ir.Image, diag.List) {
	var out []ir.Image
	var ds diag.List
	for _, o := range objects {
		if o.Kind == "CustomResourceDefinition" || o.Kind == "ConfigMap" || o.Kind == "Secret" || pullsNothing(o) {
			continue
		}
		f := &imageFinder{object: o, custom: !discovery.BuiltIn(o.Group(), o.Kind), policy: o.Group() == "kyverno.io"}
		f.walk(o.Content(), nil)
		out = append(out, f.images...)
		ds.Add(f.diags...)
	}
	return out, ds
}

// pullsNothing reports kinds that name images without having them pulled: they
// look for tags, or map names.
func pullsNothing(o *object.Object) bool {
	switch o.Group() + "/" + o.Kind {
	case "image.toolkit.fluxcd.io/ImageRepository", "image.toolkit.fluxcd.io/ImagePolicy", "operator.tigera.io/ImageSet",
		"source.toolkit.fluxcd.io/OCIRepository", "policy.sigstore.dev/ClusterImagePolicy":
		return true
	}
	return false
}

type imageFinder struct {
	object *object.Object
	custom bool
	policy bool // holds patterns of containers, besides those that it makes
	images []ir.Image
	diags  diag.List
}

func (f *imageFinder) walk(v any, at []string) {
	switch x := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(x)) {
			f.field(k, x[k], append(at[:len(at):len(at)], k))
		}
	case []any:
		for i, e := range x {
			f.walk(e, append(at[:len(at):len(at)], strconv.Itoa(i)))
		}
	}
}

func (f *imageFinder) field(k string, v any, at []string) {
	s, isString := v.(string)
	switch {
	case f.policy && (k == "validate" || k == "verifyImages" || k == "preconditions"):
	case !isString:
		if m, ok := v.(map[string]any); ok && f.custom && at[0] != "metadata" && (k == "image" || strings.HasSuffix(k, "Image")) {
			f.pieces(m, at)
		}
		f.walk(v, at)
	case s == "" || at[0] == "metadata" || at[0] == "status":
	case k == "image" && inContainer(at), k == "reference" && len(at) > 3 && at[len(at)-2] == "image" && at[len(at)-4] == "volumes":
		f.add(s, at, !f.policy)
	case f.custom && (k == "image" && (inStep(at) || looksLikeImage(s)) || f.known(at)):
		f.add(s, at, false)
	}
}

// pieces finds an image whose registry, repository, tag and digest are fields.
func (f *imageFinder) pieces(m map[string]any, at []string) {
	text := func(field string) string {
		switch v := m[field].(type) {
		case nil, map[string]any, []any:
			return ""
		default:
			return fmt.Sprint(v) // a tag may read as a number
		}
	}
	ref := text("repository")
	if ref == "" {
		return
	}
	if r := text("registry"); r != "" {
		ref = r + "/" + ref
	}
	if t := text("tag"); t != "" {
		ref += ":" + t
	}
	if d := text("digest"); d != "" {
		ref += "@" + d
	}
	if looksLikeImage(ref) {
		f.add(ref, at, false)
	}
}

// inContainer reports whether a path ends in containers/N/image or one of its
// kin.
func inContainer(at []string) bool {
	if len(at) < 3 {
		return false
	}
	switch at[len(at)-3] {
	case "containers", "initContainers", "ephemeralContainers":
		return true
	}
	return false
}

// inStep reports whether a path ends as the containers of pipelines do:
// steps/N/image, container/image or script/image.
func inStep(at []string) bool {
	if len(at) < 3 {
		return false
	}
	parent, list := at[len(at)-2], at[len(at)-3]
	return parent == "container" || parent == "script" || list == "steps" || list == "sidecars"
}

// knownFields are fields of operators that hold an image under another name,
// by group and kind.
var knownFields = map[string][]string{
	"postgresql.cnpg.io/Cluster":         {"/spec/imageName"},
	"monitoring.coreos.com/Prometheus":   {"/spec/baseImage"},
	"monitoring.coreos.com/Alertmanager": {"/spec/baseImage"},
	"acid.zalan.do/postgresql":           {"/spec/dockerImage"},
	"ceph.rook.io/CephCluster":           {"/spec/cephVersion/image"},
}

func (f *imageFinder) known(at []string) bool {
	return slices.Contains(knownFields[f.object.Group()+"/"+f.object.Kind], ir.Pointer(at...))
}

// looksLikeImage asks for more than the grammar: a word alone is a valid
// reference, but in a custom resource it is more often something else.
func looksLikeImage(s string) bool {
	if !strings.ContainsAny(s, "/:@") || strings.Contains(s, "://") || strings.HasPrefix(s, "/") || strings.HasPrefix(s, ".") {
		return false
	}
	_, err := name.ParseReference(s, name.WeakValidation)
	return err == nil
}

func (f *imageFinder) add(ref string, at []string, strict bool) {
	path := ir.Pointer(at...)
	if _, err := name.ParseReference(ref, name.WeakValidation); err != nil {
		if strict {
			f.diags.Add(diag.Errorf("RND021", "%q is no image reference", ref).
				At(f.object.Origin.Pos, "in this object, at %s", path).
				About(diag.Subject{Object: f.object.Key().String(), Path: path}).
				Note("%s", oneLine(err.Error())).
				Fix("write [registry/]repository[:tag][@sha256:…] in lower case"))
		}
		return
	}
	f.images = append(f.images, ir.Image{Ref: ref, Object: f.object.Key(), Path: path})
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
