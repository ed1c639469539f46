package diff

import (
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/object"
)

// quiet are labels and annotations that say nothing about what runs: those that
// Darkstart writes itself, and what charts stamp on everything.
var quiet = []string{
	"argocd.argoproj.io/sync-wave", "argocd.argoproj.io/sync-options",
	"kustomize.toolkit.fluxcd.io/substitute", "kustomize.toolkit.fluxcd.io/prune",
	"helm.sh/chart", "app.kubernetes.io/version", "app.kubernetes.io/managed-by", "chart", "heritage",
}

// noise reports whether a field says nothing about what runs.
func noise(pointer string) bool {
	if pointer == "/status" || strings.HasPrefix(pointer, "/status/") || strings.HasSuffix(pointer, "/metadata/creationTimestamp") {
		return true
	}
	i := strings.LastIndex(pointer, "/metadata/")
	if i < 0 {
		return false
	}
	kind, name, ok := strings.Cut(pointer[i+len("/metadata/"):], "/")
	if !ok || kind != "labels" && kind != "annotations" {
		return false
	}
	name = strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")
	return slices.Contains(quiet, name) || strings.HasPrefix(name, "checksum/")
}

// fixed are fields that the API server refuses to change: the ValidateUpdate
// functions of k8s.io/kubernetes/pkg/apis/*/validation and of
// k8s.io/apiextensions-apiserver. What stands in `except` may change.
var fixed = map[string]struct{ paths, except []string }{
	"apps/Deployment":                       {paths: []string{"/spec/selector"}},
	"apps/ReplicaSet":                       {paths: []string{"/spec/selector"}},
	"apps/DaemonSet":                        {paths: []string{"/spec/selector"}},
	"apps/StatefulSet":                      {paths: []string{"/spec"}, except: []string{"/spec/replicas", "/spec/ordinals", "/spec/template", "/spec/updateStrategy", "/spec/revisionHistoryLimit", "/spec/persistentVolumeClaimRetentionPolicy", "/spec/minReadySeconds"}},
	"batch/Job":                             {paths: []string{"/spec/selector", "/spec/template", "/spec/completions", "/spec/completionMode", "/spec/podFailurePolicy", "/spec/backoffLimitPerIndex"}},
	"PersistentVolumeClaim":                 {paths: []string{"/spec"}, except: []string{"/spec/resources/requests", "/spec/volumeAttributesClassName", "/spec/volumeName"}},
	"PersistentVolume":                      {paths: []string{"/spec/volumeMode", "/spec/csi", "/spec/hostPath", "/spec/nfs", "/spec/local", "/spec/iscsi", "/spec/fc", "/spec/nodeAffinity"}},
	"Pod":                                   {paths: []string{"/spec"}, except: []string{"/spec/tolerations", "/spec/activeDeadlineSeconds", "/spec/terminationGracePeriodSeconds", "/spec/schedulingGates"}},
	"Service":                               {paths: []string{"/spec/clusterIP", "/spec/ipFamilyPolicy"}},
	"storage.k8s.io/StorageClass":           {paths: []string{"/provisioner", "/parameters", "/reclaimPolicy", "/volumeBindingMode"}},
	"storage.k8s.io/CSIDriver":              {paths: []string{"/spec/attachRequired", "/spec/volumeLifecycleModes"}},
	"scheduling.k8s.io/PriorityClass":       {paths: []string{"/value", "/preemptionPolicy"}},
	"rbac.authorization.k8s.io/RoleBinding": {paths: []string{"/roleRef"}},
	"rbac.authorization.k8s.io/ClusterRoleBinding":  {paths: []string{"/roleRef"}},
	"node.k8s.io/RuntimeClass":                      {paths: []string{"/handler"}},
	"networking.k8s.io/IngressClass":                {paths: []string{"/spec/controller"}},
	"apiextensions.k8s.io/CustomResourceDefinition": {paths: []string{"/spec/group", "/spec/scope", "/spec/names/plural", "/spec/names/kind"}},
}

// immutable reports whether the API server refuses a change of the field.
func immutable(o *object.Object, pointer string) bool {
	kind := o.Kind
	if g := o.Group(); g != "" {
		kind = g + "/" + kind
	}
	if frozen, _ := o.Content["immutable"].(bool); frozen && (kind == "Secret" || kind == "ConfigMap") {
		return within(pointer, "/data") || within(pointer, "/binaryData") || within(pointer, "/stringData")
	}
	if kind == "Secret" && pointer == "/type" {
		return true
	}
	f := fixed[kind]
	below := func(at string) bool { return within(pointer, at) }
	if kind == "Pod" && strings.HasSuffix(pointer, "/image") {
		return false
	}
	return slices.ContainsFunc(f.paths, below) && !slices.ContainsFunc(f.except, below)
}
