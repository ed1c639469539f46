package emit

import (
	"maps"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// groupRBAC is the API group of roles and bindings.
const groupRBAC = "rbac.authorization.k8s.io"

// What an engine does with an object that it applies: Flux asks for it, applies
// it server-side (which the API server authorizes as patch, and as create with
// the object's name where it is not there), and deletes it where a release has
// it no more. What is never pruned is never deleted, but before it leaves such an
// object alone Flux reads on the object itself that it is to stay.
const (
	verbsApply = "create delete get patch"
	verbsKeep  = "create get patch"
	verbsPrune = "delete get"
	verbsSpare = "get"
)

// principal is what the Kustomizations of one component act as: the rights that
// applying its parts, waiting for them and pruning them takes, and no others.
type principal struct {
	component string
	scopes    map[string]*rules // by namespace, "" for the whole cluster
}

// resource of the API, as RBAC names it.
type groupResource struct{ group, resource string }

// rules of one role. Those on objects name them: an account that may create a
// Deployment may create no other one.
type rules struct {
	named map[onObjects]map[string]bool // to names of objects
	lists map[groupResource]bool        // read as a whole, for the Pods of a workload
	held  map[string]map[string]any     // rules that the component's own roles grant, by their encoding
}

type onObjects struct {
	groupResource
	verbs string
}

func newRules() *rules {
	return &rules{named: map[onObjects]map[string]bool{}, lists: map[groupResource]bool{}, held: map[string]map[string]any{}}
}

func (a *principal) in(namespace string) *rules {
	if a.scopes == nil {
		a.scopes = map[string]*rules{}
	}
	if a.scopes[namespace] == nil {
		a.scopes[namespace] = newRules()
	}
	return a.scopes[namespace]
}

func (r *rules) allow(g groupResource, verbs, name string) {
	key := onObjects{g, verbs}
	if r.named[key] == nil {
		r.named[key] = map[string]bool{}
	}
	r.named[key][name] = true
}

func (r *rules) hold(rule map[string]any) {
	enc, err := object.Encode(rule)
	if err != nil { // what was rendered always encodes
		panic(err)
	}
	r.held[string(enc)] = rule
}

// list writes the rules in a fixed order.
func (r *rules) list() []any {
	var out []any
	keys := slices.SortedFunc(maps.Keys(r.named), func(a, b onObjects) int {
		return strings.Compare(a.group+"/"+a.resource+" "+a.verbs, b.group+"/"+b.resource+" "+b.verbs)
	})
	for _, k := range keys {
		out = append(out, map[string]any{
			"apiGroups": []any{k.group}, "resources": []any{k.resource},
			"resourceNames": anys(slices.Sorted(maps.Keys(r.named[k]))), "verbs": anys(strings.Fields(k.verbs)),
		})
	}
	lists := slices.SortedFunc(maps.Keys(r.lists), func(a, b groupResource) int {
		return strings.Compare(a.group+"/"+a.resource, b.group+"/"+b.resource)
	})
	for _, g := range lists {
		out = append(out, map[string]any{"apiGroups": []any{g.group}, "resources": []any{g.resource}, "verbs": []any{"get", "list", "watch"}})
	}
	for _, enc := range slices.Sorted(maps.Keys(r.held)) {
		out = append(out, r.held[enc])
	}
	return out
}

func anys(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// accounts returns the account of each component whose parts are applied under
// one, sorted by component, and of the others why they are not.
func accounts(f *ir.Fleet, c *ir.Linked) (list []*principal, own map[string]string) {
	by, own := map[string]*principal{}, map[string]string{}
	k := newKinds(c)
	held := f.Held(c.Name)
	for _, part := range c.Parts {
		a := by[part.Component]
		if a == nil {
			a = &principal{component: part.Component}
			by[part.Component] = a
			list = append(list, a)
			if componentOf(c, part).Privileged != nil {
				own[part.Component] = "the component is privileged"
			}
		}
		for _, o := range part.Objects {
			keep := ir.Keeps(o.Key()) || held[o.Key()]
			if why := k.allow(a, o, keep); why != "" {
				own[part.Component] = why
			}
		}
		for _, g := range part.Gates {
			k.watch(a, part, g.Object)
		}
	}
	list = slices.DeleteFunc(list, func(a *principal) bool { return own[a.component] != "" })
	slices.SortFunc(list, func(a, b *principal) int { return strings.Compare(a.component, b.component) })
	return list, own
}

// guardAccount applies the guard, which is never removed.
func guardAccount() *principal {
	a := &principal{}
	for _, r := range []string{"validatingadmissionpolicies", "validatingadmissionpolicybindings"} {
		a.in("").allow(groupResource{"admissionregistration.k8s.io", r}, verbsKeep, guardName)
	}
	a.in(guardNamespace).allow(groupResource{"", "configmaps"}, verbsKeep, guardName)
	return a
}

// kinds knows how the API names the resources of a cluster's kinds.
type kinds struct{ plurals map[string]string } // by "Kind.group"

func newKinds(c *ir.Linked) *kinds {
	k := &kinds{plurals: map[string]string{}}
	for _, part := range c.Parts {
		for _, o := range part.Objects {
			if o.Kind == "CustomResourceDefinition" {
				k.plurals[object.String(o.Get("spec", "names", "kind"))+"."+object.String(o.Get("spec", "group"))] = object.String(o.Get("spec", "names", "plural"))
			}
		}
	}
	return k
}

func (k *kinds) resource(group, kind string) groupResource {
	if p := k.plurals[kind+"."+group]; p != "" {
		return groupResource{group, p}
	}
	return groupResource{group, object.Plural(kind)}
}

// allow gives an account what applying one object takes. It returns why no
// account but one with all rights could.
func (k *kinds) allow(a *principal, o *object.Object, keep bool) string {
	verbs := verbsApply
	if keep {
		verbs = verbsKeep
	}
	a.in(o.Namespace).allow(k.resource(o.Group(), o.Kind), verbs, o.Name)
	k.children(a, o.Group(), o.Kind, o.Namespace)
	switch {
	case o.Group() == groupRBAC:
		return k.grants(a, o)
	case o.Group() == "admissionregistration.k8s.io":
		// Whoever writes a policy must be able to read its parameters.
		if kind := object.String(o.Get("spec", "paramKind", "kind")); kind != "" {
			group, _, _ := strings.Cut(object.String(o.Get("spec", "paramKind", "apiVersion")), "/")
			if !strings.Contains(object.String(o.Get("spec", "paramKind", "apiVersion")), "/") {
				group = ""
			}
			a.in("").lists[k.resource(group, kind)] = true
		}
	}
	return ""
}

// children lets Flux look at what a workload makes, to tell its health.
func (k *kinds) children(a *principal, group, kind, namespace string) {
	if group != "apps" {
		return
	}
	switch kind {
	case "Deployment":
		a.in(namespace).lists[groupResource{"apps", "replicasets"}] = true
		a.in(namespace).lists[groupResource{"", "pods"}] = true
	case "ReplicaSet", "StatefulSet":
		a.in(namespace).lists[groupResource{"", "pods"}] = true
	}
}

// grants lets an account write roles and bindings. The API server lets nobody
// grant more than they hold, so the account holds what the component's own
// roles grant, and may bind those that its bindings name.
func (k *kinds) grants(a *principal, o *object.Object) string {
	r := a.in(o.Namespace)
	switch o.Kind {
	case "Role", "ClusterRole":
		if o.Get("aggregationRule") != nil {
			return "ClusterRole " + o.Name + " is aggregated, and only an account with all rights may write such a role"
		}
		for _, rule := range object.Slice(o.Get("rules")) {
			if m, ok := rule.(map[string]any); ok {
				r.hold(m)
			}
		}
	case "RoleBinding", "ClusterRoleBinding":
		ref := object.Map(o.Get("roleRef"))
		r.allow(k.resource(groupRBAC, object.String(ref, "kind")), "bind", object.String(ref, "name"))
	}
	return ""
}

// watch lets Flux look at an object that a gate names and that is made at run
// time.
func (k *kinds) watch(a *principal, part *ir.Part, ref string) {
	kind, ns, name := splitObject(ref)
	api := builtinVersions[kind]
	if api == "" || apiVersionOf(part, kind, ns, name) != "" {
		return
	}
	group, _, grouped := strings.Cut(api, "/")
	if !grouped {
		group = ""
	}
	a.in(ns).allow(k.resource(group, kind), "get", name)
	k.children(a, group, kind, ns)
}
