package link

import (
	"cmp"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/plans"
)

// bootstrap derives the procedure that brings the cluster up from nothing
// (D1): one step for etcd, for the API server and for each part.
func (c *cluster) bootstrap() {
	p := plans.Procedure{
		ID: "bootstrap/" + c.name, Into: c.into(), IntoKnown: true, Modes: []plans.Mode{plans.Lost},
		Owner: c.spec.Owner, Derived: true, At: c.at(""),
	}
	for i := range c.nodes {
		if n := &c.nodes[i]; (n.Kind == plans.KindEtcd || n.Kind == plans.KindAPI) && !c.recreated(n.ID) {
			p.Steps = append(p.Steps, c.planeStep(n))
		}
	}
	before := []string{}
	for phase := range c.phases {
		var ids []string
		needed := map[string]bool{}
		for _, q := range c.inPhase(phase) {
			s := c.partStep(q)
			s.After = before
			p.Steps = append(p.Steps, s)
			if q.late {
				continue
			}
			ids = append(ids, s.ID)
			for _, r := range c.conjuncts(q) {
				if r.phase == phase {
					needed[stepID(r)] = true
				}
			}
		}
		// The last steps of a phase stand for all of it: the others come
		// before them anyway.
		ends := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return needed[id] })
		if len(ends) == 0 {
			ends = ids
		}
		if len(ends) > 0 {
			slices.Sort(ends)
			before = ends
		}
	}
	p.Steps = slices.Clone(p.Steps) // without room for more
	slices.SortFunc(p.Steps, func(a, b plans.Step) int { return cmp.Compare(a.ID, b.ID) })
	for _, s := range p.Steps {
		p.Restores = append(p.Restores, s.Restores...)
	}
	slices.Sort(p.Restores)
	p.Restores = slices.Compact(p.Restores)
	c.procs = append(c.procs, p)
}

// recreated reports whether a declared procedure brings a managed control plane
// back. Then nothing is derived for it: no field could say how long a derived
// step takes, and a guess beside a declaration would win every comparison.
func (c *cluster) recreated(node string) bool {
	if c.spec.ControlPlane == nil || c.spec.ControlPlane.Managed == "" || c.l.units.Recovery == nil {
		return false
	}
	for _, p := range c.l.units.Recovery.Spec.Procedures {
		if len(p.Modes) > 0 && !slices.Contains(p.Modes, plans.Lost) {
			continue // not for a cluster that is gone
		}
		if slices.ContainsFunc(p.Restores, func(r string) bool { return strings.TrimPrefix(r, "/") == node }) {
			return true
		}
	}
	return false
}

// inPhase lists the parts of a phase that have objects, or stand for a
// component that has none in run.
func (c *cluster) inPhase(phase int) []*part {
	var out []*part
	for _, comp := range c.comps {
		for _, p := range comp.parts {
			if p.phase == phase {
				out = append(out, p)
			}
		}
	}
	return out
}

func stepID(p *part) string { return p.comp.name + "/" + string(p.name) }

// planeStep restores etcd or the API server.
func (c *cluster) planeStep(n *plans.Node) plans.Step {
	s := plans.Step{ID: n.ID[len(c.name)+1:], Do: "Bring up " + n.ID, Restores: []string{n.ID}, Needs: n.Requires.Start, By: c.by(), At: n.At}
	managed := c.spec.ControlPlane != nil
	if !managed { // implied providers are never unknown (D15)
		s.Known = true
	}
	if n.Kind == plans.KindEtcd && !c.fresh {
		leaves(&n.Requires.Start, func(r *plans.Requirement) {
			if sym, ok := c.l.names.fleet[r.Node]; ok && sym.kind == plans.KindPoint || r.Node == n.ID+"/snapshots" {
				s.From = r.Node
			}
		})
	}
	return s
}

// by is who applies the seed, as an actor.
func (c *cluster) by() string {
	if d := c.spec.Delivery; d != nil && d.By != "" {
		if id, ok := c.l.teams.actor(d.By); ok {
			return id
		}
	}
	return ""
}

// partStep applies one part.
func (c *cluster) partStep(p *part) plans.Step {
	s := plans.Step{
		ID: stepID(p), Do: "Apply " + stepID(p) + " of " + c.name, On: c.name, Phase: c.phases[p.phase].Name,
		Restores: []string{p.id}, Needs: c.stepNeeds(p), At: c.at(p.comp.ptr),
	}
	if p == p.comp.run {
		s.Restores = append(s.Restores, p.comp.emptied()...)
	}
	if d := p.comp.durations(); d != nil {
		s.Duration, s.Known = d[p.name], true
	} else if !p.hasObjects() {
		s.Known = true // nothing is applied and nothing awaited
	}
	if c.seeded[p.phase] {
		s.By = c.by()
	}
	if r := p.comp.spec.Rollback; r != nil && p.name == ir.PartRun {
		s.Rollback = cmp.Or(r.Run, r.How, r.To)
	}
	s.Approval = c.phases[p.phase].Approval
	return s
}

// stepNeeds is the part's start, and what delivers it: in seed phases the
// place the seed comes from, afterwards the engine and its source. An engine
// outside the seed phases needs itself: a paradox, and the solver says so.
func (c *cluster) stepNeeds(p *part) plans.Requirement {
	rs := []plans.Requirement{c.fullStart(p)}
	if !c.seeded[p.phase] {
		return all(append(rs, c.engine(p)...)...)
	}
	if d := c.spec.Delivery; d != nil {
		if id := c.quiet(d.From); id != "" && id != p.id {
			rs = append(rs, ref(id, &plans.Because{Reason: p.id + " is seeded from " + id, At: c.at("/delivery/from")}))
		}
	}
	return all(rs...)
}
