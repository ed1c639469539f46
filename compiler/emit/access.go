package emit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// Files of the accounts. They belong into the cluster itself, also where its
// engine stands in another. Namespaces are apart, and first in the order in
// which kubectl reads a folder: who takes the accounts away with
// `kubectl delete -f access.yaml` must not take the Namespaces as well.
const (
	accessFile     = "access.yaml"
	namespacesFile = "access-namespaces.yaml"
	fluxFile       = "flux.yaml"
	argoFile       = "argocd.yaml"
)

// guardNamespace is where the guard's ConfigMap is.
const guardNamespace = "kube-system"

// remembered is how many pins back an account may still remove what it had: an
// engine that was down for one release prunes with the next.
const remembered = 3

// access is the accounts of one cluster, and what may still be pruned of the
// pins before.
type access struct {
	c        *ir.Linked
	accounts []*principal
	own      map[string]string // components without an account, and why
}

func newAccess(f *ir.Fleet, c *ir.Linked) *access {
	list, own := accounts(f, c)
	return &access{c: c, accounts: append([]*principal{guardAccount()}, list...), own: own}
}

// name of the account of a component, "" for one without. The guard's has no
// component, and so no component's has its name.
func (a *access) name(component string) string {
	if a.own[component] != "" {
		return ""
	}
	return accountName(a.c, component)
}

func accountName(c *ir.Linked, component string) string {
	if component == "" {
		return kustomizationName(c, "darkstart")
	}
	return kustomizationName(c, "darkstart-"+component)
}

func roleName(component string) string {
	if component == "" {
		return "darkstart"
	}
	return "darkstart:" + component
}

// files writes the accounts, and the rights to prune that they keep from the
// pins before.
func (a *access) files(pin Pin, before []ir.File) []ir.File {
	left := a.left(pin, before)
	users := map[string]bool{}
	namespaces := map[string]bool{fluxNamespace: true}
	var roles []any
	for _, acc := range a.accounts {
		users[accountName(a.c, acc.component)] = true
		for _, ns := range slices.Sorted(maps.Keys(acc.scopes)) {
			namespaces[ns] = true
			roles = append(roles, a.role(roleName(acc.component), accountName(a.c, acc.component), ns, acc.scopes[ns].list())...)
		}
	}
	for _, l := range left {
		users[l.user] = true
		namespaces[l.namespace] = true
		roles = append(roles, a.role(l.name, l.user, l.namespace, l.rules)...)
	}
	var objs, spaces []any
	for _, user := range slices.Sorted(maps.Keys(users)) {
		objs = append(objs, serviceAccount(a.c, user))
	}
	for _, ns := range slices.Sorted(maps.Keys(namespaces)) {
		if ns != "" && !builtinNamespaces[ns] {
			spaces = append(spaces, bareNamespace(ns))
		}
	}
	return []ir.File{documents(namespacesFile, spaces), documents(accessFile, append(objs, roles...))}
}

// builtinNamespaces are there before anything is applied.
var builtinNamespaces = map[string]bool{"default": true, "kube-system": true, "kube-public": true, "kube-node-lease": true}

// bareNamespace is there for the roles in it. What it is like is the bundle's
// to say: Flux leaves one alone that exists, and never prunes it. It has no
// label by which `kubectl apply --prune` could find it.
func bareNamespace(name string) map[string]any {
	return map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{
		"name": name, "annotations": map[string]any{annotationSSA: "IfNotPresent", annotationPrune: "disabled"},
	}}
}

func serviceAccount(c *ir.Linked, name string) map[string]any {
	return map[string]any{
		"apiVersion": "v1", "kind": "ServiceAccount", "metadata": accessMeta(c, name, fluxNamespace),
		"automountServiceAccountToken": false, // nobody runs as it; Flux acts as it
	}
}

func accessMeta(c *ir.Linked, name, namespace string) map[string]any {
	m := map[string]any{"name": name, "labels": map[string]any{"darkstart.dev/cluster": c.Name}}
	if namespace != "" {
		m["namespace"] = namespace
	}
	return m
}

