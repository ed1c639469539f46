package link

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

// hold is one entry of a store's `holds`.
type hold struct {
	store, pattern, cluster, ptr, written string
	found                                 bool
}

// bindStores finds the rendered objects that stores hold, and through them the
// components whose state the store is. One pass over the objects serves all
// stores: holds are looked up by kind.
func (l *linker) bindStores() {
	if l.units.Fleet == nil {
		return
	}
	byKind, all := map[string][]*hold{}, []*hold{}
	for _, id := range sortedKeys(l.units.Fleet.Spec.Stores) {
		for i, w := range l.units.Fleet.Spec.Stores[id].Holds {
			h := l.parseHold(id, w, ir.Pointer("stores", id, "holds", index(i)))
			kind, _, _ := strings.Cut(h.pattern, "/")
			byKind[kind], all = append(byKind[kind], h), append(all, h)
			if kind == "PersistentVolumeClaim" {
				byKind["StatefulSet"] = append(byKind["StatefulSet"], h)
			}
		}
	}
	for _, c := range l.clusters {
		for _, comp := range c.comps {
			comp.bind(byKind)
		}
	}
	for _, h := range all {
		if !h.found {
			l.dangle(l.fleetScope(), ir.Dangling{Node: h.store, Set: "holds", Name: h.written}, h.ptr)
		}
	}
	l.bindProtection()
	l.held = l.holders()
}

func (l *linker) parseHold(store, written, ptr string) *hold {
	h := &hold{store: store, pattern: written, ptr: ptr, written: written}
	if c, rest, ok := strings.Cut(written, "/"); ok && l.names.cluster[c] != nil {
		h.cluster, h.pattern = c, rest
	}
	return h
}

// bind marks the holds that a component's objects satisfy, and `creates`
// patterns that are written alike.
func (comp *component) bind(byKind map[string][]*hold) {
	mark := func(h *hold) {
		h.found = true
		if !slices.Contains(comp.bound, h.store) {
			comp.bound = append(comp.bound, h.store)
		}
	}
	for _, o := range comp.objects {
		for _, h := range byKind[o.Kind] {
			if (h.cluster == "" || h.cluster == comp.c.name) && comp.holdsObject(h.pattern, o) {
				mark(h)
			}
		}
	}
	for _, cr := range comp.spec.Creates {
		kind, _, _ := strings.Cut(cr, "/")
		for _, h := range byKind[kind] {
			if (h.cluster == "" || h.cluster == comp.c.name) && h.pattern == cr {
				mark(h)
			}
		}
	}
}

// holdsObject matches an object, or a claim that a StatefulSet's template
// makes: PersistentVolumeClaim/ns/<template>-<set>-<n>.
func (comp *component) holdsObject(pattern string, o *object.Object) bool {
	if comp.is(pattern, o) {
		return true
	}
	if o.Kind != "StatefulSet" || !strings.HasPrefix(pattern, "PersistentVolumeClaim/") {
		return false
	}
	for _, t := range mapsOf(object.Slice(o.Get("spec", "volumeClaimTemplates"))) {
		base := object.String(t, "metadata", "name") + "-" + o.Name
		if n, ok := strings.CutPrefix(pattern, "PersistentVolumeClaim/"+o.Namespace+"/"+base+"-"); ok {
			if _, err := strconv.Atoi(n); err == nil || n == "*" {
				return true
			}
		}
	}
	return false
}

// bindProtection binds components that name their store.
func (l *linker) bindProtection() {
	for _, c := range l.clusters {
		for _, comp := range c.comps {
			if comp.spec.Protection == nil || comp.spec.Protection.Store == "" {
				continue
			}
			ptr := comp.ptr + "/protection/store"
			id, ok := l.resolveKind(c.scope, comp.id, "protection", comp.spec.Protection.Store, ptr, plans.KindStore)
			if ok && !slices.Contains(comp.bound, id) {
				comp.bound = append(comp.bound, id)
			}
		}
	}
}

