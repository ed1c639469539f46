package solver

import (
	"slices"

	"github.com/darkstart-dev/darkstart/plans"
)

// objective returns the objective of a node that applies to a scenario, nil
// if none does: the first that matches.
func (g *graph) objective(i int32, sc *plans.Scenario) *plans.Objective {
	os := g.nodes[i].Objectives
	for k := range os {
		if g.matches(os[k].Class, sc) {
			return &os[k]
		}
	}
	return nil
}

// matches reports whether an objective's class covers a scenario. The built-in
// scenarios are judged only where a class names them.
func (g *graph) matches(class string, sc *plans.Scenario) bool {
	if sc.Class != "" {
		return class == sc.Class || class == sc.ID
	}
	if class == "default" || class == string(sc.Mode) || class == sc.ID {
		return true
	}
	return slices.ContainsFunc(sc.Domains, func(id string) bool {
		kind := string(g.domains[g.domainIDs[id]].Kind)
		return class == kind || class == string(sc.Mode)+"/"+kind
	})
}
