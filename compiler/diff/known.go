package diff

import (
	"fmt"
	"slices"
	"strconv"
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
	if frozen, _ := o.Content()["immutable"].(bool); frozen && (kind == "Secret" || kind == "ConfigMap") {
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

// shrinks reports a claim that asks for less than it has: volumes only grow.
func shrinks(o *object.Object, pointer string, before, after any) bool {
	if o.Kind != "PersistentVolumeClaim" || o.Group() != "" || pointer != "/spec/resources/requests/storage" {
		return false
	}
	was, ok := bytesOf(before)
	now, too := bytesOf(after)
	return ok && too && now < was
}

// bytesOf reads a quantity of storage.
func bytesOf(v any) (float64, bool) {
	s := fmt.Sprint(v)
	digits := strings.TrimRight(s, "EPTGMKkimu")
	factor, ok := map[string]float64{
		"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18, "m": 1e-3,
		"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40, "Pi": 1 << 50, "Ei": 1 << 60,
	}[s[len(digits):]]
	n, err := strconv.ParseFloat(digits, 64)
	return n * factor, ok && err == nil
}
