package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The hooks are installed by the real pre-commit from this repository, as its
// users install them, and judge what is staged.
func TestPreCommit(t *testing.T) {
	if testing.Short() {
		t.Skip("installs the program once more")
	}
	if _, err := exec.LookPath("pre-commit"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("pre-commit is not installed")
		}
		t.Skip("pre-commit is not installed")
	}
	w := &hooked{t: t, dir: t.TempDir(), home: t.TempDir()}
	hooks := w.ourselves()
	w.must("darkstart", "init", ".")
	w.git("init", "-q", "-b", "main")
	// With the Go that is here: pre-commit would fetch one where it finds none.
	w.write(".pre-commit-config.yaml", `default_language_version: {golang: system}
repos:
  - repo: `+hooks+`
    rev: `+strings.TrimSpace(w.at(hooks, "git", "rev-parse", "HEAD"))+`
    hooks: [{id: darkstart-check}, {id: darkstart-fmt}, {id: darkstart-test}, {id: darkstart-lock}, {id: darkstart-runbook}]
`)
	w.must("pre-commit", "install")
	w.git("add", "-A")
	w.git("commit", "-q", "-m", "a fleet")

	const deployment = "components/web/deployment.yaml"
	good := w.read(deployment)
	bad := strings.Replace(good, "@sha256:7031c1b283388d2c2e09b57badb803c05ebed362dc88d84b480cc47f72a21097", "", 1)
	if bad == good {
		t.Fatal("the scaffold's image is not where it was")
	}
	// A bad commit is blocked, with the reason and the place.
	w.write(deployment, bad)
	w.git("add", "-A")
	out, err := w.run(w.dir, "git", "commit", "-m", "by tag")
	if err == nil || !strings.Contains(out, "error[SC001]") || !strings.Contains(out, deployment) {
		t.Fatalf("a bad commit was not blocked: %v\n%s", err, out)
	}
	// So is one whose image nobody locked.
	w.write(deployment, strings.Replace(good, "pause:3.9", "pause:3.10", 1))
	w.git("add", "-A")
	if out, err := w.run(w.dir, "git", "commit", "-m", "not locked"); err == nil || !strings.Contains(out, "error[LCK009]: registry.k8s.io/pause:3.10 is not in the lock") {
		t.Fatalf("an image that is not locked was committed: %v\n%s", err, out)
	}
	// What is staged counts, not what lies beside it.
	w.write(deployment, good+"# staged\n")
	w.git("add", "-A")
	w.write(deployment, bad)
	w.git("commit", "-q", "-m", "good, with a bad working tree")
	if got := w.read(deployment); got != bad {
		t.Error("the working tree is not as it was")
	}
	// The formatter changes the file, and so the commit waits.
	w.git("checkout", "-q", "--", ".")
	w.write("clusters/dev/cluster.cue", strings.Replace(w.read("clusters/dev/cluster.cue"), `kubernetes: "1.36"`, `kubernetes:     "1.36"`, 1))
	w.git("add", "-A")
	if out, err := w.run(w.dir, "git", "commit", "-m", "out of form"); err == nil || !strings.Contains(out, "files were modified by this hook") {
		t.Errorf("a file out of form was committed: %v\n%s", err, out)
	}
}

// hooked is a scratch repository with hooks.
type hooked struct {
	t         *testing.T
	dir, home string
}

// ourselves is a clone of this repository with what is not committed yet, which
// is what the hooks are installed from.
func (w *hooked) ourselves() string {
	w.t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		w.t.Fatal(err)
	}
	dir := w.t.TempDir()
	w.at(dir, "sh", "-ec", `git -C "$1" ls-files -z --cached --others --exclude-standard | (cd "$1" && tar --null -T - -cf -) | tar -xf -
git init -q -b main && git add -A && git commit -q -m hooks`, "sh", root)
	return dir
}

func (w *hooked) run(dir, name string, args ...string) (string, error) {
	goenv, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		w.t.Fatal(err)
	}
	caches := strings.Split(strings.TrimSpace(string(goenv)), "\n")
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(environment(w.home), "PRE_COMMIT_HOME="+w.home, "GOTOOLCHAIN=auto", "CGO_ENABLED=0", "GOCACHE="+caches[0], "GOMODCACHE="+caches[1])
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (w *hooked) at(dir, name string, args ...string) string {
	w.t.Helper()
	out, err := w.run(dir, name, args...)
	if err != nil {
		w.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return out
}

func (w *hooked) must(name string, args ...string) { w.t.Helper(); w.at(w.dir, name, args...) }
func (w *hooked) git(args ...string)               { w.t.Helper(); w.at(w.dir, "git", args...) }

func (w *hooked) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func (w *hooked) read(name string) string {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}
