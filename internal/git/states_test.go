package git_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/git"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// one expects a single diagnostic of that code and returns it.
func one(t *testing.T, ds diag.List, code string) *diag.Diagnostic {
	t.Helper()
	known(t, ds)
	if len(ds) != 1 || ds[0].Code != code {
		t.Fatalf("want one %s, got:\n%s", code, ds)
	}
	return ds[0]
}

// refused is one for a diagnostic that comes as an error.
func refused(t *testing.T, err error, code string) *diag.Diagnostic {
	t.Helper()
	d, ok := diag.From(err)
	if !ok {
		t.Fatalf("want %s, got %v", code, err)
	}
	return one(t, diag.List{d}, code)
}

func has(t *testing.T, text []string, want string) {
	t.Helper()
	if !strings.Contains(strings.Join(text, "\n"), want) {
		t.Errorf("%q does not say %q", text, want)
	}
}

// TestPlaces opens one commit through every kind of repository.
func TestPlaces(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.write("fleets/eu/darkstart.cue", "package darkstart\n")
	s.write("other.txt", "x\n")
	id := s.commit("one")
	outer := t.TempDir()
	clone := func(name string, args ...string) string {
		to := filepath.Join(outer, name)
		s.git(append(append([]string{"clone", "-q"}, args...), to)...)
		return to
	}
	linked := filepath.Join(outer, "linked")
	s.git("worktree", "add", "-q", "--detach", linked)
	separate := filepath.Join(outer, "separate")
	os.MkdirAll(filepath.Join(s.dir, "empty"), 0o755)
	places := map[string]string{
		"root": s.dir, "inside": filepath.Join(s.dir, "fleets/eu"), "untracked folder": filepath.Join(s.dir, "empty"),
		"a file": filepath.Join(s.dir, "other.txt"), ".git": filepath.Join(s.dir, ".git"),
		"bare": clone("b.git", "--bare", s.dir), "shallow": clone("shallow", "--depth=1", "file://"+s.dir),
		"linked worktree": filepath.Join(linked, "fleets"), "borrowed objects": clone("shared", "--shared", s.dir),
		"separate git dir": clone("sep", "--separate-git-dir", separate, s.dir),
	}
	for name, dir := range places {
		r, err := git.Open(context.Background(), dir)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		tr, rev, ds := read(t, r, git.Selector{Dir: "fleets/eu"})
		if len(ds) > 0 || rev.Commit != id || len(tr.Entries()) != 1 || tr.Entries()[0].Path != "darkstart.cue" {
			t.Errorf("%s: %+v %s", name, rev, ds)
		}
		if want := s.git("rev-parse", "HEAD:fleets/eu"); rev.Tree != want {
			t.Errorf("%s: tree %s, want %s", name, rev.Tree, want)
		}
		if (r.Root() == "") != (name == "bare") {
			t.Errorf("%s: root %q", name, r.Root())
		}
	}
	r, _ := git.Open(context.Background(), places["inside"])
	if r.Dir() != "fleets/eu" {
		t.Errorf("Dir = %q", r.Dir())
	}
	r, _ = git.Open(context.Background(), places["bare"])
	_, _, ds, _ := r.Tree(context.Background(), git.Selector{Kind: git.Worktree})
	one(t, ds, "SRC018")
	_, err := git.Open(context.Background(), outer)
	refused(t, err, "SRC001")
	_, err = git.Open(context.Background(), filepath.Join(outer, "absent"))
	refused(t, err, "SRC001")
	os.RemoveAll(separate)
	_, err = git.Open(context.Background(), places["separate git dir"])
	refused(t, err, "SRC001")
}

func TestFleetFolderThatDoesNotExist(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.write("fleet-eu/darkstart.cue", "package darkstart\n")
	s.commit("one")
	for _, kind := range []git.Kind{git.Commit, git.Index, git.Worktree} {
		tr, _, ds := read(t, s.open(), git.Selector{Kind: kind, Dir: "fleet-us"})
		d := one(t, ds, "SRC003")
		if tr != nil {
			t.Errorf("%s: a tree for nothing", kind)
		}
		has(t, d.Help, `"fleet-eu"`)
	}
}

