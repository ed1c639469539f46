package emit

import (
	"fmt"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/spec"
)

// This file prints single facts of the spec for people.

func rollback(r *spec.Rollback) string {
	s := "to " + r.To
	if r.How != "" {
		s += ", " + r.How
	}
	if r.Run != "" {
		s += " `" + r.Run + "`"
	}
	return s
}

func placement(p *spec.Placement) string {
	if p.In != "" {
		return "in " + p.In
	}
	replicas := make([]string, 0, len(p.Replicas))
	for _, r := range p.Replicas {
		replicas = append(replicas, strings.Join(r, "+"))
	}
	return strings.Join(replicas, ", ")
}

func controlPlane(cp *spec.ControlPlane) string {
	switch {
	case cp == nil:
		return "implied (none declared)"
	case cp.Self != nil:
		return fmt.Sprintf("self-managed, %d members, etcd %s", len(cp.Self.Members), cp.Self.Etcd.Init)
	}
	return "managed by " + cp.Managed
}

func delivery(d *spec.Delivery) string {
	if d == nil {
		return "by hand (no engine declared)"
	}
	s := d.Engine
	if d.Kind != "" {
		s = d.Kind + " at " + d.Engine
	}
	if d.Source != "" {
		s += ", from " + d.Source
	}
	return s
}

// splitObject splits "Kind/namespace/name", or "Kind/name" for what has no
// namespace.
func splitObject(s string) (kind, namespace, name string) {
	parts := strings.SplitN(s, "/", 3)
	switch len(parts) {
	case 3:
		return parts[0], parts[1], parts[2]
	case 2:
		return parts[0], "", parts[1]
	}
	return s, "", ""
}
