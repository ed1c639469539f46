package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/darkstart-dev/darkstart/internal/e2e/programs"
	"github.com/darkstart-dev/darkstart/internal/e2e/registry"
)

const aboutStart = `etcd and the API server speak TLS with certificates of an authority that this run
made, on ports that were free. Six nodes stand in the three zones that the fleet declares.`

func startControlPlane(t *testing.T, w *world) {
	start := time.Now()
	if err := w.Kubernetes(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.say("etcd, API server, controller manager, scheduler and KWOK were ready after %s.", seconds(time.Since(start)))
	if err := w.StartRegistry(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.say("A registry without the referrers API listens beside them.")
	w.machines(t)
	w.say("Six nodes are Ready.")
}

// machines makes what a cluster stands on: nodes that KWOK plays, and disks.
func (w *world) machines(t *testing.T) {
	t.Helper()
	for i := range 6 {
		w.apply(t, fmt.Sprintf(`{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-%d", "labels": {
			"topology.kubernetes.io/zone": "region-2%c", "topology.kubernetes.io/region": "region-2", "kubernetes.io/hostname": "node-%[1]d"}}}`, i, 'a'+i%3))
	}
	w.apply(t, `{"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "zonal"},
		"provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer"}`)
	for i := range 6 {
		w.apply(t, fmt.Sprintf(`{"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "disk-%d"}, "spec": {
			"capacity": {"storage": "20Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "zonal",
			"persistentVolumeReclaimPolicy": "Retain", "hostPath": {"path": "/nowhere/%[1]d"}}}`, i))
	}
	w.until(t, "nodes are Ready", func(ctx context.Context) string {
		out, err := w.Kubectl(ctx, nil, "wait", "node", "--all", "--for=condition=Ready", "--timeout=5s")
		if err != nil {
			return err.Error()
		}
		if n := strings.Count(string(out), "condition met"); n != 6 {
			return fmt.Sprint(n, " nodes")
		}
		return ""
	})
}

const aboutRelease = `The fleet is what "darkstart init --profile production" writes: two clusters, a
database, a shop, and Flux. A third phase puts the database before the shop, a queue joins them, and
"releases.registry" says where bundles go. Only staging runs here.`

func firstRelease(t *testing.T, w *world) {
	w.fleet = origin(t, w)
	w.settings(t)
	w.data(t)
	w.queue(t)
	w.fleet.commit(t, "the fleet")
	w.keys(t)
	w.fleet.release(t)
	if e := w.fleet.newest(t, w.cluster); e.Serial != 1 {
		t.Fatalf("serial %d", e.Serial)
	}
	w.say("`darkstart release` gave each artifact serial 1 and signed it; the record was pushed. `darkstart publish` brought bundles and signatures to the registry, and then wrote the pins of staging.")
	w.fleet.ok(t, "verify", "--key", w.pub)
	w.say("`darkstart verify` accepts them.")
	for _, artifact := range []string{"fleet", "prod", w.cluster} {
		ref := w.Registry + "/fleet/" + artifact + "@" + w.fleet.newest(t, artifact).Manifest
		w.must(t, w.dir, w.Program(programs.Cosign), "verify", "--key", w.pub, "--insecure-ignore-tlog", ref)
	}
	w.say("Stock `cosign verify` accepts each by digest.")
}

// settings makes the fleet fit this machine: where bundles go, short gates.
func (w *world) settings(t *testing.T) {
	t.Helper()
	w.fleet.edit(t, "darkstart.cue", "policies: strict: true", fmt.Sprintf("policies: strict: true\n\nreleases: registry: \"oci://%s/fleet\"", w.Registry))
	w.fleet.edit(t, "clusters/base.cue", `gates: [...{timeout: *"10m" | string}]`, `gates: [...{timeout: *"20s" | string}]`)
}

// data makes the fleet longer: a phase for the database, before the shop's.
func (w *world) data(t *testing.T) {
	t.Helper()
	// With no kind of engine, a release pins for both.
	w.fleet.edit(t, "clusters/base.cue", "\tkind: \"flux\"\n", "")
	w.fleet.edit(t, "clusters/base.cue", "\t{\n\t\tname: \"apps\"", phase("data")+"\t{\n\t\tname: \"apps\"")
	w.fleet.edit(t, "components/database/component.cue", `phase: "apps"`, `phase: "data"`)
}

// phase is the declaration of one more phase.
func phase(name string) string {
	return fmt.Sprintf(`	{
		name: %q
		preflight: [{do: "Flux is ready", run: "flux check", expect: "all checks passed"}]
		endpoint: "kubectl -n flux-system get kustomizations"
		rollback: "release the content before as a new serial"
	},
`, name)
}

// queue adds the component of testdata/queue, which has a bit of everything
// that pruning must tell apart, in the phase of the shop.
func (w *world) queue(t *testing.T) {
	t.Helper()
	if err := os.CopyFS(filepath.Join(w.fleet.dir, "components", "queue"), os.DirFS("testdata/queue")); err != nil {
		t.Fatal(err)
	}
	w.fleet.edit(t, "clusters/base.cue", `"fleet.example/components/flux"`, `"fleet.example/components/flux"`+"\n\t"+`"fleet.example/components/queue"`)
	w.fleet.edit(t, "clusters/base.cue", `"flux":     flux.component`, `"flux":     flux.component`+"\n\t"+`"queue":    queue.component`)
}

const aboutSeed = `The seed phase is Flux itself. A person applies it from the unpacked bundle, with the
commands of the bundle's own runbook.`

func seed(t *testing.T, w *world) {
	for _, command := range w.seeded(t) {
		w.say("`%s`", command)
	}
	w.say("source-controller and kustomize-controller run; the public release key is in their namespace.")
}

// seeded is seededFrom the newest bundle in the registry.
func (w *world) seeded(t *testing.T) []string {
	t.Helper()
	return w.seededFrom(t, w.extract(t, "seed"))
}

// seededFrom applies the seed phase of an unpacked bundle as its runbook says,
// and starts Flux. It returns the commands of the runbook.
func (w *world) seededFrom(t *testing.T, bundle string) []string {
	t.Helper()
	commands := seedCommands(t, filepath.Join(bundle, "runbooks", "bootstrap.md"))
	bin := filepath.Join(w.dir, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(w.Program(programs.Kubectl), filepath.Join(bin, "kubectl")); err != nil {
		t.Fatal(err)
	}
	for _, command := range commands {
		w.must(t, bundle, "sh", "-euc", "PATH="+bin+":$PATH; "+command)
	}
	for _, p := range []programs.Program{programs.SourceController, programs.KustomizeCtrl} {
		w.kubectl(t, "apply", "--server-side", "-f", w.Asset(p, p.Assets[0]))
	}
	w.kubectl(t, "wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
	w.trust(t)
	if err := w.Flux(t.Context()); err != nil {
		t.Fatal(err)
	}
	return commands
}

// trust gives Flux the public key of the cluster's stream, and the escrowed one
// where there is one.
func (w *world) trust(t *testing.T) {
	t.Helper()
	keys := map[string]string{}
	for name, file := range map[string]string{"cosign.pub": w.pub, "escrow.pub": w.escrow()} {
		key, err := os.ReadFile(file)
		if err != nil && (name == "cosign.pub" || !os.IsNotExist(err)) {
			t.Fatal(err)
		}
		if err == nil {
			keys[name] = string(key)
		}
	}
	b, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	w.apply(t, fmt.Sprintf(`{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "darkstart-release-key", "namespace": "flux-system"}, "stringData": %s}`, b))
}

// seedCommands returns the commands of the runbook's steps that a person applies
// parts in; of the others it says that the engine does.
func seedCommands(t *testing.T, runbook string) []string {
	t.Helper()
	b, err := os.ReadFile(runbook)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	seed, shell := false, false
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "#"):
			seed = strings.HasPrefix(line, "#### ") && strings.Contains(line, ". Apply ")
		case strings.HasPrefix(line, "```"):
			shell = line == "```sh"
		case seed && shell && strings.HasPrefix(line, "kubectl"):
			out = append(out, line)
		}
	}
	if len(out) == 0 {
		t.Fatalf("%s: no command in the seed phase", runbook)
	}
	return out
}

const aboutFlux = `The objects in deploy/ are applied: an OCIRepository pinned to the digest, and one
Kustomization a part.`

func firstApply(t *testing.T, w *world) {
	start := time.Now()
	w.deploy(t, w.fleet)
	manifest := w.fleet.newest(t, w.cluster).Manifest
	w.say("Every part was Ready on the pinned digest after %s.", seconds(time.Since(start)))
	w.verified(t)
	bundle := w.extract(t, "applied")
	order := w.inOrder(t, bundle, manifest, start)
	w.say("No object of a part was touched before every part that it depends on was Ready. They became Ready in waves: %s.", w.waves(t, bundle, order))
	w.say("All %d objects are in the cluster with every field of the bundle: `kubectl diff` finds nothing.", w.sameAsBundle(t, bundle))
	w.handOver(t, bundle)
}

// waves prints the waves of a bundle. Within one the order is chance, so the
// parts are sorted; between two it must be the order in which they were Ready.
func (w *world) waves(t *testing.T, bundle string, order []string) string {
	t.Helper()
	wave := map[string]int{}
	for _, i := range inventory(t, bundle) {
		wave[i.Part] = i.Wave
	}
	var out []string
	for i, part := range order {
		if i > 0 && wave[part] < wave[order[i-1]] {
			t.Errorf("%s of wave %d was Ready after %s of wave %d", part, wave[part], order[i-1], wave[order[i-1]])
		}
	}
	slices.SortStableFunc(order, func(a, b string) int {
		return cmp.Or(cmp.Compare(wave[a], wave[b]), strings.Compare(a, b))
	})
	for i, part := range order {
		if i > 0 && wave[part] == wave[order[i-1]] {
			out[len(out)-1] += " and `" + part + "`"
		} else {
			out = append(out, "`"+part+"`")
		}
	}
	return strings.Join(out, ", then ")
}

// verified demands that Flux checked the signature of what it has, and has the
// layer that the manifest names.
func (w *world) verified(t *testing.T) {
	t.Helper()
	e := w.fleet.newest(t, w.cluster)
	repo, err := w.source(t.Context(), w.cluster)
	if err != nil {
		t.Fatal(err)
	}
	if got := repo.Status.Artifact; got.Digest != w.layer(t) || !strings.Contains(got.Revision, e.Manifest) {
		t.Errorf("source-controller has %+v, the manifest says %s", got, w.layer(t))
	}
	verified := slices.ContainsFunc(repo.Status.Conditions, func(c condition) bool { return c.Type == "SourceVerified" && c.Status == "True" })
	if !verified {
		t.Errorf("not SourceVerified: %+v", repo.Status.Conditions)
	}
	w.say("source-controller verified the signature (`SourceVerified`), and serves the layer with the digest that the manifest names.")
}

// layer is the digest of the one layer of the newest bundle.
func (w *world) layer(t *testing.T) string {
	t.Helper()
	var m struct{ Layers []registry.Descriptor }
	if err := json.Unmarshal(w.manifest(t, w.fleet.newest(t, w.cluster).Manifest), &m); err != nil || len(m.Layers) != 1 {
		t.Fatalf("no bundle: %v", err)
	}
	return m.Layers[0].Digest
}
