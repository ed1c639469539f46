package link

import (
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/plans"
)

// reportDelivery resolves the names of a delivery loudly, once: edges resolve
// them quietly for every part.
func (c *cluster) reportDelivery() {
	for i, p := range c.phases {
		if p.Approval != nil {
			c.l.actor(c.scope, p.Approval.Role, ir.Pointer("phases", index(i), "approval", "role"))
		}
	}
	d := c.spec.Delivery
	if d == nil {
		return
	}
	api := c.node("@api")
	c.l.actor(c.scope, d.By, "/delivery/by")
	if d.Engine != "" {
		c.l.resolveKind(c.scope, api, "engine", d.Engine, "/delivery/engine", plans.KindComponent)
	}
	for _, r := range []struct{ set, name string }{{"source", d.Source}, {"from", d.From}} {
		if r.name != "" {
			c.l.resolve(c.scope, api, r.set, r.name, "/delivery/"+r.set)
		}
	}
}

// checkSpec reports references of a cluster unit that no edge resolves:
// phases, mirrors, gates on objects that nothing renders.
func (c *cluster) checkSpec() {
	if len(c.comps) == 0 {
		c.out.diags.Add(diag.Warningf("LNK024", "cluster %q has no components: nothing is planned or checked for it", c.name).
			AtAll(c.at("/components"), "empty").About(diag.Subject{Cluster: c.name}).
			Fix("add a component, for example: components: web: source: yaml: \"components/web\"").Fix("or delete the folder %s", c.unit.Dir))
	}
	c.people()
	for _, comp := range c.comps {
		if p := comp.spec.Phase; p != "" {
			if _, ok := c.phaseIndex[p]; !ok {
				c.unknownPhase(p, comp.ptr+"/phase")
			}
		}
		for i, g := range comp.spec.Gates {
			c.checkGate(comp, g.Object, comp.ptr+"/gates/"+index(i)+"/object")
		}
	}
	if m := c.spec.Mirrors; m != nil && c.l.names.cluster[m.Of] == nil {
		c.l.unknownName(&c.out, "LNK010", "cluster", m.Of, c.at("/mirrors/of"), sortedKeys(c.l.names.cluster))
	}
}

// checkGate warns about a gate that waits for what nothing makes.
func (c *cluster) checkGate(comp *component, object, ptr string) {
	if _, o := comp.gated(object); o != nil || len(comp.objects) == 0 {
		return
	}
	for _, pattern := range comp.spec.Creates {
		if pattern == object || matchRefs(pattern, object) {
			return
		}
	}
	var known []string
	for _, o := range comp.objects {
		known = append(known, ref3(o))
	}
	d := diag.Warningf("LNK014", "gate of %s waits for %q, which it does not render", comp.id, object).
		AtAll(c.at(ptr), "no such object").About(diag.Subject{Cluster: c.name, Component: comp.name, Path: ptr})
	if near := diag.Nearest(object, known); near != "" {
		d.Fix("did you mean %q?", near)
	}
	c.out.diags.Add(d.Fix("if a controller makes it, declare creates: [%q]", object))
}
