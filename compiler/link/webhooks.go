package link

import (
	"fmt"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/plans"
)

// webhook is one fail-closed admission webhook.
type webhook struct {
	config     *component // which component's hooks part holds it
	obj        *object.Object
	name       string
	def        map[string]any
	rules      []hookRule
	conditions bool // matchConditions: CEL that is not evaluated here
}

// hookRule is a rule of a webhook that is asked about creation. It is read once
// and asked about every object.
type hookRule struct {
	scope                       string
	groups, versions, resources []any
}

func hookRules(def map[string]any) []hookRule {
	var out []hookRule
	for _, r := range mapsOf(object.Slice(def, "rules")) {
		if among(object.Slice(r, "operations"), "CREATE", "*") {
			out = append(out, hookRule{object.String(r, "scope"), object.Slice(r, "apiGroups"), object.Slice(r, "apiVersions"), object.Slice(r, "resources")})
		}
	}
	return out
}

// among reports whether a list has one of some texts.
func among(list []any, texts ...string) bool {
	return slices.ContainsFunc(list, func(v any) bool {
		s, ok := v.(string)
		return ok && slices.Contains(texts, s)
	})
}

// findWebhooks collects the webhooks that refuse what they cannot ask about.
func (c *cluster) findWebhooks() {
	for _, comp := range c.comps {
		for _, o := range comp.objects {
			if o.Group() != "admissionregistration.k8s.io" || !strings.HasSuffix(o.Kind, "WebhookConfiguration") {
				continue
			}
			for _, w := range mapsOf(object.Slice(o.Get("webhooks"))) {
				if object.String(w, "failurePolicy") == "Ignore" {
					continue
				}
				c.webhooks = append(c.webhooks, &webhook{comp, o, object.String(w, "name"), w, hookRules(w), len(object.Slice(w, "matchConditions")) > 0})
			}
		}
	}
}

// namespaceLabels returns the labels of a namespace, as far as the rendered
// objects tell; its own name is always one.
func (c *cluster) namespaceLabels(ns string) map[string]any {
	if l := c.nsLabels[ns]; l != nil {
		return l
	}
	l := map[string]any{"kubernetes.io/metadata.name": ns}
	c.nsLabels[ns] = l
	return l
}

// noteNamespace keeps the labels of a rendered Namespace.
func (c *cluster) noteNamespace(o *object.Object) {
	l := map[string]any{"kubernetes.io/metadata.name": o.Name}
	for k, v := range object.Map(o.Get("metadata", "labels")) {
		l[k] = v
	}
	c.nsLabels[o.Name] = l
}

// subject is what a webhook is asked about: an object, or a Pod that a
// workload makes.
type subject struct {
	gk        groupKind
	version   string
	namespace string
	name      string
	labels    func() map[string]any // few webhooks ask for them
}

func subjectOf(o *object.Object) subject {
	return subject{kindOf(o), o.Version(), o.Namespace, o.Name, func() map[string]any { return object.Map(o.Get("metadata", "labels")) }}
}

func (p *pod) subject(namespace string) subject {
	return subject{groupKind{"", "Pod"}, "v1", namespace, "", func() map[string]any { return p.labels }}
}

// matches follows the API server: rules, then namespaceSelector, then
// objectSelector. Webhooks are never asked about webhook configurations.
func (c *cluster) matches(w *webhook, s subject) bool {
	if s.gk.group == "admissionregistration.k8s.io" && strings.HasSuffix(s.gk.kind, "WebhookConfiguration") {
		return false
	}
	if !slices.ContainsFunc(w.rules, func(r hookRule) bool { return c.ruleMatches(r, s) }) {
		return false
	}
	if sel := object.Map(w.def, "namespaceSelector"); len(sel) > 0 {
		switch {
		case s.gk == groupKind{"", "Namespace"}:
			if !selects(sel, c.namespaceLabels(s.name)) {
				return false
			}
		case s.namespace != "":
			if !selects(sel, c.namespaceLabels(s.namespace)) {
				return false
			}
		}
	}
	sel := object.Map(w.def, "objectSelector")
	return len(sel) == 0 || selects(sel, s.labels())
}

func (c *cluster) ruleMatches(r hookRule, s subject) bool {
	switch {
	case r.scope == "Namespaced" && s.namespace == "", r.scope == "Cluster" && s.namespace != "":
		return false
	case !among(r.groups, s.gk.group, "*") || !among(r.versions, s.version, "*"):
		return false
	}
	p := c.plural(s.gk)
	return among(r.resources, p, "*", "*/*", p+"/*")
}

