package e2e

import (
	"path/filepath"
	"testing"
	"time"
)

// apart prepares a cluster for whatever else can be done to one.
func apart(t *testing.T, first *world) *world { return first.another(t, "apart", "staging") }

const aboutApart = `What follows is done to another staging, with a registry and a copy of the fleet of its own.`

func apartStart(t *testing.T, w *world) {
	if err := w.Kubernetes(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.StartRegistry(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.machines(t)
	w.fleet = origin(t, w)
	w.settings(t)
	w.data(t)
	w.fleet.commit(t, "the fleet")
	w.keys(t)
	w.fleet.release(t)
	w.seeded(t)
	start := time.Now()
	w.deploy(t, w.fleet)
	w.say("Serial 1 was applied in %s.", seconds(time.Since(start)))
}

// keys makes the key pair of the releases.
func (w *world) keys(t *testing.T) {
	t.Helper()
	w.fleet.ok(t, "keys", "generate", "--out", filepath.Join(w.dir, "keys"))
	w.key, w.pub = filepath.Join(w.dir, "keys", "release.key"), filepath.Join(w.dir, "keys", "release.pub")
}