func TestRepositoryWithoutCommit(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.write("staged.cue", "a: 1\n")
	s.git("add", "-A")
	s.write("untracked.cue", "b: 2\n")
	r := s.open()
	for rev, code := range map[string]string{"": "SRC004", "HEAD": "SRC004", "main": "SRC004"} {
		_, _, ds := read(t, r, git.Selector{Rev: rev})
		one(t, ds, code)
	}
	for kind, n := range map[git.Kind]int{git.Index: 1, git.Worktree: 2} {
		tr, rev, ds := read(t, r, git.Selector{Kind: kind})
		if len(ds) > 0 || len(tr.Entries()) != n || rev.Commit != "" || rev.Time != "" {
			t.Errorf("%s: %d files, %+v, %s", kind, len(tr.Entries()), rev, ds)
		}
	}
	if h, err := r.Head(context.Background()); err != nil || h.Branch != "main" || h.Commit != "" {
		t.Errorf("Head = %+v, %v", h, err)
	}
}

func TestSubmodules(t *testing.T) {
	t.Parallel()
	inner := newSandbox(t)
	inner.write("x", "x\n")
	inner.commit("inner")
	s := newSandbox(t)
	s.write("a.cue", "a: 1\n")
	s.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", inner.dir, "vendor/lib")
	s.commit("one")
	for _, kind := range []git.Kind{git.Commit, git.Index, git.Worktree} {
		tr, _, ds := read(t, s.open(), git.Selector{Kind: kind})
		d := one(t, ds, "SRC007")
		if d.Primary().File != "vendor/lib" || tr.HasDir("vendor") {
			t.Errorf("%s: %s", kind, ds)
		}
		_, _, ds = read(t, s.open(), git.Selector{Kind: kind, Dir: "vendor"})
		if one(t, ds, "SRC007").Primary().File != "lib" {
			t.Errorf("%s: positions are relative to the fleet: %s", kind, ds)
		}
	}
	// An embedded repository that git add would turn into a submodule.
	s.git("clone", "-q", inner.dir, "embedded")
	_, _, ds := read(t, s.open(), git.Selector{Kind: git.Worktree})
	if len(ds) != 2 || ds[0].Code != "SRC007" || ds[0].Primary().File != "embedded" {
		t.Errorf("embedded repository: %s", ds)
	}
}

func TestGitLFS(t *testing.T) {
	t.Parallel()
	pointer := "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("a", 64) + "\nsize 12345\n"
	s := newSandbox(t)
	s.write("sub/chart.tgz", pointer)
	s.write("sub/film.mp4", pointer)
	s.write("sub/by-mistake.yaml", pointer) // no attribute
	s.git("add", "-A")
	s.write(".gitattributes", "sub/*.tgz filter=lfs diff=lfs merge=lfs -text\n*.mp4 filter=lfs -text\n")
	s.git("add", ".gitattributes")
	s.git("commit", "-q", "-m", "one")
	for _, kind := range []git.Kind{git.Commit, git.Index} {
		tr, _, ds, err := s.open().Tree(context.Background(), git.Selector{Kind: kind, Dir: "sub"})
		if err != nil {
			t.Fatal(err)
		}
		if d := one(t, ds, "SRC008"); d.Primary().File != "chart.tgz" {
			t.Errorf("%s: %s", kind, ds)
		}
		for _, f := range []string{"film.mp4", "by-mistake.yaml"} {
			_, err := tr.ReadFile(f)
			refused(t, err, "SRC008")
		}
	}
	s.write("new.mp4", "the film itself")
	_, _, ds, _ := s.open().Tree(context.Background(), git.Selector{Kind: git.Worktree})
	if s := ds.String(); !strings.Contains(s, "new.mp4") || !strings.Contains(s, "sub/chart.tgz") {
		t.Errorf("working tree: %s", s)
	}
}

