package link

import (
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

// unranked is the priority of what has no tier: after everything that has one.
const unranked = 99

// node makes a node from what every node may declare.
func (l *linker) node(sc scope, id string, kind plans.NodeKind, n *spec.Node, ptr string) plans.Node {
	return l.nodeOf(sc, id, kind, n, ptr, l.requires(sc, id, &n.Requires, ptr))
}

func (l *linker) nodeOf(sc scope, id string, kind plans.NodeKind, n *spec.Node, ptr string, r plans.Requires) plans.Node {
	l.owner(sc, n.Owner, ptr+"/owner")
	l.accepted(sc, n.Objectives, ptr)
	out := plans.Node{
		ID: id, Kind: kind, Owner: n.Owner, Quorum: n.Quorum, Tolerates: n.Tolerates, Requires: r,
		Tier: n.Tier, Priority: unranked, Singleton: n.Singleton, At: sc.pos.At(ptr),
	}
	out.Objectives = l.objectives(sc, n, ptr, &out)
	if c := n.Capacity; c != nil {
		for _, d := range sortedKeys(c.PerDomain) {
			l.resolveDomains(sc, []string{d}, ptr+"/capacity/perDomain")
		}
		out.Capacity = &plans.Capacity{Load: c.Load, Surge: c.Surge, PerDomain: c.PerDomain, PerReplica: c.PerReplica, Quota: c.Quota, At: sc.pos.At(ptr + "/capacity")}
	}
	return out
}

// objectives joins a node's own objectives and those it inherits from its
// tier, the most specific class first, "default" last: the first match wins.
func (l *linker) objectives(sc scope, n *spec.Node, ptr string, out *plans.Node) []plans.Objective {
	var list []plans.Objective
	add := func(m map[string]spec.Objective, pos ir.Positions, ptr string) {
		for _, class := range sortedKeys(m) {
			if !slices.ContainsFunc(list, func(o plans.Objective) bool { return o.Class == class }) {
				o := m[class]
				list = append(list, plans.Objective{Class: class, RTO: o.RTO, RPO: o.RPO, Accepted: o.Accepted, At: pos.At(ptr + ir.Pointer("objectives", class))})
			}
		}
	}
	add(n.Objectives, sc.pos, ptr)
	if n.Tier != "" {
		t, ok := spec.Tier{}, false
		if l.units.Fleet != nil {
			t, ok = l.units.Fleet.Spec.Tiers[n.Tier]
		}
		if ok {
			out.Priority = t.Rank
			add(t.Objectives, l.units.Fleet.Pos, ir.Pointer("tiers", n.Tier))
		} else {
			l.unknownName(sc.out, "LNK006", "tier", n.Tier, sc.pos.At(ptr+"/tier"), l.tierNames())
		}
	}
	slices.SortStableFunc(list, func(a, b plans.Objective) int { return specificity(a.Class) - specificity(b.Class) })
	return list
}

func (l *linker) tierNames() []string {
	if l.units.Fleet == nil {
		return nil
	}
	return sortedKeys(l.units.Fleet.Spec.Tiers)
}

// specificity orders classes: "mode/kind", then the built-in scenarios, then a
// mode or a kind, then "default".
func specificity(class string) int {
	switch {
	case class == "default":
		return 3
	case class == "darkstart" || class == "bootstrap":
		return 1
	case slices.Contains([]byte(class), '/'):
		return 0
	}
	return 2
}

// fleetNodes makes the nodes of the fleet folder.
func (l *linker) fleetNodes() {
	if l.units.Fleet == nil {
		return
	}
	f, sc := &l.units.Fleet.Spec, l.fleetScope()
	for _, id := range sortedKeys(f.Externals) {
		e := f.Externals[id]
		l.external(sc, id, &e)
	}
	for _, id := range sortedKeys(f.Services) {
		s := f.Services[id]
		l.service(sc, id, &s)
	}
	for _, id := range sortedKeys(f.Stores) {
		s := f.Stores[id]
		l.store(sc, id, &s)
	}
	for _, id := range sortedKeys(f.Credentials) {
		c := f.Credentials[id]
		l.credentialNode(sc, id, &c)
	}
	for _, id := range sortedKeys(f.Tools) {
		t := f.Tools[id]
		l.placed(sc, id, plans.KindTool, &t.Node, ir.Pointer("tools", id))
	}
	for _, id := range sortedKeys(f.Nodes) {
		n := f.Nodes[id]
		l.placed(sc, id, plans.KindNode, &n, ir.Pointer("nodes", id))
	}
}

// placed adds a node that stands where it says.
func (l *linker) placed(sc scope, id string, kind plans.NodeKind, s *spec.Node, ptr string) {
	if !l.first(id, kind) {
		return
	}
	n := l.node(sc, id, kind, s, ptr)
	n.Replicas = l.replicas(sc, id, s.Placement, ptr)
	l.nodes = append(l.nodes, n)
}

// first says that the symbol is this declaration and not another of the same
// name, which was reported.
func (l *linker) first(id string, kind plans.NodeKind) bool { return l.names.fleet[id].kind == kind }

// external adds an external; one whose host the fleet serves is that
// component: what was declared of it is declared of the component.
func (l *linker) external(sc scope, id string, e *spec.External) {
	ptr := ir.Pointer("externals", id)
	if alias := l.names.aliases[id]; alias != "" {
		l.merge(alias, l.node(sc, alias, plans.KindComponent, &e.Node, ptr))
		return
	}
	if !l.first(id, plans.KindExternal) {
		return
	}
	n := l.node(sc, id, plans.KindExternal, &e.Node, ptr)
	if n.Replicas = l.servedBy(e); n.Replicas == nil {
		n.Replicas = l.replicas(sc, id, e.Placement, ptr)
	}
	l.nodes = append(l.nodes, n)
}

// servedBy places an external in the components of several clusters that
// serve its host.
func (l *linker) servedBy(e *spec.External) []plans.Replica {
	for _, h := range e.Hosts {
		var out []plans.Replica
		for _, s := range l.hosts.served[h] {
			out = append(out, plans.Replica{In: s.comp})
		}
		if out != nil {
			return out
		}
	}
	return nil
}

func (l *linker) merge(id string, from plans.Node) {
	c := l.clusterOf(id)
	if c == nil {
		return
	}
	i := slices.IndexFunc(c.nodes, func(n plans.Node) bool { return n.ID == id })
	if i < 0 {
		return
	}
	n := &c.nodes[i]
	n.Requires.Run = all(n.Requires.Run, from.Requires.Run)
	n.Requires.Start = all(n.Requires.Start, from.Requires.Start)
	n.Requires.Observe = all(n.Requires.Observe, from.Requires.Observe)
	if from.Requires.Operate.Op != "" {
		n.Requires.Operate = anyOf(n.Requires.Operate, from.Requires.Operate)
		n.Requires.DeclaredOperate = all(n.Requires.DeclaredOperate, from.Requires.DeclaredOperate)
	}
	if len(n.Objectives) == 0 {
		n.Objectives, n.Tier, n.Priority = from.Objectives, from.Tier, from.Priority
	}
}

// service adds a service: each instance is a replica placed as its cluster,
// and it is up when enough instances are.
func (l *linker) service(sc scope, id string, s *spec.Service) {
	if !l.first(id, plans.KindService) {
		return
	}
	ptr := ir.Pointer("services", id)
	n := l.node(sc, id, plans.KindService, &s.Node, ptr)
	n.InstanceQuorum = max(1, s.Quorum)
	n.Quorum = n.InstanceQuorum
	for i, name := range s.Instances {
		inst, ok := l.resolveKind(sc, id, "instances", name, ptr+"/instances/"+index(i), plans.KindComponent)
		if !ok {
			continue
		}
		n.Instances = append(n.Instances, inst)
		n.Replicas = append(n.Replicas, plans.Replica{Domains: l.placeOf(inst)})
	}
	n.InstanceQuorum = min(n.InstanceQuorum, max(1, len(n.Instances)))
	n.Quorum = n.InstanceQuorum
	if s.Placement != nil {
		n.Replicas = l.replicas(sc, id, s.Placement, ptr)
	}
	l.nodes = append(l.nodes, n)
}

// placeOf is where the cluster of a node stands.
func (l *linker) placeOf(id string) []string {
	if c := l.clusterOf(id); c != nil {
		return c.place
	}
	return nil
}

// credentialNode adds a credential: custody places are its replicas, the
// shares that it takes to use it are its quorum.
func (l *linker) credentialNode(sc scope, id string, c *spec.Credential) {
	if !l.first(id, plans.KindCredential) {
		return
	}
	ptr := ir.Pointer("credentials", id)
	n := l.node(sc, id, plans.KindCredential, &c.Node, ptr)
	n.Quorum = max(c.Quorum, c.Shares)
	n.Expiry, n.Tracked, n.Escrow = c.Expires, c.Expires != "", c.Escrow
	for i, place := range c.Custody {
		ds := l.resolveDomains(sc, place, ptr+"/custody/"+index(i))
		n.Replicas = append(n.Replicas, plans.Replica{Domains: ds, Unknown: len(ds) < len(place)})
	}
	if len(c.Custody) == 0 {
		n.Replicas = l.replicas(sc, id, c.Placement, ptr)
	}
	l.nodes = append(l.nodes, n)
}

// credential resolves a reference to a credential, or to one of the other
// kinds that a place admits. An unknown one is a diagnostic.
func (l *linker) credential(sc scope, who, name, ptr string, also ...plans.NodeKind) (string, bool) {
	if len(l.names.find(sc, name)) == 0 {
		var known []string
		if l.units.Fleet != nil {
			known = sortedKeys(l.units.Fleet.Spec.Credentials)
		}
		l.unknownName(sc.out, "LNK007", "credential", name, sc.pos.At(ptr), known)
		return "", false
	}
	return l.resolveKind(sc, who, "key", name, ptr, append(also, plans.KindCredential)...)
}

func (l *linker) tiers() []plans.Tier {
	if l.units.Fleet == nil {
		return nil
	}
	var strict []string
	if p := l.units.Project; p != nil {
		strict = p.Spec.Guardrails.StrictUnknown
		for i, t := range strict {
			if _, ok := l.units.Fleet.Spec.Tiers[t]; !ok {
				l.unknownName(&l.out, "LNK006", "tier", t, p.Pos.At(ir.Pointer("guardrails", "strictUnknown", index(i))), l.tierNames())
			}
		}
	}
	var out []plans.Tier
	for _, id := range l.tierNames() {
		t := l.units.Fleet.Spec.Tiers[id]
		out = append(out, plans.Tier{
			ID: id, Rank: t.Rank, DrillCadence: t.DrillCadence, RestoreCadence: t.RestoreCadence,
			StrictUnknown: slices.Contains(strict, id), At: l.units.Fleet.Pos.At(ir.Pointer("tiers", id)),
		})
	}
	return out
}

func (l *linker) links() []plans.Link {
	if l.units.Fleet == nil {
		return nil
	}
	f, sc := &l.units.Fleet.Spec, l.fleetScope()
	var out []plans.Link
	for _, id := range sortedKeys(f.Links) {
		k, ptr := f.Links[id], ir.Pointer("links", id)
		l.resolveDomains(sc, []string{k.From}, ptr+"/from")
		l.resolveDomains(sc, []string{k.To}, ptr+"/to")
		out = append(out, plans.Link{ID: id, From: k.From, To: k.To, Bandwidth: l.bytes(sc, k.Bandwidth, ptr+"/bandwidth"), At: sc.pos.At(ptr)})
	}
	return out
}
