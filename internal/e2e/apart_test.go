package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/darkstart-dev/darkstart/internal/e2e/programs"
)

// apart prepares a cluster for whatever else can be done to one.
func apart(t *testing.T, first *world) *world { return first.another(t, "apart", "staging") }

const aboutApart = `What follows is done to another staging. It comes up as the guide on breaking glass
says: registry, CI and the key of every day are gone. There are a clone, the escrowed key, a disk, and
kubectl. Flux trusts the escrowed key as well, since the first day.`

func apartStart(t *testing.T, w *world) {
	if err := w.Kubernetes(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.StartRegistry(t.Context()); err != nil { // its address stands in the fleet; it stays empty
		t.Fatal(err)
	}
	w.machines(t)
	w.fleet = origin(t, w)
	w.settings(t)
	w.data(t)
	w.fleet.commit(t, "the fleet")
	w.keys(t)
	w.seededFrom(t, w.brokenGlass(t))
	w.say("Its seed phase was applied with `kubectl`, as its runbook says.")

	w.must(t, w.disk(), w.darkstart, "publish", "--from", "release.tar", "oci://"+w.Registry+"/fleet")
	if err := w.fleet.push(); err != nil {
		t.Fatal(err)
	}
	w.fleet.publish(t)
	w.say("A registry is there again: `publish --from release.tar` carries the file in, without a fleet and without a private key; `publish` in a clone then sends nothing and pins it.")
	start := time.Now()
	w.deploy(t, w.fleet)
	w.verified(t)
	w.say("Flux takes the release by the escrowed key; serial 1 was applied in %s.", seconds(time.Since(start)))

	w.fleet.publish(t, "--key", w.key)
	for _, pub := range []string{w.pub, w.escrow()} {
		w.must(t, w.dir, w.Program(programs.Cosign), "verify", "--key", pub, "--insecure-ignore-tlog", w.ref(t))
	}
	w.say("The key of every day signs the same bundles beside the escrowed one: stock `cosign` takes them by either.")
}

// disk is what is carried to the cluster.
func (w *world) disk() string { return filepath.Join(w.dir, "disk") }

// brokenGlass releases with the escrowed key onto a disk, and on the other side
// verifies and unpacks the cluster's bundle from there. Nothing of the fleet is
// there but the public key.
func (w *world) brokenGlass(t *testing.T) string {
	t.Helper()
	escrow := filepath.Join(w.dir, "escrow")
	w.fleet.ok(t, "keys", "generate", "--out", escrow)
	key := filepath.Join(escrow, "release.key")
	w.fleet.ok(t, "release", "--key", key)
	w.fleet.commit(t, "release, by the escrowed key")
	if err := os.MkdirAll(w.disk(), 0o755); err != nil {
		t.Fatal(err)
	}
	w.fleet.ok(t, "publish", "--tar", filepath.Join(w.disk(), "release.tar"), "--key", key)
	pub, err := os.ReadFile(filepath.Join(escrow, "release.pub"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.escrow(), pub, 0o644); err != nil {
		t.Fatal(err)
	}
	w.must(t, w.disk(), w.darkstart, "verify", "release.tar", "--artifact", w.cluster, "--key", w.escrow())
	if out, err := w.exec(w.disk(), w.darkstart, "verify", "release.tar", "--artifact", w.cluster, "--key", w.pub); err == nil {
		t.Errorf("the key of every day has not signed, and verify takes it:\n%s", out)
	}
	bundle := filepath.Join(w.dir, "seed")
	w.must(t, w.disk(), w.darkstart, "inspect", "release.tar", "--artifact", w.cluster, "--extract", bundle)
	w.say("`release` and `publish --tar` with the escrowed key; on the other side `verify release.tar --key escrow.pub` accepts it, and `inspect --extract` unpacks it.")
	return bundle
}

// escrow is the public half of the escrowed key, where there is one.
func (w *world) escrow() string { return filepath.Join(w.disk(), "escrow.pub") }

// keys makes the key pair of the releases.
func (w *world) keys(t *testing.T) {
	t.Helper()
	w.fleet.ok(t, "keys", "generate", "--out", filepath.Join(w.dir, "keys"))
	w.key, w.pub = filepath.Join(w.dir, "keys", "release.key"), filepath.Join(w.dir, "keys", "release.pub")
}
