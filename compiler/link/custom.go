package link

import (
	"fmt"

	"github.com/darkstart-dev/darkstart/internal/object"
)

// ingressEdges: an Ingress needs its class to be written and the controller
// of that class to serve.
func (c *cluster) ingressEdges(p *part, o *object.Object) {
	if o.Kind != "Ingress" {
		return
	}
	name := object.String(o.Get("spec", "ingressClassName"))
	if name == "" {
		name = object.String(o.Get("metadata", "annotations", "kubernetes.io/ingress.class"))
	}
	if name == "" {
		return
	}
	if e, ok := c.ix.objects[object.Key{Group: "networking.k8s.io", Kind: "IngressClass", Name: name}]; ok {
		p.need(setNew, e.part.id, origin(o), fmt.Sprintf("%s has ingress class %s of %s", title(o), name, e.part.comp.id))
		p.comp.run.need(setRun, e.part.comp.id, origin(o), fmt.Sprintf("%s is served by %s", title(o), e.part.comp.id))
		return
	}
	if comp := c.ix.byClass[name]; comp != nil {
		p.need(setNew, comp.id, origin(o), fmt.Sprintf("%s has ingress class %s of %s", title(o), name, comp.id))
		p.comp.run.need(setRun, comp.id, origin(o), fmt.Sprintf("%s is served by %s", title(o), comp.id))
		return
	}
	c.unknown(p, fmt.Sprintf("ingress class %s, used by %s, is in no component of %s", name, title(o), c.name), origin(o),
		fmt.Sprintf("add the IngressClass to a component, or declare provides: classes: [%q]", name))
}

// customEdges reads the custom resources whose references are well known.
func (c *cluster) customEdges(p *part, o *object.Object) {
	switch kindOf(o) {
	case groupKind{"cert-manager.io", "Certificate"}:
		c.issuerEdge(p, o, object.Map(o.Get("spec", "issuerRef")))
	case groupKind{"external-secrets.io", "ExternalSecret"}:
		c.secretStoreEdge(p, o)
	case groupKind{"gateway.networking.k8s.io", "Gateway"}:
		c.gatewayClassEdge(p, o)
	case groupKind{"gateway.networking.k8s.io", "HTTPRoute"}, groupKind{"gateway.networking.k8s.io", "GRPCRoute"}, groupKind{"gateway.networking.k8s.io", "TLSRoute"}:
		c.routeEdges(p, o)
	case groupKind{"source.toolkit.fluxcd.io", "GitRepository"}, groupKind{"source.toolkit.fluxcd.io", "OCIRepository"}, groupKind{"source.toolkit.fluxcd.io", "HelmRepository"}:
		c.sourceEdge(p, o)
	}
	if p == p.comp.run {
		c.standInEdges(p, o)
	}
}

func (c *cluster) issuerEdge(p *part, o *object.Object, r map[string]any) {
	group, kind, name := object.String(r, "group"), object.String(r, "kind"), object.String(r, "name")
	if group == "" {
		group = "cert-manager.io"
	}
	if kind == "" {
		kind = "Issuer"
	}
	k := object.Key{Group: group, Kind: kind, Namespace: o.Namespace, Name: name}
	c.refEdge(p, o, "issuer", k)
}

// refEdge: p needs the custom resource that o refers to, in its namespace or
// cluster-scoped.
func (c *cluster) refEdge(p *part, o *object.Object, what string, k object.Key) (entry, bool) {
	e, ok := c.ix.objects[k]
	if !ok {
		cluster := k
		cluster.Namespace = ""
		e, ok = c.ix.objects[cluster]
	}
	if ok {
		if e.part != p {
			p.need(setNew, e.part.id, origin(o), fmt.Sprintf("%s uses %s %s of %s", title(o), what, k.Name, e.part.comp.id))
		}
		return e, true
	}
	if comp := c.ix.created(k.Kind, k.Namespace, k.Name); comp != nil {
		p.need(setNew, comp.id, origin(o), fmt.Sprintf("%s uses %s %s, which %s creates", title(o), what, k.Name, comp.id))
		return e, false
	}
	c.unknown(p, fmt.Sprintf("%s %s, used by %s, is in no component of %s", what, k.Name, title(o), c.name), origin(o),
		fmt.Sprintf("add the %s to a component, or declare creates", k.Kind))
	return e, false
}

