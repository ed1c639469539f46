package link

import (
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/plans"
)

// symbol is what a name stands for.
type symbol struct {
	id   string
	kind plans.NodeKind
	at   []diag.Position
}

// names is the symbol table of nodes. Domains and clusters have tables of
// their own: the three are separate namespaces.
type names struct {
	fleet   map[string]symbol            // fleet-wide nodes, and store/copy
	cluster map[string]map[string]symbol // cluster to what its bare names mean
	aliases map[string]string            // an external that is a component
}

// scope is where a name is written: bare names of a cluster unit mean that
// cluster first.
type scope struct {
	cluster string // "" in the fleet and recovery folders
	pos     ir.Positions
	out     *report
}

func (l *linker) fleetScope() scope {
	s := scope{out: &l.out}
	if l.units.Fleet != nil {
		s.pos = l.units.Fleet.Pos
	}
	return s
}

func (l *linker) newNames() *names {
	n := &names{fleet: map[string]symbol{}, cluster: map[string]map[string]symbol{}, aliases: map[string]string{}}
	if u := l.units.Fleet; u != nil {
		l.declareFleet(n, u.Pos)
	}
	for _, u := range l.units.Clusters {
		t := map[string]symbol{}
		for name := range u.Spec.Components {
			t[name] = symbol{u.Name + "/" + name, plans.KindComponent, u.Pos.At(ir.Pointer("components", name))}
		}
		at := u.Pos.At("")
		t["@machines"] = symbol{u.Name + "/@machines", plans.KindMachines, at}
		t["@api"] = symbol{u.Name + "/@api", plans.KindAPI, at}
		if cp := u.Spec.ControlPlane; cp != nil && cp.Self != nil {
			t["@etcd"] = symbol{u.Name + "/@etcd", plans.KindEtcd, at}
			if cp.Self.Snapshots != nil {
				t["@etcd/snapshots"] = symbol{u.Name + "/@etcd/snapshots", plans.KindPoint, at}
			}
		}
		n.cluster[u.Name] = t
	}
	return n
}

func (l *linker) declareFleet(n *names, pos ir.Positions) {
	f := l.units.Fleet.Spec
	add := func(table, name string, kind plans.NodeKind) {
		at := pos.At(ir.Pointer(table, name))
		if old, ok := n.fleet[name]; ok {
			l.out.diags.Add(diag.Errorf("LNK001", "%q is declared twice: as %s and as %s", name, old.kind, kind).
				AtAll(at, "here as %s", kind).AtAll(old.at, "here as %s", old.kind).
				About(diag.Subject{Node: name}).Fix("rename one of them: fleet-wide nodes share one namespace"))
			return
		}
		n.fleet[name] = symbol{name, kind, at}
	}
	declare(f.Externals, "externals", plans.KindExternal, add)
	declare(f.Services, "services", plans.KindService, add)
	declare(f.Stores, "stores", plans.KindStore, add)
	declare(f.Credentials, "credentials", plans.KindCredential, add)
	declare(f.Tools, "tools", plans.KindTool, add)
	declare(f.Nodes, "nodes", plans.KindNode, add)
	declare(f.Teams, "teams", plans.KindTeam, add)
	for _, s := range sortedKeys(f.Stores) {
		if c := l.units.Cluster(s); c != nil {
			l.out.diags.Add(diag.Errorf("LNK001", "%q is both a store and a cluster", s).AtAll(pos.At(ir.Pointer("stores", s)), "the store").
				AtAll(c.Pos.At(""), "the cluster").About(diag.Subject{Node: s}).
				Fix("rename the store: %q could be its copy or the cluster's component", s+"/name"))
		}
		for _, c := range slices.Concat(sortedKeys(f.Stores[s].Copies), sortedKeys(f.Stores[s].Backups)) {
			n.fleet[s+"/"+c] = symbol{s + "/" + c, plans.KindPoint, pos.At(ir.Pointer("stores", s))}
		}
	}
}

func declare[T any](m map[string]T, table string, kind plans.NodeKind, add func(table, name string, kind plans.NodeKind)) {
	for _, name := range sortedKeys(m) {
		add(table, name, kind)
	}
}

// parts makes "component@part" resolvable once objects are classified.
func (n *names) parts(cs []*cluster) {
	for _, c := range cs {
		for _, comp := range c.comps {
			for _, p := range comp.parts {
				if p.name != ir.PartRun {
					n.cluster[c.name][comp.name+"@"+string(p.name)] = symbol{p.id, plans.KindPart, c.unit.Pos.At(comp.ptr)}
				}
			}
		}
	}
}

// alias lets an external whose host the fleet serves itself be that component
// (DESIGN §4, External). Served by several clusters, it stays a node placed in
// all of them.
func (n *names) alias(l *linker) {
	if l.units.Fleet == nil {
		return
	}
	for name, e := range l.units.Fleet.Spec.Externals {
		for _, h := range e.Hosts {
			if s := l.hosts.served[h]; len(s) == 1 {
				n.aliases[name] = s[0].comp
			}
		}
	}
}

