package git_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/darkstart-dev/darkstart/internal/git"
)

// TestRandomRepositories compares the three kinds with what git says about
// the same random states: `ls-tree` for a commit, `write-tree` for the index,
// and `write-tree` after `add --all` for the working tree.
func TestRandomRepositories(t *testing.T) {
	t.Parallel()
	rounds := 15
	if testing.Short() {
		rounds = 5
	}
	for seed := range rounds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			g := &generator{sandbox: newSandbox(t), rnd: rand.New(rand.NewPCG(uint64(seed), 1))}
			g.configure()
			g.mutate(12)
			g.commit("base")
			if g.rnd.IntN(2) == 0 {
				g.git("gc", "-q")
			}
			g.mutate(8)
			g.try("add", "-A", g.pick(g.dirs))
			g.mutate(8)
			g.compare()
		})
	}
}

type generator struct {
	*sandbox
	rnd   *rand.Rand
	files []string
	dirs  []string
}

func (g *generator) pick(of []string) string { return of[g.rnd.IntN(len(of))] }

func (g *generator) configure() {
	g.dirs = []string{".", "a", "a/b", "sp ace", "ünï", "a/b/c", "skip"}
	for _, d := range g.dirs {
		for _, f := range []string{"x.cue", "y.yaml", "[z].txt", "n.log", "keep.log", "bin.dat"} {
			g.files = append(g.files, filepath.ToSlash(filepath.Join(d, f)))
		}
	}
	g.git("config", "core.autocrlf", g.pick([]string{"true", "input", "false"}))
	g.git("config", "core.safecrlf", "false")
	g.write(".gitignore", g.lines([]string{"*.log", "!keep.log", "skip/", "/a/b/*.txt", "**/c/", "a/**/y.yaml", "[!x-z].*", "\\[z\\].txt", "n.*  ", "#c", "sp\\ ace/n*", "x?cue", "ünï"}))
	g.write("a/.gitignore", g.lines([]string{"!n.log", "/x.cue", "b", "c/", "*.dat\r"}))
	g.write(".gitattributes", g.lines([]string{"*.yaml text", "*.cue text=auto", "bin.dat -text", "*.txt eol=crlf", "a/** -text", "b/*.cue binary", "\"sp ace/x.cue\" text", "[attr]plain text eol=lf", "keep.log plain", "*.log !text", "**/c/* text", "y.yaml ident"}))
	g.write("a/b/.gitattributes", g.lines([]string{"* text=auto", "x.cue -text", "/y.yaml crlf", "c/*.cue crlf=input"}))
}

// lines takes a random subset in random order.
func (g *generator) lines(all []string) string {
	g.rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return strings.Join(all[:g.rnd.IntN(len(all))+1], "\n") + "\n"
}

func (g *generator) content() string {
	var b strings.Builder
	for range g.rnd.IntN(6) {
		b.WriteString(g.pick([]string{"one\n", "two\r\n", "$Id: abc $\n", "é\n", "long " + strings.Repeat("x", 200) + "\r\n"}))
	}
	if g.rnd.IntN(5) == 0 {
		b.WriteString(g.pick([]string{"\x00", "\r", "\x01\x02", "\x1a"}))
	}
	return b.String()
}

func (g *generator) mutate(n int) {
	for range n {
		name := g.pick(g.files)
		path := filepath.Join(g.dir, filepath.FromSlash(name))
		switch g.rnd.IntN(9) {
		case 0:
			os.Remove(path)
		case 1:
			os.Chmod(path, 0o755)
		case 2: // the same length within the same tick: racily clean
			if b, err := os.ReadFile(path); err == nil {
				os.WriteFile(path, bytes.Repeat([]byte("z"), len(b)), 0o644)
			}
		case 3: // changed with its old time put back
			if fi, err := os.Stat(path); err == nil {
				os.WriteFile(path, bytes.Repeat([]byte("q"), int(fi.Size())), 0o644)
				os.Chtimes(path, time.Now(), fi.ModTime())
			}
		default:
			if os.MkdirAll(filepath.Dir(path), 0o755) == nil {
				os.WriteFile(path, []byte(g.content()), 0o644)
			}
		}
	}
}

func (g *generator) compare() {
	g.t.Helper()
	r := g.open()
	check := func(kind git.Kind, want string) {
		tr, _, ds := read(g.t, r, git.Selector{Kind: kind})
		if len(ds) > 0 {
			g.t.Errorf("%s: %s", kind, ds)
		}
		if got := lines(tr); got != sorted(want) {
			g.t.Errorf("%s differs:\n%s", kind, delta(sorted(want), got))
		}
	}
	check(git.Commit, g.lsTree("HEAD"))
	check(git.Index, g.lsTree(g.git("write-tree")))
	// The working tree is read before git looks at it: `git add` would refresh
	// the very stat data that is under test.
	work, _, ds := read(g.t, r, git.Selector{Kind: git.Worktree})
	if len(ds) > 0 {
		g.t.Errorf("worktree: %s", ds)
	}
	got := lines(work)
	g.git("add", "-A")
	if want := sorted(g.lsTree(g.git("write-tree"))); got != want {
		g.t.Errorf("worktree differs:\n%s", delta(want, got))
	}
	check(git.Worktree, g.lsTree(g.git("write-tree")))
}

// sorted orders by path alone; git sorts folders as if they ended in a slash.
func sorted(list string) string {
	ls := strings.Split(list, "\n")
	sort.Slice(ls, func(i, j int) bool {
		_, a, _ := strings.Cut(ls[i], "\t")
		_, b, _ := strings.Cut(ls[j], "\t")
		return a < b
	})
	return strings.Join(ls, "\n")
}

func delta(want, got string) string {
	var b strings.Builder
	has := func(in, line string) bool { return strings.Contains("\n"+in+"\n", "\n"+line+"\n") }
	for _, l := range strings.Split(want, "\n") {
		if !has(got, l) {
			b.WriteString("- " + l + "\n")
		}
	}
	for _, l := range strings.Split(got, "\n") {
		if !has(want, l) {
			b.WriteString("+ " + l + "\n")
		}
	}
	return b.String()
}
