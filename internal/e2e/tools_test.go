package e2e

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/darkstart-dev/darkstart/internal/e2e/programs"
	"github.com/darkstart-dev/darkstart/internal/e2e/registry"
)

const aboutTools = `What darkstart published is read by the programs that an engineer has at hand.`

func stockTools(t *testing.T, w *world) {
	bundle := w.extract(t, "bundle")
	e := w.fleet.newest(t, w.cluster)

	for name, out := range map[string]string{
		"crane manifest":      w.must(t, w.dir, w.Program(programs.Crane), "manifest", w.ref(t)),
		"oras manifest fetch": w.must(t, w.dir, w.Program(programs.ORAS), "manifest", "fetch", "--plain-http", w.ref(t)),
	} {
		if got := registry.Digest([]byte(out)); got != e.Manifest {
			t.Errorf("%s gives %s, and %s was asked for:\n%s", name, got, e.Manifest, out)
		}
	}
	layer := filepath.Join(w.dir, "layer.tgz")
	blob := w.must(t, w.dir, w.Program(programs.Crane), "blob", w.repo()+"@"+w.layer(t))
	if err := os.WriteFile(layer, []byte(blob), 0o644); err != nil {
		t.Fatal(err)
	}
	untar := w.folder(t, "by-tar")
	w.must(t, w.dir, "tar", "-xzf", layer, "-C", untar)
	sameTree(t, bundle, untar)
	w.say("`crane manifest` and `oras manifest fetch` give the manifest of that digest; `crane blob` and `tar -xz` give the tree that `darkstart inspect --extract` writes.")

	pulled := w.folder(t, "by-flux")
	w.must(t, w.dir, w.Program(programs.Flux), "pull", "artifact", "oci://"+w.ref(t), "--output", pulled)
	sameTree(t, bundle, pulled)
	w.say("So does `flux pull artifact`.")

	sources, parts := w.flux(t, "get", "sources", "oci"), w.flux(t, "get", "kustomizations")
	if !strings.Contains(sources, w.cluster) || strings.Count(sources, "True") != 1 || !strings.Contains(sources, e.Manifest[:len("sha256:")+8]) {
		t.Errorf("flux get sources oci:\n%s", sources)
	}
	list, err := w.kustomizations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(parts, "Applied revision: "); n != len(list) || strings.Count(parts, e.Manifest[:len("sha256:")+8]) < n {
		t.Errorf("flux get kustomizations: %d of %d\n%s", n, len(list), parts)
	}
	w.say("`flux get sources oci` and `flux get kustomizations` show the digest, and every part Ready on it.")
}

// repo is the cluster's repository in the registry.
func (w *world) repo() string { return w.Registry + "/fleet/" + w.cluster }

// folder makes a new empty folder.
func (w *world) folder(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(w.dir, name)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// sameTree demands that two folders hold the same files.
func sameTree(t *testing.T, want, got string) {
	t.Helper()
	n := 0
	for _, pair := range [][2]string{{want, got}, {got, want}} {
		err := filepath.WalkDir(pair[0], func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			n++
			rel, err := filepath.Rel(pair[0], path)
			if err != nil {
				return err
			}
			a, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if b, err := os.ReadFile(filepath.Join(pair[1], rel)); err != nil || !bytes.Equal(a, b) {
				t.Errorf("%s is not the same in %s and %s: %v", rel, pair[0], pair[1], err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n == 0 {
		t.Errorf("%s is empty", want)
	}
}

const aboutApproval = `The phase "apps" gets an approval by the duty manager. Flux stops there until somebody
lets it go on, and again when something behind it changes.`

func approval(t *testing.T, w *world) {
	start := time.Now()
	old := w.fleet.newest(t, w.cluster).Manifest
	w.fleet.edit(t, "clusters/base.cue", "\t\tname: \"apps\"\n", "\t\tname: \"apps\"\n\t\tapproval: {role: \"duty-manager\", wait: [\"1m\", \"10m\"]}\n")
	w.fleet.edit(t, "components/shop/deployment.yaml", "value: tampered}", "value: approved}")
	w.fleet.commit(t, "feat: the duty manager approves")
	w.fleet.release(t)
	w.pin(t, w.fleet)
	w.until(t, "the phase waits", func(ctx context.Context) string { return w.stopped(ctx, "shop-run", "DependencyNotReady", old) })
	if got := w.shop(t); !strings.HasPrefix(got, "tampered ") {
		t.Errorf("the shop has %q before anybody approved", got)
	}
	notes := w.kubectl(t, "-n", "flux-system", "get", "kustomizations", "-l", "darkstart.dev/cluster="+w.cluster, "-o", `jsonpath={range .items[?(@.spec.suspend==true)]}{.metadata.annotations.darkstart\.dev/approval}{"\n"}{end}`)
	_, command, _ := strings.Cut(notes, "to go on: darkstart ")
	command, _, found := strings.Cut(command, ", then commit and push")
	if !found {
		t.Fatalf("nothing is suspended, or says how to go on: %q", notes)
	}
	w.say("The first step of the phase is suspended, and all behind it waits (DependencyNotReady) on the release before. An annotation says who decides, and with what command: `darkstart %s`, which changes the pins, and the commit is the approval.", command)
	w.fleet.ok(t, strings.Fields(command)...)
	w.fleet.commit(t, "approve")
	w.pin(t, w.fleet)
	manifest := w.fleet.newest(t, w.cluster).Manifest
	w.until(t, "Flux goes on", func(ctx context.Context) string { return w.notReady(ctx, manifest) })
	if got := w.shop(t); !strings.HasPrefix(got, "approved ") {
		t.Errorf("the shop has %q", got)
	}
	w.sameAsBundle(t, w.extract(t, "approved"))
	w.say("%s after the pins were applied every part was Ready on the new digest.", seconds(time.Since(start)))
	w.fleet.release(t, "--renew")
	w.deploy(t, w.fleet)
	w.say("A renewal changes nothing behind the approval, and goes through without another.")
}
