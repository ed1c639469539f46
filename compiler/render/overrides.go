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
	set    spec.Overrides
	images map[string]string
	cache  *Cache
	scopes map[string]string // of custom kinds

	annotations map[string]any // of set, as values of objects
	every       []object.Edit  // what every object gets: shared by those that get nothing else

	usedReplicas, usedImages map[string]bool
}

func newOverrides(c spec.Component, cache *Cache, scopes map[string]string) *overrides {
	o := &overrides{
		set: c.Set, images: c.Images, cache: cache, scopes: scopes,
		annotations:  values(c.Set.Annotations),
		usedReplicas: map[string]bool{}, usedImages: map[string]bool{},
	}
	var w editor
	w.merge(values(c.Set.Labels), labelsPath)
	w.merge(o.annotations, annotationsPath)
	o.every = slices.Clip(w.edits)
	return o
}

// none reports whether nothing but patches is set.
func (o *overrides) none() bool {
	s := o.set
	return s.Namespace == "" && len(s.Labels) == 0 && len(s.Annotations) == 0 && len(s.Replicas) == 0 && len(o.images) == 0
}

// apply returns objects that share what they are made of with those that came
// in: each setting is an edit.
func (o *overrides) apply(in []*object.Object) []*object.Object {
	var accounts, services map[string]bool
	if o.set.Namespace != "" {
		accounts, services = names(in, "ServiceAccount"), names(in, "Service")
	}
	out, made := make([]*object.Object, len(in)), make([]object.Object, len(in))
	var room []object.Edit
	for i, src := range in {
		w := editor{Object: *src, edits: append(room[:0], o.every...)}
		if !o.none() {
			o.namespace(&w, accounts, services)
			o.annotate(&w)
			o.replicas(&w)
			o.image(&w)
		}
		room = w.edits
		if len(w.edits) == len(o.every) {
			w.edits = o.every
		} else {
			w.edits = slices.Clone(w.edits)
		}
		made[i] = w.edited()
		out[i] = &made[i]
	}
	return out
}

// Paths of edits that most objects have: one in memory is enough.
var (
	labelsPath         = []string{"metadata", "labels"}
	annotationsPath    = []string{"metadata", "annotations"}
	podAnnotationsPath = []string{"spec", "template", "metadata", "annotations"}
	jobAnnotationsPath = []string{"spec", "jobTemplate", "metadata", "annotations"}
	jobPodAnnotations  = append([]string{"spec", "jobTemplate"}, podAnnotationsPath...)
	namespacePath      = []string{"metadata", "namespace"}
	replicasPath       = []string{"spec", "replicas"}
)

// editor collects the edits of one object.
type editor struct {
	object.Object
	edits []object.Edit
}

func (w *editor) edited() object.Object {
	if len(w.Edits) > 0 {
		return *w.With(w.edits...)
	}
	out := w.Object
	out.Edits = slices.Clip(w.edits)
	return out
}

func (w *editor) set(value any, path ...string) {
	w.edits = append(w.edits, object.Edit{Path: path, Value: value})
}

func (w *editor) merge(fields map[string]any, path []string) {
	if len(fields) > 0 {
		w.edits = append(w.edits, object.Edit{Path: path, Value: fields, Merge: true})
	}
}

// move sets the namespace, in the content and in the key.
func (w *editor) move(namespace string) {
	w.set(namespace, namespacePath...)
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
		if w.Get("spec", "service") != nil {
			w.set(ns, "spec", "service", "namespace")
		}
	case w.Kind == "CustomResourceDefinition" && group == "apiextensions.k8s.io":
		at := []string{"spec", "conversion", "webhook", "clientConfig", "service", "namespace"}
		if _, ok := object.Map(w.Get(at[:5]...))["namespace"]; ok {
			w.set(ns, at...)
		}
	case w.Kind == "RoleBinding" || w.Kind == "ClusterRoleBinding":
		for i, s := range object.Slice(w.Get("subjects")) {
			if moves(s, accounts) {
				w.set(ns, "subjects", strconv.Itoa(i), "namespace")
			}
		}
	case group == "admissionregistration.k8s.io":
		for i, hook := range object.Slice(w.Get("webhooks")) {
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

// annotate sets the annotations of the Pods that an object makes.
func (o *overrides) annotate(w *editor) {
	pods := podAnnotationsPath
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
		w.merge(o.annotations, jobAnnotationsPath)
		pods = jobPodAnnotations
	default:
		return
	}
	w.merge(o.annotations, pods)
}

func (o *overrides) replicas(w *editor) {
	n, ok := o.set.Replicas[w.Name]
	if !ok {
		return
	}
	switch w.Kind {
	case "Deployment", "ReplicationController", "ReplicaSet", "StatefulSet":
		o.usedReplicas[w.Name] = true
		w.set(int64(n), replicasPath...)
	}
}

// image replaces images of containers and image volumes.
func (o *overrides) image(w *editor) {
	if len(o.images) == 0 || w.Kind == "CustomResourceDefinition" {
		return
	}
	for _, p := range o.cache.base(&w.Object).places() {
		if ref, ok := o.images[p.name]; ok {
			o.usedImages[p.name] = true
			w.set(ref, p.path...)
		}
	}
}

// imagePlace is where an image stands that a setting may replace.
type imagePlace struct {
	name string // without tag and digest
	path []string
}

// imagePlaces finds images wherever lists of containers or volumes stand: custom
// resources carry Pod templates too. No two places meet.
func imagePlaces(v any, at []string) []imagePlace {
	var out []imagePlace
	add := func(holder any, path ...string) {
		if name := imageName(object.String(holder, path[len(path)-1])); name != "" {
			out = append(out, imagePlace{name, slices.Concat(at, path)})
		}
	}
	switch x := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(x)) {
			switch k {
			case "containers", "initContainers":
				for i, c := range asSlice(x[k]) {
					add(c, k, strconv.Itoa(i), "image")
				}
			case "volumes":
				for i, c := range asSlice(x[k]) {
					add(object.Get(c, "image"), k, strconv.Itoa(i), "image", "reference")
				}
			}
			out = append(out, imagePlaces(x[k], append(at[:len(at):len(at)], k))...)
		}
	case []any:
		for i, e := range x {
			out = append(out, imagePlaces(e, append(at[:len(at):len(at)], strconv.Itoa(i)))...)
		}
	}
	return out
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
	var ds diag.List
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
