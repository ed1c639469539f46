package link

import (
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/plans"
)

const zoneLabel = "topology.kubernetes.io/zone"

// spread is where the replicas of one workload stand, as far as its manifest
// guarantees it.
type spread struct {
	replicas []plans.Replica
	distinct int  // zones that are guaranteed to differ
	bound    bool // zonal volumes hold the replicas where they are
	state    bool // has volumes that outlive its Pods
}

// placement combines the workloads of a component: it is as available as the
// one whose replicas are least spread (DESIGN §4, Replicas and zones).
func (c *cluster) placement(comp *component) (out spread, found bool) {
	for _, o := range comp.run.objects {
		s, ok := c.spreadOf(comp, o)
		if !ok {
			continue
		}
		state, bound := out.state || s.state, out.bound || s.bound
		if !found || s.distinct < out.distinct || s.distinct == out.distinct && len(s.replicas) < len(out.replicas) {
			out = s
		}
		out.state, out.bound, found = state, bound, true
	}
	for _, o := range comp.run.objects {
		if o.Kind == "PersistentVolumeClaim" && o.Group() == "" {
			out.state = true
			out.bound = out.bound || c.zonal(object.Map(o.Get("spec")))
		}
	}
	return out, found
}

// spreadOf places one workload; false for what is no long-running workload or
// is scaled to zero.
func (c *cluster) spreadOf(comp *component, o *object.Object) (spread, bool) {
	pod := c.ix.pods[o]
	if pod.spec == nil {
		if !createsPods(o) || builtin(kindOf(o)) {
			return spread{}, false
		}
		return c.standIn(o), true
	}
	if o.Group() == "batch" {
		return spread{}, false
	}
	s := spread{}
	for _, t := range mapsOf(object.Slice(o.Get("spec", "volumeClaimTemplates"))) {
		s.state = true
		s.bound = s.bound || c.zonal(object.Map(t, "spec"))
	}
	zones := c.zonesFor(pod.spec)
	if o.Kind == "DaemonSet" {
		s.distinct = len(zones)
		s.replicas = inEach(zones, len(zones))
		return s, true
	}
	n := c.count(comp, o)
	if n == 0 {
		return spread{}, false
	}
	c.spreadOver(&s, zones, n, guaranteed(pod.spec, pod.labels))
	return s, true
}

// spreadOver places n replicas: in a zone each when the manifest guarantees
// it, else pessimistically in whichever zone fails.
func (c *cluster) spreadOver(s *spread, zones []string, n int, guaranteed bool) {
	if guaranteed && c.spreadable() && len(zones) > 1 {
		s.distinct = min(n, len(zones))
		s.replicas = inEach(zones, n)
		return
	}
	s.distinct = 1
	s.replicas = make([]plans.Replica, n)
	for i := range s.replicas {
		s.replicas[i] = plans.Replica{Domains: zones}
	}
}

func inEach(zones []string, n int) []plans.Replica {
	out := make([]plans.Replica, n)
	for i := range out {
		out[i] = plans.Replica{Domains: []string{zones[i%len(zones)]}}
	}
	return out
}

// standIn places a custom resource that stands for a workload: its fields are
// those most operators agree on; spread is never assumed of them.
func (c *cluster) standIn(o *object.Object) spread {
	n := 1
	for _, f := range []string{"instances", "replicas", "size"} {
		if v, ok := object.Int(o.Get("spec", f)); ok && v > 0 {
			n = int(v)
			break
		}
	}
	s := spread{state: o.Get("spec", "storage") != nil || o.Get("spec", "volumeClaimTemplates") != nil}
	s.bound = s.state
	affinity := object.Map(o.Get("spec", "affinity"))
	required := object.String(affinity, "topologyKey") == zoneLabel && object.String(affinity, "podAntiAffinityType") == "required"
	pod := map[string]any{"affinity": affinity, "topologySpreadConstraints": o.Get("spec", "topologySpreadConstraints")}
	c.spreadOver(&s, c.zones, n, required || guaranteed(pod, nil))
	return s
}