func TestUnsupportedAttributes(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.write("a.cue", "a: 1\n")
	s.write("b.cue", "b: 1\n")
	s.commit("one")
	s.write(".gitattributes", "a.cue filter=crypt\nb.cue working-tree-encoding=UTF-16\n")
	s.write("a.cue", "a: 2\n")
	s.write("b.cue", "b: 2\n")
	_, _, ds := read(t, s.open(), git.Selector{Kind: git.Worktree})
	if len(ds) != 2 || ds[0].Code != "SRC015" || ds[1].Code != "SRC015" {
		t.Errorf("got %s", ds)
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		files, links map[string]string
		want         []string // paths in the tree
		code         string
	}{
		"to a file":               {files: m("d/f", "x"), links: m("l", "d/f"), want: []string{"d/f", "l"}},
		"to a folder":             {files: m("d/f", "x", "d/e/g", "y"), links: m("l", "d"), want: []string{"d/e/g", "d/f", "l/e/g", "l/f"}},
		"up and down":             {files: m("d/f", "x"), links: m("e/l", "../d/f"), want: []string{"d/f", "e/l"}},
		"to a link":               {files: m("f", "x"), links: m("a", "b", "b", "f"), want: []string{"a", "b", "f"}},
		"through a linked folder": {files: m("d/f", "x"), links: m("e", "d", "l", "e/f"), want: []string{"d/f", "e/f", "l"}},
		"into a folder of links":  {files: m("f", "x"), links: m("d/l", "../f", "e", "d"), want: []string{"d/l", "e/l", "f"}},
		"absolute":                {files: m("f", "x"), links: m("l", "/etc/passwd"), want: []string{"f"}, code: "SRC009"},
		"out of the fleet":        {files: m("f", "x"), links: m("d/l", "../../secret"), want: []string{"f"}, code: "SRC009"},
		"out and back in":         {files: m("f", "x"), links: m("l", "../fleet/f"), want: []string{"f"}, code: "SRC009"},
		"to itself":               {files: m("f", "x"), links: m("l", "l"), want: []string{"f"}, code: "SRC010"},
		"to its own folder":       {files: m("d/f", "x"), links: m("d/l", "."), want: []string{"d/f"}, code: "SRC010"},
		"to its parent":           {files: m("d/e/f", "x"), links: m("d/e/l", "../../d"), want: []string{"d/e/f"}, code: "SRC010"},
		"to nothing":              {files: m("f", "x"), links: m("l", "g"), want: []string{"f"}, code: "SRC011"},
		"to the output":           {files: m("f", "x", "dist/g", "y"), links: m("l", "dist/g"), want: []string{"f"}, code: "SRC011"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newSandbox(t)
			s.write("secret", "s\n")
			for f, content := range c.files {
				s.write("fleet/"+f, content)
			}
			for l, target := range c.links {
				s.link(target, "fleet/"+l)
			}
			s.commit("one")
			for _, kind := range []git.Kind{git.Commit, git.Index, git.Worktree} {
				tr, _, ds := read(t, s.open(), git.Selector{Kind: kind, Dir: "fleet"})
				if c.code != "" {
					one(t, ds, c.code)
				} else if len(ds) > 0 {
					t.Errorf("%s: %s", kind, ds)
				}
				var got []string
				for _, e := range tr.Entries() {
					got = append(got, e.Path)
				}
				if strings.Join(got, " ") != strings.Join(c.want, " ") {
					t.Errorf("%s: %q, want %q", kind, got, c.want)
				}
			}
		})
	}
}

func m(kv ...string) map[string]string {
	out := map[string]string{}
	for i := 0; i < len(kv); i += 2 {
		out[kv[i]] = kv[i+1]
	}
	return out
}

