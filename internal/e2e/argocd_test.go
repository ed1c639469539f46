package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/darkstart-dev/darkstart/internal/e2e/programs"
	"github.com/darkstart-dev/darkstart/internal/e2e/registry"
	"github.com/darkstart-dev/darkstart/internal/e2e/stack"
)

// applied is a release that an engine has applied, and all its objects as the
// API server then had them.
type applied struct {
	serial   int
	manifest string
	objects  map[string]string
}

// handOver lets another engine, if there is one, apply what is applied here.
func (w *world) handOver(t *testing.T, bundle string) {
	t.Helper()
	if w.done == nil {
		return
	}
	e := w.fleet.newest(t, w.cluster)
	w.done <- applied{e.Serial, e.Manifest, w.objects(t, bundle)}
}

// await waits until Flux has applied a release on its cluster.
func (w *world) await(t *testing.T, serial int) applied {
	t.Helper()
	for r := range w.first.done {
		if r.serial == serial {
			return r
		}
	}
	t.Fatalf("serial %d was never applied by Flux", serial)
	return applied{}
}

// objects returns the objects of a bundle as the API server has them, without
// what it and the engines add about themselves.
func (w *world) objects(t *testing.T, bundle string) map[string]string {
	t.Helper()
	args := []string{"get", "-o", "json"}
	for _, i := range inventory(t, bundle) {
		args = append(args, "-f", filepath.Join(bundle, i.File))
	}
	var list struct{ Items []map[string]any }
	if err := json.Unmarshal([]byte(w.kubectl(t, args...)), &list); err != nil {
		t.Fatal(err)
	}
	out := make(map[string]string, len(list.Items))
	for _, o := range list.Items {
		delete(o, "status")
		meta := o["metadata"].(map[string]any)
		for _, field := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"} {
			delete(meta, field)
		}
		if labels, ok := meta["labels"].(map[string]any); ok {
			delete(labels, "kustomize.toolkit.fluxcd.io/name")
			delete(labels, "kustomize.toolkit.fluxcd.io/namespace")
			if len(labels) == 0 {
				delete(meta, "labels")
			}
		}
		notes := meta["annotations"].(map[string]any) // every object of a bundle has some
		delete(notes, "argocd.argoproj.io/tracking-id")
		delete(notes, "deployment.kubernetes.io/revision")
		if spec, ok := o["spec"].(map[string]any); ok && o["kind"] == "Service" {
			for _, field := range []string{"clusterIP", "clusterIPs"} { // out of the cluster's range
				if spec[field] != "None" {
					delete(spec, field)
				}
			}
		}
		b, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		out[fmt.Sprintf("%s/%v/%s", o["kind"], meta["namespace"], meta["name"])] = string(b)
	}
	return out
}

// sameAsFlux demands that the objects here are, field by field, those that Flux
// made of the same bundle.
func (w *world) sameAsFlux(t *testing.T, bundle string, flux applied) {
	t.Helper()
	mine := w.objects(t, bundle)
	if !slices.Equal(slices.Sorted(maps.Keys(mine)), slices.Sorted(maps.Keys(flux.objects))) {
		t.Errorf("objects: %v, by Flux %v", slices.Sorted(maps.Keys(mine)), slices.Sorted(maps.Keys(flux.objects)))
	}
	for id, want := range flux.objects {
		if mine[id] != want {
			t.Errorf("%s:\n by %s %s\n by Flux %s", id, w.engine, mine[id], want)
		}
	}
	w.say("All %d objects equal the bundle's (`kubectl diff`), and those that Flux made of it, field by field.", w.sameAsBundle(t, bundle))
}

// twin prepares a second cluster of the same name, for Argo CD.
func twin(t *testing.T, first *world) *world {
	w := first.another(t, "twin", first.cluster)
	w.engine, w.applier, w.first = "Argo CD", stack.ArgoCDUser, first
	first.done = make(chan applied, 32) // more than a story has
	return w
}

const aboutArgo = `A second cluster of the same programs, with nothing in it. The Application that
"darkstart publish" wrote beside the objects for Flux names the same repository and the same digest. Argo
CD orders by sync waves, which every object in the bundle carries.`

