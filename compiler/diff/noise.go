package diff

import (
	"reflect"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// Why a change says nothing about what runs.
const (
	noiseStatus  = "status, which nobody applies"
	noiseLabel   = "labels and annotations of Darkstart, engines and charts"
	noiseSum     = "checksums of what is in the diff itself"
	noiseName    = "hashes in generated names"
	noiseOrder   = "order of lists that nothing reads in order"
	noiseDefault = "defaults of Kubernetes, written out or no longer"
)

// quiet are labels and annotations that say nothing about what runs: those that
// Darkstart writes itself, and what charts stamp on everything.
var quiet = []string{
	"argocd.argoproj.io/sync-wave", "argocd.argoproj.io/sync-options", "argocd.argoproj.io/compare-options",
	"kustomize.toolkit.fluxcd.io/substitute", "kustomize.toolkit.fluxcd.io/prune",
	"helm.sh/chart", "app.kubernetes.io/version", "app.kubernetes.io/managed-by", "chart", "heritage",
}

// unordered are lists whose order means nothing to Kubernetes. Others may be
// read in order: init containers, webhooks, the steps of a workflow.
var unordered = []string{
	"containers", "ports", "volumes", "volumeMounts", "volumeDevices", "hostAliases", "imagePullSecrets", "secrets", "conditions",
	"ownerReferences", "topologySpreadConstraints", "finalizers", "accessModes", "verbs", "apiGroups", "apiVersions", "resources",
	"resourceNames", "nonResourceURLs", "operations", "policyTypes", "supplementalGroups", "shortNames", "categories", "subjects",
}

// noise says why a change means nothing, "" when it means something.
func (c *comparison) noise(s spot, before, after any) string {
	pointer := s.after
	switch {
	case within(pointer, "/status"):
		return noiseStatus
	case strings.HasSuffix(pointer, "/metadata/creationTimestamp"):
		return noiseDefault
	case pointer == "/metadata/name" && generatedName(c.before, c.kind):
		return noiseName
	case c.standard(s, before) && missing(after), c.standard(s, after) && missing(before), missing(before) && missing(after):
		return noiseDefault
	}
	if b, ok := before.([]any); ok {
		if a, ok := after.([]any); ok && c.loose(s, b, a) && sameItems(b, a) {
			return noiseOrder
		}
	}
	return stamp(pointer)
}

// missing: an explicit null is as good as nothing to the API server.
func missing(v any) bool {
	_, gone := v.(absent)
	return gone || v == nil
}

// stamp judges labels and annotations by their names. The checksums are Helm's
// convention (checksum/config) and kubectl's (restartedAt).
func stamp(pointer string) string {
	i := strings.LastIndex(pointer, "/metadata/")
	if i < 0 {
		return ""
	}
	kind, name, ok := strings.Cut(pointer[i+len("/metadata/"):], "/")
	if !ok || kind != "labels" && kind != "annotations" {
		return ""
	}
	name = strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")
	switch {
	case strings.HasPrefix(name, "checksum/"), name == "kubectl.kubernetes.io/restartedAt":
		return noiseSum
	case slices.Contains(quiet, name), strings.HasPrefix(name, "darkstart.dev/"):
		return noiseLabel
	}
	return ""
}

// loose reports whether nothing reads a list in order: environment variables
// are read so only where one refers to another.
func (c *comparison) loose(s spot, before, after []any) bool {
	name := s.after[strings.LastIndexByte(s.after, '/')+1:]
	if name == "env" {
		refers := func(v any) bool { return strings.Contains(object.String(v, "value"), "$(") }
		return !slices.ContainsFunc(before, refers) && !slices.ContainsFunc(after, refers)
	}
	return slices.Contains(unordered, name)
}

// sameItems reports whether two lists hold the same items.
func sameItems(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	rest := slices.Clone(b)
	for _, v := range a {
		i := slices.IndexFunc(rest, func(w any) bool { return reflect.DeepEqual(v, w) })
		if i < 0 {
			return false
		}
		rest = slices.Delete(rest, i, i+1)
	}
	return true
}

// podDefaults, by field, hold in a Pod and in the templates of workloads:
// SetDefaults_* of k8s.io/kubernetes/pkg/apis/core/v1/defaults.go.
var podDefaults = map[string]any{
	"restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "terminationGracePeriodSeconds": int64(30), "schedulerName": "default-scheduler",
	"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File", "protocol": "TCP",
	"hostNetwork": false, "hostPID": false, "hostIPC": false, "enableServiceLinks": true,
	"periodSeconds": int64(10), "timeoutSeconds": int64(1), "successThreshold": int64(1), "failureThreshold": int64(3),
}

// kindDefaults are those of other fields, by kind and pointer:
// pkg/apis/{apps,batch,core,storage}/v1/defaults.go.
var kindDefaults = map[string]any{
	"apps/Deployment /spec/replicas": int64(1), "apps/Deployment /spec/revisionHistoryLimit": int64(10),
	"apps/Deployment /spec/progressDeadlineSeconds": int64(600), "apps/DaemonSet /spec/revisionHistoryLimit": int64(10),
	"apps/StatefulSet /spec/replicas": int64(1), "apps/StatefulSet /spec/revisionHistoryLimit": int64(10),
	"apps/StatefulSet /spec/podManagementPolicy": "OrderedReady", "batch/Job /spec/backoffLimit": int64(6),
	"batch/CronJob /spec/concurrencyPolicy": "Allow", "batch/CronJob /spec/suspend": false,
	"batch/CronJob /spec/successfulJobsHistoryLimit": int64(3), "batch/CronJob /spec/failedJobsHistoryLimit": int64(1),
	"/Service /spec/type": "ClusterIP", "/Service /spec/sessionAffinity": "None", "/Service /spec/internalTrafficPolicy": "Cluster",
	"/PersistentVolumeClaim /spec/volumeMode": "Filesystem", "storage.k8s.io/StorageClass /reclaimPolicy": "Delete",
	"storage.k8s.io/StorageClass /volumeBindingMode": "Immediate", "/Secret /type": "Opaque",
}

// standard reports whether the API server itself would write v there.
func (c *comparison) standard(s spot, v any) bool {
	kind := c.kind.Group() + "/" + c.kind.Kind
	if m, ok := v.(map[string]any); ok {
		return len(m) == 0 && tagged(s.after)
	}
	if d, ok := kindDefaults[kind+" "+s.after]; ok && d == v {
		return true
	}
	name := s.after[strings.LastIndexByte(s.after, '/')+1:]
	if kind == "/Service" && name == "protocol" && strings.HasPrefix(s.after, "/spec/ports/") {
		return v == "TCP"
	}
	d, ok := podDefaults[name]
	if !ok || d != v {
		return false
	}
	switch kind {
	case "/Pod":
		return true
	case "apps/Deployment", "apps/StatefulSet", "apps/DaemonSet", "apps/ReplicaSet", "batch/Job", "batch/CronJob":
		return strings.Contains(s.after, "/template/spec/")
	}
	return false
}

// Hidden counts the noise of a delta by reason, in their order.
func hidden(d *ir.Delta) []ir.Hidden {
	count := map[string]int{}
	for _, c := range d.Objects {
		for _, f := range c.Fields {
			count[f.Noise]++
		}
	}
	var out []ir.Hidden
	for _, r := range []string{noiseLabel, noiseSum, noiseName, noiseOrder, noiseDefault, noiseStatus} {
		if count[r] > 0 {
			out = append(out, ir.Hidden{Reason: r, Fields: count[r]})
		}
	}
	return out
}
