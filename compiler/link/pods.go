package link

import (
	"fmt"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/plans"
)

// podEdges reads what a Pod needs to start and to run.
func (c *cluster) podEdges(p *part, o *object.Object, pod map[string]any) {
	containers(pod, func(ct map[string]any) {
		if img := object.String(ct, "image"); img != "" {
			c.imageEdge(p, o, img)
		}
		c.envEdges(p, o, ct)
	})
	for _, s := range mapsOf(object.Slice(pod, "imagePullSecrets")) {
		c.mountEdge(p, o, "Secret", object.String(s, "name"), false)
	}
	for _, v := range mapsOf(object.Slice(pod, "volumes")) {
		c.volumeEdges(p, o, v)
	}
	c.serviceAccountEdge(p, o, object.String(pod, "serviceAccountName"))
	c.classEdge(p, o, "scheduling.k8s.io", "PriorityClass", object.String(pod, "priorityClassName"))
	c.classEdge(p, o, "node.k8s.io", "RuntimeClass", object.String(pod, "runtimeClassName"))
}

// imageEdge: an image is pulled from the registry that its reference names.
func (c *cluster) imageEdge(p *part, o *object.Object, image string) {
	host := imageHost(image)
	to := c.l.hosts.target(host, c.name)
	if to.Op == "" {
		c.impliedHosts = append(c.impliedHosts, host)
		to = ref(host, nil)
	}
	p.add(setStart, to, "", origin(o), fmt.Sprintf("%s's image is pulled from %s", title(o), host))
}

// imageHost follows the reference grammar: the part before the first slash is
// a host when it looks like one, else the image is Docker Hub's.
func imageHost(image string) string {
	first, _, ok := strings.Cut(image, "/")
	if ok && (strings.ContainsAny(first, ".:") || first == "localhost") {
		return strings.ToLower(first)
	}
	return "docker.io"
}

func (c *cluster) envEdges(p *part, o *object.Object, ct map[string]any) {
	for _, e := range mapsOf(object.Slice(ct, "env")) {
		c.hostsIn(p.comp.run, o, object.String(e, "value"))
		for _, kind := range []string{"Secret", "ConfigMap"} {
			r := object.Map(e, "valueFrom", lowerFirst(kind)+"KeyRef")
			c.mountEdge(p, o, kind, object.String(r, "name"), r["optional"] == true)
		}
	}
	for _, e := range mapsOf(object.Slice(ct, "envFrom")) {
		for _, kind := range []string{"Secret", "ConfigMap"} {
			r := object.Map(e, lowerFirst(kind)+"Ref")
			c.mountEdge(p, o, kind, object.String(r, "name"), r["optional"] == true)
		}
	}
	for _, field := range []string{"command", "args"} {
		for _, a := range object.Slice(ct, field) {
			if s, ok := a.(string); ok {
				c.hostsIn(p.comp.run, o, s)
			}
		}
	}
}

func (c *cluster) volumeEdges(p *part, o *object.Object, v map[string]any) {
	source := func(v map[string]any) {
		if s := object.Map(v, "secret"); s != nil {
			name := object.String(s, "secretName")
			if name == "" {
				name = object.String(s, "name") // projected
			}
			c.mountEdge(p, o, "Secret", name, s["optional"] == true)
		}
		if m := object.Map(v, "configMap"); m != nil {
			c.mountEdge(p, o, "ConfigMap", object.String(m, "name"), m["optional"] == true)
		}
	}
	source(v)
	for _, s := range mapsOf(object.Slice(v, "projected", "sources")) {
		source(s)
	}
	if d := object.String(v, "csi", "driver"); d != "" {
		c.driverEdge(p, o, d)
	}
	if t := object.Map(v, "ephemeral", "volumeClaimTemplate", "spec"); t != nil {
		c.storageEdge(p, o, t)
	}
}

// mountEdge: a mounted Secret or ConfigMap needs who writes it.
func (c *cluster) mountEdge(p *part, o *object.Object, kind, name string, optional bool) {
	if name == "" || optional || (kind == "ConfigMap" && name == "kube-root-ca.crt") {
		return
	}
	k := object.Key{Kind: kind, Namespace: o.Namespace, Name: name}
	reason := fmt.Sprintf("%s uses %s %s", title(o), kind, name)
	if e, ok := c.ix.objects[k]; ok {
		if e.part != p {
			p.need(setNew, e.part.id, origin(o), reason+" of "+e.part.comp.id)
		}
		return
	}
	if e, ok := c.ix.written[k]; ok {
		p.need(setNew, e.part.id, origin(o), reason+", which "+title(e.obj)+" writes")
		return
	}
	if comp := c.ix.created(kind, o.Namespace, name); comp != nil {
		p.need(setNew, comp.id, origin(o), reason+", which "+comp.id+" creates")
		return
	}
	c.unknown(p, fmt.Sprintf("%s %s/%s, used by %s, is written by no component of %s", kind, o.Namespace, name, title(o), c.name), origin(o),
		fmt.Sprintf("declare creates: [%q] on the component that writes it", kind+"/"+o.Namespace+"/"+name))
}

