package link

import (
	"strings"

	"github.com/darkstart-dev/darkstart/internal/object"
)

// builtinGroups are served by the API server itself. Other groups below
// k8s.io are custom resources or aggregated: gateway.networking.k8s.io,
// snapshot.storage.k8s.io, metrics.k8s.io.
var builtinGroups = map[string]bool{
	"": true, "apps": true, "batch": true, "autoscaling": true, "policy": true,
	"admissionregistration.k8s.io": true, "apiextensions.k8s.io": true, "apiregistration.k8s.io": true,
	"authentication.k8s.io": true, "authorization.k8s.io": true, "certificates.k8s.io": true,
	"coordination.k8s.io": true, "discovery.k8s.io": true, "events.k8s.io": true,
	"flowcontrol.apiserver.k8s.io": true, "internal.apiserver.k8s.io": true, "networking.k8s.io": true, "node.k8s.io": true,
	"rbac.authorization.k8s.io": true, "resource.k8s.io": true, "scheduling.k8s.io": true,
	"storage.k8s.io": true, "storagemigration.k8s.io": true,
}

func builtin(gk groupKind) bool { return builtinGroups[gk.group] }

// plural is the resource name that webhook rules match.
func (c *cluster) plural(gk groupKind) string {
	if p := c.kinds[gk].plural; p != "" {
		return p
	}
	return object.Plural(gk.kind)
}

// builtinNamespaces exist in every new cluster.
var builtinNamespaces = map[string]bool{"default": true, "kube-system": true, "kube-public": true, "kube-node-lease": true}

// builtinRole reports roles that the API server creates.
func builtinRole(name string) bool {
	return name == "cluster-admin" || name == "admin" || name == "edit" || name == "view" || strings.HasPrefix(name, "system:") ||
		name == "extension-apiserver-authentication-reader"
}

// distributionClasses are the storage classes a distribution ships.
var distributionClasses = map[string][]string{
	"k3s": {"local-path"}, "k3d": {"local-path"}, "rke2": {}, "kind": {"standard"}, "minikube": {"standard"},
	"eks": {"gp2"}, "gke": {"standard", "standard-rwo", "premium-rwo"},
	"aks":       {"default", "managed", "managed-csi", "managed-csi-premium", "managed-premium", "azurefile", "azurefile-csi", "azurefile-premium", "azurefile-csi-premium"},
	"openshift": {"gp3-csi", "thin-csi", "managed-csi", "standard-csi"}, "doks": {"do-block-storage"}, "microk8s": {"microk8s-hostpath"},
}

// distributionClass reports a storage class that comes with the cluster.
func (c *cluster) distributionClass(name string) bool {
	for _, s := range c.spec.Classes {
		if s == name {
			return true
		}
	}
	for _, s := range distributionClasses[strings.ToLower(c.spec.Distribution)] {
		if s == name || name == "" {
			return true
		}
	}
	return name == "" && len(c.spec.Classes) > 0
}

// pod is the Pod template of a workload.
type pod struct {
	spec   map[string]any // nil where the object makes no Pods
	labels map[string]any
}

// podOf reads the Pod template of an object.
func podOf(o *object.Object) pod {
	var at []string
	switch {
	case o.Kind == "Pod" && o.Group() == "":
	case o.Kind == "CronJob":
		at = []string{"spec", "jobTemplate", "spec", "template"}
	default:
		at = []string{"spec", "template"}
	}
	template := object.Map(o.Get(at...))
	p := pod{object.Map(template, "spec"), object.Map(template, "metadata", "labels")}
	if len(at) == 2 && object.Slice(p.spec, "containers") == nil {
		return pod{}
	}
	return p
}

// containers calls f for every container of a Pod, with its JSON path.
func containers(pod map[string]any, f func(c map[string]any)) {
	for _, field := range []string{"initContainers", "containers", "ephemeralContainers"} {
		for _, v := range object.Slice(pod, field) {
			if m, ok := v.(map[string]any); ok {
				f(m)
			}
		}
	}
}

// mapsOf returns the elements of a list that are maps.
func mapsOf(list []any) []map[string]any {
	out := make([]map[string]any, 0, len(list))
	for _, v := range list {
		if m, ok := v.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}