// count is the number of replicas: the spec's override, else the least that an
// autoscaler keeps, else what the manifest says, else 1.
func (c *cluster) count(comp *component, o *object.Object) int {
	if n, ok := comp.spec.Set.Replicas[o.Name]; ok {
		return n
	}
	for _, h := range comp.run.objects {
		if h.Kind == "HorizontalPodAutoscaler" && h.Namespace == o.Namespace &&
			object.String(h.Get("spec", "scaleTargetRef", "name")) == o.Name && object.String(h.Get("spec", "scaleTargetRef", "kind")) == o.Kind {
			if n, ok := object.Int(h.Get("spec", "minReplicas")); ok {
				return int(n)
			}
			return 1
		}
	}
	if n, ok := object.Int(o.Get("spec", "replicas")); ok {
		return int(n)
	}
	return 1
}

// guaranteed reports a required spread over zones that selects the Pods
// themselves. Preferred rules and ScheduleAnyway promise nothing.
func guaranteed(pod, labels map[string]any) bool {
	for _, t := range mapsOf(object.Slice(pod, "topologySpreadConstraints")) {
		when := object.String(t, "whenUnsatisfiable")
		if object.String(t, "topologyKey") == zoneLabel && (when == "" || when == "DoNotSchedule") && covers(t, labels) {
			return true
		}
	}
	for _, t := range mapsOf(object.Slice(pod, "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution")) {
		if object.String(t, "topologyKey") == zoneLabel && covers(t, labels) {
			return true
		}
	}
	return false
}

// covers reports whether a rule's selector matches the Pods it stands on; a
// rule about other Pods spreads nothing. Labels of stand-ins are unknown.
func covers(rule, labels map[string]any) bool {
	sel, ok := rule["labelSelector"].(map[string]any)
	if labels == nil {
		return true
	}
	return ok && selects(sel, labels)
}

// zonesFor narrows the cluster's zones by what the Pod requires of its node.
func (c *cluster) zonesFor(pod map[string]any) []string {
	allowed := func(values ...string) []string {
		out := slices.DeleteFunc(slices.Clone(c.zones), func(z string) bool { return !slices.Contains(values, z) })
		if len(out) == 0 {
			return c.zones
		}
		return out
	}
	if z, ok := object.Map(pod, "nodeSelector")[zoneLabel].(string); ok {
		return allowed(z)
	}
	terms := mapsOf(object.Slice(pod, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"))
	var values []string
	for _, t := range terms {
		for _, e := range mapsOf(object.Slice(t, "matchExpressions")) {
			if object.String(e, "key") == zoneLabel && object.String(e, "operator") == "In" {
				for _, v := range object.Slice(e, "values") {
					if s, ok := v.(string); ok {
						values = append(values, s)
					}
				}
			}
		}
	}
	if len(values) == 0 {
		return c.zones
	}
	return allowed(values...)
}

// replicated are provisioners whose volumes can be attached in every zone.
var replicated = map[string]bool{
	"driver.longhorn.io": true, "efs.csi.aws.com": true, "nfs.csi.k8s.io": true, "file.csi.azure.com": true,
	"filestore.csi.storage.gke.io": true, "smb.csi.k8s.io": true, "io.openebs.csi-mayastor": true, "pxd.portworx.com": true,
}

// zonal reports whether a claim's volume can only be attached where it was
// made. Unless the manifest says otherwise, it can (pessimistic).
func (c *cluster) zonal(claim map[string]any) bool {
	for _, m := range object.Slice(claim, "accessModes") {
		if m == "ReadWriteMany" {
			return false
		}
	}
	name := object.String(claim, "storageClassName")
	e, ok := c.ix.objects[object.Key{Group: "storage.k8s.io", Kind: "StorageClass", Name: name}]
	if name == "" && c.ix.defaults != nil {
		e, ok = *c.ix.defaults, true
	}
	if !ok {
		return true
	}
	prov := object.String(e.obj.Get("provisioner"))
	params := object.Map(e.obj.Get("parameters"))
	sku, _ := params["skuName"].(string)
	return !replicated[prov] && !strings.HasSuffix(prov, "rbd.csi.ceph.com") && !strings.HasSuffix(prov, "cephfs.csi.ceph.com") &&
		params["replication-type"] != "regional-pd" && !strings.HasSuffix(sku, "_ZRS")
}