// store adds a store and one node for each copy and backup. A store that holds
// objects of components stands where their volumes stand, and is lost with
// their cluster; the component runs on it, not the other way round, so a
// component that comes back without its data has not come back.
func (l *linker) store(sc scope, id string, s *spec.Store) {
	if !l.first(id, plans.KindStore) {
		return
	}
	ptr := ir.Pointer("stores", id)
	n := l.node(sc, id, plans.KindStore, &s.Node, ptr)
	n.Data = &plans.Data{Size: l.bytes(sc, s.Size, ptr+"/size"), Group: s.Group}
	holders := l.held[id]
	for _, comp := range holders {
		n.Replicas = append(n.Replicas, comp.volumes(&n, len(holders) == 1)...)
	}
	// The same objects in two clusters are two sets of data. Only `copies` say
	// that one follows the other; without them every cluster's is needed.
	if len(holders) > 1 && len(s.Copies) == 0 && s.Quorum == 0 {
		n.Quorum = len(n.Replicas)
	}
	if p := s.Placement; len(n.Replicas) == 0 || p != nil && !l.standsIn(sc, p.In, holders) {
		n.Replicas, n.Quorum = l.replicas(sc, id, s.Placement, ptr), s.Quorum
	}
	for _, name := range sortedKeys(s.Copies) {
		point, p := l.copyPoint(sc, id, name, s.Copies[name], ptr+ir.Pointer("copies", name))
		l.nodes, n.Data.Points = append(l.nodes, point), append(n.Data.Points, p)
	}
	for _, name := range sortedKeys(s.Backups) {
		if _, dup := s.Copies[name]; dup {
			l.out.diags.Add(diag.Errorf("LNK001", "store %q has a copy and a backup named %q", id, name).AtAll(sc.pos.At(ptr+ir.Pointer("backups", name)), "declared here").
				AtAll(sc.pos.At(ptr+ir.Pointer("copies", name)), "and here").Fix("rename one of them: both are %q in a requirement", id+"."+name))
			continue
		}
		point, p := l.backupPoint(sc, id, name, s.Backups[name], ptr+ir.Pointer("backups", name))
		l.nodes, n.Data.Points = append(l.nodes, point), append(n.Data.Points, p)
	}
	l.nodes = append(l.nodes, n)
}

// holders are the components that a store stands in. What holds an
// asynchronous copy holds no replica: its data is behind, and somebody has to
// promote it, so it is a recovery point only.
func (l *linker) holders() map[string][]*component {
	current, every := map[string][]*component{}, map[string][]*component{}
	for _, c := range l.clusters {
		for _, comp := range c.comps {
			for _, id := range comp.bound {
				s := l.units.Fleet.Spec.Stores[id]
				every[id] = append(every[id], comp)
				if !l.behind(c, &s) {
					current[id] = append(current[id], comp)
				}
			}
		}
	}
	for id := range every {
		if len(current[id]) > 0 {
			every[id] = current[id]
		}
	}
	return every
}

// standsIn says that a store's declared place is a component that holds it,
// which its holds say as well.
func (l *linker) standsIn(sc scope, in string, holders []*component) bool {
	found := l.names.find(sc, in)
	return in != "" && len(found) == 1 && slices.ContainsFunc(holders, func(c *component) bool { return c.id == found[0].id })
}

// volumes is where the data of a component stands: with its replicas when
// zonal volumes bind them, else anywhere in the cluster. A single holder also
// lends its quorum.
func (comp *component) volumes(store *plans.Node, single bool) []plans.Replica {
	for i := range comp.c.nodes {
		if n := &comp.c.nodes[i]; n.ID == comp.id && !n.Stateless && len(n.Replicas) > 0 && n.Replicas[0].In == "" {
			if single && store.Quorum == 0 {
				store.Quorum = n.Quorum
			}
			return n.Replicas
		}
	}
	return []plans.Replica{{Domains: comp.c.place}}
}

// emptied are the stores that a component brings back, empty, when its cluster
// starts from nothing and no procedure restores them (DESIGN §4, Scenario).
func (comp *component) emptied() []string {
	var out []string
	for _, id := range comp.bound {
		if slices.Contains(comp.c.l.held[id], comp) {
			out = append(out, id)
		}
	}
	return out
}

// lostWith lists the stores that have no replica outside the clusters.
func (l *linker) lostWith(cs ...*cluster) []string {
	if l.units.Fleet == nil {
		return nil
	}
	var out []string
	for _, id := range sortedKeys(l.units.Fleet.Spec.Stores) {
		s, h := l.units.Fleet.Spec.Stores[id], l.held[id]
		outside := slices.ContainsFunc(h, func(comp *component) bool { return !slices.Contains(cs, comp.c) })
		if len(h) > 0 && !outside && l.first(id, plans.KindStore) && (s.Placement == nil || l.standsIn(l.fleetScope(), s.Placement.In, h)) {
			out = append(out, id)
		}
	}
	return out
}