func argoFirst(t *testing.T, w *world) {
	flux := w.await(t, 1)
	w.Registry, w.key, w.pub = w.first.Registry, w.first.key, w.first.pub
	if err := os.Symlink(filepath.Join(w.first.dir, "origin.git"), filepath.Join(w.dir, "origin.git")); err != nil {
		t.Fatal(err)
	}
	if err := w.Kubernetes(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.machines(t)
	w.argocd(t)
	w.say("Argo CD's application controller, ApplicationSet controller and repo-server run, with Redis. They know the cluster as `%s`, and that the registry speaks plain HTTP.", w.cluster)

	start := time.Now()
	bundle := w.sync(t, flux)
	w.say("`deploy/%s/argocd.yaml` is applied. After %s the Application was Synced and Healthy on the digest.", w.cluster, seconds(time.Since(start)))
	w.say("No object was touched before all of the wave before it were there, and every workload in it ready: %s.", w.inWaves(t, bundle, start))
	w.sameAsFlux(t, bundle, flux)
}

// argocd installs and starts Argo CD, and tells it of this cluster and of the
// registry as its manual says.
func (w *world) argocd(t *testing.T) {
	t.Helper()
	w.kubectl(t, "apply", "--server-side", "-k", w.Asset(programs.ArgoCD, programs.ArgoCD.Assets[0]))
	w.until(t, "the definitions are established", func(ctx context.Context) string {
		// Without any condition yet, kubectl fails at once.
		if _, err := w.Kubectl(ctx, nil, "wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"); err != nil {
			return err.Error()
		}
		return ""
	})
	w.kubectl(t, "create", "namespace", "argocd")
	secret := func(name, kind string, data map[string]string) string {
		b, err := json.Marshal(map[string]any{
			"apiVersion": "v1", "kind": "Secret", "stringData": data,
			"metadata": map[string]any{"name": name, "namespace": "argocd", "labels": map[string]string{
				"app.kubernetes.io/part-of": "argocd", "argocd.argoproj.io/secret-type": kind,
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	credential, err := w.Credential(stack.ArgoCDUser)
	if err != nil {
		t.Fatal(err)
	}
	w.apply(t, `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm", "namespace": "argocd", "labels": {"app.kubernetes.io/part-of": "argocd"}}}`)
	w.apply(t, `{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "argocd-secret", "namespace": "argocd", "labels": {"app.kubernetes.io/part-of": "argocd"}},
		"stringData": {"server.secretkey": "of no server"}}`)
	w.apply(t, secret("this-cluster", "cluster", map[string]string{"name": w.cluster, "server": w.Server, "config": credential}))
	w.apply(t, secret("registry", "repository", map[string]string{
		"type": "oci", "url": "oci://" + w.Registry + "/fleet/" + w.cluster, "insecureOCIForceHttp": "true",
	}))
	w.apply(t, `{"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "default", "namespace": "argocd"},
		"spec": {"sourceRepos": ["*"], "destinations": [{"namespace": "*", "server": "*"}], "clusterResourceWhitelist": [{"group": "*", "kind": "*"}]}}`)
	if err := w.ArgoCD(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// application is what this test reads of an Application.
type application struct {
	Status struct {
		Sync           struct{ Status, Revision string }
		Health         struct{ Status string }
		OperationState struct {
			Phase, Message string
			SyncResult     struct{ Revision string }
		}
		Conditions []condition
	}
}

func (w *world) application(ctx context.Context) (application, error) {
	var a application
	err := w.Get(ctx, &a, "application", "-n", "argocd", w.cluster)
	return a, err
}

// notSynced says what the Application is, unless all of the manifest is applied
// and healthy. With nothing to apply there is no operation either.
func (w *world) notSynced(ctx context.Context, manifest string) string {
	a, err := w.application(ctx)
	if err != nil {
		return err.Error()
	}
	s := a.Status
	if s.Sync.Status == "Synced" && s.Sync.Revision == manifest && s.Health.Status == "Healthy" && s.OperationState.Phase != "Running" {
		return ""
	}
	return fmt.Sprintf("%+v", s)
}

// sync applies the pins of a release that Flux has applied and waits until Argo
// CD has applied all of it. It returns the bundle, unpacked.
func (w *world) sync(t *testing.T, r applied) string {
	t.Helper()
	if manifest := w.pinned(t, r.serial); manifest != r.manifest {
		t.Fatalf("Flux has %s of serial %d, the Application names %s", r.manifest, r.serial, manifest)
	}
	w.until(t, "Argo CD applies "+r.manifest, func(ctx context.Context) string { return w.notSynced(ctx, r.manifest) })
	return w.unpacked(t, r.serial, r.manifest)
}

// unpacked is the folder of a bundle, from the registry.
func (w *world) unpacked(t *testing.T, serial int, manifest string) string {
	t.Helper()
	bundle := filepath.Join(w.dir, fmt.Sprintf("applied-%d", serial))
	if _, err := os.Stat(bundle); err != nil {
		w.must(t, w.dir, w.darkstart, "inspect", "oci://"+w.Registry+"/fleet/"+w.cluster+"@"+manifest, "--extract", bundle)
	}
	return bundle
}

var target = regexp.MustCompile(`"targetRevision": "(sha256:[0-9a-f]{64})"`)

// pinned applies what deploy/ said for Argo CD at a release, and returns the
// manifest that it names.
func (w *world) pinned(t *testing.T, serial int) string {
	t.Helper()
	pins := "deploy/" + w.cluster + "/argocd.yaml"
	if err := os.RemoveAll(filepath.Join(w.dir, "fleet")); err != nil {
		t.Fatal(err)
	}
	w.fleet = w.clone(t, "fleet")
	for id := range strings.FieldsSeq(w.fleet.git(t, "log", "--format=%H", "--", pins)) {
		text := w.fleet.git(t, "show", id+":"+pins)
		digest := target.FindStringSubmatch(text)
		if digest == nil || !strings.Contains(text, fmt.Sprintf(`"darkstart.dev/serial": %q`, strconv.Itoa(serial))) {
			continue
		}
		file := filepath.Join(w.dir, "argocd.yaml")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		w.kubectl(t, "apply", "-f", file)
		return digest[1]
	}
	t.Fatalf("%s never named serial %d", pins, serial)
	return ""
}

// terminate ends a sync that tries again or waits, as "argocd app terminate-op"
// does.
func (w *world) terminate(t *testing.T) {
	t.Helper()
	w.kubectl(t, "-n", "argocd", "patch", "application", w.cluster, "--type=merge", "-p", `{"status": {"operationState": {"phase": "Terminating"}}}`)
	w.until(t, "the sync ends", func(ctx context.Context) string {
		a, err := w.application(ctx)
		if err != nil {
			return err.Error()
		}
		if phase := a.Status.OperationState.Phase; phase == "Running" || phase == "Terminating" {
			return phase
		}
		return ""
	})
}

// wave reads the sync wave of each object of a bundle from the object, as Argo
// CD does.
func wave(t *testing.T, bundle string, i item) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(bundle, i.File))
	if err != nil {
		t.Fatal(err)
	}
	var o struct {
		Metadata struct{ Annotations map[string]string }
	}
	if err := json.Unmarshal(b, &o); err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(o.Metadata.Annotations["argocd.argoproj.io/sync-wave"])
	if err != nil {
		t.Fatalf("%s: %v", i.File, err)
	}
	return n
}

// stretch is what the audit log shows of a wave: the first and last change by
// the engine, and when the last of its workloads was ready.
type stretch struct{ first, last, ready time.Time }

// inWaves demands that no object was changed before every object of the waves
// before was, and before the workloads among them were ready. It prints the
// waves' parts in that order.
func (w *world) inWaves(t *testing.T, bundle string, since time.Time) string {
	t.Helper()
	items := inventory(t, bundle)
	names := w.resources(t, items)
	waves, parts := map[string]int{}, map[string]string{}
	for _, i := range items {
		waves[i.id(names)], parts[i.id(names)] = wave(t, bundle, i), i.Part
	}
	seen := map[int]*stretch{}
	var order []string
	events := w.audit(t, since)
	for _, e := range by(w.applier, events) {
		n, ours := waves[e.id()]
		if !ours || e.dry() || e.ResponseStatus.Code >= 300 || strings.HasPrefix(e.Verb, "delete") {
			continue
		}
		if seen[n] == nil {
			seen[n] = &stretch{first: e.At}
		}
		seen[n].last = e.Done
		if !slices.Contains(order, parts[e.id()]) {
			order = append(order, parts[e.id()])
		}
	}
	for _, i := range items {
		if i.Kind != "Deployment" && i.Kind != "StatefulSet" {
			continue
		}
		s := seen[waves[i.id(names)]]
		if s == nil {
			t.Fatalf("%s/%s was never applied", i.Kind, i.Name)
		}
		at := readyAt(events, i.id(names), s.first)
		if at.IsZero() {
			t.Errorf("%s/%s was never ready", i.Kind, i.Name)
		}
		if at.After(s.ready) {
			s.ready = at
		}
	}
	numbers := slices.Sorted(maps.Keys(seen))
	for i, n := range numbers[1:] {
		if before := seen[numbers[i]]; !before.last.Before(seen[n].first) || !before.ready.Before(seen[n].first) {
			t.Errorf("wave %d began at %s: wave %d was applied at %s, ready at %s", n, seen[n].first, numbers[i], before.last, before.ready)
		}
	}
	if len(numbers) < 3 {
		t.Errorf("%d waves prove nothing", len(numbers))
	}
	return w.waves(t, bundle, order)
}

// readyAt is when a workload's controller first said, after a time, that all of
// it was ready.
func readyAt(events []event, id string, since time.Time) time.Time {
	for _, e := range events {
		if e.id() != id || e.ObjectRef.Subresource != "status" || e.At.Before(since) || e.ResponseStatus.Code >= 300 {
			continue
		}
		var o struct {
			Metadata struct{ Generation int64 }
			Spec     struct{ Replicas int }
			Status   struct {
				ObservedGeneration                           int64
				Replicas, UpdatedReplicas, AvailableReplicas int
			}
		}
		if json.Unmarshal(e.ResponseObject, &o) != nil {
			continue
		}
		if s := o.Status; s.ObservedGeneration == o.Metadata.Generation && s.Replicas == o.Spec.Replicas &&
			s.UpdatedReplicas == s.Replicas && s.AvailableReplicas == s.Replicas {
			return e.At
		}
	}
	return time.Time{}
}

const aboutArgoNext = `The releases that Flux applied, in the same order: one with a changed Deployment, and
one without the queue.`

func argoNext(t *testing.T, w *world) {
	first := filepath.Join(w.dir, "applied-1")
	flux := w.await(t, 2)
	start := time.Now()
	second := w.sync(t, flux)
	w.say("Serial 2: Synced and Healthy after %s. Touched: %s, which is what differs between the bundles.",
		seconds(time.Since(start)), w.touched(t, first, second, start))
	w.sameAsFlux(t, second, flux)

	flux = w.await(t, 5)
	start = time.Now()
	fifth := w.sync(t, flux)
	w.say("Serial 5: Synced and Healthy after %s.", seconds(time.Since(start)))
	w.onlyKept(t, second, "queue", start)
	w.sameAsFlux(t, fifth, flux)
}

// touched demands that the engine changed exactly those objects whose files
// differ between two bundles, and names them.
func (w *world) touched(t *testing.T, before, after string, since time.Time) string {
	t.Helper()
	names := w.resources(t, inventory(t, after))
	var want, got, list []string
	kind := map[string]string{}
	for _, i := range inventory(t, after) {
		was, _ := os.ReadFile(filepath.Join(before, i.File)) // a new file differs from none
		is, err := os.ReadFile(filepath.Join(after, i.File))
		if err != nil {
			t.Fatal(err)
		}
		kind[i.id(names)] = i.Kind + "/" + i.Name
		if string(was) != string(is) {
			want = append(want, i.id(names))
		}
	}
	for _, e := range by(w.applier, w.audit(t, since)) {
		if _, ours := kind[e.id()]; ours && !e.dry() && !slices.Contains(got, e.id()) {
			got = append(got, e.id())
		}
	}
	slices.Sort(want)
	if sorted := slices.Sorted(slices.Values(got)); !slices.Equal(sorted, want) {
		t.Errorf("%s touched %v, and %v differ", w.engine, sorted, want)
	}
	for _, id := range got {
		list = append(list, "`"+kind[id]+"`")
	}
	return strings.Join(list, ", then ")
}

const aboutArgoRefusals = `Argo CD verifies no signature of an OCI artifact. It has the digest, and what the API
server says.`

func argoRefusals(t *testing.T, w *world) {
	flux := w.await(t, 6)
	bundle := w.sync(t, flux)
	w.say("Serial 6 brings the queue back, which takes what it left.")
	w.sameAsFlux(t, bundle, flux)

	start := time.Now()
	w.pinned(t, 5)
	const want = "serial 5 is older than 6"
	w.until(t, "the guard refuses", func(ctx context.Context) string { return w.comparing(ctx, want) })
	took := time.Since(start)
	w.nothing(t, bundle, start)
	w.sameAsBundle(t, bundle)
	w.say("Serial 5 is pinned again: refused after %s, in the comparison already, by the guard's admission policy (%q): Argo CD asks the API server what would change, and says ComparisonError. Nothing is synced, and no object was touched.", seconds(took), want)
	w.sync(t, flux)

	forged := w.forgeContent(t, flux.manifest, bundle)
	if out, err := w.exec(w.dir, w.darkstart, "verify", "oci://"+w.Registry+"/fleet/"+w.cluster+"@"+forged, "--key", w.pub); err == nil {
		t.Errorf("verify takes what nobody signed:\n%s", out)
	}
	start = time.Now()
	w.kubectl(t, "-n", "argocd", "patch", "application", w.cluster, "--type=merge", "-p", fmt.Sprintf(`{"spec": {"source": {"targetRevision": %q}}}`, forged))
	w.until(t, "Argo CD applies "+forged, func(ctx context.Context) string { return w.notSynced(ctx, forged) })
	took = time.Since(start)
	if got := w.kubectl(t, "-n", "shop", "get", "deployment", "shop", "-o", "jsonpath={.spec.template.spec.containers[0].env[*].name}"); !strings.Contains(got, "MALLORY") {
		t.Errorf("the environment has %s", got)
	}
	w.say("Another content of the same serial, that nobody signed, is pushed and pinned: `darkstart verify` refuses it, and Argo CD **applies it**, after %s. With Argo CD the pin is the control. It stands in git, where `darkstart publish` and `darkstart promote` write it for a release that verifies; the digest holds what the registry serves to it. Who may change the pin may change the cluster: protect that branch.", seconds(took))
	w.sync(t, flux)
	w.sameAsFlux(t, bundle, flux)
}

// syncing says what the sync says, unless it says want.
func (w *world) syncing(ctx context.Context, want string) string {
	a, err := w.application(ctx)
	if err != nil {
		return err.Error()
	}
	if strings.Contains(a.Status.OperationState.Message, want) {
		return ""
	}
	return fmt.Sprintf("%+v", a.Status)
}

// comparing says what the comparison says, unless it says want.
func (w *world) comparing(ctx context.Context, want string) string {
	a, err := w.application(ctx)
	if err != nil {
		return err.Error()
	}
	if slices.ContainsFunc(a.Status.Conditions, func(c condition) bool { return c.Type == "ComparisonError" && strings.Contains(c.Message, want) }) {
		return ""
	}
	return fmt.Sprintf("%+v", a.Status)
}

// nothing demands that no object of a bundle was changed, whatever was tried.
func (w *world) nothing(t *testing.T, bundle string, since time.Time) {
	t.Helper()
	parts := w.parts(t, inventory(t, bundle))
	for _, e := range by(w.applier, w.audit(t, since)) {
		if part, ours := parts[e.id()]; ours && !e.dry() {
			t.Errorf("%s %s of %s", e.Verb, e.id(), part)
		}
	}
}

// forgeContent pushes a bundle that differs from a good one in the environment
// of the shop, and returns its manifest's digest.
func (w *world) forgeContent(t *testing.T, good, bundle string) string {
	t.Helper()
	repo := w.repository(w.cluster)
	i := slices.IndexFunc(inventory(t, bundle), func(i item) bool { return i.Kind == "Deployment" && i.Name == "shop" })
	file := inventory(t, bundle)[i].File
	var m map[string]any
	if err := json.Unmarshal(w.manifest(t, good), &m); err != nil {
		t.Fatal(err)
	}
	layer := m["layers"].([]any)[0].(map[string]any)
	oras, blobs := w.Program(programs.ORAS), w.Registry+"/"+repo.Name
	blob := filepath.Join(w.dir, "layer")
	w.must(t, w.dir, oras, "blob", "fetch", "--plain-http", "--output", blob, blobs+"@"+layer["digest"].(string))
	was, err := os.ReadFile(blob)
	if err != nil {
		t.Fatal(err)
	}
	is, err := registry.Rewrite(was, file, func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("DATABASE_HOST"), []byte("MALLORY")) })
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(blob, is, 0o644); err != nil {
		t.Fatal(err)
	}
	w.must(t, w.dir, oras, "blob", "push", "--plain-http", blobs, blob)
	layer["digest"], layer["size"] = registry.Digest(is), len(is)
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := repo.PushManifest(t.Context(), registry.Digest(b), registry.Manifest, b); err != nil {
		t.Fatal(err)
	}
	return registry.Digest(b)
}

const aboutArgoGate = `The database asks for nodes that do not exist, as in the chapter on Flux. Argo CD knows
by itself when a workload is healthy, and waits for that between waves; the gates of the bundle are for
Flux and for people.`

func argoGate(t *testing.T, w *world) {
	w.sync(t, w.await(t, 7)) // the last that Flux applies
	w.unwaive(t, "queue-moves")
	w.fleet.edit(t, "components/database/statefulset.yaml", "      automountServiceAccountToken: false\n",
		"      automountServiceAccountToken: false\n      nodeSelector: {disk: nvme}\n")
	w.fleet.edit(t, "components/shop/deployment.yaml", "- {name: DATABASE_HOST,", "- {name: DISK, value: nvme}\n            - {name: DATABASE_HOST,")
	w.fleet.commit(t, "feat(database): faster disks")
	w.next(t, 8)
	start := time.Now()
	bad := w.pinned(t, 8)
	const waits = "waiting for healthy state of apps/StatefulSet/database"
	w.until(t, "Argo CD waits for the database", func(ctx context.Context) string { return w.syncing(ctx, waits) })
	time.Sleep(5 * time.Second) // for whoever would go on all the same
	if why := w.syncing(t.Context(), waits); why != "" {
		t.Errorf("Argo CD went on: %s", why)
	}
	parts := w.parts(t, inventory(t, w.unpacked(t, 8, bad)))
	for _, e := range by(w.applier, w.audit(t, start)) {
		if part := parts[e.id()]; (part == "queue/run" || part == "shop/run") && !e.dry() {
			t.Errorf("%s %s of %s at %s", e.Verb, e.id(), part, e.At)
		}
	}
	w.say("Argo CD waits for the StatefulSet; no object of `queue/run` and `shop/run` was touched. It waits for good, also when a newer release is pinned: a person ends the sync (`argocd app terminate-op`).")

	w.revert(t, "feat(database): faster disks")
	w.next(t, 9)
	start = time.Now()
	w.terminate(t)
	good := w.pinned(t, 9)
	w.freePod(t)
	w.until(t, "Argo CD applies "+good, func(ctx context.Context) string { return w.notSynced(ctx, good) })
	w.say("The fix is pinned and the Pod that is stuck deleted: Synced and Healthy after %s; all %d objects equal the bundle's.",
		seconds(time.Since(start)), w.sameAsBundle(t, w.unpacked(t, 9, good)))
}
