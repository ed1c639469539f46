package diff

import (
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/object"
)

// fixed are fields that the API server refuses to change: the ValidateUpdate
// functions of k8s.io/kubernetes/pkg/apis/*/validation and of
// k8s.io/apiextensions-apiserver. What stands in `except` may change.
var fixed = map[string]struct{ paths, except []string }{
	"apps/Deployment":                       {paths: []string{"/spec/selector"}},
	"apps/ReplicaSet":                       {paths: []string{"/spec/selector"}},
	"apps/DaemonSet":                        {paths: []string{"/spec/selector"}},
	"apps/StatefulSet":                      {paths: []string{"/spec"}, except: []string{"/spec/replicas", "/spec/ordinals", "/spec/template", "/spec/updateStrategy", "/spec/revisionHistoryLimit", "/spec/persistentVolumeClaimRetentionPolicy", "/spec/minReadySeconds"}},
	"batch/Job":                             {paths: []string{"/spec/selector", "/spec/template", "/spec/completions", "/spec/completionMode", "/spec/podFailurePolicy", "/spec/backoffLimitPerIndex", "/spec/managedBy", "/spec/successPolicy"}},
	"PersistentVolumeClaim":                 {paths: []string{"/spec"}, except: []string{"/spec/resources/requests", "/spec/volumeAttributesClassName", "/spec/volumeName"}},
	"PersistentVolume":                      {paths: []string{"/spec"}, except: []string{"/spec/accessModes", "/spec/capacity", "/spec/claimRef", "/spec/mountOptions", "/spec/persistentVolumeReclaimPolicy", "/spec/storageClassName", "/spec/volumeAttributesClassName"}},
	"Pod":                                   {paths: []string{"/spec"}, except: []string{"/spec/tolerations", "/spec/activeDeadlineSeconds", "/spec/terminationGracePeriodSeconds", "/spec/schedulingGates"}},
	"Service":                               {paths: []string{"/spec/clusterIP", "/spec/clusterIPs", "/spec/loadBalancerClass"}},
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
		return within(pointer, "/data") || within(pointer, "/binaryData") || within(pointer, "/stringData") || pointer == "/immutable"
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
