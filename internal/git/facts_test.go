package git_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/darkstart-dev/darkstart/internal/git"
)

// TestFacts: what git was told and shows is what is reported.
func TestFacts(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git")
	}
	dir := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		c := exec.Command("git", append([]string{"-C", dir}, args...)...)
		c.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	run("init", "-q")
	for name, text := range map[string]string{".gitignore": "/dist/\n*.key\n", "b": "1", "a.key": "2"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run("add", ".")
	open := func() *git.Repo {
		r, err := git.Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := open()
	if f := r.Facts(); f.Shallow || f.Partial || f.AutoCRLF != "false" || f.Hooks != filepath.Join(r.GitDir(), "hooks") {
		t.Errorf("%+v", f)
	}
	if names, err := r.Tracked(); err != nil || len(names) != 2 || names[0] != ".gitignore" || names[1] != "b" {
		t.Errorf("%v %v", names, err)
	}
	if !r.Ignored("dist/oci/index.json") || !r.Ignored("keys/x.key") || r.Ignored("b") {
		t.Error("ignore rules are not those of .gitignore")
	}
	run("config", "core.hooksPath", "tools/hooks")
	run("config", "core.autocrlf", "true")
	run("config", "core.ignoreCase", "true")
	if f := open().Facts(); f.Hooks != filepath.Join(r.Root(), "tools", "hooks") || f.AutoCRLF != "true" || !f.IgnoreCase {
		t.Errorf("%+v", f)
	}
}