// TestLinkBomb doubles a folder forty times over.
func TestLinkBomb(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.write("d0/f", "x\n")
	for i := range 40 {
		n, prev := "d"+string(rune('A'+i)), "d0"
		if i > 0 {
			prev = "d" + string(rune('A'+i-1))
		}
		s.link("../"+prev, n+"/a")
		s.link("../"+prev, n+"/b")
	}
	s.commit("one")
	_, _, ds, err := s.open().Tree(context.Background(), git.Selector{})
	if err != nil || !strings.Contains(ds.String(), "SRC010") {
		t.Errorf("%v\n%s", err, ds)
	}
}

func TestSizeLimit(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.write("ok.cue", strings.Repeat("x", 1000))
	s.write("big.bin", strings.Repeat("x", 1001))
	s.commit("one")
	s.write("ok.cue", strings.Repeat("y", 1000))
	s.write("untracked.bin", strings.Repeat("z", 2000))
	for kind, n := range map[git.Kind]int{git.Commit: 1, git.Index: 1, git.Worktree: 2} {
		tr, _, ds := read(t, s.open(git.WithMaxFile(1000)), git.Selector{Kind: kind})
		if len(ds) != n || ds[0].Code != "SRC012" || ds[0].Primary().File != "big.bin" || len(tr.Entries()) != 1 {
			t.Errorf("%s: %s", kind, ds)
		}
	}
}

