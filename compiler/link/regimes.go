package link

import (
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/plans"
)

// regimes adds the edges that depend on what happened to etcd. Where the
// procedure rebuilds a cluster's state, its parts need what a new etcd lacks;
// elsewhere webhooks survive, and Pods need what answers them.
func (l *linker) regimes(p *plans.Procedure) {
	named := map[string]bool{}
	for _, s := range p.Steps {
		for _, r := range s.Restores {
			named[r] = true
		}
	}
	last := lastSteps(p)
	for i := range p.Steps {
		s := &p.Steps[i]
		restores := s.Restores
		if slices.Contains(last, s.ID) {
			for _, r := range p.Restores {
				if !named[r] {
					restores = append(slices.Clone(restores), r)
				}
			}
		}
		for _, r := range restores {
			s.Needs = all(s.Needs, l.regimeNeeds(p, r, restores))
		}
	}
}

// regimeNeeds returns the etcd-dependent needs of one restored node.
func (l *linker) regimeNeeds(p *plans.Procedure, id string, together []string) plans.Requirement {
	c := l.clusterOf(id)
	if c == nil || c.byNode[id] == nil {
		return plans.Requirement{}
	}
	set := setKept
	if slices.Contains(p.Restores, c.state()) && !restoredFromPoint(p, c.state()) {
		set = setNew
	}
	r := c.byNode[id].set(set)
	if r.Op == plans.All {
		r.Of = slices.DeleteFunc(slices.Clone(r.Of), func(x plans.Requirement) bool { return slices.Contains(together, x.Node) && x.Node != id })
		return all(r)
	}
	if slices.Contains(together, r.Node) && r.Node != id {
		return plans.Requirement{}
	}
	return r
}

func restoredFromPoint(p *plans.Procedure, id string) bool {
	return slices.ContainsFunc(p.Steps, func(s plans.Step) bool {
		return s.From != "" && (slices.Contains(s.Restores, id) || strings.HasPrefix(s.From, id+"/"))
	})
}

// lastSteps are the steps that no other step waits for.
func lastSteps(p *plans.Procedure) []string {
	waited := map[string]bool{}
	for _, s := range p.Steps {
		for _, a := range s.After {
			waited[a] = true
		}
	}
	var out []string
	for _, s := range p.Steps {
		if !waited[s.ID] {
			out = append(out, s.ID)
		}
	}
	return out
}