// find returns every symbol that a name may mean.
func (n *names) find(sc scope, name string) []symbol {
	var out []symbol
	add := func(s symbol, ok bool) {
		if ok {
			if a := n.aliases[s.id]; a != "" && s.kind == plans.KindExternal {
				s = symbol{a, plans.KindComponent, s.at}
			}
			if !slices.ContainsFunc(out, func(o symbol) bool { return o.id == s.id }) {
				out = append(out, s)
			}
		}
	}
	fleet := func(name string) {
		s, ok := n.fleet[name]
		add(s, ok)
		if store, point, dot := strings.Cut(name, "."); !ok && dot {
			s, ok = n.fleet[store+"/"+point]
			add(s, ok)
		}
	}
	local := func(cluster, name string) {
		s, ok := n.cluster[cluster][name]
		add(s, ok)
	}
	if rest, ok := strings.CutPrefix(name, "./"); ok {
		local(sc.cluster, rest)
		return out
	}
	if rest, ok := strings.CutPrefix(name, "/"); ok {
		fleet(rest)
		return out
	}
	local(sc.cluster, name)
	fleet(name)
	if cluster, rest, ok := strings.Cut(name, "/"); ok {
		local(cluster, rest)
	}
	return out
}

// resolve finds the one node a name means. An ambiguous name is a diagnostic,
// an unknown one a fact (BS001); both return false. who and set say which edge
// the name is written in, ptr where.
func (l *linker) resolve(sc scope, who, set, name, ptr string) (symbol, bool) {
	found := l.names.find(sc, name)
	switch len(found) {
	case 1:
		return found[0], true
	case 0:
		l.dangle(sc, ir.Dangling{Node: who, Set: set, Name: name, Nearest: l.names.nearest(sc, name)}, ptr)
		return symbol{}, false
	}
	d := diag.Errorf("LNK002", "%q is ambiguous: it may be %s or %s", name, found[0].id, found[1].id).
		AtAll(sc.pos.At(ptr), "written here").About(diag.Subject{Cluster: sc.cluster, Node: who, Path: ptr})
	for _, s := range found {
		d.AtAll(s.at, "%s is declared here", s.id).Fix("write %q for %s", explicit(s.id), s.id)
	}
	sc.out.diags.Add(d)
	return symbol{}, false
}

// explicit is the spelling that always means the node id.
func explicit(id string) string {
	if strings.Contains(id, "/") {
		return id
	}
	return "/" + id
}

// resolveKind is resolve for references that only some kinds can satisfy.
func (l *linker) resolveKind(sc scope, who, set, name, ptr string, kinds ...plans.NodeKind) (string, bool) {
	s, ok := l.resolve(sc, who, set, name, ptr)
	if !ok {
		return "", false
	}
	if slices.Contains(kinds, s.kind) {
		return s.id, true
	}
	l.dangle(sc, ir.Dangling{Node: who, Set: set, Name: name, Kind: string(s.kind)}, ptr)
	return "", false
}

func (l *linker) dangle(sc scope, d ir.Dangling, ptr string) {
	d.Why = &plans.Because{Reason: who(d.Node) + " names " + d.Name, At: sc.pos.At(ptr)}
	sc.out.dangling = append(sc.out.dangling, d)
	sc.out.unresolved = append(sc.out.unresolved, plans.Unknown{
		Node: d.Node, What: d.Set + " names " + quote(d.Name) + ", which " + missing(d.Kind),
		Settle: settle(d), At: sc.pos.At(ptr),
	})
}

func missing(kind string) string {
	if kind == "" {
		return "does not exist"
	}
	return "is a " + kind + " and cannot serve here"
}

func settle(d ir.Dangling) string {
	if d.Nearest != "" {
		return "write " + quote(d.Nearest) + " or declare " + quote(d.Name)
	}
	return "declare " + quote(d.Name)
}

// nearest proposes a name, spelled as the scope would have to write it: the
// same name in another cluster first, then the closest of what is in reach.
func (n *names) nearest(sc scope, name string) string {
	bare := name[strings.LastIndexByte(name, '/')+1:]
	for _, c := range sortedKeys(n.cluster) {
		if _, ok := n.cluster[c][bare]; ok && bare != "" {
			return c + "/" + bare
		}
	}
	candidates := slices.Concat(sortedKeys(n.fleet), sortedKeys(n.cluster[sc.cluster]))
	if best := diag.Nearest(name, candidates); best != "" {
		return best
	}
	if !strings.Contains(name, "/") {
		return ""
	}
	candidates = candidates[:0]
	for c, t := range n.cluster {
		for s := range t {
			candidates = append(candidates, c+"/"+s)
		}
	}
	return diag.Nearest(name, candidates)
}

func quote(s string) string { return `"` + s + `"` }

func who(id string) string {
	if id == "" {
		return "this"
	}
	return id
}