// secretStoreEdge: an ExternalSecret needs its store, and what the store reads
// from, before the Secret exists.
func (c *cluster) secretStoreEdge(p *part, o *object.Object) {
	r := object.Map(o.Get("spec", "secretStoreRef"))
	name, kind := object.String(r, "name"), object.String(r, "kind")
	if name == "" {
		return
	}
	if kind == "" {
		kind = "SecretStore"
	}
	k := object.Key{Group: "external-secrets.io", Kind: kind, Namespace: o.Namespace, Name: name}
	if kind == "ClusterSecretStore" {
		k.Namespace = ""
	}
	e, ok := c.refEdge(p, o, "secret store", k)
	if !ok {
		return
	}
	found := false
	walkStrings(object.Map(e.obj.Get("spec", "provider")), func(s string) {
		host := urlHost(s)
		if host == "" {
			return
		}
		if to := c.l.hosts.target(host, c.name); to.Op != "" {
			found = true
			p.add(setNew, to, "", origin(e.obj), fmt.Sprintf("%s reads from %s through secret store %s", title(o), host, name))
		} else if comp := c.service(host, e.obj.Namespace); comp != nil {
			found = true
			p.need(setNew, comp.id, origin(e.obj), fmt.Sprintf("%s reads from %s through secret store %s", title(o), comp.id, name))
		} else if foreign(host) {
			found = true
			c.impliedHosts = append(c.impliedHosts, host)
			p.need(setNew, host, origin(e.obj), fmt.Sprintf("%s reads from %s through secret store %s", title(o), host, name))
		}
	})
	if !found && e.part.comp.spec.Requires.Start == nil && p.comp.spec.Requires.Start == nil {
		c.unknown(p, fmt.Sprintf("what %s %s reads from is not named by a host", kind, name), origin(e.obj),
			fmt.Sprintf("declare requires: start: [<the secret store's node>] on %s", e.part.comp.id))
	}
}

// walkStrings visits every string of a value, maps in the order of their keys.
func walkStrings(v any, f func(string)) {
	switch x := v.(type) {
	case string:
		f(x)
	case []any:
		for _, e := range x {
			walkStrings(e, f)
		}
	case map[string]any:
		for _, k := range sortedKeys(x) {
			walkStrings(x[k], f)
		}
	}
}

func (c *cluster) gatewayClassEdge(p *part, o *object.Object) {
	name := object.String(o.Get("spec", "gatewayClassName"))
	if name == "" {
		return
	}
	var comp *component
	if e, ok := c.ix.objects[object.Key{Group: "gateway.networking.k8s.io", Kind: "GatewayClass", Name: name}]; ok {
		comp = e.part.comp
		if e.part != p {
			p.need(setNew, e.part.id, origin(o), fmt.Sprintf("%s has gateway class %s of %s", title(o), name, comp.id))
		}
	} else if comp = c.ix.byClass[name]; comp == nil {
		c.unknown(p, fmt.Sprintf("gateway class %s, used by %s, is in no component of %s", name, title(o), c.name), origin(o),
			fmt.Sprintf("add the GatewayClass to a component, or declare provides: classes: [%q]", name))
		return
	}
	p.comp.run.need(setRun, comp.id, origin(o), fmt.Sprintf("%s is served by %s", title(o), comp.id))
}

// routeEdges: a route serves through the Gateway it attaches to.
func (c *cluster) routeEdges(p *part, o *object.Object) {
	for _, r := range mapsOf(object.Slice(o.Get("spec", "parentRefs"))) {
		ns := object.String(r, "namespace")
		if ns == "" {
			ns = o.Namespace
		}
		name := object.String(r, "name")
		if k := object.String(r, "kind"); k != "" && k != "Gateway" {
			continue
		}
		e, ok := c.ix.objects[object.Key{Group: "gateway.networking.k8s.io", Kind: "Gateway", Namespace: ns, Name: name}]
		if !ok {
			c.unknown(p, fmt.Sprintf("gateway %s/%s, used by %s, is in no component of %s", ns, name, title(o), c.name), origin(o),
				"add the Gateway to a component, or declare creates")
			continue
		}
		p.comp.run.need(setRun, e.part.comp.id, origin(o), fmt.Sprintf("%s is served by gateway %s/%s of %s", title(o), ns, name, e.part.comp.id))
	}
}

// sourceEdge: a GitOps source needs the host it is pulled from.
func (c *cluster) sourceEdge(p *part, o *object.Object) {
	if host := urlHost(object.String(o.Get("spec", "url"))); host != "" {
		to := c.l.hosts.target(host, c.name)
		if to.Op == "" && foreign(host) {
			c.impliedHosts = append(c.impliedHosts, host)
			to = ref(host, nil)
		}
		p.comp.run.add(setRun, to, "", origin(o), fmt.Sprintf("%s is pulled from %s", title(o), host))
	}
}

// standInEdges reads storage classes and images from a custom resource that
// stands for a workload, wherever its kind puts them.
func (c *cluster) standInEdges(p *part, o *object.Object) {
	var walk func(v any)
	walk = func(v any) {
		switch x := v.(type) {
		case []any:
			for _, e := range x {
				walk(e)
			}
		case map[string]any:
			for _, k := range sortedKeys(x) {
				s, isString := x[k].(string)
				switch {
				case isString && s != "" && (k == "storageClassName" || k == "storageClass"):
					c.storageEdge(p, o, map[string]any{"storageClassName": s})
				case isString && s != "" && (k == "image" || k == "imageName"):
					c.imageEdge(p, o, s)
				default:
					walk(x[k])
				}
			}
		}
	}
	if c.ix.pods[o].spec == nil {
		walk(object.Map(o.Get("spec")))
	}
	if sa := object.String(o.Get("spec", "serviceAccountName")); sa != "" {
		c.serviceAccountEdge(p, o, sa)
	}
}
