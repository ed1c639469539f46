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
func (c *Cache) images(objects []*object.Object) ([]ir.Image, diag.List) {
	var out []ir.Image
	var ds diag.List
	for _, o := range objects {
		for _, f := range c.found(o) {
			ref := f.ref
			for i := range o.Edits {
				if slices.Equal(o.Edits[i].Path, f.path) {
					ref, _ = o.Edits[i].Value.(string)
				}
			}
			err := c.refused.get(ref, func() error {
				_, err := name.ParseReference(ref, name.WeakValidation)
				return err
			})
			switch {
			case err == nil:
				out = append(out, ir.Image{Ref: ref, Object: o.Key(), Path: f.pointer})
			case f.strict:
				ds.Add(diag.Errorf("RND021", "%q is no image reference", ref).
					At(o.Origin.Pos, "in this object, at %s", f.pointer).
					About(diag.Subject{Object: o.Key().String(), Path: f.pointer}).
					Note("%s", oneLine(err.Error())).
					Fix("write [registry/]repository[:tag][@sha256:…] in lower case"))
			}
		}
	}
	return slices.Clone(out), ds // they stay: without room to grow
}

// found returns the images of what o shares with other clusters, where its own
// settings replace them at most; else those of its content.
func (c *Cache) found(o *object.Object) []foundImage {
	if slices.ContainsFunc(o.Edits, func(e object.Edit) bool { return !spares(o, &e) }) {
		return findImages(o)
	}
	return c.base(o).pulled()
}

// spares reports whether an edit leaves the images of an object where they are.
func spares(o *object.Object, e *object.Edit) bool {
	last := e.Path[len(e.Path)-1]
	switch {
	case e.Path[0] == "metadata":
		return true
	case e.Merge:
		return last == "annotations" && e.Value.(map[string]any)["image"] == nil
	}
	was, depth := object.At(o.Base, e.Path)
	there := depth == len(e.Path)
	switch e.Value.(type) {
	case string:
		image := there && pulled(e.Path) && was != "" && e.Value != ""
		return image || last == "namespace" && !(there && object.Map(was) != nil)
	case int64:
		return last == "replicas" && !(there && object.Map(was) != nil)
	}
	return false
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

// foundImage is where an object names an image.
type foundImage struct {
	ref     string
	path    []string
	pointer string // path, as one
	strict  bool   // what does not parse is an error
}

func findImages(o *object.Object) []foundImage {
	if o.Kind == "CustomResourceDefinition" || o.Kind == "ConfigMap" || o.Kind == "Secret" || pullsNothing(o) {
		return nil
	}
	f := &imageFinder{kind: o.Group() + "/" + o.Kind, custom: !discovery.BuiltIn(o.Group(), o.Kind), policy: o.Group() == "kyverno.io"}
	f.walk(o.Content(), nil)
	return f.found
}

type imageFinder struct {
	kind   string // group/Kind
	custom bool
	policy bool // holds patterns of containers, besides those that it makes
	found  []foundImage
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
	case pulled(at):
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

// pulled reports whether a path ends in containers/N/image, one of its kin, or
// volumes/N/image/reference.
func pulled(at []string) bool {
	n := len(at)
	switch {
	case n > 2 && at[n-1] == "image":
		return slices.Contains([]string{"containers", "initContainers", "ephemeralContainers"}, at[n-3])
	case n > 3 && at[n-1] == "reference":
		return at[n-2] == "image" && at[n-4] == "volumes"
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
	return slices.Contains(knownFields[f.kind], ir.Pointer(at...))
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
	f.found = append(f.found, foundImage{ref, at, ir.Pointer(at...), strict})
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
