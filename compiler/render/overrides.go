package render

import (
	"maps"
	"slices"
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

	usedReplicas, usedImages map[string]bool
}

func newOverrides(c spec.Component, scopes map[string]string) *overrides {
	return &overrides{
		set: c.Set, patches: newPatches(c.Set.Patches), images: c.Images, scopes: scopes,
		usedReplicas: map[string]bool{}, usedImages: map[string]bool{},
	}
}

// none reports whether nothing but patches is set.
func (o *overrides) none() bool {
	s := o.set
	return s.Namespace == "" && len(s.Labels) == 0 && len(s.Annotations) == 0 && len(s.Replicas) == 0 && len(o.images) == 0
}

// apply returns new objects; content is copied only when it will change.
func (o *overrides) apply(in []*object.Object) []*object.Object {
	in = o.patches.apply(in)
	accounts := names(in, "ServiceAccount")
	services := names(in, "Service")
	out := make([]*object.Object, 0, len(in))
	for _, src := range in {
		dst := *src
		if !o.none() {
			dst.Content, _ = deepCopy(src.Content).(map[string]any)
			o.namespace(&dst, accounts, services)
			o.labels(&dst)
			o.annotations(&dst)
			o.replicas(&dst)
			if dst.Kind != "CustomResourceDefinition" {
				o.image(dst.Content)
			}
			n := object.New(dst.Content, dst.Origin)
			dst.Name, dst.Namespace = n.Name, n.Namespace
		}
		out = append(out, &dst)
	}
	return out
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
func (o *overrides) namespace(d *object.Object, accounts, services map[string]bool) {
	ns := o.set.Namespace
	if ns == "" {
		return
	}
	group := d.Group()
	if !discovery.ClusterScoped(group, d.Kind) && o.scopes[group+"/"+d.Kind] != "Cluster" {
		child(d.Content, "metadata")["namespace"] = ns
	}
	switch {
	case d.Kind == "Namespace" && d.APIVersion == "v1":
		child(d.Content, "metadata")["name"] = ns
	case d.Kind == "APIService" && group == "apiregistration.k8s.io":
		if object.Get(d.Content, "spec", "service") != nil {
			child(d.Content, "spec", "service")["namespace"] = ns
		}
	case d.Kind == "CustomResourceDefinition" && group == "apiextensions.k8s.io":
		service := object.Map(d.Content, "spec", "conversion", "webhook", "clientConfig", "service")
		if _, ok := service["namespace"]; ok {
			service["namespace"] = ns
		}
	case d.Kind == "RoleBinding" || d.Kind == "ClusterRoleBinding":
		for _, s := range object.Slice(d.Content, "subjects") {
			moveSubject(s, ns, accounts)
		}
	case group == "admissionregistration.k8s.io":
		for _, w := range object.Slice(d.Content, "webhooks") {
			service := object.Map(w, "clientConfig", "service")
			if services[object.String(service, "namespace")+"/"+object.String(service, "name")] {
				service["namespace"] = ns
			}
		}
	}
}

func moveSubject(subject any, ns string, accounts map[string]bool) {
	s, ok := subject.(map[string]any)
	if !ok {
		return
	}
	name := object.String(s, "name")
	if name == "default" || (object.String(s, "kind") == "ServiceAccount" && accounts[object.String(s, "namespace")+"/"+name]) {
		s["namespace"] = ns
	}
}

func (o *overrides) labels(d *object.Object) {
	if len(o.set.Labels) > 0 {
		merge(child(d.Content, "metadata", "labels"), o.set.Labels)
	}
}

// annotations sets those of the object and of the Pods it makes.
func (o *overrides) annotations(d *object.Object) {
	if len(o.set.Annotations) == 0 {
		return
	}
	merge(child(d.Content, "metadata", "annotations"), o.set.Annotations)
	switch d.Kind {
	case "Deployment", "ReplicaSet", "DaemonSet", "StatefulSet":
	case "ReplicationController":
		if d.Version() != "v1" {
			return
		}
	case "Job":
		if d.Group() != "batch" {
			return
		}
	case "CronJob":
		if d.Group() == "batch" {
			merge(child(d.Content, "spec", "jobTemplate", "metadata", "annotations"), o.set.Annotations)
			merge(child(d.Content, "spec", "jobTemplate", "spec", "template", "metadata", "annotations"), o.set.Annotations)
		}
		return
	default:
		return
	}
	merge(child(d.Content, "spec", "template", "metadata", "annotations"), o.set.Annotations)
}

func (o *overrides) replicas(d *object.Object) {
	n, ok := o.set.Replicas[d.Name]
	if !ok {
		return
	}
	switch d.Kind {
	case "Deployment", "ReplicationController", "ReplicaSet", "StatefulSet":
		o.usedReplicas[d.Name] = true
		child(d.Content, "spec")["replicas"] = int64(n)
	}
}

// image replaces images of containers and image volumes, wherever lists of
// these names stand: custom resources carry Pod templates too.
func (o *overrides) image(v any) {
	switch x := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(x)) {
			switch k {
			case "containers", "initContainers":
				for _, c := range asSlice(x[k]) {
					o.replace(c, "image")
				}
			case "volumes":
				for _, c := range asSlice(x[k]) {
					o.replace(object.Get(c, "image"), "reference")
				}
			}
			o.image(x[k])
		}
	case []any:
		for _, e := range x {
			o.image(e)
		}
	}
}

func (o *overrides) replace(v any, field string) {
	m, ok := v.(map[string]any)
	if !ok {
		return
	}
	name := imageName(object.String(m, field))
	if ref, ok := o.images[name]; ok && name != "" {
		o.usedImages[name] = true
		m[field] = ref
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

// child returns the map at path, making what is missing.
func child(m map[string]any, path ...string) map[string]any {
	for _, p := range path {
		next, ok := m[p].(map[string]any)
		if !ok {
			next = map[string]any{}
			m[p] = next
		}
		m = next
	}
	return m
}

func merge(into map[string]any, from map[string]string) {
	for k, v := range from {
		into[k] = v
	}
}

func deepCopy(v any) any {
	switch x := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[k] = deepCopy(e)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = deepCopy(e)
		}
		return out
	}
	return v
}
