package seal

import (
	"strconv"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// Guard is the ConfigMap that remembers, inside the cluster, which serial was
// applied last, and the name of the admission policy that compares serials. So
// an older bundle is refused even by a cluster whose source was rolled back.
const (
	GuardName      = "darkstart-guard"
	GuardNamespace = "kube-system" // exists before anything is applied
)

// sideFiles is how many files the record side has at most: the record and the
// guard's.
const sideFiles = 5

// Both expressions of the policy read a serial only where one is written, so
// that a ConfigMap that somebody emptied is no lock-out.
const (
	guardNew = "has(object.data) && 'serial' in object.data && object.data['serial'].matches('^[0-9]{1,9}$')"
	guardOld = "has(oldObject.data) && 'serial' in oldObject.data && oldObject.data['serial'].matches('^[0-9]{1,9}$')"
)

// guardFiles returns parts/_guard. It is applied before every other part, and
// every other part waits for it: what the API server refuses here stops the
// whole release.
func guardFiles(r ir.Record) ([]ir.File, error) {
	objects := []struct {
		name string
		body map[string]any
	}{
		{"binding.yaml", guardBinding()},
		{"configmap.yaml", guardObject(r)},
		{"policy.yaml", guardPolicy()},
		{"kustomization.yaml", map[string]any{
			"apiVersion": "kustomize.config.k8s.io/v1beta1",
			"kind":       "Kustomization",
			// The policy first: it judges the ConfigMap that follows.
			"resources": []any{"policy.yaml", "binding.yaml", "configmap.yaml"},
		}},
	}
	var out []ir.File
	for _, o := range objects {
		b, err := object.Encode(o.body)
		if err != nil {
			return nil, err
		}
		out = append(out, ir.File{Path: GuardDir + "/" + o.name, Data: b})
	}
	return out, nil
}

// guardMeta protects an object of the guard. Engines must never prune or
// delete it: a guard that is deleted and created again has forgotten its floor.
func guardMeta(wave string) map[string]any {
	return map[string]any{
		"name":   GuardName,
		"labels": map[string]any{"app.kubernetes.io/managed-by": "darkstart"},
		"annotations": map[string]any{
			"argocd.argoproj.io/sync-options":        "Prune=false,Delete=false",
			"argocd.argoproj.io/sync-wave":           wave,
			"kustomize.toolkit.fluxcd.io/prune":      "disabled",
			"kustomize.toolkit.fluxcd.io/substitute": "disabled",
		},
	}
}

// guardObject carries the serial.
func guardObject(r ir.Record) map[string]any {
	meta := guardMeta("-1")
	meta["namespace"] = GuardNamespace
	meta["annotations"].(map[string]any)["darkstart.dev/correlation"] = r.Correlation
	return map[string]any{
		"apiVersion": "v1",
		"kind":       "ConfigMap",
		"metadata":   meta,
		"data": map[string]any{
			"artifact": r.Artifact,
			"serial":   strconv.Itoa(r.Serial),
			"stream":   r.Stream,
		},
	}
}

// guardPolicy refuses a serial below the one that the cluster has, the bundle
// of another cluster, and removal of the memory itself. It is the same in every
// release, so that an older one has no weaker policy to bring along.
func guardPolicy() map[string]any {
	return map[string]any{
		"apiVersion": "admissionregistration.k8s.io/v1",
		"kind":       "ValidatingAdmissionPolicy",
		"metadata":   guardMeta("-3"),
		"spec": map[string]any{
			"failurePolicy": "Fail",
			"matchConstraints": map[string]any{
				"namespaceSelector": map[string]any{"matchLabels": map[string]any{"kubernetes.io/metadata.name": GuardNamespace}},
				"resourceRules": []any{map[string]any{
					"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "resources": []any{"configmaps"},
					"resourceNames": []any{GuardName}, "operations": []any{"UPDATE", "DELETE"}, "scope": "Namespaced",
				}},
			},
			"validations": []any{
				map[string]any{
					"expression": "request.operation != 'DELETE'",
					"message":    "the guard remembers the serial of this cluster; to give that up, delete the ValidatingAdmissionPolicyBinding " + GuardName + " first",
					"reason":     "Forbidden",
				},
				map[string]any{
					"expression": "request.operation == 'DELETE' || " + guardNew,
					"message":    "the guard needs a serial: data.serial, a number",
					"reason":     "Invalid",
				},
				map[string]any{
					"expression":        "request.operation == 'DELETE' || !(" + guardNew + ") || !(" + guardOld + ") || int(object.data['serial']) >= int(oldObject.data['serial'])",
					"message":           "the release is older than the one that this cluster has",
					"messageExpression": "'serial ' + object.data['serial'] + ' is older than ' + oldObject.data['serial'] + ', which this cluster has: going back is a new release with old content'",
					"reason":            "Forbidden",
				},
				map[string]any{
					"expression":        "request.operation == 'DELETE' || !has(oldObject.data) || !('artifact' in oldObject.data) || (has(object.data) && 'artifact' in object.data && object.data['artifact'] == oldObject.data['artifact'])",
					"message":           "the release is of another cluster",
					"messageExpression": "'this cluster takes releases of ' + oldObject.data['artifact'] + ' only'",
					"reason":            "Forbidden",
				},
			},
		},
	}
}

func guardBinding() map[string]any {
	return map[string]any{
		"apiVersion": "admissionregistration.k8s.io/v1",
		"kind":       "ValidatingAdmissionPolicyBinding",
		"metadata":   guardMeta("-2"),
		"spec": map[string]any{
			"policyName":        GuardName,
			"validationActions": []any{"Deny"},
		},
	}
}
