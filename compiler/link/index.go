package link

import (
	"path"
	"strings"
	"sync"

	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/plans"
)

// lookup finds objects of one cluster by what others call them. It is filled only
// while the cluster is linked: memory follows the clusters in flight, and the next
// cluster gets the tables of one that is done.
type lookup struct {
	objects  map[object.Key]entry
	written  map[object.Key]entry  // Secrets and ConfigMaps that a controller will write
	byClass  map[string]*component // provides.classes
	drivers  map[string]*component // CSI driver name
	pods     map[*object.Object]pod
	subjects map[*object.Object][]subject // what webhooks are asked about: the object, and the Pods that it makes
	creates  []creation
	defaults *entry // the default StorageClass
}

type entry struct {
	part *part
	obj  *object.Object
}

// creation is a `creates` pattern of a component.
type creation struct {
	comp    *component
	pattern string
}

// lookups are the empty ones.
var lookups = sync.Pool{New: func() any {
	return &lookup{
		objects: map[object.Key]entry{}, written: map[object.Key]entry{}, byClass: map[string]*component{}, drivers: map[string]*component{},
		pods: map[*object.Object]pod{}, subjects: map[*object.Object][]subject{},
	}
}}

func (ix *lookup) free() {
	clear(ix.objects)
	clear(ix.written)
	clear(ix.byClass)
	clear(ix.drivers)
	clear(ix.pods)
	clear(ix.subjects)
	clear(ix.creates) // or they would keep a cluster that is done
	ix.creates, ix.defaults = ix.creates[:0], nil
	lookups.Put(ix)
}

func (c *cluster) newIndex() *lookup {
	ix := lookups.Get().(*lookup)
	for _, comp := range c.comps {
		for _, cl := range comp.spec.Provides.Classes {
			ix.byClass[cl] = comp
		}
		for _, p := range comp.spec.Creates {
			ix.creates = append(ix.creates, creation{comp, p})
		}
		for _, p := range comp.parts {
			for _, o := range p.objects {
				ix.add(p, o)
			}
		}
	}
	return ix
}

func (ix *lookup) add(p *part, o *object.Object) {
	e := entry{p, o}
	ix.objects[o.Key()] = e
	for _, k := range provides(o) {
		ix.written[k] = e
	}
	ix.subjects[o] = []subject{subjectOf(o)}
	if pod := podOf(o); pod.spec != nil {
		ix.pods[o] = pod
		ix.subjects[o] = append(ix.subjects[o], pod.subject(o.Namespace))
	}
	switch {
	case o.Kind == "CSIDriver":
		ix.drivers[o.Name] = p.comp
	case o.Kind == "StorageClass" && object.String(o.Get("metadata", "annotations", "storageclass.kubernetes.io/is-default-class")) == "true":
		ix.defaults = &e
	}
}

// writes returns the Secret or ConfigMap that a custom resource makes its
// controller write.
func writes(o *object.Object) (object.Key, bool) {
	k := object.Key{Kind: "Secret", Namespace: o.Namespace, Name: o.Name}
	switch kindOf(o) {
	case groupKind{"cert-manager.io", "Certificate"}:
		k.Name = object.String(o.Get("spec", "secretName"))
	case groupKind{"external-secrets.io", "ExternalSecret"}:
		if n := object.String(o.Get("spec", "target", "name")); n != "" {
			k.Name = n
		}
	case groupKind{"bitnami.com", "SealedSecret"}:
		if n := object.String(o.Get("spec", "template", "metadata", "name")); n != "" {
			k.Name = n
		}
	case groupKind{"secrets.hashicorp.com", "VaultStaticSecret"}, groupKind{"secrets.hashicorp.com", "VaultDynamicSecret"}, groupKind{"secrets.hashicorp.com", "VaultPKISecret"}:
		k.Name = object.String(o.Get("spec", "destination", "name"))
	case groupKind{"isindir.github.com", "SopsSecret"}, groupKind{"secretgenerator.mittwald.de", "StringSecret"}:
	default:
		return object.Key{}, false
	}
	return k, k.Name != ""
}

