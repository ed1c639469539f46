package link

import (
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

// cluster is one cluster while it is linked.
type cluster struct {
	l     *linker
	unit  *ir.Unit[spec.Cluster]
	spec  *spec.Cluster
	name  string
	scope scope
	out   report
	comps []*component // sorted by name

	phases     []spec.Phase
	phaseIndex map[string]int
	seed       []string
	seeded     []bool   // by phase index
	place      []string // domains the whole cluster stands in
	zones      []string // of the node pools
	fresh      bool     // etcd starts new in a bootstrap

	kinds        map[groupKind]definer
	nsLabels     map[string]map[string]any
	webhooks     []*webhook
	heldRefs     map[string]bool
	tenants      *tenancy
	ix           *lookup
	nodes        []plans.Node
	procs        []plans.Procedure
	served       map[string]string // host to component id
	byNode       map[string]*part
	impliedHosts []string
}

// component is one component of a cluster.
type component struct {
	c       *cluster
	name    string
	id      string
	ptr     string // JSON pointer in the unit
	spec    *spec.Component
	objects []*object.Object
	written map[object.Key]object.Key // applied name to written name, where they differ
	run     *part                     // always there, perhaps without objects
	parts   []*part                   // with objects, or run
	bound   []string                  // stores that hold its state
	needs   *plans.Requires           // declared, resolved once
}

// part is one part while it is linked.
type part struct {
	comp    *component
	name    ir.PartName
	id      string
	objects []*object.Object
	edges   []edge
	phase   int
	late    bool // an edge forces it, or what it needs, behind its phase
}

func (p *part) hasObjects() bool { return len(p.objects) > 0 }

func (l *linker) newCluster(u *ir.Unit[spec.Cluster], r *ir.Rendered) *cluster {
	c := &cluster{
		l: l, unit: u, spec: &u.Spec, name: u.Name, fresh: true,
		kinds:    map[groupKind]definer{},
		nsLabels: map[string]map[string]any{}, byNode: map[string]*part{},
	}
	c.scope = scope{cluster: u.Name, pos: u.Pos, out: &c.out}
	if cp := u.Spec.ControlPlane; cp != nil && cp.Self != nil {
		c.fresh = cp.Self.Etcd.Init != "restore"
	}
	rendered := map[string]*ir.RenderedComponent{}
	if r != nil {
		for i := range r.Components {
			rendered[r.Components[i].Name] = &r.Components[i]
		}
	}
	for _, name := range sortedKeys(u.Spec.Components) {
		s := u.Spec.Components[name]
		comp := &component{c: c, name: name, id: c.name + "/" + name, ptr: ir.Pointer("components", name), spec: &s}
		if rc := rendered[name]; rc != nil {
			comp.objects = rc.Objects
			comp.rename(rc.Renamed)
		}
		c.comps = append(c.comps, comp)
	}
	c.setPhases()
	c.setPlace()
	return c
}

func (c *cluster) at(ptr string) plans.Source { return c.unit.Pos.At(ptr) }

// node returns the id of one of the cluster's own nodes.
func (c *cluster) node(name string) string { return c.name + "/" + name }

// setPhases applies the defaults of D15: one phase "all"; without delivery, or
// without an engine, every phase is applied by hand.
func (c *cluster) setPhases() {
	c.phases = c.spec.Phases
	if len(c.phases) == 0 {
		c.phases = []spec.Phase{{Name: "all"}}
	}
	c.phaseIndex = map[string]int{}
	for i, p := range c.phases {
		c.phaseIndex[p.Name] = i
	}
	c.seeded = make([]bool, len(c.phases))
	d := c.spec.Delivery
	if d == nil || d.Engine == "" {
		for i, p := range c.phases {
			c.seeded[i] = true
			c.seed = append(c.seed, p.Name)
		}
		return
	}
	for i, name := range d.Seed {
		n, ok := c.phaseIndex[name]
		if !ok {
			c.unknownPhase(name, ir.Pointer("delivery", "seed", index(i)))
			continue
		}
		c.seeded[n] = true
	}
	for i, p := range c.phases {
		if c.seeded[i] {
			c.seed = append(c.seed, p.Name)
		}
	}
}

func (c *cluster) unknownPhase(name, ptr string) {
	c.l.unknownName(&c.out, "LNK005", "phase", name, c.at(ptr), sortedKeys(c.phaseIndex))
}

// declared returns the index of a component's phase; a component that names
// none is in the last phase: it claims nothing about what comes before it.
func (c *cluster) declared(comp *component) int {
	if comp.spec.Phase == "" {
		return len(c.phases) - 1
	}
	if i, ok := c.phaseIndex[comp.spec.Phase]; ok {
		return i
	}
	return len(c.phases) - 1
}

// setPlace finds where the cluster stands: what its placement and the zones of
// its node pools have in common, else an implied domain of its own (D15).
func (c *cluster) setPlace() {
	seen := map[string]bool{}
	for _, name := range sortedKeys(c.spec.NodePools) {
		ptr := ir.Pointer("nodePools", name, "zones")
		for _, z := range c.l.resolveDomains(c.scope, c.spec.NodePools[name].Zones, ptr) {
			if !seen[z] {
				seen[z] = true
				c.zones = append(c.zones, z)
			}
		}
	}
	slices.Sort(c.zones)
	var places [][]string
	if p := c.spec.Placement; p != nil {
		for i, r := range p.Replicas {
			places = append(places, c.l.resolveDomains(c.scope, r, ir.Pointer("placement", "replicas", index(i))))
		}
	}
	if len(places) == 0 {
		for _, z := range c.zones {
			places = append(places, []string{z})
		}
	}
	if len(places) == 0 {
		implied := "implied/" + c.name
		c.l.domains.add(plans.Domain{ID: implied, Kind: "site", Implied: true, At: c.at("")})
		c.place = []string{implied}
		c.zones = []string{implied}
		return
	}
	c.place = c.l.domains.common(places)
	if len(c.zones) == 0 {
		c.zones = places[0]
		if len(places) > 1 {
			c.zones = slices.Sorted(slices.Values(slices.Concat(places...)))
		}
	}
}

// spreadable reports whether the zones are separate places: listed by pools or
// by several replicas, and not one place described by several domains.
func (c *cluster) spreadable() bool {
	return len(c.spec.NodePools) > 0 || (c.spec.Placement != nil && len(c.spec.Placement.Replicas) > 1)
}

// into is where a bootstrap brings the cluster up.
func (c *cluster) into() []string {
	if len(c.place) > 0 {
		return c.place
	}
	return c.zones
}

// machineReplicas is one replica for each zone.
func (c *cluster) machineReplicas() []plans.Replica {
	if !c.spreadable() {
		return []plans.Replica{{Domains: c.zones}}
	}
	out := make([]plans.Replica, len(c.zones))
	for i, z := range c.zones {
		out[i] = plans.Replica{Domains: []string{z}}
	}
	return out
}

// link derives edges and builds the cluster's nodes and procedures.
func (c *cluster) link() {
	c.ix = c.newIndex()
	for _, comp := range c.comps {
		c.derive(comp)
	}
	c.intercept()
	c.override()
	c.orderPhases()
	c.controlPlane()
	for _, comp := range c.comps {
		c.componentNodes(comp)
	}
	c.bootstrap()
	c.checkSpec()
	c.ix.free()
	c.ix, c.kinds, c.nsLabels, c.webhooks, c.tenants, c.heldRefs = nil, nil, nil, nil, nil, nil // memory follows the clusters in flight
}

// linked is the cluster as later stages see it.
func (c *cluster) linked() *ir.Linked {
	out := &ir.Linked{Name: c.name, Unit: c.unit, Phases: c.phases, Seed: c.seed}
	for _, comp := range c.comps {
		for _, p := range comp.parts {
			if p.hasObjects() {
				out.Parts = append(out.Parts, &ir.Part{
					Component: comp.name, Name: p.name, Node: p.id, Phase: c.phases[p.phase].Name, Objects: p.objects, Gates: comp.gates(p),
				})
			}
		}
	}
	slices.SortFunc(out.Parts, func(a, b *ir.Part) int { return strings.Compare(a.ID(), b.ID()) })
	return out
}
