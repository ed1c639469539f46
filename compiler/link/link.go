// Package link joins units and rendered objects into one fleet graph, as a
// linker joins object files: by name (D3, DESIGN §4 "Linking").
//
// Three ideas carry it.
//
// Ordering is between parts of components (D14). A CNI ships a ServiceMonitor,
// monitoring ships a Certificate, certificates need the CNI: between components
// that is a cycle, between definitions, workloads and extras it is not.
//
// Every edge is declared or derived, sits in one of the four requirement sets
// and remembers why it is there (D11). Edges that hold only where etcd starts
// empty (a CRD, a Namespace, the writer of a Secret) are needs of the bootstrap
// steps and not of the node: where etcd survives, its objects survive with it.
//
// What nobody declared is implied and counted (D15); what nothing provides is
// unknown and names the declaration that would settle it (D6). Names that
// point at nothing are facts, which the guardrails judge (BS001, BS003).
//
// The package is pure: the same units and objects give the same fleet,
// whatever their order and however many processors there are.
package link

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/plans"
)

// Config tunes linking. The zero value is ready to use.
type Config struct {
	// Parallel is the number of clusters linked at once; 0 means one for each
	// processor. It never changes the result.
	Parallel int
}

// linker is the state of one run. Fields that clusters read while they are
// linked in parallel are complete before they start.
type linker struct {
	units    *ir.Units
	names    *names
	domains  *domains
	teams    *teams
	hosts    hostTable
	texts    sync.Map // string to its hostsOf
	clusters []*cluster
	byName   map[string]*cluster
	held     map[string][]*component // store to the components it stands in
	out      report
	nodes    []plans.Node
	actors   []plans.Actor
	procs    []plans.Procedure
	implied  map[string]bool // ids of implied externals
}

// report collects what one unit's linking says; reports are joined in order.
type report struct {
	diags      diag.List
	dangling   []ir.Dangling
	against    []ir.Contradiction
	unresolved []plans.Unknown
}

func (r *report) join(s *report) {
	r.diags.Add(s.diags...)
	r.dangling = append(r.dangling, s.dangling...)
	r.against = append(r.against, s.against...)
	r.unresolved = append(r.unresolved, s.unresolved...)
}

// Link joins units and rendered objects into one fleet. A cluster without
// rendered objects is linked from its spec alone. The returned fleet is
// complete even when diagnostics hold errors: what could not be resolved is
// left out and reported. An error means a bug or a cancelled context.
func Link(ctx context.Context, u *ir.Units, rendered []*ir.Rendered, cfg *Config) (*ir.Fleet, diag.List, error) {
	if cfg == nil {
		cfg = &Config{}
	}
	l := &linker{units: u, byName: map[string]*cluster{}, implied: map[string]bool{}}
	l.prepare(rendered)
	if err := l.linkClusters(ctx, cfg); err != nil {
		return nil, nil, err
	}
	l.fleetNodes()
	l.joinClusters()
	f := l.fleet()
	if err := check(f.Model); err != nil && !l.out.diags.HasErrors() {
		return nil, nil, err
	}
	return f, l.out.diags.Sorted(), nil
}

// prepare builds everything that clusters share: names, domains, parts, hosts.
func (l *linker) prepare(rendered []*ir.Rendered) {
	byName := map[string]*ir.Rendered{}
	for _, r := range rendered {
		byName[r.Cluster] = r
	}
	l.domains = l.newDomains()
	l.teams = l.newTeams()
	l.names = l.newNames()
	for _, u := range l.units.Clusters {
		c := l.newCluster(u, byName[u.Name])
		c.classify()
		l.clusters = append(l.clusters, c)
		l.byName[c.name] = c
	}
	l.hosts = l.newHosts()
	l.names.parts(l.clusters)
	l.names.alias(l)
	l.bindStores()
}

