package guard

import (
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/spec"
)

// condition says from which declaration on a rule is judged (DESIGN §6, "when
// rules apply"; D15).
type condition struct {
	// holds judges one cluster, or the fleet when c is nil.
	holds func(u *ir.Units, c *spec.Cluster) bool
	// when completes "applies …" in the docs; otherwise is the reason that the
	// verdict gives for a skipped rule.
	when, otherwise string
}

// conditions are the values of `applies` in a rule's metadata.
var conditions = map[string]condition{
	"always":        {func(*ir.Units, *spec.Cluster) bool { return true }, "always", ""},
	"engine":        {perCluster(hasEngine), "once a cluster declares a delivery engine", "no delivery engine is declared"},
	"phase":         {perCluster(hasPhase), "from the first declared phase on", "no phase is declared"},
	"control-plane": {perCluster(hasControlPlane), "for a self-managed control plane or a cluster with a tier", "no control plane is self-managed and no cluster has a tier"},
	"test":          {perCluster(hasTest), "once any component declares a test", "no test ladder is declared"},
	"credential":    {inFleet(func(f *spec.Fleet) bool { return len(f.Credentials) > 0 }), "once a credential is declared", "no credential is declared"},
	"store":         {inFleet(func(f *spec.Fleet) bool { return len(f.Stores) > 0 }), "once a store is declared", "no store is declared"},
	"team":          {inFleet(func(f *spec.Fleet) bool { return len(f.Teams) > 0 }), "once a team is declared", "no team is declared"},
	"objective":     {hasObjective, "once an objective is declared", "no objective is declared"},
	"recovery":      {func(u *ir.Units, _ *spec.Cluster) bool { return u.Recovery != nil }, "once there is a recovery folder", "there is no recovery folder"},
	"pin":           {func(u *ir.Units, _ *spec.Cluster) bool { return u.Recovery != nil && len(u.Recovery.Spec.Pins) > 0 }, "once a pin is declared", "no pin is declared"},
	"date":          {hasDate, "once anything has a removal, review or expiry date", "nothing has a removal, review or expiry date"},
	"base":          {func(*ir.Units, *spec.Cluster) bool { return true }, "once a change is compared with a base", "no base is given: --base"}, // see session.skip
	"clusters":      {func(u *ir.Units, _ *spec.Cluster) bool { return len(u.Clusters) > 1 }, "from two clusters on", "there is one cluster"},
}

// perCluster lifts a question about a cluster: for the fleet it holds when it
// holds for any cluster.
func perCluster(ask func(*spec.Cluster) bool) func(*ir.Units, *spec.Cluster) bool {
	return func(u *ir.Units, c *spec.Cluster) bool {
		if c != nil {
			return ask(c)
		}
		return slices.ContainsFunc(u.Clusters, func(c *ir.Unit[spec.Cluster]) bool { return ask(&c.Spec) })
	}
}

func inFleet(ask func(*spec.Fleet) bool) func(*ir.Units, *spec.Cluster) bool {
	return func(u *ir.Units, _ *spec.Cluster) bool { return u.Fleet != nil && ask(&u.Fleet.Spec) }
}

func hasEngine(c *spec.Cluster) bool { return c.Delivery != nil && c.Delivery.Engine != "" }
func hasPhase(c *spec.Cluster) bool  { return len(c.Phases) > 0 }
func hasControlPlane(c *spec.Cluster) bool {
	return c.Tier != "" || c.ControlPlane != nil && c.ControlPlane.Self != nil
}

func hasTest(c *spec.Cluster) bool {
	return anyOf(c.Components, func(x spec.Component) bool { return len(x.Tests) > 0 })
}

func hasObjective(u *ir.Units, _ *spec.Cluster) bool {
	judged := func(n spec.Node) bool { return n.Tier != "" || len(n.Objectives) > 0 }
	for _, c := range u.Clusters {
		if judged(c.Spec.Node) || anyOf(c.Spec.Components, func(x spec.Component) bool { return judged(x.Node) }) {
			return true
		}
	}
	if u.Fleet == nil {
		return false
	}
	f := &u.Fleet.Spec
	return anyOf(f.Services, func(x spec.Service) bool { return judged(x.Node) }) ||
		anyOf(f.Stores, func(x spec.Store) bool { return judged(x.Node) }) ||
		anyOf(f.Externals, func(x spec.External) bool { return judged(x.Node) }) ||
		anyOf(f.Credentials, func(x spec.Credential) bool { return judged(x.Node) }) ||
		anyOf(f.Tools, func(x spec.Tool) bool { return judged(x.Node) }) ||
		anyOf(f.Nodes, judged)
}

func hasDate(u *ir.Units, _ *spec.Cluster) bool {
	for _, c := range u.Clusters {
		if accepts(c.Spec.Node) || anyOf(c.Spec.Flags, func(f spec.Flag) bool { return f.Remove != "" }) ||
			anyOf(c.Spec.Components, func(x spec.Component) bool { return accepts(x.Node) }) {
			return true
		}
	}
	if u.Recovery != nil && anyOf(u.Recovery.Spec.Procedures, func(p spec.Procedure) bool { return p.Review != "" }) {
		return true
	}
	if u.Fleet == nil {
		return false
	}
	f := &u.Fleet.Spec
	return anyOf(f.Credentials, func(c spec.Credential) bool { return c.Expires != "" || accepts(c.Node) }) ||
		anyOf(f.Tiers, func(t spec.Tier) bool { return anyOf(t.Objectives, isAccepted) }) ||
		anyOf(f.Services, func(s spec.Service) bool { return accepts(s.Node) }) ||
		anyOf(f.Stores, func(s spec.Store) bool { return accepts(s.Node) }) ||
		anyOf(f.Externals, func(e spec.External) bool { return accepts(e.Node) }) ||
		anyOf(f.Tools, func(t spec.Tool) bool { return accepts(t.Node) }) ||
		anyOf(f.Nodes, accepts)
}

// accepts reports whether somebody accepted a loss of a node: an acceptance has
// a review date.
func accepts(n spec.Node) bool { return anyOf(n.Objectives, isAccepted) }

func isAccepted(o spec.Objective) bool { return o.Accepted != nil }

func anyOf[V any](m map[string]V, ask func(V) bool) bool {
	for _, v := range m {
		if ask(v) {
			return true
		}
	}
	return false
}
