package link

import (
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/plans"
)

// rollout is the kind of the domains that rings are.
const rollout plans.DomainKind = "rollout-ring"

// ring is a set of clusters that a release reaches at once.
type ring struct {
	id       string // "ring/1": no declared domain has a slash in its name
	clusters []*cluster
	at       plans.Source
	implied  bool
}

// rings lists the rings of the fleet: as declared, else one of all clusters. A
// fleet of one cluster has none, since nothing could come before it.
func (l *linker) rings() []ring {
	if len(l.clusters) < 2 {
		return nil
	}
	var out []ring
	if p := l.units.Project; p != nil {
		for i, names := range p.Spec.Rings {
			r := ring{id: "ring/" + index(i+1), at: p.Pos.At(ir.Pointer("rings", index(i)))}
			for _, c := range l.clusters {
				if slices.Contains(names, c.name) {
					r.clusters = append(r.clusters, c)
				}
			}
			if len(r.clusters) > 0 { // else its names are unknown, and reported
				out = append(out, r)
			}
		}
	}
	if len(out) == 0 {
		out = []ring{{id: "ring/1", clusters: l.clusters, at: l.clusters[0].at(""), implied: true}}
	}
	return out
}

// rollouts derives what rings are (DESIGN §7): each a domain of what changes
// together, and the change of its pin an action. A pin moves on only when the
// ring before runs the release and nothing is found, which guards every ring
// but one that is the whole fleet: there is no ring before it to learn from.
func (l *linker) rollouts(m *plans.Model) {
	rings := l.rings()
	for _, r := range rings {
		l.domains.add(plans.Domain{ID: r.id, Kind: rollout, Implied: r.implied, At: r.at})
		a := plans.Action{ID: "release/" + r.id, At: r.at}
		for _, c := range r.clusters {
			a.Targets = append(a.Targets, c.node("@api"))
		}
		if len(r.clusters) < len(l.clusters) {
			a.Guard = "the check is clean, and the ring before runs the release"
		}
		m.Actions = append(m.Actions, a)
	}
	m.Domains = l.domains.list
	m.Scenarios = append(m.Scenarios, l.badReleases(rings)...)
}

// badReleases are the scenarios of `assume: "rollout-ring"`. What a release
// changes is named node by node instead of being placed in the ring: a machine
// is not changed by it, a Pod does not escape it in another zone, and who is in
// which ring does not make a drill of a recovery stale.
func (l *linker) badReleases(rings []ring) []plans.Scenario {
	if l.units.Project == nil {
		return nil
	}
	mode, ok := l.units.Project.Spec.Assume[rollout]
	if !ok {
		return nil
	}
	var out []plans.Scenario
	for _, r := range rings {
		s := plans.Scenario{
			ID: string(rollout) + "-" + string(mode) + "/" + r.id, Domains: []string{r.id}, Mode: mode, Generated: true,
			At: l.units.Project.Pos.At(ir.Pointer("assume", string(rollout))),
		}
		for _, c := range r.clusters {
			for i := range c.nodes {
				if k := c.nodes[i].Kind; k == plans.KindComponent || k == plans.KindPart {
					s.Nodes = append(s.Nodes, c.nodes[i].ID)
				}
			}
		}
		slices.Sort(s.Nodes)
		out = append(out, s)
	}
	return out
}