func (l *linker) linkClusters(ctx context.Context, cfg *Config) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(cmp.Or(max(cfg.Parallel, 0), runtime.GOMAXPROCS(0)))
	for _, c := range l.clusters {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			c.link()
			return nil
		})
	}
	return g.Wait()
}

// clusterOf returns the cluster that has a node, nil for nodes of the fleet.
func (l *linker) clusterOf(id string) *cluster {
	name, _, _ := strings.Cut(id, "/")
	return l.byName[name]
}

func (l *linker) joinClusters() {
	n := 0
	for _, c := range l.clusters {
		n += len(c.nodes)
	}
	l.nodes = slices.Grow(l.nodes, n)
	for _, c := range l.clusters {
		c.reportDelivery()
		l.out.join(&c.out)
		c.out = report{}
		at := len(l.nodes)
		l.nodes = append(l.nodes, c.nodes...)
		c.nodes = l.nodes[at:len(l.nodes):len(l.nodes)] // once in memory
		l.procs = append(l.procs, c.procs...)
		for _, h := range c.impliedHosts {
			l.implied[h] = true
		}
	}
	for _, id := range sortedKeys(l.implied) {
		if _, declared := l.names.fleet[id]; declared {
			continue // something declared has the host's own name
		}
		l.nodes = append(l.nodes, plans.Node{ID: id, Kind: plans.KindExternal, Implied: true})
	}
}

// fleet assembles the result; every list is in a total order.
func (l *linker) fleet() *ir.Fleet {
	m := &plans.Model{Domains: l.domains.list}
	l.recovery(m)
	l.rollouts(m)
	l.evidence(m)
	m.Nodes, m.Procedures, m.Actors = l.nodes, l.procs, l.actors
	m.Groups, m.Links, m.Tiers = l.groups(), l.links(), l.tiers()
	m.Unresolved = l.out.unresolved
	sortModel(m)
	f := &ir.Fleet{Units: l.units, Model: m}
	for _, c := range l.clusters {
		f.Clusters = append(f.Clusters, c.linked())
	}
	f.Facts = ir.Facts{Dangling: sortDangling(l.out.dangling), Contradictions: sortContradictions(l.out.against)}
	return f
}

func sortModel(m *plans.Model) {
	byID(m.Domains, func(d *plans.Domain) string { return d.ID })
	byID(m.Nodes, func(n *plans.Node) string { return n.ID })
	byID(m.Actors, func(a *plans.Actor) string { return a.ID })
	byID(m.Procedures, func(p *plans.Procedure) string { return p.ID })
	byID(m.Actions, func(a *plans.Action) string { return a.ID })
	byID(m.Evidence, func(e *plans.Evidence) string { return e.ID })
	byID(m.Scenarios, func(s *plans.Scenario) string { return s.ID })
	slices.SortStableFunc(m.Unresolved, func(a, b plans.Unknown) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.What, b.What))
	})
	m.Unresolved = slices.CompactFunc(m.Unresolved, func(a, b plans.Unknown) bool {
		return a.Node == b.Node && a.What == b.What
	})
}

func byID[T any](list []T, id func(*T) string) {
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(id(&a), id(&b)) })
}

func sortDangling(ds []ir.Dangling) []ir.Dangling {
	if ds == nil {
		return []ir.Dangling{} // rules read a list, never null
	}
	slices.SortStableFunc(ds, func(a, b ir.Dangling) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Set, b.Set), cmp.Compare(a.Name, b.Name))
	})
	return slices.CompactFunc(ds, func(a, b ir.Dangling) bool {
		return a.Node == b.Node && a.Set == b.Set && a.Name == b.Name && a.Derived == b.Derived
	})
}

func sortContradictions(cs []ir.Contradiction) []ir.Contradiction {
	if cs == nil {
		return []ir.Contradiction{}
	}
	slices.SortStableFunc(cs, func(a, b ir.Contradiction) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Component, b.Component), cmp.Compare(a.Needs, b.Needs), cmp.Compare(a.Webhook, b.Webhook))
	})
	return cs
}

func sortedKeys[K ~string, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