func TestDamagedObjects(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.write("a.cue", "a: 1\n")
	s.write("b.cue", "b: 1\n")
	s.commit("one")
	object := func(rev string) string {
		id := s.git("rev-parse", rev)
		return filepath.Join(s.dir, ".git/objects", id[:2], id[2:])
	}
	// a.cue holds what belongs to b.cue: well-formed, but not what it is named.
	other, err := os.ReadFile(object("HEAD:b.cue"))
	if err != nil {
		t.Fatal(err)
	}
	os.Chmod(object("HEAD:a.cue"), 0o644)
	os.WriteFile(object("HEAD:a.cue"), other, 0o644)
	tr, _, ds, err := s.open().Tree(context.Background(), git.Selector{})
	if err != nil || len(ds) > 0 {
		t.Fatal(ds, err)
	}
	_, err = tr.ReadFile("a.cue")
	refused(t, err, "SRC006")
	for _, damage := range []func(string){
		func(p string) { os.Chmod(p, 0o644); os.WriteFile(p, []byte("junk"), 0o644) },
		func(p string) { os.Remove(p) },
	} {
		damage(object("HEAD:b.cue"))
		_, _, ds, err = s.open().Tree(context.Background(), git.Selector{})
		if err != nil {
			t.Fatal(err)
		}
		if d := one(t, ds, "SRC006"); d.Primary().File != "b.cue" {
			t.Errorf("got %s", ds)
		}
	}
	os.Remove(object("HEAD^{tree}"))
	_, _, ds, err = s.open().Tree(context.Background(), git.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	one(t, ds, "SRC006")
	os.WriteFile(filepath.Join(s.dir, ".git/index"), []byte("DIRC\x00\x00"), 0o644)
	_, _, ds = read(t, s.open(), git.Selector{Kind: git.Index})
	one(t, ds, "SRC006")
}

func TestIndexStates(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.write("a.cue", "a: 1\n")
	s.write("sub/b.cue", "b: 1\n")
	s.commit("one")
	s.write("new.cue", "n: 1\n")
	s.git("add", "-N", "new.cue")
	tr, _, _ := read(t, s.open(), git.Selector{Kind: git.Index})
	if _, ok := tr.Lookup("new.cue"); ok {
		t.Error("an intent to add is not staged content")
	}
	if tr, _, _ = read(t, s.open(), git.Selector{Kind: git.Worktree}); len(tr.Entries()) != 3 {
		t.Error("an intent to add is in the working tree")
	}
	for _, version := range []string{"4", "2"} {
		s.git("update-index", "--index-version", version)
		if tr, _, ds := read(t, s.open(), git.Selector{Kind: git.Index}); len(ds) > 0 || len(tr.Entries()) != 2 {
			t.Errorf("version %s: %s", version, ds)
		}
	}
	// GIT_INDEX_FILE, as `git commit -a` sets it for its hooks.
	s.git("reset", "-q", "--hard")
	before, err := os.ReadFile(filepath.Join(s.dir, ".git/index"))
	if err != nil {
		t.Fatal(err)
	}
	s.git("rm", "-q", "--cached", "a.cue")
	os.WriteFile(filepath.Join(s.dir, ".git/index.lock"), before, 0o644)
	env := func(k string) string { return map[string]string{"GIT_INDEX_FILE": ".git/index.lock"}[k] }
	if tr, _, _ := read(t, s.open(git.WithEnvironment(env)), git.Selector{Kind: git.Index}); len(tr.Entries()) != 2 {
		t.Error("GIT_INDEX_FILE was not honoured")
	}
	if tr, _, _ := read(t, s.open(), git.Selector{Kind: git.Index}); len(tr.Entries()) != 1 {
		t.Error("the repository's own index was not read")
	}
	os.Remove(filepath.Join(s.dir, ".git/index.lock"))
	s.git("reset", "-q", "--hard")
	s.git("update-index", "--split-index")
	_, _, ds := read(t, s.open(), git.Selector{Kind: git.Index})
	one(t, ds, "SRC014")
}

func TestMergeConflict(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.write("a.cue", "a: 1\n")
	s.commit("base")
	s.git("checkout", "-q", "-b", "other")
	s.write("a.cue", "a: 2\n")
	s.commit("other")
	s.git("checkout", "-q", "main")
	s.write("a.cue", "a: 3\n")
	s.commit("main")
	s.try("merge", "other")
	_, _, ds := read(t, s.open(), git.Selector{Kind: git.Index})
	one(t, ds, "SRC013")
	if tr, _, ds := read(t, s.open(), git.Selector{Kind: git.Worktree}); len(ds) > 0 || len(tr.Entries()) != 1 {
		t.Errorf("working tree: %s", ds)
	}
}

func TestSparseCheckout(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.write("in/a.cue", "a: 1\n")
	s.write("out/b.cue", "b: 1\n")
	s.commit("one")
	s.git("sparse-checkout", "set", "--no-cone", "/in/")
	if _, err := os.Stat(filepath.Join(s.dir, "out")); !errors.Is(err, fs.ErrNotExist) {
		t.Skip("this git did not make a sparse checkout")
	}
	if tr, _, ds := read(t, s.open(), git.Selector{Kind: git.Worktree}); len(ds) > 0 || len(tr.Entries()) != 2 {
		t.Errorf("%s", ds)
	}
}

func TestFormatsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, "--object-format=sha256")
	_, err := git.Open(context.Background(), s.dir)
	refused(t, err, "SRC014")
	s = newSandbox(t)
	os.WriteFile(filepath.Join(s.dir, ".git/config"), []byte("[core\n"), 0o644)
	_, err = git.Open(context.Background(), s.dir)
	refused(t, err, "SRC014")
}

// TestUnchangedFilesAreNotRead rewrites a file behind the back of the index:
// if size and times are as recorded, the id and the bytes are git's.
func TestUnchangedFilesAreNotRead(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.git("config", "core.trustctime", "false")
	s.write("a.cue", "a: 1\n")
	path := filepath.Join(s.dir, "a.cue")
	fi, _ := os.Stat(path)
	old := fi.ModTime().Add(-1e12)
	os.Chtimes(path, old, old)
	s.commit("one")
	s.write("a.cue", "a: 2\n")
	os.Chtimes(path, old, old)
	tr, _, _ := read(t, s.open(), git.Selector{Kind: git.Worktree})
	if b, _ := tr.ReadFile("a.cue"); string(b) != "a: 1\n" {
		t.Errorf("read %q from the disk", b)
	}
	s.git("config", "core.trustctime", "true")
	tr, _, _ = read(t, s.open(), git.Selector{Kind: git.Worktree})
	if b, _ := tr.ReadFile("a.cue"); string(b) != "a: 2\n" {
		t.Errorf("the changed ctime was not noticed: %q", b)
	}
}

