package diff

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/object"
)

const rbacGroup = "rbac.authorization.k8s.io"

// grants finds rights that a change gives.
type grants struct {
	head map[string]*object.Object // roles by cluster, kind, namespace and name
}

func rolesOf(items []Item) map[string]*object.Object {
	out := map[string]*object.Object{}
	for _, i := range items {
		if o := i.Object; o.Group() == rbacGroup && (o.Kind == "Role" || o.Kind == "ClusterRole") {
			out[i.Cluster+"\x00"+o.Kind+"\x00"+o.Namespace+"\x00"+o.Name] = o
		}
	}
	return out
}

type widening struct{ path, text string }

// widened lists what somebody may do after the change and not before: rules of
// a role that no earlier rule covers, and subjects of a binding that were not
// bound. A new role gives nothing until it is bound; a new binding does.
func (g grants) widened(p pair) []widening {
	if p.after == nil || p.after.Object.Group() != rbacGroup {
		return nil
	}
	switch p.after.Object.Kind {
	case "Role", "ClusterRole":
		if p.before == nil {
			return nil
		}
		return newRules(p.before.Object, p.after.Object)
	case "RoleBinding", "ClusterRoleBinding":
		return g.newSubjects(p)
	}
	return nil
}

// rule is one rule of a role.
type rule struct{ groups, resources, verbs, names, urls []string }

func rulesOf(o *object.Object) []rule {
	list, _ := o.Content()["rules"].([]any)
	out := make([]rule, 0, len(list))
	for _, v := range list {
		out = append(out, rule{
			texts(v, "apiGroups"), texts(v, "resources"), texts(v, "verbs"), texts(v, "resourceNames"), texts(v, "nonResourceURLs"),
		})
	}
	return out
}

func texts(v any, field string) []string {
	list, _ := object.Get(v, field).([]any)
	var out []string
	for _, e := range list {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func newRules(before, after *object.Object) []widening {
	old := rulesOf(before)
	var out []widening
	for i, r := range rulesOf(after) {
		var more []string
		for _, single := range r.split() {
			if !slices.ContainsFunc(old, func(o rule) bool { return o.covers(single) }) {
				more = append(more, single.String())
			}
		}
		if len(more) > 0 {
			slices.Sort(more)
			out = append(out, widening{"/rules/" + strconv.Itoa(i), "it may now " + few(slices.Compact(more))})
		}
	}
	return out
}

// few names the first of a list and counts the rest.
func few(xs []string) string {
	const most = 4
	if len(xs) <= most {
		return strings.Join(xs, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(xs[:most], "; "), len(xs)-most)
}

// split takes a rule apart: one verb on one resource or URL.
func (r rule) split() []rule {
	var out []rule
	for _, v := range r.verbs {
		for _, u := range r.urls {
			out = append(out, rule{verbs: []string{v}, urls: []string{u}})
		}
		for _, g := range r.groups {
			for _, res := range r.resources {
				out = append(out, rule{groups: []string{g}, resources: []string{res}, verbs: []string{v}, names: r.names})
			}
		}
	}
	return out
}

// covers reports whether a rule allows all that a single one does.
func (r rule) covers(s rule) bool {
	if !anyOrAll(r.verbs, s.verbs[0]) {
		return false
	}
	if len(s.urls) > 0 {
		return slices.ContainsFunc(r.urls, func(u string) bool {
			prefix, wild := strings.CutSuffix(u, "*")
			return u == s.urls[0] || wild && strings.HasPrefix(s.urls[0], prefix)
		})
	}
	return anyOrAll(r.groups, s.groups[0]) && coversResource(r.resources, s.resources[0]) && coversNames(r.names, s.names)
}

func anyOrAll(have []string, want string) bool {
	return slices.Contains(have, want) || slices.Contains(have, "*")
}

// coversResource: "*" is every resource and subresource, "*/scale" one
// subresource of all.
func coversResource(have []string, want string) bool {
	_, sub, nested := strings.Cut(want, "/")
	return anyOrAll(have, want) || nested && slices.Contains(have, "*/"+sub)
}

// coversNames: no names are all names.
func coversNames(have, want []string) bool {
	return len(have) == 0 || len(want) > 0 && !slices.ContainsFunc(want, func(n string) bool { return !slices.Contains(have, n) })
}

func (r rule) String() string {
	if len(r.urls) > 0 {
		return r.verbs[0] + " " + r.urls[0]
	}
	res := r.resources[0]
	if r.groups[0] != "" {
		res += "." + r.groups[0]
	}
	if len(r.names) > 0 {
		res += " (" + strings.Join(r.names, ", ") + ")"
	}
	return r.verbs[0] + " " + res
}

func (g grants) newSubjects(p pair) []widening {
	old := map[string]bool{}
	if p.before != nil {
		for _, s := range subjects(p.before.Object) {
			old[s] = true
		}
	}
	var new []string
	for _, s := range subjects(p.after.Object) {
		if !old[s] {
			new = append(new, s)
		}
	}
	if len(new) == 0 {
		return nil
	}
	return []widening{{"/subjects", fmt.Sprintf("%s %s to %s", map[bool]string{true: "grants", false: "now also grants"}[p.before == nil], g.role(p.after), few(new))}}
}

// role names what a binding grants, with its size where the role is known.
func (g grants) role(i *Item) string {
	kind, name := object.String(i.Object.Get("roleRef", "kind")), object.String(i.Object.Get("roleRef", "name"))
	namespace := ""
	if kind == "Role" {
		namespace = i.Object.Namespace
	}
	text := kind + " " + name
	if o := g.head[i.Cluster+"\x00"+kind+"\x00"+namespace+"\x00"+name]; o != nil {
		for _, r := range rulesOf(o) {
			if slices.Contains(r.resources, "*") && slices.Contains(r.groups, "*") {
				return text + " (everything)"
			}
		}
	}
	return text
}

func subjects(o *object.Object) []string {
	list, _ := o.Content()["subjects"].([]any)
	var out []string
	for _, v := range list {
		s := object.String(v, "kind") + " "
		if ns := object.String(v, "namespace"); ns != "" {
			s += ns + "/"
		}
		out = append(out, s+object.String(v, "name"))
	}
	slices.Sort(out)
	return slices.Compact(out)
}
