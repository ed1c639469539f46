package compiler_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// request is one question of an API server to its authorizer.
type request struct{ user, verb, group, resource, namespace, name string }

// authorizer answers as Kubernetes documents RBAC: a rule of a bound role
// covers verb, group, resource and, where it lists names, the name.
type authorizer []map[string]any

func (a authorizer) allows(r request) bool {
	return slices.ContainsFunc(a, func(b map[string]any) bool {
		kind := object.String(b, "roleRef", "kind")
		if !strings.HasSuffix(object.String(b, "kind"), "Binding") || !binds(b, r.user) ||
			object.String(b, "kind") == "RoleBinding" && object.String(b, "metadata", "namespace") != r.namespace {
			return false
		}
		return slices.ContainsFunc(a, func(role map[string]any) bool {
			return object.String(role, "kind") == kind && object.String(role, "metadata", "name") == object.String(b, "roleRef", "name") &&
				(kind == "ClusterRole" || object.String(role, "metadata", "namespace") == r.namespace) &&
				slices.ContainsFunc(object.Slice(role, "rules"), func(rule any) bool { return covers(rule, r) })
		})
	})
}

func binds(b map[string]any, user string) bool {
	return slices.ContainsFunc(object.Slice(b, "subjects"), func(s any) bool {
		return object.String(s, "namespace")+":"+object.String(s, "name") == user
	})
}

func covers(rule any, r request) bool {
	has := func(field, want string) bool {
		list := object.Slice(rule, field)
		return slices.Contains(list, any(want)) || slices.Contains(list, any("*"))
	}
	names := object.Slice(rule, "resourceNames")
	return has("verbs", r.verb) && has("apiGroups", r.group) && has("resources", r.resource) &&
		(len(names) == 0 || slices.Contains(names, any(r.name)))
}

// deployed is what a release writes for one cluster.
type deployed struct {
	files   []ir.File
	by      map[string][]map[string]any // objects by file
	rbac    authorizer
	bundled []inBundle
}

type inBundle struct {
	object.Key
	part string
	keep bool
}

// plural names the resource as the API server does; kinds of the fleets'
// definitions that English does not are none.
func (b inBundle) plural() string { return object.Plural(b.Kind) }

// deployCluster seals and pins one cluster as a serial, over the files before.
func deployCluster(t *testing.T, res *compiler.Result, cluster string, serial int, before []ir.File) *deployed {
	t.Helper()
	return deployWith(t, res, cluster, serial, before, false)
}

func deployWith(t *testing.T, res *compiler.Result, cluster string, serial int, before []ir.File, approve bool) *deployed {
	t.Helper()
	bundles, ds, err := compiler.Seal(t.Context(), tree.FromMap(nil), res, ir.Revision{}, nil)
	if err != nil || ds.HasErrors() {
		t.Fatal(err, ds)
	}
	b := bundles.Bundle(cluster)
	if b == nil {
		t.Fatal(res.Diagnostics)
	}
	e := b.Recorded()
	e.Serial = serial
	pinned := func(string) ([]ir.File, error) { return before, nil }
	files, ds, err := compiler.PinRecorded(res, "oci://registry.example/fleet", cluster, e, pinned, approve)
	if err != nil || ds.HasErrors() {
		t.Fatal(err, ds)
	}
	d := &deployed{files: files, by: map[string][]map[string]any{}}
	for _, f := range files {
		for doc := range strings.SplitSeq(string(f.Data), "\n---\n") {
			var o map[string]any
			if err := json.Unmarshal([]byte(doc), &o); err != nil {
				t.Fatalf("%s: %v", f.Path, err)
			}
			d.by[f.Path] = append(d.by[f.Path], o)
		}
	}
	d.rbac = d.by["access.yaml"]
	all, err := b.Files()
	if err != nil {
		t.Fatal(err)
	}
	d.bundled = inventoryOf(t, all)
	return d
}