func TestFileThatChangesWhileCompiled(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.write("a.cue", "a: 1\n")
	tr, _, _ := read(t, s.open(), git.Selector{Kind: git.Worktree})
	s.write("a.cue", "a: 2\n")
	_, err := tr.ReadFile("a.cue")
	refused(t, err, "SRC019")
}

func TestNamesThatAreNotUTF8(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.write("ok.cue", "a: 1\n")
	if err := os.WriteFile(filepath.Join(s.dir, "b\xff.cue"), nil, 0o644); err != nil {
		t.Skip("this file system only takes UTF-8")
	}
	s.commit("one")
	for _, kind := range []git.Kind{git.Commit, git.Index, git.Worktree} {
		_, _, ds := read(t, s.open(), git.Selector{Kind: kind})
		if d := one(t, ds, "SRC016"); d.Primary().File != `b\xff.cue` {
			t.Errorf("%s: %s", kind, ds)
		}
	}
}

// TestUserConfiguration gives git and this package the same home.
func TestUserConfiguration(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	home := &sandbox{t: t, dir: t.TempDir()}
	home.write(".gitconfig", "[core]\n\tautocrlf = true\n")
	home.write(".config/git/ignore", "*.swp\n")
	env := func(k string) string { return map[string]string{"HOME": home.dir, "GIT_CONFIG_NOSYSTEM": "1"}[k] }
	s.write("a.cue", "a: 1\r\n")
	s.write("b.swp", "x")
	tr, _, _ := read(t, s.open(git.WithEnvironment(env)), git.Selector{Kind: git.Worktree})
	if es := tr.Entries(); len(es) != 1 || string(es[0].ID) != s.git("-c", "core.autocrlf=true", "hash-object", "a.cue") {
		t.Errorf("with the user's configuration: %v", es)
	}
	tr, _, _ = read(t, s.open(), git.Selector{Kind: git.Worktree})
	if es := tr.Entries(); len(es) != 2 || string(es[0].ID) != s.git("hash-object", "--no-filters", "a.cue") {
		t.Errorf("without: %v", es)
	}
}

func TestPartialClone(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.git("config", "uploadpack.allowFilter", "true")
	s.write("a.cue", "a: 1\n")
	s.commit("one")
	s.write("a.cue", "a: 2\n")
	s.commit("two")
	c := &sandbox{t: t, dir: filepath.Join(t.TempDir(), "c")}
	s.git("clone", "-q", "--filter=blob:none", "file://"+s.dir, c.dir)
	if _, _, ds := read(t, c.open(), git.Selector{}); len(ds) > 0 {
		t.Errorf("what was checked out is there: %s", ds)
	}
	_, _, ds := read(t, c.open(), git.Selector{Rev: "HEAD~1"})
	one(t, ds, "SRC005")
}

func TestConcurrentReads(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	for i := range 50 {
		s.write(fmt.Sprintf("f%d.cue", i), fmt.Sprint("x: ", i))
	}
	s.commit("one")
	s.git("gc", "-q")
	s.write("f1.cue", "changed")
	for _, kind := range []git.Kind{git.Commit, git.Worktree} {
		tr, _, _, err := s.open().Tree(context.Background(), git.Selector{Kind: kind})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for _, e := range tr.Entries() {
					if b, err := tr.ReadFile(e.Path); err != nil || tree.BlobID(b) != e.ID {
						t.Errorf("%s: %v", e.Path, err)
					}
				}
			})
		}
		wg.Wait()
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.commit("one")
	r := s.open()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, kind := range []git.Kind{git.Commit, git.Index, git.Worktree} {
		if _, _, _, err := r.Tree(ctx, git.Selector{Kind: kind}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
