package render

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/render/discovery"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
)

// overrides applies the cluster's own settings to rendered objects (DESIGN
// §10). Each one means what the field of that name means in a kustomization,
// held to it by a differential test: patches, namespace, labels (the `labels`
// field with includeSelectors false, because changing a selector breaks what
// runs), commonAnnotations, replicas and images. The differences are
// deliberate: images are matched by their plain name and not by a regular
// expression, an image is replaced once and not by several entries in turn, a
// kind that a CustomResourceDefinition of this cluster declares cluster-scoped
// gets no namespace, and patches see objects as they are rendered and leave
// what an object is alone (kustomize.Patch).
type overrides struct {
	set     spec.Overrides
	patches *patches
	images  map[string]string
	scopes  map[string]string // of custom kinds

	labels, annotations map[string]any // of set, as values of objects

	usedReplicas, usedImages map[string]bool
}

func newOverrides(c spec.Component, scopes map[string]string) *overrides {
	return &overrides{
		set: c.Set, patches: newPatches(c.Set.Patches), images: c.Images, scopes: scopes,
		labels: values(c.Set.Labels), annotations: values(c.Set.Annotations),
		usedReplicas: map[string]bool{}, usedImages: map[string]bool{},
	}
}

// none reports whether nothing but patches is set.
func (o *overrides) none() bool {
	s := o.set
	return s.Namespace == "" && len(s.Labels) == 0 && len(s.Annotations) == 0 && len(s.Replicas) == 0 && len(o.images) == 0
}

// apply returns objects that share what they are made of with those that came
// in: each setting is an edit.
func (o *overrides) apply(in []*object.Object) []*object.Object {
	in = o.patches.apply(in)
	accounts := names(in, "ServiceAccount")
	services := names(in, "Service")
	out := make([]*object.Object, 0, len(in))
	for _, src := range in {
		w := editor{Object: *src, content: src.Content()}
		if !o.none() {
			o.namespace(&w, accounts, services)
			w.merge(o.labels, "metadata", "labels")
			o.annotate(&w)
			o.replicas(&w)
			if w.Kind != "CustomResourceDefinition" {
				o.image(&w, w.content, nil)
			}
		}
		out = append(out, w.edited())
	}
	return out
}

// editor collects the edits of one object. Content is what it said before.
type editor struct {
	object.Object
	content map[string]any
	edits   []object.Edit
}

func (w *editor) edited() *object.Object { return w.With(w.edits...) }

func (w *editor) set(value any, path ...string) {
	w.edits = append(w.edits, object.Edit{Path: path, Value: value})
}

func (w *editor) merge(fields map[string]any, path ...string) {
	if len(fields) > 0 {
		w.edits = append(w.edits, object.Edit{Path: path, Value: fields, Merge: true})
	}
}

// move sets the namespace, in the content and in the key.
func (w *editor) move(namespace string) {
	w.set(namespace, "metadata", "namespace")
	w.Namespace = namespace
}

// names returns namespace/name of the objects of a core kind, with the empty
// namespace as "default", and /name for a reference that gives no namespace.
func names(in []*object.Object, kind string) map[string]bool {
	out := map[string]bool{}
	for _, o := range in {
		if o.Kind == kind && o.Group() == "" {
			out[effective(o.Namespace)+"/"+o.Name], out["/"+o.Name] = true, true
		}
	}
	return out
}

func effective(ns string) string {
	if ns == "" {
		return "default"
	}
	return ns
}

// namespace sets the namespace of an object, and follows it in the references
// that carry one: subjects of bindings and services of webhooks, for accounts
// and services of the same component.
func (o *overrides) namespace(w *editor, accounts, services map[string]bool) {
	ns := o.set.Namespace
	if ns == "" {
		return
	}
	group := w.Group()
	if !discovery.ClusterScoped(group, w.Kind) && o.scopes[group+"/"+w.Kind] != "Cluster" {
		w.move(ns)
	}
	switch {
	case w.Kind == "Namespace" && w.APIVersion == "v1":
		w.set(ns, "metadata", "name")
		w.Name = ns
	case w.Kind == "APIService" && group == "apiregistration.k8s.io":
		if object.Get(w.content, "spec", "service") != nil {
			w.set(ns, "spec", "service", "namespace")
		}
	case w.Kind == "CustomResourceDefinition" && group == "apiextensions.k8s.io":
		at := []string{"spec", "conversion", "webhook", "clientConfig", "service", "namespace"}
		if _, ok := object.Map(w.content, at[:5]...)["namespace"]; ok {
			w.set(ns, at...)
		}
	case w.Kind == "RoleBinding" || w.Kind == "ClusterRoleBinding":
		for i, s := range object.Slice(w.content, "subjects") {
			if moves(s, accounts) {
				w.set(ns, "subjects", strconv.Itoa(i), "namespace")
			}
		}
	case group == "admissionregistration.k8s.io":
		for i, hook := range object.Slice(w.content, "webhooks") {
			service := object.Map(hook, "clientConfig", "service")
			if services[object.String(service, "namespace")+"/"+object.String(service, "name")] {
				w.set(ns, "webhooks", strconv.Itoa(i), "clientConfig", "service", "namespace")
			}
		}
	}
}

