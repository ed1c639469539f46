package emit

import (
	"fmt"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/spec"
)

// This file prints single facts of the spec for people.

func check(c spec.Check) string {
	s := c.Do
	if c.Run != "" {
		s = strings.TrimSpace(s + " `" + c.Run + "`")
	}
	if c.Expect != "" {
		s += " → " + c.Expect
	}
	return s
}

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

// cell escapes a value for a Markdown table.
func cell(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "|", "\\|"), "\n", " ")
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

// mermaid draws the waves as columns, with one arrow between waves: the full
// graph of edges is in meta/plan.json and would not be readable here.
func mermaid(c *ir.Linked, o *order) string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for _, w := range o.waves {
		fmt.Fprintf(&b, "  subgraph w%d[\"wave %d\"]\n", w.number, w.number)
		for i, part := range w.parts {
			fmt.Fprintf(&b, "    w%dp%d[\"%s\"]\n", w.number, i, part.ID())
		}
		b.WriteString("  end\n")
	}
	for i := 1; i < len(o.waves); i++ {
		fmt.Fprintf(&b, "  w%d --> w%d\n", i, i+1)
	}
	return b.String()
}