func inventoryOf(t *testing.T, files []ir.File) []inBundle {
	t.Helper()
	var out []inBundle
	for _, f := range files {
		if f.Path == "meta/inventory.json" {
			var inv struct {
				Objects []struct {
					APIVersion, Kind, Namespace, Name, Part string
					Keep                                    bool
				}
			}
			if err := json.Unmarshal(f.Data, &inv); err != nil {
				t.Fatal(err)
			}
			for _, o := range inv.Objects {
				group, _, ok := strings.Cut(o.APIVersion, "/")
				if !ok {
					group = ""
				}
				out = append(out, inBundle{object.Key{Group: group, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}, o.Part, o.Keep})
			}
		}
		// The guard is of the release and in no inventory.
		if strings.HasPrefix(f.Path, seal.GuardDir+"/") && path.Base(f.Path) != "kustomization.yaml" {
			var o map[string]any
			if err := json.Unmarshal(f.Data, &o); err != nil {
				t.Fatal(err)
			}
			out = append(out, inBundle{object.New(o, object.Origin{}).Key(), "_guard", true})
		}
	}
	return out
}

// accounts maps each part to what its Kustomization acts as; "" for the engine.
func (d *deployed) accounts() map[string]string {
	out := map[string]string{}
	for _, o := range d.by["flux.yaml"] {
		if object.String(o, "kind") != "Kustomization" {
			continue
		}
		user := object.String(o, "spec", "serviceAccountName")
		if user != "" {
			user = "flux-system:" + user
		}
		out[strings.TrimPrefix(object.String(o, "spec", "path"), "./parts/")] = user
	}
	return out
}

// TestAccounts holds the accounts of the example fleet to what Flux does with
// them: all of it with the objects of their own component, nothing with those
// of another, and no deletion of what is never pruned.
func TestAccounts(t *testing.T) {
	d := deployCluster(t, compileFleet(t, filesOf(t, os.DirFS(fleets+"/example"))), "staging", 1, nil)
	accounts := d.accounts()
	users := map[string]bool{}
	for _, u := range accounts {
		users[u] = true
	}
	asked, foreign := 0, 0
	for _, o := range d.bundled {
		mine := accounts[o.part]
		for user := range users {
			for _, verb := range []string{"get", "create", "patch", "delete", "update", "deletecollection", "list"} {
				if user == "" {
					continue // the engine's own
				}
				r := request{user, verb, o.Group, o.plural(), o.Namespace, o.Name}
				want := user == mine && slices.Contains([]string{"get", "create", "patch", "delete"}, verb) && (verb != "delete" || !o.keep)
				if got := d.rbac.allows(r); got != want && !granted(d, r) {
					t.Errorf("%+v of %s: allowed %v, want %v", r, o.part, got, want)
				}
				asked++
				if user != mine {
					foreign++
				}
			}
		}
	}
	if asked < 1000 || foreign < asked/2 {
		t.Errorf("only %d requests were judged, %d of them foreign", asked, foreign)
	}
	var own []string
	for _, o := range d.by["flux.yaml"] {
		if why := object.String(o, "metadata", "annotations", "darkstart.dev/account"); why != "" {
			own = append(own, object.String(o, "metadata", "name")+": "+why)
		}
	}
	if len(own) == 0 || slices.ContainsFunc(own, func(s string) bool { return !strings.HasPrefix(s, "cni-") && !strings.HasPrefix(s, "csi-") }) {
		t.Errorf("as Flux itself: %q, want the parts of the privileged components", own)
	}
	for _, r := range []request{
		{"flux-system:darkstart-shop", "list", "", "pods", "shop", ""},
		{"flux-system:darkstart-shop", "list", "apps", "replicasets", "shop", ""},
	} {
		if users[r.user] && !d.rbac.allows(r) {
			t.Errorf("%+v is refused: Flux cannot tell the health of a Deployment", r)
		}
	}
}

// granted reports whether the request is covered by a rule that the account
// holds because its component's own roles grant it: the API server lets nobody
// write a role who does not hold what is in it.
func granted(d *deployed, r request) bool {
	component := strings.TrimPrefix(r.user, "flux-system:darkstart-")
	return slices.ContainsFunc(d.bundled, func(o inBundle) bool {
		return strings.HasPrefix(o.part, component+"/") && (o.Kind == "ClusterRole" || o.Kind == "Role" && o.Namespace == r.namespace)
	}) && !d.rbac.named().allows(r)
}

