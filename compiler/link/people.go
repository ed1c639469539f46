package link

import (
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/spec"
)

// people reports who is named beside a node's own owner: escalations, and the
// owners of what was accepted, excused, flagged or waived. Each of them is
// somebody to call; a name that is no team is nobody.
func (l *linker) people() {
	if u := l.units.Fleet; u != nil {
		sc := l.fleetScope()
		for _, id := range sortedKeys(u.Spec.Teams) {
			for i, e := range u.Spec.Teams[id].Escalation {
				l.actor(sc, e, ir.Pointer("teams", id, "escalation", index(i)))
			}
		}
		for _, id := range sortedKeys(u.Spec.Tiers) {
			l.accepted(sc, u.Spec.Tiers[id].Objectives, ir.Pointer("tiers", id))
		}
	}
	if u := l.units.Waivers; u != nil {
		sc := scope{pos: u.Pos, out: &l.out}
		for _, id := range sortedKeys(u.Spec.Waivers) {
			l.owner(sc, u.Spec.Waivers[id].Owner, ir.Pointer("waivers", id, "owner"))
		}
	}
}

func (l *linker) accepted(sc scope, os map[string]spec.Objective, ptr string) {
	for _, class := range sortedKeys(os) {
		if a := os[class].Accepted; a != nil {
			l.owner(sc, a.Owner, ptr+ir.Pointer("objectives", class, "accepted", "owner"))
		}
	}
}

// people of one cluster.
func (c *cluster) people() {
	excuse := func(e *spec.Excuse, ptr string) {
		if e != nil {
			c.l.owner(c.scope, e.Owner, ptr+"/owner")
		}
	}
	for _, name := range sortedKeys(c.spec.Flags) {
		c.l.owner(c.scope, c.spec.Flags[name].Owner, ir.Pointer("flags", name, "owner"))
	}
	for _, comp := range c.comps {
		excuse(comp.spec.Disposable, comp.ptr+"/disposable")
		excuse(comp.spec.Privileged, comp.ptr+"/privileged")
		for i, t := range comp.spec.Tests {
			if t.On != "" && c.l.names.cluster[t.On] == nil {
				c.l.unknownName(&c.out, "LNK010", "cluster", t.On, c.at(comp.ptr+ir.Pointer("tests", index(i), "on")), sortedKeys(c.l.names.cluster))
			}
		}
	}
}
