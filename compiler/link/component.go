package link

import (
	"fmt"

	"github.com/darkstart-dev/darkstart/plans"
)

// requires resolves what a component declares, once.
func (comp *component) requires() plans.Requires {
	if comp.needs == nil {
		r := comp.c.l.requires(comp.c.scope, comp.id, &comp.spec.Requires, comp.ptr)
		comp.needs = &r
	}
	return *comp.needs
}

// componentNodes makes one node for each part. Definitions and other plain
// objects live in etcd: they fall and return with it.
func (c *cluster) componentNodes(comp *component) {
	for _, p := range comp.parts {
		if p == comp.run {
			c.nodes = append(c.nodes, c.runNode(comp))
			continue
		}
		n := plans.Node{
			ID: p.id, Kind: plans.KindPart, Cluster: c.name, Owner: c.owner(comp),
			Replicas: []plans.Replica{{In: c.state()}},
			Requires: plans.Requires{Start: p.start(), Operate: c.operate(p)}, At: c.at(comp.ptr),
		}
		c.nodes = append(c.nodes, n)
	}
}

func (c *cluster) owner(comp *component) string {
	if comp.spec.Owner != "" {
		return comp.spec.Owner
	}
	return c.spec.Owner
}

// state is the node that keeps the cluster's objects.
func (c *cluster) state() string {
	if cp := c.spec.ControlPlane; cp != nil && cp.Self != nil {
		return c.node("@etcd")
	}
	return c.node("@api")
}

// runNode is the component itself: a requirement on it means its run.
func (c *cluster) runNode(comp *component) plans.Node {
	n := c.l.nodeOf(c.scope, comp.id, plans.KindComponent, &comp.spec.Node, comp.ptr, comp.requires())
	n.Cluster, n.Owner = c.name, c.owner(comp)
	c.setReplicas(comp, &n)
	p := comp.run
	n.Requires.Run = all(p.set(setRun), n.Requires.Run, comp.holds())
	n.Requires.Start = all(p.set(setStart), n.Requires.Start)
	derived := c.operate(p)
	if d := n.Requires.DeclaredOperate; d.Op != "" {
		n.Requires.Operate = anyOf(d, derived)
	} else {
		n.Requires.Operate = derived
	}
	return n
}

// setReplicas sets the replicas: declared, else what the workloads guarantee, else
// one wherever the cluster is.
func (c *cluster) setReplicas(comp *component, n *plans.Node) {
	s, workload := c.placement(comp)
	declared := comp.spec.Placement != nil
	switch {
	case declared:
		n.Replicas = c.l.replicas(c.scope, comp.id, comp.spec.Placement, comp.ptr)
	case workload:
		n.Replicas = s.replicas
	case !comp.run.hasObjects():
		n.Replicas = []plans.Replica{{In: c.state()}}
		return
	default:
		n.Replicas = []plans.Replica{{In: c.node("@machines")}}
		return
	}
	if !declared && !s.bound && n.Quorum <= len(n.Replicas) {
		n.Stateless, n.Elsewhere = true, c.zones
	}
}

// set joins the edges of one set.
func (p *part) set(set edgeSet) plans.Requirement {
	var rs []plans.Requirement
	for i := range p.edges {
		if p.edges[i].set == set {
			rs = append(rs, p.edges[i].req())
		}
	}
	return all(rs...)
}

func (p *part) start() plans.Requirement { return p.set(setStart) }

// holds is the component's need of the stores that keep its state.
func (comp *component) holds() plans.Requirement {
	var rs []plans.Requirement
	for _, s := range comp.bound {
		rs = append(rs, ref(s, &plans.Because{Reason: comp.id + " keeps its data in store " + s, At: comp.c.l.names.fleet[s].at}))
	}
	return all(rs...)
}

// engine is what brings manifests in once the seed is there: the engine, and
// the source it pulls from.
func (c *cluster) engine(p *part) []plans.Requirement {
	d := c.spec.Delivery
	if d == nil || d.Engine == "" {
		return nil
	}
	var rs []plans.Requirement
	if id := c.engineNode(); id != "" {
		rs = append(rs, ref(id, &plans.Because{Reason: fmt.Sprintf("%s is applied by %s", p.id, id), At: c.at("/delivery/engine")}))
	}
	if id := c.sourceNode(); id != "" {
		rs = append(rs, ref(id, &plans.Because{Reason: fmt.Sprintf("%s is pulled from %s", p.id, id), At: c.at("/delivery/source")}))
	}
	return rs
}

// engineNode and sourceNode resolve quietly: reportDelivery says once what is
// wrong with the names.
func (c *cluster) engineNode() string { return c.quiet(c.spec.Delivery.Engine) }

func (c *cluster) sourceNode() string { return c.quiet(c.spec.Delivery.Source) }

func (c *cluster) quiet(name string) string {
	if name == "" {
		return ""
	}
	if s := c.l.names.find(c.scope, name); len(s) == 1 {
		return s[0].id
	}
	return ""
}

// operate: changing a part takes the API server, and the engine and its
// source.
func (c *cluster) operate(p *part) plans.Requirement {
	rs := []plans.Requirement{ref(c.node("@api"), &plans.Because{Reason: p.id + " is changed through the API server of " + c.name, Derived: true, At: c.at(p.comp.ptr)})}
	for _, r := range c.engine(p) {
		if r.Node != p.id {
			r.Why = &plans.Because{Reason: r.Why.Reason, Derived: true, At: r.Why.At}
			rs = append(rs, r)
		}
	}
	return all(rs...)
}
