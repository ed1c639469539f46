package e2e

import (
	"bytes"
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

const aboutRefusals = `Somebody who may write to the registry, or even to the pins, but has no release key. Each
time the pin moves to what they made, Flux has to refuse it, and the cluster has to stay as it is.`

func refusals(t *testing.T, w *world) {
	repo := w.repository(w.cluster)
	good := w.manifest(t, w.fleet.newest(t, w.cluster).Manifest)

	w.refused(t, "A manifest that nobody signed", w.forge(t, good, "unsigned"), "SourceVerified", "no matching signatures")

	other := w.forge(t, good, "signed by another key")
	w.must(t, w.dir, w.darkstart, "keys", "generate", "--out", filepath.Join(w.dir, "mallory"))
	w.cosignSign(t, filepath.Join(w.dir, "mallory", "release.key"), w.Registry+"/fleet/"+w.cluster+"@"+other)
	w.refused(t, "One signed with another key, by stock cosign", other, "SourceVerified", "no matching signatures")

	stolen := w.forge(t, good, "with a stolen signature")
	w.steal(t, repo, registry.Digest(good), stolen)
	w.refused(t, "One with the signature of the release attached", stolen, "SourceVerified", "no matching signatures")

	w.movedTag(t, good)
	w.tampered(t)
	w.older(t)
}

// older pins a release that was good once: signed, unexpired, and a serial
// back. Only the guard in the cluster can know.
func (w *world) older(t *testing.T) {
	t.Helper()
	start := time.Now()
	entries := w.fleet.records(t, "main").Artifacts[w.cluster]
	now, before := entries[len(entries)-1], entries[len(entries)-2]
	patch := fmt.Sprintf(`{"spec": {"ref": {"digest": %q}}}`, before.Manifest)
	w.kubectl(t, "-n", "flux-system", "patch", "ocirepository", w.cluster, "--type=merge", "-p", patch)
	want := fmt.Sprintf("serial %d is older than %d", before.Serial, now.Serial)
	w.until(t, "the guard refuses "+want, func(ctx context.Context) string {
		list, err := w.kustomizations(ctx)
		if err != nil {
			return err.Error()
		}
		var waiting, refused int
		for _, k := range list {
			switch ready := k.condition("Ready"); {
			case k.part() == guard && ready.Status == "False" && strings.Contains(ready.Message, want):
				refused++
			case k.part() != guard && ready.Status == "False" && ready.Reason == "DependencyNotReady":
				waiting++
			}
		}
		if refused == 1 && waiting == len(list)-1 {
			return ""
		}
		return fmt.Sprintf("%d refused, %d of %d waiting", refused, waiting, len(list)-1)
	})
	w.say("A release that is signed and one serial back: refused after %s by the admission policy of the guard (%q). Every other part waits for it.", seconds(time.Since(start)), want)
	w.staysOn(t, now.Manifest)
	w.deploy(t, w.fleet)
}

func (w *world) manifest(t *testing.T, digest string) []byte {
	t.Helper()
	b, err := w.repository(w.cluster).Get(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// forge pushes a manifest that differs from a good one in an annotation, and
// returns its digest.
func (w *world) forge(t *testing.T, good []byte, title string) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(good, &m); err != nil {
		t.Fatal(err)
	}
	m["annotations"].(map[string]any)["org.opencontainers.image.title"] = title
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.repository(w.cluster).PushManifest(t.Context(), registry.Digest(b), registry.Manifest, b); err != nil {
		t.Fatal(err)
	}
	return registry.Digest(b)
}

// cosignSign signs with stock cosign, which offline needs empty settings.
func (w *world) cosignSign(t *testing.T, key, ref string) {
	t.Helper()
	cosign := w.Program(programs.Cosign)
	config, root := filepath.Join(w.dir, "signing-config.json"), filepath.Join(w.dir, "trusted-root.json")
	w.must(t, w.dir, cosign, "signing-config", "create", "--out", config)
	w.must(t, w.dir, cosign, "trusted-root", "create", "--out", root)
	w.must(t, w.dir, cosign, "sign", "-y", "--key", key, "--signing-config", config, "--trusted-root", root, ref)
}

// steal attaches the signature of one manifest to another.
func (w *world) steal(t *testing.T, repo registry.Repository, from, to string) {
	t.Helper()
	b, err := repo.Get(t.Context(), strings.Replace(from, ":", "-", 1))
	if err != nil {
		t.Fatal(err)
	}
	var index registry.List
	if err := json.Unmarshal(b, &index); err != nil {
		t.Fatal(err)
	}
	target := w.manifest(t, to)
	list := map[string]any{"schemaVersion": 2, "mediaType": registry.Index}
	var moved []registry.Descriptor
	for _, d := range index.Manifests {
		signature := w.manifest(t, d.Digest)
		var m map[string]any
		if err := json.Unmarshal(signature, &m); err != nil {
			t.Fatal(err)
		}
		m["subject"] = registry.Describe(registry.Manifest, target)
		if signature, err = json.Marshal(m); err != nil {
			t.Fatal(err)
		}
		if err := repo.PushManifest(t.Context(), registry.Digest(signature), registry.Manifest, signature); err != nil {
			t.Fatal(err)
		}
		d.Digest, d.Size = registry.Digest(signature), len(signature)
		moved = append(moved, d)
	}
	list["manifests"] = moved
	if b, err = json.Marshal(list); err != nil {
		t.Fatal(err)
	}
	if err := repo.PushManifest(t.Context(), strings.Replace(to, ":", "-", 1), registry.Index, b); err != nil {
		t.Fatal(err)
	}
}

// refusal says why source-controller does not refuse, with a condition that is
// False and a message; "" if it does.
func (w *world) refusal(ctx context.Context, name, kind, message string) string {
	s, err := w.source(ctx, name)
	if err != nil {
		return err.Error()
	}
	i := slices.IndexFunc(s.Status.Conditions, func(c condition) bool {
		return c.Type == kind && c.Status == "False" && strings.Contains(c.Message, message)
	})
	if i < 0 {
		return fmt.Sprintf("%+v", s.Status.Conditions)
	}
	return ""
}

// refused moves the pin, demands that Flux refuses and that the cluster stays
// on the release, and moves the pin back.
func (w *world) refused(t *testing.T, what, digest, kind, message string) {
	t.Helper()
	start := time.Now()
	good := w.fleet.newest(t, w.cluster).Manifest
	patch := fmt.Sprintf(`{"spec": {"ref": {"digest": %q}}}`, digest)
	w.kubectl(t, "-n", "flux-system", "patch", "ocirepository", w.cluster, "--type=merge", "-p", patch)
	w.until(t, what+" is refused", func(ctx context.Context) string { return w.refusal(ctx, w.cluster, kind, message) })
	took := time.Since(start)
	// Time for whoever would apply it all the same.
	w.kubectl(t, "-n", "flux-system", "annotate", "--overwrite", "kustomization", "-l", "darkstart.dev/cluster="+w.cluster,
		"reconcile.fluxcd.io/requestedAt="+start.Format(time.RFC3339Nano))
	w.until(t, "the parts have looked again", func(ctx context.Context) string { return w.handled(ctx, start.Format(time.RFC3339Nano)) })
	w.until(t, "the parts stay Ready on the release", func(ctx context.Context) string { return w.notReady(ctx, good) })
	if why := w.refusal(t.Context(), w.cluster, kind, message); why != "" {
		t.Errorf("refused no more: %s", why)
	}
	w.staysOn(t, good)
	w.deploy(t, w.fleet)
	w.say("%s is refused after %s (`%s` is False: %s). Every part stays Ready on the release.", what, seconds(took), kind, message)
}

// handled says which Kustomizations have not yet seen a request to reconcile.
func (w *world) handled(ctx context.Context, token string) string {
	out, err := w.Kubectl(ctx, nil, "-n", "flux-system", "get", "kustomization", "-l", "darkstart.dev/cluster="+w.cluster,
		"-o", "jsonpath={range .items[*]}{.metadata.name}={.status.lastHandledReconcileAt}{\"\\n\"}{end}")
	if err != nil {
		return err.Error()
	}
	for line := range strings.Lines(string(out)) {
		if !strings.HasSuffix(strings.TrimSpace(line), "="+token) {
			return line
		}
	}
	return ""
}

// staysOn demands that nothing but the release is, or was, applied.
func (w *world) staysOn(t *testing.T, manifest string) {
	t.Helper()
	list, err := w.kustomizations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range list {
		if !strings.Contains(k.Status.LastAppliedRevision, manifest) {
			t.Errorf("%s is on %s", k.Metadata.Name, k.Status.LastAppliedRevision)
		}
	}
	w.sameAsBundle(t, w.unpack(t, "stays", manifest))
}

// reconcile asks source-controller to look at once, and returns what it will
// say that it has handled.
func (w *world) reconcile(t *testing.T) string {
	t.Helper()
	token := time.Now().Format(time.RFC3339Nano)
	w.kubectl(t, "-n", "flux-system", "annotate", "--overwrite", "ocirepository", w.cluster, "reconcile.fluxcd.io/requestedAt="+token)
	return token
}

// movedTag points the tag of the release at something else: the pin does not
// care, and who follows the tag is protected by the signature.
func (w *world) movedTag(t *testing.T, good []byte) {
	t.Helper()
	e := w.fleet.newest(t, w.cluster)
	forged := w.manifest(t, w.forge(t, good, "behind a moved tag"))
	tag := fmt.Sprintf("serial-%d", e.Serial)
	if err := w.repository(w.cluster).PushManifest(t.Context(), tag, registry.Manifest, forged); err != nil {
		t.Fatal(err)
	}
	token := w.reconcile(t)
	w.until(t, "source-controller looks again", func(ctx context.Context) string {
		out, err := w.Kubectl(ctx, nil, "-n", "flux-system", "get", "ocirepository", w.cluster, "-o", "jsonpath={.status.lastHandledReconcileAt}")
		if err != nil || string(out) != token {
			return fmt.Sprint(string(out), err)
		}
		return ""
	})
	w.staysOn(t, e.Manifest)
	w.apply(t, fmt.Sprintf(`{"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository", "metadata": {"name": "by-tag", "namespace": "flux-system"},
		"spec": {"interval": "10m", "url": "oci://%s/fleet/%s", "ref": {"tag": %q}, "verify": {"provider": "cosign", "secretRef": {"name": "darkstart-release-key"}}}}`,
		w.Registry, w.cluster, tag))
	w.until(t, "a moved tag is refused", func(ctx context.Context) string {
		return w.refusal(ctx, "by-tag", "SourceVerified", "no matching signatures")
	})
	w.kubectl(t, "-n", "flux-system", "delete", "ocirepository", "by-tag")
	if out, status := w.fleet.darkstart(t, "publish"); status != 4 || !strings.Contains(out, "PUB002") {
		t.Errorf("publish over a moved tag: exit status %d\n%s", status, out)
	}
	if err := w.repository(w.cluster).PushManifest(t.Context(), tag, registry.Manifest, good); err != nil {
		t.Fatal(err)
	}
	w.say("The tag of the release is moved to something else: the pin is a digest, so nothing happens. An OCIRepository that follows the tag is refused, and `darkstart publish` ends with exit status 4 (PUB002).")
}

// tampered changes one byte of a layer in the registry's own storage, before
// Flux has it.
func (w *world) tampered(t *testing.T) {
	t.Helper()
	before := w.fleet.newest(t, w.cluster).Manifest
	w.fleet.edit(t, "components/shop/deployment.yaml", "- {name: DATABASE_HOST,", "- {name: BANNER, value: tampered}\n            - {name: DATABASE_HOST,")
	w.fleet.commit(t, "feat(shop): a banner to tamper with")
	w.fleet.release(t)
	hex := strings.TrimPrefix(w.layer(t), "sha256:")
	blob := filepath.Join(w.Dir, "registry", "docker", "registry", "v2", "blobs", "sha256", hex[:2], hex, "data")
	whole, err := os.ReadFile(blob)
	if err != nil {
		t.Fatal(err)
	}
	broken := bytes.Clone(whole)
	broken[len(broken)/2] ^= 1
	if err := os.WriteFile(blob, broken, 0o644); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	w.pin(t, w.fleet)
	w.until(t, "a tampered layer is refused", func(ctx context.Context) string {
		return w.refusal(ctx, w.cluster, "Ready", "checksum")
	})
	s, err := w.source(t.Context(), w.cluster)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(s.Status.Artifact.Revision, w.fleet.newest(t, w.cluster).Manifest) {
		t.Errorf("the tampered layer was taken: %+v", s.Status)
	}
	list, err := w.kustomizations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range list {
		if !strings.Contains(k.Status.LastAppliedRevision, before) {
			t.Errorf("%s is on %s", k.Metadata.Name, k.Status.LastAppliedRevision)
		}
	}
	w.say("One byte of the next release's layer is changed in the registry's storage: refused after %s, the signature being good and the layer not.", seconds(time.Since(start)))
	if err := os.WriteFile(blob, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	w.reconcile(t)
	w.deploy(t, w.fleet)
	w.say("With the byte restored the release is applied.")
}