// selects evaluates a label selector; an empty one selects everything.
func selects(sel, labels map[string]any) bool {
	for k, v := range object.Map(sel, "matchLabels") {
		if labels[k] != v {
			return false
		}
	}
	for _, e := range mapsOf(object.Slice(sel, "matchExpressions")) {
		v, has := labels[object.String(e, "key")]
		in := has && slices.Contains(object.Slice(e, "values"), v)
		switch object.String(e, "operator") {
		case "In":
			if !in {
				return false
			}
		case "NotIn":
			if in {
				return false
			}
		case "Exists":
			if !has {
				return false
			}
		case "DoesNotExist":
			if has {
				return false
			}
		}
	}
	return true
}

// interceptor returns the first fail-closed webhook that is asked about o.
func (c *cluster) interceptor(o *object.Object) *webhook {
	s := subjectOf(o)
	for _, w := range c.webhooks {
		if c.matches(w, s) {
			return w
		}
	}
	return nil
}

// backend returns the component that answers a webhook, nil when it is not in
// this cluster.
func (c *cluster) backend(w *webhook) *component {
	svc := object.Map(w.def, "clientConfig", "service")
	ns, name := object.String(svc, "namespace"), object.String(svc, "name")
	if name == "" {
		return nil
	}
	if e, ok := c.ix.objects[object.Key{Kind: "Service", Namespace: ns, Name: name}]; ok {
		return e.part.comp
	}
	return c.ix.created("Service", ns, name)
}

// intercept adds the edges of fail-closed webhooks in both regimes of etcd.
//
// Starting new, the intercepted part comes after the webhook configuration,
// except for what the configuration itself waits for, and for parts that a
// declared phase puts before it: they are written while nobody is asked yet.
// Each edge counts for the webhooks after it, so two webhooks that intercept
// each other are ordered and not a circle.
//
// With etcd surviving, the configuration is there before anything runs: every
// Pod it is asked about needs its backend, and a backend whose own Pods it is
// asked about never comes back.
func (c *cluster) intercept() {
	for _, w := range c.webhooks {
		c.interceptNew(w)
		if b := c.backend(w); b != nil {
			c.interceptKept(w, b)
		}
	}
}

func (c *cluster) interceptNew(w *webhook) {
	hooks := c.byNode[w.config.id+"@"+string(ir.PartHooks)]
	if hooks == nil {
		return
	}
	first := c.closure(hooks)
	for _, comp := range c.comps {
		for _, p := range comp.parts {
			if first[p] || c.declared(comp) < c.declared(w.config) && p.name != ir.PartExtras(w.config.name) {
				continue
			}
			if o := c.intercepted(w, p); o != nil {
				p.add(setNew, ref(hooks.id, nil), w.name, origin(w.obj),
					fmt.Sprintf("%s is intercepted by the fail-closed webhook %s of %s", title(o), w.name, w.config.id))
			}
		}
	}
}

// intercepted returns the first object of a part, or workload whose Pods, the
// webhook is asked about.
func (c *cluster) intercepted(w *webhook, p *part) *object.Object {
	for _, o := range p.objects {
		if slices.ContainsFunc(c.ix.subjects[o], func(s subject) bool { return c.matches(w, s) }) {
			return o
		}
	}
	return nil
}

func (c *cluster) interceptKept(w *webhook, b *component) {
	for _, comp := range c.comps {
		for _, o := range comp.run.objects {
			if asked := c.ix.subjects[o]; len(asked) < 2 || !c.matches(w, asked[1]) {
				continue
			}
			why := &plans.Because{
				Derived: true, At: slices.Concat(origin(o), origin(w.obj)),
				Reason: fmt.Sprintf("the Pods of %s are refused while %s, which answers the fail-closed webhook %s, is down", title(o), b.id, w.name),
			}
			comp.run.edges = append(comp.run.edges, edge{setKept, ref(b.id, nil), b.id, why, w.name})
			if comp == b {
				c.deadlock(w, b, why)
			}
			break
		}
	}
}

// deadlock reports a webhook that is asked about the Pods of its own backend.
func (c *cluster) deadlock(w *webhook, b *component, why *plans.Because) {
	if w.conditions {
		c.out.unresolved = append(c.out.unresolved, plans.Unknown{
			Node: b.id, At: why.At,
			What:   "whether the matchConditions of webhook " + w.name + " spare its own backend",
			Settle: "exclude the namespace of " + b.id + " with a namespaceSelector",
		})
		return
	}
	phase := c.phases[c.declared(b)].Name
	c.out.against = append(c.out.against, ir.Contradiction{
		Cluster: c.name, Component: b.name, Phase: phase, Needs: b.name, NeedsPhase: phase, Webhook: w.name,
		Path: []plans.Edge{{From: b.id, To: b.id, Set: "start", Why: why}},
	})
}

// closure returns the parts of this cluster that p waits for when etcd starts
// new, p included.
func (c *cluster) closure(p *part) map[*part]bool {
	seen := map[*part]bool{p: true}
	for todo := []*part{p}; len(todo) > 0; {
		q := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, n := range c.bootstrapNeeds(q) {
			if !seen[n] {
				seen[n] = true
				todo = append(todo, n)
			}
		}
	}
	return seen
}
