package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/darkstart-dev/darkstart/internal/e2e/registry"
	"github.com/darkstart-dev/darkstart/internal/e2e/stack"
)

// patience is how long an engine may take for a step that takes it seconds.
const patience = 4 * time.Minute

// world is what the chapters share.
type world struct {
	*page
	*stack.Stack
	dir       string
	cluster   string // the one whose API server runs here
	darkstart string // the compiler, built from this tree
	key, pub  string // of the releases
	fleet     *clone // where releases are made
	peer      *world // the second ring, where there is one
	engine    string // that applies here
	applier   string // the user that it applies as

	done  chan applied // what the engine has applied here, closed at the end; nil where nobody asks
	first *world       // where Flux applies what is applied here: read only after a receive from its done
}

// close says that the engine applies nothing more.
func (w *world) close() {
	if w.done != nil {
		close(w.done)
	}
}

// exec runs a program in a folder, with an environment that has nothing of the
// user's own but PATH.
func (w *world) exec(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = w.Env("COSIGN_PASSWORD=e2e", "GIT_CONFIG_NOSYSTEM=1", "KUBECONFIG="+w.Kubeconfig(), "NO_COLOR=1")
	out, err := cmd.Output()
	return string(out), err
}

// must is exec for what has to succeed.
func (w *world) must(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	out, err := w.exec(dir, name, args...)
	if err != nil {
		stderr := ""
		if exit, ok := err.(*exec.ExitError); ok {
			stderr = string(exit.Stderr)
		}
		t.Fatalf("%s %q: %v\n%s%s", filepath.Base(name), args, err, out, stderr)
	}
	return out
}

func (w *world) repository(artifact string) registry.Repository {
	return registry.Repository{Host: w.Registry, Name: "fleet/" + artifact}
}

// kubectl runs kubectl as the administrator.
func (w *world) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := w.Kubectl(t.Context(), nil, args...)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// apply applies an object or several from a string.
func (w *world) apply(t *testing.T, manifest string) {
	t.Helper()
	if _, err := w.Kubectl(t.Context(), []byte(manifest), "apply", "--server-side", "-f", "-"); err != nil {
		t.Fatal(err)
	}
}

// until waits until f returns "", and fails with what f said last.
func (w *world) until(t *testing.T, what string, f func(context.Context) string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		last := f(ctx)
		if last == "" {
			return
		}
		if err := w.Health(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ctx.Done():
			t.Fatalf("not after %v: %s: %s", patience, what, last)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// extract unpacks the newest bundle of the cluster.
func (w *world) extract(t *testing.T, name string) string {
	t.Helper()
	return w.unpack(t, name, w.fleet.newest(t, w.cluster).Manifest)
}

// unpack unpacks a bundle of the cluster from the registry, as users do.
func (w *world) unpack(t *testing.T, name, manifest string) string {
	t.Helper()
	dir := filepath.Join(w.dir, name)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	w.fleet.ok(t, "inspect", "oci://"+w.repo()+"@"+manifest, "--extract", dir)
	return dir
}
