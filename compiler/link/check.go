package link

import (
	"fmt"
	"strings"

	"github.com/darkstart-dev/darkstart/plans"
)

// check is the linker's promise to the solver: every reference in the model
// exists. A broken one is a bug here, never a user's mistake.
func check(m *plans.Model) error {
	nodes, domains := map[string]bool{}, map[string]bool{}
	for i := range m.Domains {
		domains[m.Domains[i].ID] = true
	}
	for i := range m.Nodes {
		if id := m.Nodes[i].ID; nodes[id] {
			return fmt.Errorf("link: two nodes are %q (please report this)", id)
		}
		nodes[m.Nodes[i].ID] = true
	}
	var bad []string
	node := func(where, id string) {
		if d, ok := strings.CutPrefix(id, "domain:"); ok && domains[d] || nodes[id] {
			return
		}
		bad = append(bad, where+" → "+id)
	}
	formula := func(where string, r plans.Requirement) {
		leaves(&r, func(r *plans.Requirement) { node(where, r.Node) })
	}
	for i := range m.Nodes {
		n := &m.Nodes[i]
		for _, r := range []plans.Requirement{n.Requires.Run, n.Requires.Start, n.Requires.Operate, n.Requires.Observe} {
			formula(n.ID, r)
		}
		for _, rep := range n.Replicas {
			if rep.In != "" {
				node(n.ID+" in", rep.In)
			}
		}
		for _, id := range n.Instances {
			node(n.ID+" instance", id)
		}
	}
	for i := range m.Procedures {
		p := &m.Procedures[i]
		for _, id := range p.Restores {
			node(p.ID, id)
		}
		for _, s := range p.Steps {
			formula(p.ID+"/"+s.ID, s.Needs)
			for _, id := range s.Restores {
				node(p.ID+"/"+s.ID, id)
			}
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("link: the graph refers to what does not exist (please report this): %s", few(bad))
	}
	return nil
}