// named is the authorizer with the rules that name objects only.
func (a authorizer) named() authorizer {
	var out authorizer
	for _, o := range a {
		if rules := object.Slice(o, "rules"); rules != nil {
			o = maps.Clone(o)
			o["rules"] = slices.DeleteFunc(slices.Clone(rules), func(r any) bool { return object.Slice(r, "resourceNames") == nil })
		}
		out = append(out, o)
	}
	return out
}

// smallFleet has two components that share a Namespace.
func smallFleet(extra map[string]string) map[string]string {
	files := map[string]string{
		"cue.mod/module.cue":            "module: \"fleet.example\"\nlanguage: version: \"v0.17.0\"\n",
		"darkstart.cue":                 "package darkstart\nname: \"small\"\n",
		"clusters/one/cluster.cue":      "package clusters\nkubernetes: \"1.36\"\ncomponents: {\n\"web\": source: yaml: \"components/web\"\n\"api\": source: yaml: \"components/api\"\n}\n",
		"components/web/namespace.yaml": `{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shared", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}`,
		"components/web/settings.yaml":  configMap("web"),
		"components/api/settings.yaml":  configMap("api"),
		"components/api/more.yaml":      configMap("more"),
	}
	maps.Copy(files, extra)
	return files
}

func configMap(name string) string {
	return fmt.Sprintf(`{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": %q, "namespace": "shared"}, "data": {"a": "b"}}`, name)
}

// TestAccountsShareANamespace: rights are on objects, not on kinds in a
// Namespace.
func TestAccountsShareANamespace(t *testing.T) {
	d := deployCluster(t, compileFleet(t, smallFleet(nil)), "one", 1, nil)
	for name, want := range map[string]bool{"api": true, "more": true, "web": false, "new": false} {
		for _, verb := range []string{"get", "create", "patch", "delete"} {
			if r := (request{"flux-system:darkstart-api", verb, "", "configmaps", "shared", name}); d.rbac.allows(r) != want {
				t.Errorf("%+v: allowed is not %v", r, want)
			}
		}
	}
}

// TestAccountsPrune: what a pin before had can be pruned, by the account that
// applied it, also by writing the pins twice and after a release that no engine
// saw; and is forgotten in the end.
func TestAccountsPrune(t *testing.T) {
	user := "flux-system:darkstart-api"
	may := func(d *deployed, verb string) bool {
		return d.rbac.allows(request{user, verb, "", "configmaps", "shared", "more"})
	}
	all := deployCluster(t, compileFleet(t, smallFleet(nil)), "one", 1, nil)
	files := smallFleet(nil)
	delete(files, "components/api/more.yaml")
	less := compileFleet(t, files)
	files["clusters/one/cluster.cue"] = strings.Replace(files["clusters/one/cluster.cue"], "\"api\": source: yaml: \"components/api\"\n", "", 1)
	none := compileFleet(t, files)

	second := deployCluster(t, less, "one", 2, all.files)
	again := deployCluster(t, less, "one", 2, second.files)
	for i, f := range second.files {
		if string(again.files[i].Data) != string(f.Data) {
			t.Errorf("%s is not the same the second time", f.Path)
		}
	}
	d := second
	for serial := 2; serial <= 4; serial++ {
		if serial > 2 {
			d = deployCluster(t, map[bool]*compiler.Result{true: less, false: none}[serial%2 == 0], "one", serial, d.files)
		}
		if !may(d, "delete") || !may(d, "get") || may(d, "patch") || may(d, "create") {
			t.Errorf("serial %d: ConfigMap more may not just be pruned", serial)
		}
		if !slices.ContainsFunc(d.rbac, func(o map[string]any) bool {
			return object.String(o, "kind") == "ServiceAccount" && object.String(o, "metadata", "name") == "darkstart-api"
		}) {
			t.Errorf("serial %d: without its account Flux leaves what the component had", serial)
		}
	}
	for serial := 5; serial <= 8; serial++ {
		d = deployCluster(t, map[bool]*compiler.Result{true: less, false: none}[serial%2 == 0], "one", serial, d.files)
	}
	if may(d, "delete") {
		t.Error("after six more releases the right is still there")
	}
}