// behind says that the cluster stands where an asynchronous copy is, and no
// synchronous one.
func (l *linker) behind(c *cluster, s *spec.Store) bool {
	async := false
	for _, name := range sortedKeys(s.Copies) {
		if cp := s.Copies[name]; l.domains.overlap(cp.In, c.place) {
			if cp.Mode == "sync" {
				return false
			}
			async = true
		}
	}
	return async
}

func (l *linker) copyPoint(sc scope, store, name string, c spec.Copy, ptr string) (plans.Node, plans.Point) {
	n := l.pointNode(sc, store, name, c.In, ptr)
	p := plans.Point{Node: n.ID, Copy: true, Sync: c.Mode == "sync", Deletes: c.Deletes, At: n.At}
	if !p.Sync {
		p.Lag = c.Lag
		if c.Lag == 0 {
			sc.out.unresolved = append(sc.out.unresolved, plans.Unknown{
				Node: store, What: "the lag of asynchronous copy " + n.ID + " is not declared",
				Settle: "declare lag of copy " + name, At: n.At,
			})
			p.Lag = plans.Forever
		}
	}
	return n, p
}

func (l *linker) backupPoint(sc scope, store, name string, b spec.Backup, ptr string) (plans.Node, plans.Point) {
	n := l.pointNode(sc, store, name, b.In, ptr)
	n.Requires = l.requires(sc, n.ID, &b.Requires, ptr)
	p := plans.Point{
		Node: n.ID, Deletes: false, Immutable: b.Immutable, Every: b.Every, Takes: b.Duration, Keep: b.Retention,
		Restore: b.Restore, Checked: b.Integrity != "", Tested: b.Tested, At: n.At,
	}
	p.Realms = l.resolveDomains(sc, b.Writers, ptr+"/writers")
	if b.Key != "" {
		p.Key, _ = l.credential(sc, n.ID, b.Key, ptr+"/key", plans.KindExternal)
	}
	return n, p
}

func (l *linker) pointNode(sc scope, store, name string, in []string, ptr string) plans.Node {
	ds := l.resolveDomains(sc, in, ptr+"/in")
	return plans.Node{
		ID: store + "/" + name, Kind: plans.KindPoint, Priority: unranked,
		Replicas: []plans.Replica{{Domains: ds, Unknown: len(in) == 0 || len(ds) < len(in)}}, At: sc.pos.At(ptr),
	}
}

// groups collects the consistency groups.
func (l *linker) groups() []plans.Group {
	if l.units.Fleet == nil {
		return nil
	}
	by := map[string][]string{}
	stores := l.units.Fleet.Spec.Stores
	for _, id := range sortedKeys(stores) {
		if g := stores[id].Group; g != "" && l.first(id, plans.KindStore) {
			by[g] = append(by[g], id)
		}
	}
	var out []plans.Group
	for _, g := range sortedKeys(by) {
		out = append(out, plans.Group{ID: g, Stores: by[g], At: l.units.Fleet.Pos.At(ir.Pointer("stores", by[g][0], "group"))})
	}
	return out
}

var suffixes = map[string]float64{
	"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
	"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40, "Pi": 1 << 50, "Ei": 1 << 60,
}

// parseBytes reads a Kubernetes quantity of whole bytes: "500Gi", "1.5T".
func parseBytes(s string) (int64, error) {
	i := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if i < 0 {
		i = len(s)
	}
	v, err := strconv.ParseFloat(s[:i], 64)
	f, ok := suffixes[s[i:]]
	if err != nil || !ok || v*f >= 1<<62 {
		return 0, fmt.Errorf(`%q is not a quantity (want for example "500Gi")`, s)
	}
	return int64(v * f), nil
}

func (l *linker) bytes(sc scope, s, ptr string) int64 {
	if s == "" {
		return 0
	}
	n, err := parseBytes(strings.TrimSuffix(s, "/s"))
	if err != nil {
		sc.out.diags.Add(diag.Errorf("LNK008", "%s", err).AtAll(sc.pos.At(ptr), "this value").Fix(`write a number with one of k M G T Ki Mi Gi Ti, as in "500Gi"`))
	}
	return n
}
