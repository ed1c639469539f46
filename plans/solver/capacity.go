package solver

import (
	"fmt"
	"strconv"

	"github.com/darkstart-dev/darkstart/plans"
)

// shortOfCapacity: what survives cannot carry load × surge (§5.5). Nodes that
// the scenario does not touch carry what they always do.
func (s *scene) shortOfCapacity() []plans.Finding {
	var out []plans.Finding
	for i, n := range s.g.nodes {
		if n.Capacity == nil || n.Capacity.Load <= 0 || !s.touched(int32(i)) {
			continue
		}
		need := n.Capacity.Load * surge(n.Capacity)
		if have := s.surviving(int32(i)); have < need {
			f := s.g.about(int32(i), "%s needs a capacity of %s while recovering, %s is left", n.ID, number(need), number(have))
			if len(n.Capacity.At) > 0 {
				f.At = n.Capacity.At
			}
			out = append(out, f)
		}
	}
	return out
}

func surge(c *plans.Capacity) float64 {
	if c.Surge == 0 {
		return 1
	}
	return c.Surge
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// touched: it fell, or lost a replica or a part of its capacity.
func (s *scene) touched(i int32) bool {
	w := s.opt.w
	if w.down[i] {
		return true
	}
	for _, r := range s.g.replicasOf[i] {
		if w.gone[r] {
			return true
		}
	}
	for d := range s.g.nodes[i].Capacity.PerDomain {
		if k, ok := s.g.domainIDs[d]; ok && w.dead[k] {
			return true
		}
	}
	return false
}

// surviving sums the capacity in domains that stand: as declared for the
// domain, else as much as the surviving replicas there give. A stateless node
// or one that a procedure restores elsewhere counts what that place declares.
func (s *scene) surviving(i int32) float64 {
	w, c := s.opt.w, s.g.nodes[i].Capacity
	sum := 0.0
	for _, d := range s.g.domains { // in the order of ids: the sum must not depend on map order
		if v, ok := c.PerDomain[d.ID]; ok && !w.dead[s.g.domainIDs[d.ID]] {
			sum += v
		}
	}
	for _, r := range s.g.replicasOf[i] {
		if !w.gone[r] && !s.declared(c, s.g.replicas[r].domains) {
			sum += c.PerReplica
		}
	}
	if len(s.g.replicasOf[i]) == 0 {
		sum += c.PerReplica
	}
	if c.Quota > 0 {
		sum = min(sum, c.Quota)
	}
	return sum
}

// declared: the capacity of a replica is part of what a domain over it
// declares.
func (s *scene) declared(c *plans.Capacity, domains []int32) bool {
	for _, d := range domains {
		if !s.g.above(d, func(a int32) bool { _, ok := c.PerDomain[s.g.domains[a].ID]; return !ok }) {
			return true
		}
	}
	return false
}

// capacityUnknown: an objective without capacity is an unknown fact (§5.8) in
// every scenario that touches it. It changes no verdict of a cell.
func (s *scene) capacityUnknown(u int32) []plans.Unknown {
	n := s.g.nodes[u]
	hit := s.opt.w.down[u]
	for _, r := range s.g.replicasOf[u] {
		hit = hit || s.opt.w.gone[r]
	}
	if n.Capacity != nil || !hit {
		return nil
	}
	return []plans.Unknown{{
		Node: n.ID, What: "nobody says how much load it carries, so what survives may be too small", Set: "capacity",
		Settle: fmt.Sprintf("capacity: {load, surge, perDomain} of %q", n.ID), At: n.At,
	}}
}

// shortOfPeople: fewer people on shift than recovery takes.
func (f *fleet) shortOfPeople() []plans.Finding {
	var out []plans.Finding
	for _, a := range f.g.model.Actors {
		if a.Need > a.Shift {
			out = append(out, plans.Finding{
				Nodes: []string{a.ID}, At: a.At,
				Message: fmt.Sprintf("recovery takes %d people of %s, %d are on shift", a.Need, a.ID, a.Shift),
			})
		}
	}
	return out
}