// role is a role and its binding to an account.
func (a *access) role(name, user, namespace string, rules []any) []any {
	kind := "Role"
	if namespace == "" {
		kind = "ClusterRole"
	}
	return []any{
		map[string]any{"apiVersion": groupRBAC + "/v1", "kind": kind, "metadata": accessMeta(a.c, name, namespace), "rules": rules},
		map[string]any{
			"apiVersion": groupRBAC + "/v1", "kind": kind + "Binding", "metadata": accessMeta(a.c, name, namespace),
			"roleRef":  map[string]any{"apiGroup": groupRBAC, "kind": kind, "name": name},
			"subjects": []any{map[string]any{"kind": "ServiceAccount", "name": user, "namespace": fluxNamespace}},
		},
	}
}

// leftover is the right to prune what one pin had and a later one has not.
type leftover struct {
	name, user, namespace string
	serial                int // of the pin that had it
	rules                 []any
}

// left reads from the files of the pin before what it had, and returns what of
// that is gone, with what was left over already. A file that was written for
// this very pin adds nothing: writing it again must not forget.
func (a *access) left(pin Pin, before []ir.File) []leftover {
	old := documentsIn(before, accessFile)
	serial := serialIn(before)
	users := map[string]string{} // role to account
	for _, o := range old {
		for _, s := range object.Slice(o, "subjects") {
			users[object.String(o, "metadata", "namespace")+"/"+object.String(o, "metadata", "name")] = object.String(s, "name")
		}
	}
	var out []leftover
	serials := map[int]bool{}
	for _, o := range old {
		if kind := object.String(o, "kind"); kind != "Role" && kind != "ClusterRole" {
			continue
		}
		l := leftover{name: object.String(o, "metadata", "name"), namespace: object.String(o, "metadata", "namespace")}
		l.user = users[l.namespace+"/"+l.name]
		if _, n, found := strings.Cut(l.name, ":of-"); found {
			l.serial, _ = strconv.Atoi(n)
			l.rules = object.Slice(o, "rules")
		} else if serial != pin.Serial {
			l.serial, l.rules = serial, a.gone(l.namespace, l.user, object.Slice(o, "rules"))
			l.name += fmt.Sprintf(":of-%d", serial)
		}
		if len(l.rules) > 0 && l.user != "" {
			out = append(out, l)
			serials[l.serial] = true
		}
	}
	newest := slices.Sorted(maps.Keys(serials))
	if len(newest) > remembered {
		newest = newest[len(newest)-remembered:]
	}
	out = slices.DeleteFunc(out, func(l leftover) bool { return !slices.Contains(newest, l.serial) })
	slices.SortFunc(out, func(x, y leftover) int {
		return strings.Compare(x.name+" "+x.namespace, y.name+" "+y.namespace)
	})
	return out
}

// gone are the rules to prune what an account had in a namespace and has no
// more.
func (a *access) gone(namespace, user string, was []any) []any {
	now := newRules()
	for _, acc := range a.accounts {
		if r := acc.scopes[namespace]; r != nil && accountName(a.c, acc.component) == user {
			now = r
		}
	}
	out := newRules()
	for _, rule := range was {
		verbs := ""
		switch list := object.Slice(rule, "verbs"); {
		case slices.Contains(list, any("delete")):
			verbs = verbsPrune
		case slices.Contains(list, any("patch")):
			verbs = verbsSpare
		default:
			continue
		}
		for _, name := range object.Slice(rule, "resourceNames") {
			name, _ := name.(string)
			g := groupResource{first(rule, "apiGroups"), first(rule, "resources")}
			if !now.named[onObjects{g, verbsApply}][name] && !now.named[onObjects{g, verbsKeep}][name] {
				out.allow(g, verbs, name)
			}
		}
	}
	return out.list()
}

func first(rule any, field string) string {
	if list := object.Slice(rule, field); len(list) > 0 {
		s, _ := list[0].(string)
		return s
	}
	return ""
}

// documentsIn parses one of the files that Deploy wrote before. What somebody
// else wrote there says nothing about a pin.
func documentsIn(files []ir.File, name string) []map[string]any {
	var out []map[string]any
	for _, f := range files {
		if f.Path != name {
			continue
		}
		for doc := range bytes.SplitSeq(f.Data, []byte("\n---\n")) {
			var o map[string]any
			if json.Unmarshal(doc, &o) == nil {
				out = append(out, o)
			}
		}
	}
	return out
}

// serialIn is the serial that files of a pin name, 0 for none.
func serialIn(files []ir.File) int {
	for _, name := range []string{fluxFile, argoFile} {
		for _, o := range documentsIn(files, name) {
			if n, err := strconv.Atoi(object.String(o, "metadata", "annotations", annotationSerial)); err == nil {
				return n
			}
		}
	}
	return 0
}