// provides lists every object that o makes appear.
func provides(o *object.Object) []object.Key {
	if k, ok := writes(o); ok {
		return []object.Key{k}
	}
	if o.Kind != "Ingress" || !issuedByAnnotation(o) {
		return nil
	}
	var out []object.Key
	for _, t := range mapsOf(object.Slice(o.Get("spec", "tls"))) {
		if n := object.String(t, "secretName"); n != "" {
			out = append(out, object.Key{Kind: "Secret", Namespace: o.Namespace, Name: n})
		}
	}
	return out
}

func issuedByAnnotation(o *object.Object) bool {
	a := object.Map(o.Get("metadata", "annotations"))
	return a["cert-manager.io/issuer"] != nil || a["cert-manager.io/cluster-issuer"] != nil
}

// created finds the component whose `creates` matches an object.
func (ix *lookup) created(kind, namespace, name string) *component {
	for _, cr := range ix.creates {
		if matchRef(cr.pattern, kind, namespace, name) {
			return cr.comp
		}
	}
	return nil
}

// matchRef matches "Kind/namespace/name" or, for cluster-scoped kinds,
// "Kind/name"; * matches within a segment.
func matchRef(pattern, kind, namespace, name string) bool {
	seg := strings.Split(pattern, "/")
	got := []string{kind, namespace, name}
	switch {
	case len(seg) == 2 && namespace == "":
		got = []string{kind, name}
	case len(seg) == 4: // group first
		seg = seg[1:]
	}
	if len(seg) != len(got) {
		return false
	}
	for i := range seg {
		if ok, err := path.Match(seg[i], got[i]); !ok || err != nil {
			return false
		}
	}
	return true
}

// edge sets. new and kept are the two regimes of etcd: they become needs of
// steps, never of nodes.
type edgeSet uint8

const (
	setRun   edgeSet = iota
	setStart         // to come up, whatever happened to etcd
	setNew           // to come up where etcd starts empty
	setKept          // to come up where etcd survived or was restored
	setOperate
)

// edge is one derived edge of a part.
type edge struct {
	set     edgeSet
	to      plans.Requirement // without reasons
	key     string            // identity of to
	why     *plans.Because
	webhook string // the interception it comes from
}

// req is the edge as a requirement that remembers why.
func (e *edge) req() plans.Requirement { return withWhy(e.to, e.why) }

func withWhy(r plans.Requirement, why *plans.Because) plans.Requirement {
	if r.Op == plans.Ref {
		r.Why = why
		return r
	}
	of := make([]plans.Requirement, len(r.Of))
	for i := range r.Of {
		of[i] = withWhy(r.Of[i], why)
	}
	r.Of = of
	return r
}

func reqKey(r plans.Requirement) string {
	if r.Op == plans.Ref {
		return r.Node
	}
	var b strings.Builder
	b.WriteString(string(r.Op) + "(")
	for i := range r.Of {
		b.WriteString(reqKey(r.Of[i]) + " ")
	}
	return b.String() + ")"
}

// add records an edge once: the first reason stays. Edges inside a part are
// dropped.
func (p *part) add(set edgeSet, to plans.Requirement, webhook string, at plans.Source, reason string) {
	if to.Op == "" || (to.Op == plans.Ref && to.Node == p.id) {
		return
	}
	key := reqKey(to)
	for i := range p.edges {
		if p.edges[i].set == set && p.edges[i].key == key {
			return
		}
	}
	p.edges = append(p.edges, edge{set, to, key, &plans.Because{Reason: reason, Derived: true, At: at}, webhook})
}

// need records a derived edge from p to the node id.
func (p *part) need(set edgeSet, id string, at plans.Source, reason string) {
	p.add(set, ref(id, nil), "", at, reason)
}

func origin(o *object.Object) plans.Source {
	if o.Origin.Pos.IsZero() {
		return nil
	}
	return plans.Source{o.Origin.Pos}
}

func title(o *object.Object) string { return ref3(o) }

// matchRefs matches a pattern against a written reference.
func matchRefs(pattern, object string) bool {
	seg := strings.Split(object, "/")
	switch len(seg) {
	case 2:
		return matchRef(pattern, seg[0], "", seg[1])
	case 3:
		return matchRef(pattern, seg[0], seg[1], seg[2])
	}
	return false
}
