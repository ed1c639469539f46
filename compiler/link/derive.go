package link

import (
	"fmt"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/plans"
)

// derive reads the edges of one component from its objects (D11).
func (c *cluster) derive(comp *component) {
	c.natural(comp)
	for _, p := range comp.parts {
		for _, o := range p.objects {
			c.deriveObject(p, o)
		}
	}
}

// natural adds the order of the parts of one component and the API server.
func (c *cluster) natural(comp *component) {
	at := c.at(comp.ptr)
	by := map[ir.PartName]*part{}
	for _, p := range comp.parts {
		by[p.name] = p
		p.need(setStart, c.node("@api"), at, p.id+" is applied through the API server of "+c.name)
		if p == comp.run || p.name == ir.PartPre || p.name == ir.PartPost {
			p.need(setRun, c.node("@machines"), at, p.id+" runs on the machines of "+c.name)
		}
	}
	before := func(p, q ir.PartName, reason string) {
		if by[p] != nil && by[q] != nil {
			by[p].need(setNew, by[q].id, at, comp.id+": "+reason)
		}
	}
	before(ir.PartAccess, ir.PartDefs, "Namespaces come before access to them")
	before(ir.PartPre, ir.PartDefs, "definitions come before what uses them")
	before(ir.PartPre, ir.PartAccess, "access comes before what uses it")
	before(ir.PartRun, ir.PartAccess, "access comes before what uses it")
	before(ir.PartRun, ir.PartDefs, "definitions come before what uses them")
	before(ir.PartRun, ir.PartPre, "pre-install hooks come before the workloads")
	before(ir.PartPost, ir.PartRun, "post-install hooks come after the workloads")
	before(ir.PartHooks, ir.PartRun, "webhooks and API services come after what answers them")
	before(ir.PartOwn, ir.PartHooks, "resources of its own kinds come after its webhooks")
	before(ir.PartOwn, ir.PartRun, "resources of its own kinds come after what acts on them")
	before(ir.PartOwn, ir.PartDefs, "definitions come before what uses them")
	c.virtualRun(comp)
}

// virtualRun lets a requirement on a component without workloads mean all of
// its parts.
func (c *cluster) virtualRun(comp *component) {
	if comp.run.hasObjects() {
		return
	}
	comp.run.edges = slices.DeleteFunc(comp.run.edges, func(e edge) bool { return e.set == setRun })
	for _, p := range comp.parts {
		p.edges = slices.DeleteFunc(p.edges, func(e edge) bool { return p != comp.run && e.key == comp.id })
		comp.run.need(setNew, p.id, c.at(comp.ptr), comp.id+" has no workload of its own: it is up when its "+string(p.name)+" are applied")
	}
}

// deriveObject adds the edges of one object.
func (c *cluster) deriveObject(p *part, o *object.Object) {
	c.kindEdge(p, o)
	c.namespaceEdge(p, o)
	if pod := c.ix.pods[o].spec; pod != nil {
		c.podEdges(p, o, pod)
	}
	switch o.Group() {
	case "":
		c.coreEdges(p, o)
	case "apps":
		for _, t := range mapsOf(object.Slice(o.Get("spec", "volumeClaimTemplates"))) {
			c.storageEdge(p, o, object.Map(t, "spec"))
		}
	case "networking.k8s.io":
		c.ingressEdges(p, o)
	case "rbac.authorization.k8s.io":
		c.roleEdge(p, o)
	case "admissionregistration.k8s.io", "apiregistration.k8s.io":
		c.backendEdges(p, o)
	default:
		if !builtin(kindOf(o)) {
			c.customEdges(p, o)
		}
	}
}

func (c *cluster) coreEdges(p *part, o *object.Object) {
	switch o.Kind {
	case "PersistentVolumeClaim":
		c.storageEdge(p, o, object.Map(o.Get("spec")))
	case "ConfigMap":
		data := object.Map(o.Get("data"))
		for _, k := range sortedKeys(data) {
			c.hostsInText(p.comp.run, o, object.String(data, k))
		}
	}
}

// kindEdge: a custom resource needs the definition of its kind; one that
// stands for a workload, or whose Secret is waited for, also needs the
// controller that acts on it.
func (c *cluster) kindEdge(p *part, o *object.Object) {
	gk := kindOf(o)
	d, ok := c.definerOf(gk)
	if !ok {
		if !builtin(gk) {
			c.unknown(p, "kind "+gk.kind+"."+gk.group+" is defined by no component of "+c.name, origin(o),
				fmt.Sprintf("declare provides: kinds: [%q] on the component that installs it", gk.kind+"."+gk.group))
		}
		return
	}
	definition := d.comp.id
	if d.part != ir.PartRun {
		definition += "@" + string(d.part)
	}
	p.need(setNew, definition, origin(o), fmt.Sprintf("%s is a %s, which %s defines", title(o), gk.kind, d.comp.id))
	_, writer := writes(o)
	if d.comp != p.comp && (writer || p.name == ir.PartRun) {
		p.need(setNew, d.comp.id, origin(o), fmt.Sprintf("%s acts on %s", d.comp.id, title(o)))
	}
}

