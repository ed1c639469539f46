package link

import (
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
)

type groupKind struct{ group, kind string }

func kindOf(o *object.Object) groupKind { return groupKind{o.Group(), o.Kind} }

// definer is what makes a kind known: a component's CRDs, its APIService, or
// its declared `provides.kinds`.
type definer struct {
	comp   *component
	part   ir.PartName
	plural string // the resource name, "" when no CRD says it
}

// classify sorts every object of the cluster into its part (DESIGN §4, Parts).
func (c *cluster) classify() {
	c.findKinds()
	c.findWebhooks()
	c.heldRefs = c.held()
	c.tenants = c.newTenancy()
	c.served = map[string]string{}
	for _, comp := range c.comps {
		parts := map[ir.PartName]*part{}
		get := func(name ir.PartName) *part {
			p := parts[name]
			if p == nil {
				p = &part{comp: comp, name: name, id: comp.id + "@" + string(name)}
				if name == ir.PartRun {
					p.id = comp.id
				}
				parts[name] = p
				c.byNode[p.id] = p
			}
			return p
		}
		comp.run = get(ir.PartRun)
		stands := newStandIns(c, comp)
		for _, o := range comp.objects {
			p := get(c.partOf(comp, o, stands))
			p.objects = append(p.objects, o)
		}
		for _, name := range sortedKeys(parts) {
			slices.SortStableFunc(parts[name].objects, func(a, b *object.Object) int { return a.Key().Compare(b.Key()) })
			comp.parts = append(comp.parts, parts[name])
		}
		c.serveHosts(comp)
	}
}

// findKinds collects who defines which kind in this cluster.
func (c *cluster) findKinds() {
	for _, comp := range c.comps {
		for _, k := range comp.spec.Provides.Kinds {
			c.kinds[parseKind(k)] = definer{comp, ir.PartRun, ""}
		}
	}
	for _, comp := range c.comps {
		for _, o := range comp.objects {
			switch {
			case o.Kind == "Namespace" && o.Group() == "":
				c.noteNamespace(o)
			case o.Kind == "CustomResourceDefinition" && o.Group() == "apiextensions.k8s.io":
				gk := groupKind{object.String(o.Get("spec", "group")), object.String(o.Get("spec", "names", "kind"))}
				c.kinds[gk] = definer{comp, ir.PartDefs, object.String(o.Get("spec", "names", "plural"))}
			case o.Kind == "APIService" && o.Get("spec", "service") != nil:
				c.kinds[groupKind{object.String(o.Get("spec", "group")), "*"}] = definer{comp, ir.PartHooks, ""}
			}
		}
	}
}

// parseKind reads "Kind", "Kind.group" or "group/Kind".
func parseKind(s string) groupKind {
	if g, k, ok := strings.Cut(s, "/"); ok {
		return groupKind{g, k}
	}
	k, g, _ := strings.Cut(s, ".")
	return groupKind{g, k}
}

// definerOf returns who defines the kind; false for built-in and unknown kinds.
func (c *cluster) definerOf(gk groupKind) (definer, bool) {
	for _, k := range []groupKind{gk, {gk.group, "*"}, {"", gk.kind}} {
		if d, ok := c.kinds[k]; ok && (k.group != "" || !builtin(gk)) {
			return d, true
		}
	}
	return definer{}, false
}

// partOf decides the part of one object.
func (c *cluster) partOf(comp *component, o *object.Object, stands *standIns) ir.PartName {
	if o.Hook != nil {
		return hookPart(o.Hook)
	}
	switch {
	case c.tenants.circular(comp, o):
		return ir.PartAccess
	case isDefinition(o):
		return ir.PartDefs
	case isHook(o):
		return ir.PartHooks
	}
	gk := kindOf(o)
	if d, ok := c.definerOf(gk); ok {
		switch {
		case stands.has(o):
			return ir.PartRun
		case d.comp == comp:
			return ir.PartOwn
		}
		return ir.PartExtras(d.comp.name)
	}
	if !builtin(gk) {
		if stands.has(o) {
			return ir.PartRun
		}
		return ir.PartOwn
	}
	if serving(gk) {
		return ir.PartRun
	}
	if w := c.interceptor(o); w != nil {
		if w.config == comp {
			return ir.PartOwn
		}
		return ir.PartExtras(w.config.name)
	}
	return ir.PartRun
}

// hookPart places a Helm hook. pre-* runs before the workloads and post-*
// after them; whatever else is left (tests) goes with post.
func hookPart(h *object.Hook) ir.PartName {
	for _, e := range h.Events {
		if strings.HasPrefix(e, "pre-") {
			return ir.PartPre
		}
	}
	return ir.PartPost
}