// moves reports whether the subject of a binding moves with the component.
func moves(subject any, accounts map[string]bool) bool {
	s, ok := subject.(map[string]any)
	if !ok {
		return false
	}
	name := object.String(s, "name")
	return name == "default" || object.String(s, "kind") == "ServiceAccount" && accounts[object.String(s, "namespace")+"/"+name]
}

// annotate sets the annotations of the object and of the Pods it makes.
func (o *overrides) annotate(w *editor) {
	w.merge(o.annotations, "metadata", "annotations")
	pods := []string{"spec", "template", "metadata", "annotations"}
	switch w.Kind {
	case "Deployment", "ReplicaSet", "DaemonSet", "StatefulSet":
	case "ReplicationController":
		if w.Version() != "v1" {
			return
		}
	case "Job":
		if w.Group() != "batch" {
			return
		}
	case "CronJob":
		if w.Group() != "batch" {
			return
		}
		w.merge(o.annotations, "spec", "jobTemplate", "metadata", "annotations")
		pods = append([]string{"spec", "jobTemplate"}, pods...)
	default:
		return
	}
	w.merge(o.annotations, pods...)
}

func (o *overrides) replicas(w *editor) {
	n, ok := o.set.Replicas[w.Name]
	if !ok {
		return
	}
	switch w.Kind {
	case "Deployment", "ReplicationController", "ReplicaSet", "StatefulSet":
		o.usedReplicas[w.Name] = true
		w.set(int64(n), "spec", "replicas")
	}
}

// image replaces images of containers and image volumes below a place, wherever
// lists of these names stand: custom resources carry Pod templates too.
func (o *overrides) image(w *editor, v any, at []string) {
	if len(o.images) == 0 {
		return
	}
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x { // order does not show: no two edits meet
			below := append(at[:len(at):len(at)], k)
			switch k {
			case "containers", "initContainers":
				for i, c := range asSlice(e) {
					o.replace(w, c, append(below[:len(below):len(below)], strconv.Itoa(i), "image"))
				}
			case "volumes":
				for i, c := range asSlice(e) {
					o.replace(w, object.Get(c, "image"), append(below[:len(below):len(below)], strconv.Itoa(i), "image", "reference"))
				}
			}
			o.image(w, e, below)
		}
	case []any:
		for i, e := range x {
			o.image(w, e, append(at[:len(at):len(at)], strconv.Itoa(i)))
		}
	}
}

// replace edits the image that the last step of a path names in holder.
func (o *overrides) replace(w *editor, holder any, path []string) {
	name := imageName(object.String(holder, path[len(path)-1]))
	if ref, ok := o.images[name]; ok && name != "" {
		o.usedImages[name] = true
		w.set(ref, path...)
	}
}

// imageName cuts tag and digest off a reference.
func imageName(ref string) string {
	ref, _, _ = strings.Cut(ref, "@")
	if i := strings.LastIndexByte(ref, ':'); i > strings.LastIndexByte(ref, '/') {
		ref = ref[:i]
	}
	return ref
}

// problems reports settings that changed nothing: a typing error that would
// otherwise look like success. Subject.Path is relative to the component.
func (o *overrides) problems() diag.List {
	ds := o.patches.problems()
	for _, n := range slices.Sorted(maps.Keys(o.set.Replicas)) {
		if !o.usedReplicas[n] {
			ds.Add(diag.Errorf("RND023", "no workload is named %q", n).
				About(diag.Subject{Path: ir.Pointer("set", "replicas", n)}).
				Fix("name a Deployment, StatefulSet or ReplicaSet as it is rendered"))
		}
	}
	for _, n := range slices.Sorted(maps.Keys(o.images)) {
		if !o.usedImages[n] {
			ds.Add(diag.Warningf("RND024", "no container uses an image named %q", n).
				About(diag.Subject{Path: ir.Pointer("images", n)}).
				Fix("write the name as the manifest does, without tag and digest, or remove the entry"))
		}
	}
	return ds
}

func asSlice(v any) []any { s, _ := v.([]any); return s }

func values(m map[string]string) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}
