package diff_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/darkstart-dev/darkstart/compiler/diff"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
)

func obj(t testing.TB, src string) *object.Object {
	t.Helper()
	var v map[string]any
	if err := yaml.Unmarshal([]byte(src), &v); err != nil {
		t.Fatal(err)
	}
	object.Normalize(v)
	return object.New(v, object.Origin{})
}

// item places an object; the place is "cluster component part phase".
func item(t testing.TB, place, src string) diff.Item {
	p := strings.Fields(place)
	o := obj(t, src)
	k := o.Key()
	stateful := k.Kind == "PersistentVolumeClaim" || k.Kind == "StatefulSet"
	return diff.Item{Cluster: p[0], Component: p[1], Part: p[1] + "/" + p[2], Phase: p[3], Object: o, Kept: ir.Keeps(k), Stateful: stateful}
}

func compare(t testing.TB, base, head []diff.Item) *ir.Delta {
	t.Helper()
	d, ds, err := diff.Diff(t.Context(), &diff.Side{Name: "base", Items: base}, &diff.Side{Name: "head", Items: head}, nil)
	if err != nil || len(ds) > 0 {
		t.Fatal(err, ds)
	}
	return d
}

// said is a delta in short lines: "action object [from place] field… !danger…".
func said(d *ir.Delta) string {
	var b strings.Builder
	for _, c := range d.Objects {
		fmt.Fprintf(&b, "%s %s/%s", c.Action, c.Cluster, c.Object)
		if c.From != nil {
			fmt.Fprintf(&b, " from %s/%s %s %s", c.From.Cluster, c.From.Object, c.From.Part, c.From.Phase)
		}
		for _, f := range c.Fields {
			if f.Noise == "" {
				fmt.Fprintf(&b, " %s", f.Where)
			}
		}
		for _, x := range c.Dangers {
			fmt.Fprintf(&b, " !%s", x.Kind)
		}
		if c.Action == ir.Removed && c.Pruned {
			b.WriteString(" pruned")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

const (
	web = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, spec: {replicas: 2,
  selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [
  {name: web, image: "web:1", env: [{name: A, value: "1"}, {name: B, value: "2"}], ports: [{containerPort: 80}]}, {name: log, image: "log:1"}]}}}}`
	claim   = `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: shop}, spec: {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 1Gi}}}}`
	ns      = `{apiVersion: v1, kind: Namespace, metadata: {name: shop}}`
	crd     = `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: dbs.example.com}, spec: {group: example.com, scope: Namespaced, names: {kind: Db, plural: dbs}}}`
	role    = `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: reader}, rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]}`
	binding = `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: b}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}, subjects: [{kind: ServiceAccount, name: web, namespace: shop}]}`
	secret  = `{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, type: Opaque, stringData: {password: hunter2}}`
)

func TestChanges(t *testing.T) {
	sub := func(s string, pairs ...string) string {
		out := strings.NewReplacer(pairs...).Replace(s)
		if out == s {
			t.Fatalf("nothing replaced in %s", s)
		}
		return out
	}
	for _, c := range []struct{ name, base, head, want string }{
		{"nothing", web, web, ""},
		{"new", "", web, "added c/apps/Deployment/shop/web\n"},
		{"gone", web, "", "removed c/apps/Deployment/shop/web pruned\n"},
		{"image", web, sub(web, "web:1", "web:2"), "changed c/apps/Deployment/shop/web spec.template.spec.containers[name=web].image !image-change\n"},
		{"selector", web, sub(web, "matchLabels: {app: web}", "matchLabels: {app: shop}"), "changed c/apps/Deployment/shop/web spec.selector.matchLabels.app !immutable-field\n"},
		{"items of a list by name", web, sub(web, "{name: A, value: \"1\"}, ", ""), "changed c/apps/Deployment/shop/web spec.template.spec.containers[name=web].env[name=A]\n"},
		{"their order", web, sub(web, `{name: A, value: "1"}, {name: B, value: "2"}`, `{name: B, value: "2"}, {name: A, value: "1"}`), "changed c/apps/Deployment/shop/web\n"},
		{"noise", web, sub(web, "name: web, namespace: shop", "name: web, namespace: shop, annotations: {checksum/config: abc}"), "changed c/apps/Deployment/shop/web\n"},
		{"claim gone", claim, "", "removed c/PersistentVolumeClaim/shop/data !stateful-deletion\n"},
		{"claim grows", claim, sub(claim, "1Gi", "2Gi"), "changed c/PersistentVolumeClaim/shop/data spec.resources.requests.storage\n"},
		{"claim of another class", claim, sub(claim, "fast", "slow"), "changed c/PersistentVolumeClaim/shop/data spec.storageClassName !immutable-field\n"},
		{"claim renamed", claim, sub(claim, "name: data", "name: files"), "renamed c/PersistentVolumeClaim/shop/files from c/PersistentVolumeClaim/shop/data app/run all metadata.name !stateful-deletion\n"},
		{"namespace gone", ns, "", "removed c/Namespace/shop !namespace-removal\n"},
		{"definition gone", crd, "", "removed c/apiextensions.k8s.io/CustomResourceDefinition/dbs.example.com !crd-removal\n"},
		{"definition of another scope", crd, sub(crd, "Namespaced", "Cluster"), "changed c/apiextensions.k8s.io/CustomResourceDefinition/dbs.example.com spec.scope !immutable-field\n"},
		{"wider role", role, sub(role, "[get, list]", "[get, list, delete]"), "changed c/rbac.authorization.k8s.io/ClusterRole/reader rules[0].verbs !rbac-widening\n"},
		{"wildcard", role, sub(role, "resources: [pods]", "resources: ['*']"), "changed c/rbac.authorization.k8s.io/ClusterRole/reader rules[0].resources !rbac-widening\n"},
		{"narrower role", role, sub(role, "[get, list]", "[get]"), "changed c/rbac.authorization.k8s.io/ClusterRole/reader rules[0].verbs\n"},
		{"one name only", role, sub(role, "resources: [pods]", "resources: [pods], resourceNames: [a]"), "changed c/rbac.authorization.k8s.io/ClusterRole/reader rules[0].resourceNames\n"},
		{"new binding", "", binding, "added c/rbac.authorization.k8s.io/ClusterRoleBinding/b !rbac-widening\n"},
		{"another subject", binding, sub(binding, "[{kind", "[{kind: Group, name: all}, {kind"), "changed c/rbac.authorization.k8s.io/ClusterRoleBinding/b subjects[name=all] !rbac-widening\n"},
		{"another role", binding, sub(binding, "name: reader", "name: admin"), "changed c/rbac.authorization.k8s.io/ClusterRoleBinding/b roleRef.name !immutable-field\n"},
		{"renamed", web, sub(web, "metadata: {name: web, n", "metadata: {name: www, n"), "renamed c/apps/Deployment/shop/www from c/apps/Deployment/shop/web app/run all metadata.name\n"},
		{"too different", web, sub(web, "metadata: {name: web, n", "metadata: {name: www, n", "web:1", "x:1", "log:1", "y:1", "value: \"1\"", "value: \"8\"", "replicas: 2", "replicas: 5", "app: web", "app: www"), "removed c/apps/Deployment/shop/web pruned\nadded c/apps/Deployment/shop/www\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			side := func(src string) []diff.Item {
				if src == "" {
					return nil
				}
				return []diff.Item{item(t, "c app run all", src)}
			}
			if got := said(compare(t, side(c.base), side(c.head))); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

func TestPlaces(t *testing.T) {
	for _, c := range []struct{ name, src, from, to, want string }{
		{"part", web, "c app run all", "c app own all", "moved c/apps/Deployment/shop/web from c/apps/Deployment/shop/web app/run all !prune\n"},
		{"component", claim, "c app run all", "c db run all", "moved c/PersistentVolumeClaim/shop/data from c/PersistentVolumeClaim/shop/data app/run all\n"},
		{"phase of what holds data", claim, "c app run one", "c app run two", "moved c/PersistentVolumeClaim/shop/data from c/PersistentVolumeClaim/shop/data app/run one !re-phase\n"},
		{"phase of what does not", web, "c app run one", "c app run two", "moved c/apps/Deployment/shop/web from c/apps/Deployment/shop/web app/run one\n"},
		{"cluster", claim, "c app run all", "d app run all", "moved d/PersistentVolumeClaim/shop/data from c/PersistentVolumeClaim/shop/data app/run all !stateful-deletion\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := said(compare(t, []diff.Item{item(t, c.from, c.src)}, []diff.Item{item(t, c.to, c.src)}))
			if got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	d := compare(t, []diff.Item{item(t, "c app run all", secret)}, []diff.Item{item(t, "c app run all", strings.Replace(secret, "hunter2", "correct-horse", 1))})
	b, err := json.Marshal(d)
	if err != nil || len(d.Objects) != 1 || len(d.Objects[0].Fields) != 1 || !d.Objects[0].Fields[0].Masked {
		t.Fatal(err, string(b))
	}
	for _, s := range []string{"hunter2", "correct-horse"} {
		if strings.Contains(string(b), s) {
			t.Errorf("%q is in the delta", s)
		}
	}
}

// mutate changes, removes and adds values at random.
func mutate(r *rand.Rand, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for _, k := range slices.Sorted(keys(v)) {
			if r.IntN(12) > 0 || k == "kind" || k == "apiVersion" || k == "metadata" || k == "name" || k == "namespace" {
				out[k] = mutate(r, v[k])
			}
		}
		if r.IntN(12) == 0 {
			out["x"+strconv.Itoa(r.IntN(3))] = int64(r.IntN(3))
		}
		return out
	case []any:
		out := []any{}
		for _, e := range v {
			if r.IntN(12) > 0 {
				out = append(out, mutate(r, e))
			}
		}
		if r.IntN(8) == 0 {
			r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		}
		return out
	case string:
		if r.IntN(12) == 0 && !strings.Contains(v, "/") {
			return v + "x"
		}
	}
	return v
}

func keys(m map[string]any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func fleet(t testing.TB, r *rand.Rand) []diff.Item {
	var out []diff.Item
	for i, src := range []string{web, claim, ns, crd, role, binding, secret} {
		if r.IntN(8) == 0 {
			continue
		}
		it := item(t, []string{"c", "d"}[r.IntN(2)]+" app "+[]string{"run", "own"}[r.IntN(2)]+" "+[]string{"one", "two"}[r.IntN(2)], src)
		content := mutate(r, it.Object.Content()).(map[string]any)
		if r.IntN(6) == 0 {
			content["metadata"].(map[string]any)["name"] = "renamed" + strconv.Itoa(i)
		}
		it.Object = object.New(content, object.Origin{})
		out = append(out, it)
	}
	return out
}

// Whatever the order that objects arrive in, the delta is the same; nothing
// differs from itself; and what one direction adds, the other removes.
func TestProperties(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 7))
		a, b := fleet(t, r), fleet(t, r)
		d := compare(t, a, b)
		shuffled := slices.Clone(b)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if e := compare(t, a, shuffled); !reflect.DeepEqual(d, e) {
			t.Fatalf("seed %d: another order, another delta:\n%s\n%s", seed, said(d), said(e))
		}
		if e := compare(t, a, a); len(e.Objects) > 0 {
			t.Fatalf("seed %d: differs from itself: %s", seed, said(e))
		}
		count := func(d *ir.Delta, action string) (n int) {
			for _, c := range d.Objects {
				if c.Action == action {
					n++
				}
			}
			return n
		}
		back := compare(t, b, a)
		if count(d, ir.Added) != count(back, ir.Removed) || count(d, ir.Removed) != count(back, ir.Added) || len(d.Objects) != len(back.Objects) {
			t.Fatalf("seed %d: not the mirror:\n%s\n%s", seed, said(d), said(back))
		}
		oracle(t, seed, a, b, d)
	}
}

// oracle: what a change lists is all there is. Applying its fields to the
// object of the base gives the object of the head.
func oracle(t *testing.T, seed uint64, a, b []diff.Item, d *ir.Delta) {
	find := func(items []diff.Item, p ir.Place) map[string]any {
		for _, i := range items {
			if i.Cluster == p.Cluster && i.Object.Key() == p.Key {
				return i.Object.Content()
			}
		}
		return nil
	}
	for _, c := range d.Objects {
		if c.Action == ir.Added || c.Action == ir.Removed || c.Key.Kind == "Secret" {
			continue
		}
		from := c.Place
		if c.From != nil {
			from = *c.From
		}
		before, after := find(a, from), find(b, c.Place)
		got := before
		for _, f := range c.Fields {
			got = apply(t, got, f, after).(map[string]any)
		}
		if !reflect.DeepEqual(canonical(got), canonical(after)) {
			g, _ := json.MarshalIndent(canonical(got), "", " ")
			w, _ := json.MarshalIndent(canonical(after), "", " ")
			t.Fatalf("seed %d: %s: the fields do not make the head\n%s\ngot %s\nwant %s", seed, c.Object, said(d), g, w)
		}
	}
}

// apply makes one change, addressed by Where: items of lists by their identity.
func apply(t *testing.T, v any, f ir.FieldChange, head any) any {
	_, there := lookup(head, f.Path)
	there = there && f.After != nil
	return set(t, v, steps(f.Where), f.After, there)
}

func lookup(v any, pointer string) (any, bool) {
	for tok := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		tok = strings.ReplaceAll(strings.ReplaceAll(tok, "~1", "/"), "~0", "~")
		switch x := v.(type) {
		case map[string]any:
			e, ok := x[tok]
			if !ok {
				return nil, false
			}
			v = e
		case []any:
			i, err := strconv.Atoi(tok)
			if err != nil || i >= len(x) {
				return nil, false
			}
			v = x[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// steps takes a.b[name=x].c apart; the test data has no names with dots.
func steps(where string) []string {
	return strings.FieldsFunc(strings.ReplaceAll(where, "[", ".["), func(r rune) bool { return r == '.' })
}

func set(t *testing.T, v any, path []string, to any, there bool) any {
	if len(path) == 0 {
		return to
	}
	if v == nil {
		v = map[string]any{}
	}
	switch x := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range x {
			out[k] = e
		}
		if len(path) == 1 && !there {
			delete(out, path[0])
			return out
		}
		out[path[0]] = set(t, x[path[0]], path[1:], to, there)
		return out
	case []any:
		key, id, named := strings.Cut(strings.Trim(path[0], "[]"), "=")
		out := slices.Clone(x)
		at := slices.IndexFunc(out, func(e any) bool {
			m, _ := e.(map[string]any)
			return named && m[key] != nil && fmt.Sprint(m[key]) == id
		})
		if !named {
			at, _ = strconv.Atoi(key)
		}
		if at < 0 || at >= len(out) {
			return append(out, to)
		}
		if len(path) == 1 && !there {
			if !named {
				return slices.Delete(out, min(at, len(out)-1), min(at, len(out)-1)+1)
			}
			return slices.Delete(out, at, at+1)
		}
		out[at] = set(t, out[at], path[1:], to, there)
		return out
	}
	t.Fatalf("nothing at %v in %v", path, v)
	return nil
}

// canonical forgets the order of items, and that there are no labels.
func canonical(v any) any {
	switch x := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range x {
			e = canonical(e)
			if m, ok := e.(map[string]any); !ok || len(m) > 0 {
				out[k] = e
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(x))
		for _, e := range x {
			out = append(out, canonical(e))
		}
		slices.SortFunc(out, func(a, b any) int {
			ja, _ := json.Marshal(a)
			jb, _ := json.Marshal(b)
			return strings.Compare(string(ja), string(jb))
		})
		return out
	}
	return v
}
