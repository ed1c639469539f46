package git_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/git"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// history makes branches, merges and tags, and returns the commits.
func history(s *sandbox) []string {
	rnd := rand.New(rand.NewPCG(7, 7))
	branches := []string{"main"}
	var ids []string
	for i := range 30 {
		b := branches[rnd.IntN(len(branches))]
		if i > 0 {
			s.git("checkout", "-q", b)
		}
		s.write(fmt.Sprintf("f%d", i), fmt.Sprint(i))
		ids = append(ids, s.commit(fmt.Sprint("c", i)))
		switch rnd.IntN(3) {
		case 0:
			n := fmt.Sprint("b", i)
			s.git("branch", n)
			branches = append(branches, n)
		case 1:
			s.try("merge", "-q", "--no-ff", "-m", "merge", branches[rnd.IntN(len(branches))])
			ids = append(ids, s.git("rev-parse", "HEAD"))
		}
	}
	s.git("tag", "v1", ids[3])
	s.git("tag", "-a", "-m", "x", "v2", ids[9])
	s.git("tag", "-a", "-m", "x", "v3", "v2")
	s.git("tag", "main", ids[1]) // a tag goes before a branch of its name
	s.git("tag", "tree", ids[0]+"^{tree}")
	s.git("update-ref", "refs/remotes/origin/release", ids[4])
	s.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/release")
	return ids
}

func TestRevisionsAgreeWithGit(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	ids := history(s)
	s.git("checkout", "-q", "--detach", ids[20])
	revs := []string{
		"HEAD", "@", "HEAD~1", "HEAD^", "HEAD~3^2~1", "HEAD^0", "HEAD~0", "HEAD^^", "@~2", "main", "heads/main", "tags/main",
		"refs/heads/main", "v1", "v2", "v3", "v2~1", "v2^{}", "v3^{commit}", "v2^{}~1", "origin/release", "origin", "tree", "tree^{commit}",
		"HEAD~1000", "HEAD^7", "nowhere", ids[5], ids[5][:7], ids[5][:4], strings.ToUpper(ids[5][:9]), ids[5][:3], "v1-2-g" + ids[6][:8], strings.Repeat("0", 40),
	}
	for _, id := range ids {
		revs = append(revs, id[:8]+"^2", id+"~2")
	}
	check := func() {
		t.Helper()
		r := s.open()
		for _, rev := range revs {
			want, err := s.try("rev-parse", "-q", "--verify", rev+"^{commit}")
			got, d, gerr := r.Resolve(context.Background(), rev)
			if gerr != nil {
				t.Fatal(gerr)
			}
			switch {
			case d != nil:
				known(t, diag.List{d})
				if err == nil {
					t.Errorf("%s: %s: %s, git says %s", rev, d.Code, d.Message, want)
				}
			case err != nil || got != want:
				t.Errorf("%s = %s, git says %s (%v)", rev, got, want, err)
			}
		}
	}
	check()
	s.git("gc", "-q")
	s.git("pack-refs", "--all")
	check()
}

func TestRevisionsThatAreRefused(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.write("a", "a\n")
	s.commit("one")
	s.git("branch", "release/2026")
	r := s.open()
	for rev, code := range map[string]string{
		"HEAD@{1}": "SRC017", "HEAD@{yesterday}": "SRC017", "main..main": "SRC017", ":/one": "SRC017", "HEAD:a": "SRC017",
		"^main": "SRC017", "HEAD^{/one}": "SRC017", "HEAD~x": "SRC017", "~": "SRC017", "HEAD~99999999999999999999": "SRC017",
		"HEAD~1": "SRC002", "relaese/2026": "SRC002", "../../etc/passwd": "SRC017", "-x": "SRC002", "a\x00b": "SRC002",
	} {
		_, _, ds := read(t, r, git.Selector{Rev: rev})
		d := one(t, ds, code)
		if rev == "relaese/2026" {
			has(t, d.Help[:1], `"release/2026"`)
		}
	}
}

func TestShallowClone(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	for i := range 4 {
		s.write("a", fmt.Sprint(i))
		s.commit(fmt.Sprint(i))
	}
	s.git("branch", "base", "HEAD~3")
	c := &sandbox{t: t, dir: filepath.Join(t.TempDir(), "c")}
	s.git("clone", "-q", "--depth=2", "--branch=main", "file://"+s.dir, c.dir)
	r := c.open()
	if !r.Shallow() {
		t.Fatal("not shallow")
	}
	if _, _, ds := read(t, r, git.Selector{Rev: "HEAD~1"}); len(ds) > 0 {
		t.Errorf("HEAD~1: %s", ds)
	}
	_, _, ds := read(t, r, git.Selector{Rev: "HEAD~2"})
	one(t, ds, "SRC005")
	_, _, ds = read(t, r, git.Selector{Rev: "origin/base"})
	has(t, one(t, ds, "SRC002").Help, "--unshallow")
	c.git("fetch", "-q", "--depth=1", "origin", "base:refs/remotes/origin/base")
	_, d, err := c.open().MergeBase(context.Background(), "HEAD", "origin/base")
	if err != nil || d == nil || d.Code != "SRC005" {
		t.Errorf("merge base across the cut: %v %v", d, err)
	}
}

func TestMergeBaseAgreesWithGit(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	ids := history(s)
	s.git("checkout", "-q", "--orphan", "alone")
	alone := s.commit("alone")
	r := s.open()
	for i, a := range ids {
		for _, b := range []string{ids[(i*7+3)%len(ids)], ids[len(ids)-1], alone} {
			all, _ := s.try("merge-base", "--all", a, b)
			got, d, err := r.MergeBase(context.Background(), a, b)
			if d != nil || err != nil {
				t.Fatal(d, err)
			}
			if (got == "") != (all == "") || !strings.Contains(all, got) {
				t.Errorf("merge base of %s and %s is %q, git says %q", a, b, got, all)
			}
		}
	}
}

func TestReadAtAndChanged(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.write("releases/main.json", "{}\n")
	s.write("gone.cue", "x\n")
	s.write("same.cue", "x\n")
	s.commit("one")
	s.write("releases/main.json", "{\"a\": 1}\n")
	s.write("new.cue", "x\n")
	s.git("rm", "-q", "gone.cue")
	s.commit("two")
	r := s.open()
	ctx := context.Background()
	if b, err := r.ReadAt(ctx, "main~1", "releases/main.json"); err != nil || string(b) != "{}\n" {
		t.Errorf("%q, %v", b, err)
	}
	for _, name := range []string{"releases/none.json", "none/x", "releases"} {
		if _, err := r.ReadAt(ctx, "main", name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := r.ReadAt(ctx, "mian", "x")
	refused(t, err, "SRC002")
	before, _, _ := read(t, r, git.Selector{Rev: "HEAD~1"})
	after, _, _ := read(t, r, git.Selector{})
	var got []string
	for _, c := range git.Changed(before, after) {
		got = append(got, c.Action+" "+c.Path)
	}
	if s := strings.Join(got, ", "); s != "removed gone.cue, added new.cue, modified releases/main.json" {
		t.Error(s)
	}
	if n := len(git.Changed(nil, after)); n != 3 {
		t.Errorf("%d added to nothing", n)
	}
	if n := len(git.Changed(tree.FromMap(nil), nil)); n != 0 {
		t.Errorf("%d between nothing and nothing", n)
	}
}
