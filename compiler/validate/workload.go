package validate

import (
	"slices"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// judgeWorkload checks what ties the fields of a workload together. The API
// server does so in Go code that it does not publish as a library; these are
// the checks that people meet. Wrong types are told by the schema: here they
// read as absent.
func judgeWorkload(o *object.Object) []*problem {
	at, ok := templateOf(o)
	if !ok {
		return nil
	}
	pod := object.Map(o.Content(), append(slices.Clone(at), "spec")...)
	out := judgeSelector(o)
	out = append(out, judgeRestart(o, pod, at)...)
	return append(out, judgeContainers(o, pod, append(slices.Clone(at), "spec"))...)
}

// templateOf returns the path of what has the pod's metadata and spec.
func templateOf(o *object.Object) (path []string, ok bool) {
	switch (GroupKind{o.Group(), o.Kind}) {
	case GroupKind{"", "Pod"}:
		return nil, true
	case GroupKind{"apps", "Deployment"}, GroupKind{"apps", "StatefulSet"}, GroupKind{"apps", "DaemonSet"},
		GroupKind{"apps", "ReplicaSet"}, GroupKind{"batch", "Job"}:
		return []string{"spec", "template"}, true
	case GroupKind{"batch", "CronJob"}:
		return []string{"spec", "jobTemplate", "spec", "template"}, true
	}
	return nil, false
}

// judgeSelector compares the selector of a controller with the labels that it
// gives to its own pods.
func judgeSelector(o *object.Object) []*problem {
	if o.Group() != "apps" {
		return nil
	}
	raw := object.Map(o.Content(), "spec", "selector")
	var typed metav1.LabelSelector
	if raw == nil || runtime.DefaultUnstructuredConverter.FromUnstructured(raw, &typed) != nil {
		return nil
	}
	selector, err := metav1.LabelSelectorAsSelector(&typed)
	if err != nil {
		p := newProblem(codeWorkload, diag.Error, "spec.selector is malformed: %v", err)
		p.path = []string{"spec", "selector"}
		return []*problem{p.fix("correct the selector")}
	}
	set := labels.Set{}
	for k, v := range object.Map(o.Content(), "spec", "template", "metadata", "labels") {
		set[k], _ = v.(string)
	}
	if selector.Matches(set) && !selector.Empty() {
		return nil
	}
	if selector.Empty() {
		p := newProblem(codeWorkload, diag.Error, "spec.selector is empty, and an empty selector is refused here")
		p.path = []string{"spec", "selector"}
		return []*problem{p.fix("select the template's labels: matchLabels with %s", set)}
	}
	p := newProblem(codeWorkload, diag.Error, "the selector (%s) does not match the labels of the template (%s)", selector, orElse(set.String(), "none"))
	p.path = []string{"spec", "selector"}
	return []*problem{p.fix("write the same labels in spec.selector and spec.template.metadata.labels")}
}

// judgeRestart checks the restart policy: controllers that keep pods alive
// take Always, jobs anything else, and name it.
func judgeRestart(o *object.Object, pod map[string]any, at []string) []*problem {
	if pod == nil || o.Kind == "Pod" {
		return nil
	}
	policy := object.String(pod, "restartPolicy")
	job := o.Group() == "batch"
	if job && (policy == "" || policy == "Always") || !job && policy != "" && policy != "Always" {
		path := append(slices.Clone(at), "spec", "restartPolicy")
		p := newProblem(codeWorkload, diag.Error, "%s of a %s is %q", dotted(path), o.Kind, orElse(policy, "Always"))
		p.path = path
		if job {
			return []*problem{p.fix("write restartPolicy: OnFailure, or Never")}
		}
		return []*problem{p.fix("remove it: a %s restarts its pods always", o.Kind)}
	}
	return nil
}

// judgeContainers checks images and mounts.
func judgeContainers(o *object.Object, pod map[string]any, at []string) []*problem {
	var volumes []string
	for _, v := range object.Slice(pod, "volumes") {
		volumes = append(volumes, object.String(v, "name"))
	}
	for _, v := range object.Slice(o.Content(), "spec", "volumeClaimTemplates") {
		volumes = append(volumes, object.String(v, "metadata", "name"))
	}
	var out []*problem
	for _, list := range []string{"initContainers", "containers"} {
		for i, c := range object.Slice(pod, list) {
			path := append(slices.Clone(at), list, strconv.Itoa(i))
			out = append(out, judgeContainer(c, path, volumes)...)
		}
	}
	return out
}

func judgeContainer(c any, at, volumes []string) []*problem {
	var out []*problem
	if _, ok := c.(map[string]any); ok && object.String(c, "image") == "" {
		p := newProblem(codeWorkload, diag.Error, "%s has no image", dotted(at))
		p.path = at
		out = append(out, p.fix("add %s.image", dotted(at)))
	}
	for i, m := range object.Slice(c, "volumeMounts") {
		name := object.String(m, "name")
		if name == "" || slices.Contains(volumes, name) {
			continue
		}
		path := append(slices.Clone(at), "volumeMounts", strconv.Itoa(i), "name")
		p := newProblem(codeWorkload, diag.Error, "%s mounts the volume %q, which the pod does not have", dotted(path[:len(path)-1]), name)
		p.path = path
		if near := diag.Nearest(name, volumes); near != "" {
			p.fix("did you mean %q?", near)
		}
		out = append(out, p.fix("declare the volume, or correct the name: the pod has %s", shortList(volumes)))
	}
	return out
}
