package emit

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
)

// Annotations that emit sets on every object it writes. Facts: the documents
// of Argo CD (sync waves, sync options, compare options) and of Flux's kustomize-controller
// (prune and substitute annotations).
const (
	annotationWave       = "argocd.argoproj.io/sync-wave"
	annotationSync       = "argocd.argoproj.io/sync-options"
	annotationCompare    = "argocd.argoproj.io/compare-options"
	annotationPrune      = "kustomize.toolkit.fluxcd.io/prune"
	annotationSubstitute = "kustomize.toolkit.fluxcd.io/substitute"
	annotationSSA        = "kustomize.toolkit.fluxcd.io/ssa"
)

// guardDir is where a release puts the object that carries its serial. It is
// no content, but every release has it, so the list of resources names it.
const guardDir = "parts/_guard"

// maxPath is the longest name that a USTAR header holds without a prefix.
const maxPath = 100

// item is one line of meta/inventory.json.
type item struct {
	object.Key
	APIVersion string        `json:"apiVersion"`
	Part       string        `json:"part"`
	Wave       int           `json:"wave"`
	File       string        `json:"file"`
	Digest     digest.Digest `json:"digest"`
	Keep       bool          `json:"keep,omitempty"` // never pruned
}

type inventory struct {
	Version string   `json:"version"`
	Cluster string   `json:"cluster"`
	Images  []string `json:"images"`
	Objects []item   `json:"objects"`
}

// shared is what is known of the fields that objects share by their bases, so
// that it is worked out once for all clusters.
type shared struct {
	encoder object.Encoder
	images  sync.Map // object.FieldID to *fieldImages
}

// fieldImages are the images in a field. They hold on to the value, so that the
// identity it is found by stays the value's own.
type fieldImages struct {
	value any
	refs  []string
}

// manifests writes parts/, the kustomizations that hold them together, and
// the inventory.
func manifests(w *writer, s *shared, f *ir.Fleet, c *ir.Linked, o *order) error {
	images := map[string]bool{}
	inv := inventory{Version: "darkstart.dev/inventory/v1", Cluster: c.Name}
	held := f.Held(c.Name)
	parts := []string{guardDir}
	for _, part := range o.parts() {
		dir := "parts/" + part.ID()
		parts = append(parts, dir)
		items, err := s.writePart(w, part, dir, o.of[part], held, images)
		if err != nil {
			return err
		}
		inv.Objects = append(inv.Objects, items...)
	}
	slices.SortFunc(inv.Objects, func(a, b item) int { return a.Compare(b.Key) })
	inv.Images = slices.Sorted(maps.Keys(images))
	if err := w.json("meta/inventory.json", inv); err != nil {
		return err
	}
	return w.json("kustomization.yaml", kustomization(parts))
}

func (s *shared) writePart(w *writer, part *ir.Part, dir string, number int, held map[object.Key]bool, images map[string]bool) ([]item, error) {
	items := make([]item, 0, len(part.Objects))
	files := make([]string, 0, len(part.Objects))
	for _, obj := range part.Objects {
		keep := ir.Keeps(obj.Key()) || held[obj.Key()]
		obj = annotated(obj, number, keep)
		content := obj.Content()
		s.pull(obj, content, images)
		name := fileName(dir, obj.Key())
		files = append(files, name)
		body, err := w.add(dir+"/"+name, func(b []byte) ([]byte, error) {
			return s.encoder.Append(b, obj, content)
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", obj.Key(), err)
		}
		items = append(items, item{
			Key: obj.Key(), APIVersion: obj.APIVersion, Part: part.ID(), Wave: number,
			File: dir + "/" + name, Digest: digest.Of(body), Keep: keep,
		})
	}
	slices.Sort(files)
	return items, w.json(dir+"/kustomization.yaml", kustomization(files))
}

// kustomization lists resources explicitly and generates nothing: what is
// applied is what is in the files.
func kustomization(resources []string) map[string]any {
	return map[string]any{
		"apiVersion": "kustomize.config.k8s.io/v1beta1",
		"kind":       "Kustomization",
		"resources":  resources,
	}
}

// annotated returns an object with the annotations that order and protect it.
func annotated(o *object.Object, number int, keep bool) *object.Object {
	notes := map[string]any{annotationWave: strconv.Itoa(number), annotationSubstitute: "disabled"}
	if keep {
		has := func(name string) string { return object.String(o.Get("metadata", "annotations", name)) }
		notes[annotationPrune] = "disabled"
		notes[annotationSync] = withOption(has(annotationSync), "Prune=false")
		// What stays on purpose is no drift: otherwise the Application would be
		// OutOfSync for good, and Argo CD would try again and again to heal it.
		notes[annotationCompare] = withOption(has(annotationCompare), "IgnoreExtraneous")
	}
	return o.With(object.Edit{Path: []string{"metadata", "annotations"}, Value: notes, Merge: true})
}

// withOption adds an option to Argo CD's comma-separated list.
func withOption(list, option string) string {
	for o := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(o) == option {
			return list
		}
	}
	if list == "" {
		return option
	}
	return list + "," + option
}

// fileName is a function of the key alone, so that an object keeps its file
// when its neighbours change. A digest joins it where characters had to be
// replaced or the path would be too long; case-folded names stay distinct
// because kind and namespace are separated by a character no name holds.
func fileName(dir string, k object.Key) string {
	raw := strings.ToLower(k.Kind) + "_" + k.Namespace + "_" + k.Name
	if k.Group != "" {
		raw = strings.ToLower(k.Kind) + "." + k.Group + "_" + k.Namespace + "_" + k.Name
	}
	safe := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r) {
			return r
		}
		return '-'
	}, raw)
	limit := maxPath - len(dir) - 1 - len(".yaml")
	if safe == raw && len(safe) <= limit {
		return safe + ".yaml"
	}
	sum := digest.Of([]byte(k.String())).Short()
	return safe[:min(len(safe), max(0, limit-len(sum)-1))] + "-" + sum + ".yaml"
}

// pull adds the images of an object.
func (s *shared) pull(o *object.Object, content map[string]any, into map[string]bool) {
	containerImages(content, into)
	for name, v := range content {
		id, ok := o.Shares(name, v)
		if !ok {
			podImages(v, into)
			continue
		}
		known, ok := s.images.Load(id)
		if !ok {
			found := map[string]bool{}
			podImages(v, found)
			known = &fieldImages{v, slices.Collect(maps.Keys(found))}
			s.images.Store(id, known)
		}
		for _, ref := range known.(*fieldImages).refs {
			into[ref] = true
		}
	}
}

// podImages collects the images of containers at any depth of pod templates.
func podImages(v any, set map[string]bool) {
	switch x := v.(type) {
	case map[string]any:
		containerImages(x, set)
		for _, e := range x {
			podImages(e, set)
		}
	case []any:
		for _, e := range x {
			podImages(e, set)
		}
	}
}

// containerImages collects the images of the containers that a map holds itself.
func containerImages(m map[string]any, set map[string]bool) {
	for _, field := range []string{"containers", "initContainers", "ephemeralContainers"} {
		for _, ctr := range object.Slice(m, field) {
			if ref := object.String(ctr, "image"); ref != "" {
				set[ref] = true
			}
		}
	}
}

// componentOf returns the spec of a part's component.
func componentOf(c *ir.Linked, part *ir.Part) spec.Component {
	return c.Unit.Spec.Components[part.Component]
}