func (c *cluster) serviceAccountEdge(p *part, o *object.Object, name string) {
	if name == "" || name == "default" {
		return
	}
	e, ok := c.ix.objects[object.Key{Kind: "ServiceAccount", Namespace: o.Namespace, Name: name}]
	switch {
	case ok && e.part != p:
		p.need(setNew, e.part.id, origin(o), fmt.Sprintf("%s runs as service account %s of %s", title(o), name, e.part.comp.id))
	case !ok:
		comp := c.ix.created("ServiceAccount", o.Namespace, name)
		if comp != nil {
			p.need(setNew, comp.id, origin(o), fmt.Sprintf("%s runs as service account %s, which %s creates", title(o), name, comp.id))
			return
		}
		if builtinNamespaces[o.Namespace] && strings.HasPrefix(name, "system:") {
			return
		}
		c.unknown(p, fmt.Sprintf("service account %s/%s, used by %s, is in no component of %s", o.Namespace, name, title(o), c.name), origin(o),
			"add the ServiceAccount to a component, or declare creates")
	}
}

// classEdge: priority and runtime classes.
func (c *cluster) classEdge(p *part, o *object.Object, group, kind, name string) {
	if name == "" || (kind == "PriorityClass" && strings.HasPrefix(name, "system-")) {
		return
	}
	if e, ok := c.ix.objects[object.Key{Group: group, Kind: kind, Name: name}]; ok {
		if e.part != p {
			p.need(setNew, e.part.id, origin(o), fmt.Sprintf("%s uses %s %s of %s", title(o), kind, name, e.part.comp.id))
		}
		return
	}
	if comp := c.ix.byClass[name]; comp != nil {
		p.need(setNew, comp.id, origin(o), fmt.Sprintf("%s uses %s %s of %s", title(o), kind, name, comp.id))
		return
	}
	c.unknown(p, fmt.Sprintf("%s %s, used by %s, is in no component of %s", kind, name, title(o), c.name), origin(o),
		fmt.Sprintf("add the %s to a component, or declare provides: classes: [%q]", kind, name))
}

// storageEdge: a volume needs its class and the driver that provisions it.
func (c *cluster) storageEdge(p *part, o *object.Object, claim map[string]any) {
	if object.String(claim, "volumeName") != "" {
		return // bound to a volume by name
	}
	name, written := claim["storageClassName"].(string)
	if written && name == "" {
		return // no dynamic provisioning
	}
	e, ok := c.ix.objects[object.Key{Group: "storage.k8s.io", Kind: "StorageClass", Name: name}]
	if !written && c.ix.defaults != nil {
		e, ok = *c.ix.defaults, true
	}
	switch {
	case ok:
		if e.part != p {
			p.need(setNew, e.part.id, origin(o), fmt.Sprintf("%s has a volume of storage class %s", title(o), e.obj.Name))
		}
		c.provisionerEdge(p, o, e)
	case c.ix.byClass[name] != nil:
		p.need(setStart, c.ix.byClass[name].id, origin(o), fmt.Sprintf("%s provides storage class %s of %s", c.ix.byClass[name].id, name, title(o)))
	case c.distributionClass(name):
		p.need(setStart, c.node("@api"), origin(o), "the distribution provides storage class "+name)
	default:
		if !written {
			name = "(default)"
		}
		c.unknown(p, fmt.Sprintf("storage class %s, used by %s, is in no component of %s", name, title(o), c.name), origin(o),
			"add the StorageClass to a component, or declare storageClasses of the cluster")
	}
}

func (c *cluster) provisionerEdge(p *part, o *object.Object, class entry) {
	prov := object.String(class.obj.Get("provisioner"))
	if prov == "" || prov == "kubernetes.io/no-provisioner" {
		return
	}
	if d := c.ix.drivers[prov]; d != nil {
		p.need(setStart, d.id, origin(o), fmt.Sprintf("%s has a volume that CSI driver %s of %s provisions", title(o), prov, d.id))
		return
	}
	p.need(setStart, class.part.comp.id, origin(o), fmt.Sprintf("%s has a volume of storage class %s of %s", title(o), class.obj.Name, class.part.comp.id))
}

func (c *cluster) driverEdge(p *part, o *object.Object, driver string) {
	if d := c.ix.drivers[driver]; d != nil {
		p.need(setStart, d.id, origin(o), fmt.Sprintf("%s mounts a volume of CSI driver %s", title(o), driver))
		return
	}
	if d := c.ix.byClass[driver]; d != nil {
		p.need(setStart, d.id, origin(o), fmt.Sprintf("%s mounts a volume of CSI driver %s", title(o), driver))
		return
	}
	c.unknown(p, fmt.Sprintf("CSI driver %s, used by %s, is in no component of %s", driver, title(o), c.name), origin(o),
		fmt.Sprintf("add the CSIDriver to a component, or declare provides: classes: [%q]", driver))
}

// refs names nodes without saying why; an edge adds the reason.
func refs(ids []string) []plans.Requirement {
	out := make([]plans.Requirement, len(ids))
	for i, id := range ids {
		out[i] = ref(id, nil)
	}
	return out
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