// TestAccountsSpare: of what is never pruned and leaves the fleet, the account
// may still read that it is to stay, and no more. Without that Flux never
// finishes the Kustomization that goes.
func TestAccountsSpare(t *testing.T) {
	files := smallFleet(map[string]string{"components/api/disk.yaml": `apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: disk, namespace: shared}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
`})
	with := deployCluster(t, compileFleet(t, files), "one", 1, nil)
	delete(files, "components/api/disk.yaml")
	d := deployCluster(t, compileFleet(t, files), "one", 2, with.files)
	for verb, want := range map[string]bool{"get": true, "delete": false, "patch": false, "create": false} {
		if got := d.rbac.allows(request{"flux-system:darkstart-api", verb, "", "persistentvolumeclaims", "shared", "disk"}); got != want {
			t.Errorf("%s: %v", verb, got)
		}
	}
}

// TestPrivilegedActsAsEngine, and so does who writes an aggregated ClusterRole.
func TestPrivilegedActsAsEngine(t *testing.T) {
	files := smallFleet(map[string]string{
		"components/api/role.yaml": `{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "all"}, "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"x": "y"}}]}}`,
	})
	files["clusters/one/cluster.cue"] = strings.Replace(files["clusters/one/cluster.cue"], `"web": source: yaml: "components/web"`,
		`"web": {source: yaml: "components/web", privileged: {reason: "a test", owner: "me"}}`, 1)
	d := deployCluster(t, compileFleet(t, files), "one", 1, nil)
	for part, user := range d.accounts() {
		if (user == "") == (part == "_guard") {
			t.Errorf("%s acts as %q", part, user)
		}
	}
	for _, o := range d.rbac {
		if name := object.String(o, "metadata", "name"); name != "darkstart" {
			t.Errorf("%s %s is for nobody", object.String(o, "kind"), name)
		}
	}
}

// TestProjectPermitsTheBundle and nothing else, and the prune of what is gone.
func TestProjectPermitsTheBundle(t *testing.T) {
	d := deployCluster(t, compileFleet(t, filesOf(t, os.DirFS(fleets+"/example"))), "staging", 1, nil)
	if d.by["argocd.yaml"] != nil {
		t.Fatal("the example has Flux only")
	}
	all := deployCluster(t, compileFleet(t, smallFleet(map[string]string{
		"components/api/more.yaml": `{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "more", "namespace": "shared"}}`,
	})), "one", 1, nil)
	files := smallFleet(nil)
	delete(files, "components/api/more.yaml")
	less := deployCluster(t, compileFleet(t, files), "one", 2, all.files)
	for _, d := range []*deployed{all, less} {
		p := d.by["argocd.yaml"][0]
		for _, o := range d.bundled {
			if !permitted(p, o) {
				t.Errorf("%s is not permitted", o.Key)
			}
		}
		if permitted(p, inBundle{Key: object.Key{Group: "apps", Kind: "Deployment", Namespace: "shared", Name: "x"}}) {
			t.Error("a Deployment is permitted, and the bundle has none")
		}
		if permitted(p, inBundle{Key: object.Key{Kind: "ConfigMap", Namespace: "other", Name: "x"}}) {
			t.Error("a ConfigMap in another Namespace is permitted")
		}
		if !permitted(p, inBundle{Key: object.Key{Kind: "ServiceAccount", Namespace: "shared", Name: "more"}}) {
			t.Error("the ServiceAccount cannot be pruned")
		}
		if got, want := object.String(d.by["argocd.yaml"][1], "spec", "project"), object.String(p, "metadata", "name"); got != want {
			t.Errorf("the Application is in project %q, want %q", got, want)
		}
	}
}

// permitted answers as Argo CD's AppProject does for one object.
func permitted(project map[string]any, o inBundle) bool {
	list := "namespaceResourceWhitelist"
	if o.Namespace == "" {
		list = "clusterResourceWhitelist"
	}
	kind := slices.ContainsFunc(object.Slice(project, "spec", list), func(k any) bool {
		return object.String(k, "group") == o.Group && object.String(k, "kind") == o.Kind
	})
	return kind && slices.ContainsFunc(object.Slice(project, "spec", "destinations"), func(d any) bool {
		return object.String(d, "namespace") == o.Namespace
	})
}

