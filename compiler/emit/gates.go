package emit

import (
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

// gates turns a part's gates into Flux health checks. `wait: true` makes Flux
// check everything in the part and ignore healthChecks; so a gate on an object
// that comes to be at run time needs wait: false and the complete list.
func gates(ks map[string]any, part *ir.Part) {
	if t := longest(part.Gates); t > 0 {
		ks["timeout"] = t.String()
	}
	var inside []gated
	var outside []any
	for _, g := range part.Gates {
		kind, ns, name := splitObject(g.Object)
		if api := apiVersionOf(part, kind, ns, name); api != "" {
			inside = append(inside, gated{api, kind, ns, name, g})
		} else if api = builtinVersions[kind]; api != "" {
			outside = append(outside, healthCheck(api, kind, ns, name))
		}
	}
	if exprs := healthExprs(inside); len(exprs) > 0 {
		ks["healthCheckExprs"] = exprs
	}
	if len(outside) > 0 {
		ks["wait"] = false
		ks["healthChecks"] = append(own(part), outside...)
	}
}

// own lists the part's objects that have a health of their own.
func own(part *ir.Part) []any {
	var out []any
	for _, o := range part.Objects {
		if builtinVersions[o.Kind] == o.APIVersion && o.Kind != "Secret" && o.Kind != "ConfigMap" {
			out = append(out, healthCheck(o.APIVersion, o.Kind, o.Namespace, o.Name))
		}
	}
	return out
}

func healthCheck(api, kind, ns, name string) map[string]any {
	return map[string]any{"apiVersion": api, "kind": kind, "namespace": ns, "name": name}
}

// builtinVersions names the API of kinds that a gate may wait for without
// their being in the bundle: what controllers make at run time.
var builtinVersions = map[string]string{
	"Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "ReplicaSet": "apps/v1", "Job": "batch/v1",
	"Pod": "v1", "Service": "v1", "Secret": "v1", "ConfigMap": "v1", "PersistentVolumeClaim": "v1",
}

func longest(gs []spec.Gate) plans.Duration {
	var t plans.Duration
	for _, g := range gs {
		t = max(t, g.Timeout)
	}
	return t
}

func apiVersionOf(part *ir.Part, kind, ns, name string) string {
	i := slices.IndexFunc(part.Objects, func(o *object.Object) bool {
		return o.Kind == kind && o.Namespace == ns && o.Name == name
	})
	if i < 0 {
		return ""
	}
	return part.Objects[i].APIVersion
}

// hasSOPS reports whether an object is encrypted by SOPS.
func hasSOPS(part *ir.Part) bool {
	return slices.ContainsFunc(part.Objects, func(o *object.Object) bool { return object.Map(o.Get("sops")) != nil })
}
