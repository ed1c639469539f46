package render

import (
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
// volumes; in custom resources so do the fields that operators are known to
// take an image from, and any string field `image` that reads like a
// reference. A reference of a container that cannot be parsed is an error.
func images(objects []*object.Object) ([]ir.Image, diag.List) {
	var out []ir.Image
	var ds diag.List
	for _, o := range objects {
		if o.Kind == "CustomResourceDefinition" || o.Kind == "ConfigMap" || o.Kind == "Secret" {
			continue
		}
		f := &imageFinder{object: o, custom: !discovery.BuiltIn(o.Group(), o.Kind)}
		f.walk(o.Content, nil)
		out = append(out, f.images...)
		ds.Add(f.diags...)
	}
	return out, ds
}

type imageFinder struct {
	object *object.Object
	custom bool
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
	case !isString:
		f.walk(v, at)
	case s == "" || at[0] == "metadata" || at[0] == "status":
	case k == "image" && inContainer(at), k == "reference" && len(at) > 3 && at[len(at)-2] == "image" && at[len(at)-4] == "volumes":
		f.add(s, at, true)
	case f.custom && (k == "image" && looksLikeImage(s) || f.known(at)):
		f.add(s, at, false)
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

// knownFields are fields of operators that hold an image under another name,
// by group and kind.
var knownFields = map[string][]string{
	"postgresql.cnpg.io/Cluster":             {"/spec/imageName"},
	"monitoring.coreos.com/Prometheus":       {"/spec/baseImage"},
	"monitoring.coreos.com/Alertmanager":     {"/spec/baseImage"},
	"operator.victoriametrics.com/VMCluster": {"/spec/image/repository"},
	"ceph.rook.io/CephCluster":               {"/spec/cephVersion/image"},
	"source.toolkit.fluxcd.io/OCIRepository": nil, // an artifact, not an image that a node pulls
	"operator.tigera.io/ImageSet":            nil, // maps names, pulls nothing
}

func (f *imageFinder) known(at []string) bool {
	return slices.Contains(knownFields[f.object.Group()+"/"+f.object.Kind], ir.Pointer(at...))
}

// looksLikeImage asks for more than the grammar: a word alone is a valid
// reference, but in a custom resource it is more often something else.
func looksLikeImage(s string) bool {
	if !strings.ContainsAny(s, "/:@") || strings.Contains(s, "://") {
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