// TestApprovals: what waits for a human waits once, for as long as nothing
// behind the approval changes.
func TestApprovals(t *testing.T) {
	files := smallFleet(nil)
	files["clusters/one/cluster.cue"] += `
delivery: {seed: ["base"], engine: "api"}
phases: [{name: "base"}, {name: "late", approval: {role: "duty-manager", wait: ["1m", "5m"]}}]
components: {"api": phase: "base", "web": phase: "late"}
`
	files["components/api/namespace.yaml"] = files["components/web/namespace.yaml"]
	delete(files, "components/web/namespace.yaml")
	res := compileFleet(t, files)
	held := func(d *deployed) (flux, argo bool) {
		for _, o := range d.by["flux.yaml"] {
			if object.String(o, "metadata", "name") == "web-run" {
				flux = object.Get(o, "spec", "suspend") == true
				if note := object.String(o, "metadata", "annotations", "darkstart.dev/approval"); flux != strings.Contains(note, "duty-manager approves phase late; to go on: darkstart promote --to one --approve") {
					t.Errorf("held %v with the note %q", flux, note)
				}
			} else if object.Get(o, "spec", "suspend") != nil {
				t.Errorf("%s is suspended", object.String(o, "metadata", "name"))
			}
		}
		app := d.by["argocd.yaml"][1]
		return flux, object.Get(app, "spec", "syncPolicy", "automated") == nil
	}
	want := func(what string, d *deployed, yes bool) {
		t.Helper()
		if flux, argo := held(d); flux != yes || argo != yes {
			t.Errorf("%s: Flux waits %v, Argo CD waits %v, want %v", what, flux, argo, yes)
		}
	}
	i := slices.IndexFunc(res.Artifacts, func(a *ir.Artifact) bool { return a.Name == "one" })
	for _, f := range contentOf(t, res.Artifacts[i]) {
		if f.Path == "runbooks/bootstrap.md" {
			for _, line := range []string{
				"Phase late waits until **duty-manager** approves", "darkstart promote --to one --approve", "flux resume kustomization web-run -n flux-system", "argocd app sync one --prune",
			} {
				if !strings.Contains(string(f.Data), line) {
					t.Errorf("the runbook does not say %q", line)
				}
			}
		}
	}
	first := deployCluster(t, res, "one", 1, nil)
	want("the first release", first, true)
	want("the same again", deployCluster(t, res, "one", 1, first.files), true)
	want("a new serial that nobody approved", deployCluster(t, res, "one", 2, first.files), true)
	ok := deployWith(t, res, "one", 1, first.files, true)
	want("approved", ok, false)
	want("approved, and written again", deployCluster(t, res, "one", 1, ok.files), false)
	want("approved, and renewed", deployCluster(t, res, "one", 2, ok.files), false)

	front := maps.Clone(files)
	front["components/api/more.yaml"] = configMap("another")
	want("approved, and something before it changes", deployCluster(t, compileFleet(t, front), "one", 2, ok.files), false)
	back := maps.Clone(files)
	back["components/web/settings.yaml"] = configMap("another")
	want("approved, and something behind it changes", deployCluster(t, compileFleet(t, back), "one", 2, ok.files), true)
}

