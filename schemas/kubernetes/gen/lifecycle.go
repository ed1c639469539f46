package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1beta1"
)

// Lifecycle says when a kind of a group and version comes and goes. Releases
// are "1.25"; "" does not apply.
type Lifecycle struct {
	Group       string `json:"group,omitempty"`
	Version     string `json:"version"`
	Kind        string `json:"kind"`
	Introduced  string `json:"introduced,omitempty"`
	Deprecated  string `json:"deprecated,omitempty"`
	Removed     string `json:"removed,omitempty"`
	Replacement string `json:"replacement,omitempty"` // "apps/v1 Deployment"
	// Note explains a removal without a successor of the same kind.
	Note string `json:"note,omitempty"`
}

type (
	introduced interface{ APILifecycleIntroduced() (int, int) }
	deprecated interface{ APILifecycleDeprecated() (int, int) }
	removed    interface{ APILifecycleRemoved() (int, int) }
	replaced   interface {
		APILifecycleReplacement() apischema.GroupVersionKind
	}
)

// guide holds what the code of a current release no longer knows, from
// Kubernetes' deprecated API migration guide.
var guide = []Lifecycle{
	{Group: "policy", Version: "v1beta1", Kind: "PodSecurityPolicy", Deprecated: "1.21", Removed: "1.25", Note: "use Pod Security admission: the label pod-security.kubernetes.io/enforce on the namespace, or a policy engine"},
	{Group: "extensions", Version: "v1beta1", Kind: "PodSecurityPolicy", Deprecated: "1.11", Removed: "1.16", Note: "use Pod Security admission: the label pod-security.kubernetes.io/enforce on the namespace, or a policy engine"},
	{Group: "autoscaling", Version: "v2beta1", Kind: "HorizontalPodAutoscaler", Deprecated: "1.22", Removed: "1.25", Replacement: "autoscaling/v2 HorizontalPodAutoscaler"},
	{Group: "autoscaling", Version: "v2beta2", Kind: "HorizontalPodAutoscaler", Deprecated: "1.23", Removed: "1.26", Replacement: "autoscaling/v2 HorizontalPodAutoscaler"},
	{Group: "auditregistration.k8s.io", Version: "v1alpha1", Kind: "AuditSink", Deprecated: "1.18", Removed: "1.19", Note: "dynamic auditing has no successor; configure the audit webhook of the API server"},
	{Group: "settings.k8s.io", Version: "v1alpha1", Kind: "PodPreset", Deprecated: "1.19", Removed: "1.20", Note: "pod presets have no successor; use a mutating admission policy or webhook"},
	{Group: "batch", Version: "v2alpha1", Kind: "CronJob", Deprecated: "1.19", Removed: "1.21", Replacement: "batch/v1 CronJob"},
}

// lifecycle lists every kind that was or will be withdrawn, sorted. What the
// code itself says wins over the guide.
func lifecycle() []Lifecycle {
	types := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, apiextensions.AddToScheme, apiregistration.AddToScheme} {
		if err := add(types); err != nil {
			panic(err) // a bug of the generator: a scheme that cannot register itself
		}
	}
	known := map[[3]string]Lifecycle{}
	for _, l := range guide {
		known[l.id()] = l
	}
	for gvk := range types.AllKnownTypes() {
		obj, err := types.New(gvk)
		if err != nil || strings.HasSuffix(gvk.Kind, "List") {
			continue
		}
		if l, ok := of(gvk, obj); ok {
			known[l.id()] = l
		}
	}
	out := make([]Lifecycle, 0, len(known))
	for _, l := range known {
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b Lifecycle) int {
		return cmp.Or(strings.Compare(a.Group, b.Group), strings.Compare(a.Version, b.Version), strings.Compare(a.Kind, b.Kind))
	})
	return out
}

func (l Lifecycle) id() [3]string { return [3]string{l.Group, l.Version, l.Kind} }

// of reads the generated lifecycle methods of a type; ok is false for one that
// is never deprecated.
func of(gvk apischema.GroupVersionKind, obj any) (l Lifecycle, ok bool) {
	l = Lifecycle{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind}
	if x, is := obj.(introduced); is {
		l.Introduced = release(x.APILifecycleIntroduced())
	}
	if x, is := obj.(deprecated); is {
		l.Deprecated, ok = release(x.APILifecycleDeprecated()), true
	}
	if x, is := obj.(removed); is {
		l.Removed, ok = release(x.APILifecycleRemoved()), true
	}
	if x, is := obj.(replaced); is {
		r := x.APILifecycleReplacement()
		l.Replacement = r.GroupVersion().String() + " " + r.Kind
	}
	return l, ok
}

func release(major, minor int) string { return fmt.Sprintf("%d.%d", major, minor) }
