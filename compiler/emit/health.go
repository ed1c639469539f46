package emit

import (
	"fmt"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/spec"
)

// gated is a gate on an object of its own part.
type gated struct {
	api, kind, namespace, name string
	spec.Gate
}

// builtinStatus lists the kinds whose readiness Flux's kstatus knows itself.
var builtinStatus = map[string]bool{
	"Deployment": true, "StatefulSet": true, "DaemonSet": true, "Job": true, "Pod": true, "ReplicaSet": true,
	"PersistentVolumeClaim": true, "Service": true, "CustomResourceDefinition": true, "PodDisruptionBudget": true,
}

// An expression replaces what kstatus knows of a kind, also that numbers in
// a status are those of the release before until the controller has acted. So
// the gate of a workload first asks whether its status speaks of the new
// template; else "all replicas are ready" is true while the old ones are, and
// a release that never comes up lets the next part begin. What a field is not
// there for is an error, which Flux takes as "not yet".
var (
	rolledOut = map[string]string{
		"Deployment":  "status.observedGeneration == metadata.generation && (spec.replicas == 0 || status.updatedReplicas == spec.replicas)",
		"StatefulSet": "status.observedGeneration == metadata.generation && (spec.updateStrategy.type == 'OnDelete' || spec.replicas <= spec.updateStrategy.rollingUpdate.partition || status.updatedReplicas >= spec.replicas - spec.updateStrategy.rollingUpdate.partition)",
		"DaemonSet":   "status.observedGeneration == metadata.generation && (spec.updateStrategy.type == 'OnDelete' || status.desiredNumberScheduled == 0 || status.updatedNumberScheduled == status.desiredNumberScheduled)",
	}
	// ready is what waits for a workload beside the one that has a gate.
	ready = map[string]string{
		"Deployment":  "(spec.replicas == 0 || status.availableReplicas == spec.replicas)",
		"StatefulSet": "(spec.replicas == 0 || status.readyReplicas == spec.replicas)",
		"DaemonSet":   "status.numberReady == status.desiredNumberScheduled",
	}
)

// healthExprs turns gates into Flux's expressions. Flux takes one for each
// kind and refuses a second, and asks it of every object of the kind in the
// part: gates that differ become one expression that goes by name.
func healthExprs(gates []gated) []any {
	var out []any
	done := map[string]bool{}
	for i, g := range gates {
		group, _, _ := strings.Cut(g.api, "/")
		if key := group + "/" + g.kind; done[key] {
			continue
		} else if current := ofKind(gates[i:], g.api, g.kind); current != "" {
			done[key] = true
			out = append(out, map[string]any{"apiVersion": g.api, "kind": g.kind, "current": current})
		}
	}
	return out
}

// ofKind is the one expression for a kind, or "" where kstatus decides.
func ofKind(gates []gated, api, kind string) string {
	var names, exprs []string
	distinct := map[string]bool{}
	for _, g := range gates {
		if e := g.expression(); g.api == api && g.kind == kind && e != "" {
			names = append(names, fmt.Sprintf("metadata.name == %q", g.name))
			if g.namespace != "" {
				names[len(names)-1] += fmt.Sprintf(" && metadata.namespace == %q", g.namespace)
			}
			exprs = append(exprs, e)
			distinct[e] = true
		}
	}
	if len(distinct) < 2 {
		return strings.Join(exprs[:min(1, len(exprs))], "")
	}
	var b strings.Builder
	for i, e := range exprs {
		fmt.Fprintf(&b, "%s ? (%s) : ", names[i], e)
	}
	rest := "true"
	if r := rolledOut[kind]; r != "" {
		rest = r + " && " + ready[kind]
	}
	return b.String() + "(" + rest + ")"
}

// expression is what must be true of the object, "" where kstatus knows.
func (g gated) expression() string {
	switch {
	case g.CEL != "" && rolledOut[g.kind] != "":
		return rolledOut[g.kind] + " && (" + g.CEL + ")"
	case g.CEL != "":
		return g.CEL
	case !builtinStatus[g.kind] && g.Condition != "":
		return fmt.Sprintf("has(status.conditions) && status.conditions.exists(c, c.type == %q && c.status == 'True')", g.Condition)
	}
	return ""
}
