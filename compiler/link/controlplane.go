package link

import (
	"fmt"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

// controlPlane makes the nodes that a cluster is (DESIGN §4): its machines,
// its etcd when it runs its own, and its API server.
func (c *cluster) controlPlane() {
	c.nodes = append(c.nodes, plans.Node{
		ID: c.node("@machines"), Kind: plans.KindMachines, Cluster: c.name, Owner: c.spec.Owner,
		Replicas: c.machineReplicas(), At: c.at("/nodePools"),
	})
	cp := c.spec.ControlPlane
	if cp != nil && cp.Self != nil {
		c.selfManaged(cp.Self)
		return
	}
	provider, why := c.node("@provider"), &plans.Because{Reason: c.name + " has an implied provider of its control plane"}
	if cp != nil && cp.Managed != "" {
		ptr := "/controlPlane/managed"
		s, ok := c.l.resolveKind(c.scope, c.node("@api"), "managed", cp.Managed, ptr, plans.KindExternal, plans.KindComponent, plans.KindNode)
		if !ok {
			c.api(c.machineSites(), 0, plans.Requirement{}, plans.Requirement{})
			return
		}
		provider, why = s, &plans.Because{Reason: "the control plane of " + c.name + " is managed by " + s, At: c.at(ptr)}
	} else {
		c.nodes = append(c.nodes, plans.Node{ID: provider, Kind: plans.KindExternal, Cluster: c.name, Implied: true})
	}
	c.api(c.machineSites(), 0, ref(provider, why), ref(provider, why))
}

// machineSites is where a managed control plane stands: with the cluster.
func (c *cluster) machineSites() []plans.Replica {
	if len(c.place) > 0 {
		return []plans.Replica{{Domains: c.place}}
	}
	return c.machineReplicas()
}

func (c *cluster) selfManaged(s *spec.SelfManaged) {
	var members []plans.Replica
	for i, m := range s.Members {
		ds := c.l.resolveDomains(c.scope, m, ir.Pointer("controlPlane", "self", "members", index(i)))
		members = append(members, plans.Replica{Domains: ds, Unknown: len(ds) < len(m)})
	}
	if len(members) == 0 {
		members = c.machineReplicas()
	}
	machines := ref(c.node("@machines"), &plans.Because{Reason: "etcd of " + c.name + " runs on its machines", At: c.at("/controlPlane/self")})
	etcd := plans.Node{
		ID: c.node("@etcd"), Kind: plans.KindEtcd, Cluster: c.name, Owner: c.spec.Owner,
		Replicas: members, Quorum: len(members)/2 + 1,
		Requires: plans.Requires{Run: machines, Start: machines}, At: c.at("/controlPlane/self"),
	}
	if s.Snapshots != nil {
		n, p := c.l.backupPoint(c.scope, c.node("@etcd"), "snapshots", *s.Snapshots, "/controlPlane/self/snapshots")
		n.Cluster = c.name
		c.nodes = append(c.nodes, n)
		etcd.Data = &plans.Data{Points: []plans.Point{p}}
	}
	key := c.encryption(s)
	if !c.fresh {
		etcd.Requires.Start = all(machines, c.snapshot(s), key)
	}
	c.nodes = append(c.nodes, etcd)
	on := func(reason string) plans.Requirement {
		return ref(etcd.ID, &plans.Because{Reason: reason, At: c.at("/controlPlane/self")})
	}
	run := on("the API server of " + c.name + " keeps its state in etcd")
	start := all(ref(c.node("@machines"), &plans.Because{Reason: "the API server of " + c.name + " runs on its machines", At: c.at("/controlPlane/self")}), run, key)
	c.api(members, 0, run, start)
}

// encryption is the key without which the API server reads nothing from etcd.
func (c *cluster) encryption(s *spec.SelfManaged) plans.Requirement {
	if s.Encryption == "" {
		return plans.Requirement{}
	}
	ptr := "/controlPlane/self/encryption"
	id, ok := c.l.credential(c.scope, c.node("@api"), s.Encryption, ptr, plans.KindExternal)
	if !ok {
		return plans.Requirement{}
	}
	return ref(id, &plans.Because{Reason: "etcd of " + c.name + " is encrypted with " + id, At: c.at(ptr)})
}

// snapshot is what etcd is restored from: `from`, else the cluster's own
// snapshots.
func (c *cluster) snapshot(s *spec.SelfManaged) plans.Requirement {
	id, ptr := "", "/controlPlane/self/etcd/from"
	switch {
	case s.Etcd.From != "":
		id, _ = c.l.resolveKind(c.scope, c.node("@etcd"), "from", s.Etcd.From, ptr, plans.KindPoint)
	case s.Snapshots != nil:
		id = c.node("@etcd") + "/snapshots"
	default:
		c.out.unresolved = append(c.out.unresolved, plans.Unknown{
			Node: c.node("@etcd"), What: "etcd of " + c.name + " is restored, but no snapshot is named",
			Settle: "declare controlPlane.self.snapshots or etcd.from", At: c.at(ptr),
		})
	}
	if id == "" {
		return plans.Requirement{}
	}
	return ref(id, &plans.Because{Reason: fmt.Sprintf("etcd of %s is restored from %s", c.name, id), At: c.at(ptr)})
}

// api makes the API server's node. What the cluster itself declares (owner,
// tier, requirements on KMS, DNS or the cloud's API) is declared of it.
func (c *cluster) api(replicas []plans.Replica, quorum int, run, start plans.Requirement) {
	id := c.node("@api")
	n := c.l.node(c.scope, id, plans.KindAPI, &c.spec.Node, "")
	n.Cluster, n.Replicas = c.name, replicas
	n.Quorum = quorum
	n.Requires.Run = all(run, n.Requires.Run)
	n.Requires.Start = all(start, n.Requires.Start)
	c.nodes = append(c.nodes, n)
}
