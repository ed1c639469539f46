package git_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/git"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// sandbox is a repository made by the real git.
type sandbox struct {
	t   testing.TB
	dir string
}

func newSandbox(t testing.TB, args ...string) *sandbox {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("git is not installed")
		}
		t.Skip("git is not installed")
	}
	s := &sandbox{t: t, dir: t.TempDir()}
	s.git(append([]string{"init", "-q", "-b", "main"}, args...)...)
	return s
}

// try runs git without the configuration of the machine.
func (s *sandbox) try(args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=c", "GIT_COMMITTER_EMAIL=c@example.com",
		"GIT_AUTHOR_DATE=2026-01-02T03:04:05+02:00", "GIT_COMMITTER_DATE=2026-01-02T03:04:05+02:00", "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	return strings.TrimRight(string(out), "\n"), err
}

func (s *sandbox) git(args ...string) string {
	s.t.Helper()
	out, err := s.try(args...)
	if err != nil {
		s.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (s *sandbox) write(name, content string) {
	s.t.Helper()
	p := filepath.Join(s.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sandbox) link(target, name string) {
	s.t.Helper()
	p := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Symlink(target, p); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sandbox) commit(message string) string {
	s.t.Helper()
	s.git("add", "-A")
	s.git("commit", "-q", "--allow-empty", "-m", message)
	return s.git("rev-parse", "HEAD")
}

func (s *sandbox) open(opts ...git.Option) *git.Repo {
	s.t.Helper()
	r, err := git.Open(context.Background(), s.dir, opts...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := r.Close(); err != nil {
			s.t.Error(err)
		}
	})
	return r
}

// read returns the tree and checks that every file can be read and has the id
// that is claimed for it.
func read(t testing.TB, r *git.Repo, sel git.Selector) (*tree.Tree, ir.Revision, diag.List) {
	t.Helper()
	tr, rev, ds, err := r.Tree(context.Background(), sel)
	if err != nil {
		t.Fatal(err)
	}
	known(t, ds)
	if tr == nil {
		return nil, rev, ds
	}
	for _, e := range tr.Entries() {
		b, err := tr.ReadFile(e.Path)
		if err != nil {
			t.Fatalf("%s: %v", e.Path, err)
		}
		if tree.BlobID(b) != e.ID || int64(len(b)) != e.Size {
			t.Fatalf("%s: claimed id %s and size %d, read %s and %d", e.Path, e.ID, e.Size, tree.BlobID(b), len(b))
		}
	}
	return tr, rev, ds
}

// known checks that diagnostics are documented and say what to do.
func known(t testing.TB, ds diag.List) {
	t.Helper()
	for _, d := range ds {
		documented := false
		for _, c := range git.Codes {
			documented = documented || c.Code == d.Code
		}
		if !documented || d.Message == "" || len(d.Help) == 0 {
			t.Errorf("%s %q is not documented or has no help", d.Code, d.Message)
		}
	}
}

// lines prints a tree as `git ls-tree -r` does.
func lines(tr *tree.Tree) string {
	var b strings.Builder
	for _, e := range tr.Entries() {
		fmt.Fprintf(&b, "%06o blob %s\t%s\n", uint32(e.Mode), e.ID, e.Path)
	}
	return strings.TrimRight(b.String(), "\n")
}

func (s *sandbox) lsTree(treeish string) string {
	s.t.Helper()
	return strings.TrimRight(strings.ReplaceAll(s.git("ls-tree", "-r", "-z", treeish), "\x00", "\n"), "\n")
}

func TestEveryKindAgreesWithGit(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.write("darkstart.cue", "package darkstart\n")
	s.write("clusters/a b/ü.cue", "x: 1\n")
	s.write("run.sh", "#!/bin/sh\n")
	s.write("dist/out.yaml", "ignored: true\n")
	os.Chmod(filepath.Join(s.dir, "run.sh"), 0o755)
	id := s.commit("one")
	want := s.lsTree("HEAD")
	want = strings.Join(strings.Split(want, "\n")[:2], "\n") + "\n" + strings.Split(want, "\n")[3]
	r := s.open()
	for _, kind := range []git.Kind{git.Commit, git.Index, git.Worktree} {
		tr, rev, ds := read(t, r, git.Selector{Kind: kind})
		if len(ds) > 0 || lines(tr) != want {
			t.Errorf("%s:\n%s\n%s\nwant\n%s", kind, ds, lines(tr), want)
		}
		if rev.Commit != id || rev.Time != "2026-01-02T01:04:05Z" || rev.Kind != string(kind) {
			t.Errorf("%s: revision %+v", kind, rev)
		}
		if (rev.Tree != "") != (kind == git.Commit) {
			t.Errorf("%s: tree %q", kind, rev.Tree)
		}
	}
}