func isDefinition(o *object.Object) bool {
	switch o.Group() {
	case "":
		return o.Kind == "Namespace" || o.Kind == "ServiceAccount" || o.Kind == "ResourceQuota" || o.Kind == "LimitRange"
	case "apiextensions.k8s.io", "rbac.authorization.k8s.io", "scheduling.k8s.io", "node.k8s.io":
		return true
	case "storage.k8s.io":
		return o.Kind == "StorageClass" || o.Kind == "CSIDriver" || o.Kind == "VolumeAttributesClass"
	case "networking.k8s.io":
		return o.Kind == "IngressClass"
	case "gateway.networking.k8s.io":
		return false // a GatewayClass is a custom resource of whoever installs the CRDs
	}
	return false
}

func isHook(o *object.Object) bool {
	switch o.Group() {
	case "admissionregistration.k8s.io", "apiregistration.k8s.io":
		return true
	}
	return false
}

// serving lists built-in kinds that are the workload itself: they stay in run
// even when a webhook intercepts them, because run is what a requirement means.
func serving(gk groupKind) bool {
	switch gk.group {
	case "":
		return true
	case "apps", "batch", "autoscaling", "policy":
		return true
	}
	return false
}

// standIns finds custom resources that stand for workloads: held by a store,
// named by a gate, or creating Pods.
type standIns struct {
	held, gated map[string]bool // Kind/namespace/name
}

func newStandIns(c *cluster, comp *component) *standIns {
	s := &standIns{held: c.heldRefs, gated: map[string]bool{}}
	for _, g := range comp.spec.Gates {
		s.gated[g.Object] = true
	}
	return s
}

// held collects what stores hold in this cluster.
func (c *cluster) held() map[string]bool {
	out := map[string]bool{}
	if c.l.units.Fleet == nil {
		return out
	}
	for _, st := range c.l.units.Fleet.Spec.Stores {
		for _, h := range st.Holds {
			out[strings.TrimPrefix(h, c.name+"/")] = true
		}
	}
	return out
}

func (s *standIns) has(o *object.Object) bool {
	k := ref3(o)
	return s.held[k] || s.gated[k] && !definesOnly(o) || createsPods(o)
}

// definesOnly says that a gate on the object waits for a definition or a
// credential and not for a workload: gating a Certificate does not make it one.
func definesOnly(o *object.Object) bool {
	_, ok := writes(o)
	return ok
}

// ref3 is "Kind/namespace/name", with an empty namespace for cluster-scoped
// objects left out as users write it.
func ref3(o *object.Object) string {
	if o.Namespace == "" {
		return o.Kind + "/" + o.Name
	}
	return o.Kind + "/" + o.Namespace + "/" + o.Name
}

// podMakers are well-known custom resources whose controllers create Pods.
var podMakers = map[groupKind]bool{
	{"monitoring.coreos.com", "Prometheus"}: true, {"monitoring.coreos.com", "PrometheusAgent"}: true,
	{"monitoring.coreos.com", "Alertmanager"}: true, {"monitoring.coreos.com", "ThanosRuler"}: true,
	{"postgresql.cnpg.io", "Cluster"}: true, {"postgresql.cnpg.io", "Pooler"}: true, {"acid.zalan.do", "postgresql"}: true,
	{"kafka.strimzi.io", "Kafka"}: true, {"kafka.strimzi.io", "KafkaNodePool"}: true, {"kafka.strimzi.io", "KafkaConnect"}: true,
	{"elasticsearch.k8s.elastic.co", "Elasticsearch"}: true, {"kibana.k8s.elastic.co", "Kibana"}: true,
	{"opensearch.opster.io", "OpenSearchCluster"}: true, {"rabbitmq.com", "RabbitmqCluster"}: true,
	{"redis.redis.opstreelabs.in", "RedisCluster"}: true, {"databases.spotahome.com", "RedisFailover"}: true,
	{"ceph.rook.io", "CephCluster"}: true, {"ceph.rook.io", "CephObjectStore"}: true, {"ceph.rook.io", "CephFilesystem"}: true,
	{"mysql.oracle.com", "InnoDBCluster"}: true, {"pxc.percona.com", "PerconaXtraDBCluster"}: true,
	{"psmdb.percona.com", "PerconaServerMongoDB"}: true, {"mongodbcommunity.mongodb.com", "MongoDBCommunity"}: true,
	{"k8s.mariadb.com", "MariaDB"}: true, {"minio.min.io", "Tenant"}: true, {"scylla.scylladb.com", "ScyllaCluster"}: true,
	{"serving.knative.dev", "Service"}: true, {"argoproj.io", "Rollout"}: true, {"operator.tigera.io", "Installation"}: true,
	{"cassandra.datastax.com", "CassandraDatacenter"}: true, {"tempo.grafana.com", "TempoStack"}: true, {"loki.grafana.com", "LokiStack"}: true,
	{"opentelemetry.io", "OpenTelemetryCollector"}: true, {"jaegertracing.io", "Jaeger"}: true, {"vault.banzaicloud.com", "Vault"}: true,
}

// createsPods knows a workload by kind, or by a Pod template in its spec.
func createsPods(o *object.Object) bool {
	if podMakers[kindOf(o)] {
		return true
	}
	return object.Slice(o.Get("spec", "template", "spec", "containers")) != nil
}