func (c *cluster) namespaceEdge(p *part, o *object.Object) {
	if o.Namespace == "" || builtinNamespaces[o.Namespace] {
		return
	}
	if e, ok := c.ix.objects[object.Key{Kind: "Namespace", Name: o.Namespace}]; ok {
		if e.part != p {
			p.need(setNew, e.part.id, origin(e.obj), fmt.Sprintf("namespace %s is created by %s", o.Namespace, e.part.comp.id))
		}
		return
	}
	if comp := c.ix.created("Namespace", "", o.Namespace); comp != nil {
		p.need(setNew, comp.id, c.at(comp.ptr), fmt.Sprintf("namespace %s is created by %s", o.Namespace, comp.id))
		return
	}
	c.unknown(p, "namespace "+o.Namespace+" is created by no component of "+c.name, origin(o),
		fmt.Sprintf("add the Namespace to a component, or declare creates: [%q]", "Namespace/"+o.Namespace))
}

func (c *cluster) roleEdge(p *part, o *object.Object) {
	if o.Kind != "RoleBinding" && o.Kind != "ClusterRoleBinding" {
		return
	}
	kind, name := object.String(o.Get("roleRef", "kind")), object.String(o.Get("roleRef", "name"))
	k := object.Key{Group: "rbac.authorization.k8s.io", Kind: kind, Name: name}
	if kind == "Role" {
		k.Namespace = o.Namespace
	}
	e, ok := c.ix.objects[k]
	switch {
	case ok && e.part.comp != p.comp:
		// From run: a binding may be written before its role, a workload may
		// not start without it.
		p.comp.run.need(setNew, e.part.id, origin(o), fmt.Sprintf("%s binds %s %s of %s", title(o), kind, name, e.part.comp.id))
	case !ok && !builtinRole(name) && c.ix.created(kind, k.Namespace, name) == nil:
		c.unknown(p.comp.run, kind+" "+name+", bound by "+title(o)+", is defined by no component of "+c.name, origin(o),
			fmt.Sprintf("add the %s to a component, or declare creates", kind))
	}
}

// backendEdges: a webhook configuration or API service comes after what
// answers it.
func (c *cluster) backendEdges(p *part, o *object.Object) {
	add := func(svc map[string]any) {
		ns, name := object.String(svc, "namespace"), object.String(svc, "name")
		if name == "" {
			return
		}
		if e, ok := c.ix.objects[object.Key{Kind: "Service", Namespace: ns, Name: name}]; ok {
			p.need(setNew, e.part.comp.id, origin(o), fmt.Sprintf("%s is answered by service %s/%s of %s", title(o), ns, name, e.part.comp.id))
			return
		}
		if comp := c.ix.created("Service", ns, name); comp != nil {
			p.need(setNew, comp.id, origin(o), fmt.Sprintf("%s is answered by service %s/%s of %s", title(o), ns, name, comp.id))
			return
		}
		c.unknown(p, "service "+ns+"/"+name+", which answers "+title(o)+", is in no component of "+c.name, origin(o),
			fmt.Sprintf("add the Service, or declare creates: [%q]", "Service/"+ns+"/"+name))
	}
	add(object.Map(o.Get("spec", "service")))
	for _, w := range mapsOf(object.Slice(o.Get("webhooks"))) {
		add(object.Map(w, "clientConfig", "service"))
	}
}

// unknown records a derived edge that nothing provides: never an error (BS001
// is for declared edges), never silence.
func (c *cluster) unknown(p *part, what string, at plans.Source, settle string) {
	if slices.ContainsFunc(c.out.unresolved, func(u plans.Unknown) bool { return u.Node == p.id && u.What == what }) {
		return
	}
	c.out.unresolved = append(c.out.unresolved, plans.Unknown{Node: p.id, What: what, Settle: settle, At: at})
	c.out.dangling = append(c.out.dangling, ir.Dangling{
		Node: p.id, Set: "start", Name: what, Derived: true,
		Why: &plans.Because{Reason: what, Derived: true, At: at},
	})
}

// override drops derived edges that a component says do not hold.
func (c *cluster) override() {
	for _, comp := range c.comps {
		r := &comp.spec.Requires
		ptr := comp.ptr + "/requires/not"
		if len(r.Not) > 0 && strings.TrimSpace(r.Because) == "" {
			c.out.diags.Add(diag.Errorf("LNK011", "%s drops derived edges without saying why", comp.id).AtAll(c.at(ptr), "no `because`").
				About(diag.Subject{Cluster: c.name, Component: comp.name}).Fix("add `because: \"…\"` beside `not`"))
		}
		for i, name := range r.Not {
			c.overrideOne(comp, name, r.Because, ptr+"/"+index(i))
		}
	}
}

func (c *cluster) overrideOne(comp *component, name, because, ptr string) {
	targets := []string{name}
	for _, s := range c.l.names.find(c.scope, name) {
		targets = append(targets, s.id)
	}
	hit := false
	for _, p := range comp.parts {
		p.edges = slices.DeleteFunc(p.edges, func(e edge) bool {
			drop := slices.ContainsFunc(targets, func(t string) bool { return e.names(t) })
			hit = hit || drop
			return drop
		})
	}
	subject := diag.Subject{Cluster: c.name, Component: comp.name, Path: ptr}
	if !hit {
		c.out.diags.Add(diag.Warningf("LNK012", "%s drops an edge to %q that it does not have", comp.id, name).
			AtAll(c.at(ptr), "no derived edge ends here").About(subject).Fix("remove it from `not`"))
		return
	}
	c.out.diags.Add(diag.Notef("LNK013", "%s does not need %s: %s", comp.id, name, because).AtAll(c.at(ptr), "declared here").About(subject))
}

// names reports whether the edge ends at id, or at a part of component id.
func (e *edge) names(id string) bool {
	hit := false
	leaves(&e.to, func(r *plans.Requirement) { hit = hit || r.Node == id || strings.HasPrefix(r.Node, id+"@") })
	return hit
}