// TestApplicationSets expands the sets of a ring as Argo CD documents the list
// generator with Go templates: what comes out is the Applications that the files
// of the clusters hold, one waiting for an approval included.
func TestApplicationSets(t *testing.T) {
	files := smallFleet(nil)
	files["darkstart.cue"] += "releases: applicationSets: true\nrings: [[\"one\", \"two\", \"three\"]]\n"
	files["clusters/two/cluster.cue"] = files["clusters/one/cluster.cue"]
	files["clusters/three/cluster.cue"] = files["clusters/one/cluster.cue"] + `
delivery: {seed: ["base"], engine: "api"}
phases: [{name: "base"}, {name: "late", approval: {role: "duty-manager", wait: ["1m", "5m"]}}]
components: {"api": phase: "base", "web": phase: "late"}
`
	files["components/api/namespace.yaml"] = files["components/web/namespace.yaml"]
	delete(files, "components/web/namespace.yaml")
	res := compileFleet(t, files)
	pins := map[string][]ir.File{}
	var want []string
	for i, c := range []string{"one", "three", "two"} {
		d := deployCluster(t, res, c, i+1, nil)
		pins[c] = d.files
		app, err := object.Encode(d.by["argocd.yaml"][1])
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, string(app))
	}
	pinned := func(c string) ([]ir.File, error) { return pins[c], nil }
	sets, err := compiler.ApplicationSets(res, pinned)
	if err != nil || len(sets) != 1 || sets[0].Path != "_applicationsets/ring-1.yaml" {
		t.Fatal(err, sets)
	}
	var got []string
	projects := 0
	for doc := range strings.SplitSeq(string(sets[0].Data), "\n---\n") {
		var o map[string]any
		if err := json.Unmarshal([]byte(doc), &o); err != nil {
			t.Fatal(err)
		}
		if object.String(o, "kind") == "AppProject" {
			projects++
			continue
		}
		got = append(got, expand(t, o)...)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the sets make\n%s\nand the files hold\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if projects != 3 || strings.Count(string(sets[0].Data), `"kind": "ApplicationSet"`) != 2 {
		t.Errorf("%d projects, want 3; two shapes of Application want two sets", projects)
	}
	judgeAll(t, map[string]string{
		"crds/set.yaml":     moduleFile(t, "github.com/argoproj/argo-cd/v3@v3.2.11", "manifests/crds/applicationset-crd.yaml"),
		"crds/project.yaml": moduleFile(t, "github.com/argoproj/argo-cd/v3@v3.2.11", "manifests/crds/appproject-crd.yaml"),
		"deploy/ring.yaml":  string(sets[0].Data),
	})
}

// expand fills every string of a set's template with each element of its list.
func expand(t *testing.T, set map[string]any) []string {
	t.Helper()
	var fill func(v any, element any) any
	fill = func(v any, element any) any {
		switch v := v.(type) {
		case string:
			var b strings.Builder
			if err := template.Must(template.New("").Option("missingkey=error").Parse(v)).Execute(&b, element); err != nil {
				t.Fatal(err)
			}
			return b.String()
		case map[string]any:
			out := map[string]any{}
			for k, x := range v {
				out[k] = fill(x, element)
			}
			return out
		case []any:
			out := make([]any, len(v))
			for i, x := range v {
				out[i] = fill(x, element)
			}
			return out
		}
		return v
	}
	var out []string
	for _, g := range object.Slice(set, "spec", "generators") {
		for _, e := range object.Slice(g, "list", "elements") {
			app := fill(object.Map(set, "spec", "template"), e).(map[string]any)
			app["apiVersion"], app["kind"] = "argoproj.io/v1alpha1", "Application"
			enc, err := object.Encode(app)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, string(enc))
		}
	}
	return out
}

// TestAccountsOfAnEngineElsewhere: where one engine serves several clusters, the
// rights are in the cluster, under names of its own, and the account that Flux
// looks for before it prunes is beside its Kustomizations, without rights there.
func TestAccountsOfAnEngineElsewhere(t *testing.T) {
	files := smallFleet(nil)
	files["clusters/two/cluster.cue"] = files["clusters/one/cluster.cue"] + "delivery: engine: \"one/api\"\n"
	d := deployCluster(t, compileFleet(t, files), "two", 1, nil)
	names := func(file string) (out []string) {
		for _, o := range d.by[file] {
			if object.String(o, "kind") == "ServiceAccount" {
				out = append(out, object.String(o, "metadata", "name"))
			}
		}
		return out
	}
	want := []string{"two-darkstart", "two-darkstart-api", "two-darkstart-web"}
	if got := names("access.yaml"); !slices.Equal(got, want) {
		t.Errorf("accounts in the cluster: %v, want %v", got, want)
	}
	if got := names("flux.yaml"); !slices.Equal(got, want) {
		t.Errorf("accounts beside the engine: %v, want %v", got, want)
	}
	if !d.rbac.allows(request{"flux-system:two-darkstart-api", "patch", "", "configmaps", "shared", "api"}) {
		t.Error("the account has no rights in its cluster")
	}
	for name, k := range d.kustomizations() {
		if object.String(k, "kubeConfig", "secretRef", "name") != "two-kubeconfig" || !strings.HasPrefix(object.String(k, "serviceAccountName"), "two-darkstart") {
			t.Errorf("%s: %v", name, k)
		}
	}
}
