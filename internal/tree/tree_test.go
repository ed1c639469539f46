package tree

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"
)

func TestFSConforms(t *testing.T) {
	tr := FromMap(map[string]string{"a.cue": "a", "dir/b.cue": "b", "dir/sub/c": "c", "dir-x/d": "d"})
	if err := fstest.TestFS(tr.FS(), "a.cue", "dir/b.cue", "dir/sub/c", "dir-x/d"); err != nil {
		t.Fatal(err)
	}
}

func TestSubAndDirs(t *testing.T) {
	tr := FromMap(map[string]string{"a.cue": "a", "dir/b.cue": "b", "dir/sub/c": "c", "dir-x/d": "d"})
	sub := tr.Sub("dir")
	if b, err := sub.ReadFile("sub/c"); err != nil || string(b) != "c" {
		t.Fatalf("sub/c = %q, %v", b, err)
	}
	if got := tr.Dirs("."); len(got) != 2 || got[0] != "dir" || got[1] != "dir-x" {
		t.Fatalf("Dirs = %v", got)
	}
	if n := len(sub.Entries()); n != 2 {
		t.Fatalf("sub has %d entries, want 2: dir-x must not leak into dir", n)
	}
	if BlobID([]byte("hello\n")) != "ce013625030ba8dba906f756967f9e9ca394464a" {
		t.Fatal("BlobID differs from git hash-object")
	}
}

// files draws trees whose names are each other's neighbours in byte order.
func files(t *rapid.T) map[string]string {
	element := rapid.SampledFrom([]string{"a", "a-b", "a.b", "a0", "b"})
	out := map[string]string{}
	for range rapid.IntRange(0, 8).Draw(t, "files") {
		name := path.Join(rapid.SliceOfN(element, 1, 3).Draw(t, "path")...)
		clash := func(other string) bool {
			return strings.HasPrefix(other, name+"/") || strings.HasPrefix(name, other+"/")
		}
		if !slices.ContainsFunc(slices.Collect(maps.Keys(out)), clash) {
			out[name] = "content of " + name
		}
	}
	return out
}

// TestTreeIsItsFiles compares every query with the definition by prefixes: "a-b"
// and "a0" sort around "a/", and must never be taken for its content.
func TestTreeIsItsFiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		model := files(t)
		tr := FromMap(model)
		dir := path.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "a-b", "b", "."}), 1, 2).Draw(t, "dir")...)
		below, dirs := map[string]string{}, map[string]bool{}
		for name, content := range model {
			if rest, ok := strings.CutPrefix(name, dir+"/"); ok || dir == "." {
				if dir == "." {
					rest = name
				}
				below[rest] = content
				if child, _, deeper := strings.Cut(rest, "/"); deeper {
					dirs[child] = true
				}
			}
		}
		if got, want := tr.Dirs(dir), slices.Sorted(maps.Keys(dirs)); !slices.Equal(got, want) {
			t.Fatalf("Dirs(%q) = %q, want %q", dir, got, want)
		}
		if tr.HasDir(dir) != (len(below) > 0) || len(tr.Files(dir)) != len(below) {
			t.Fatalf("%q has %d files, want %d", dir, len(tr.Files(dir)), len(below))
		}
		sub := tr.Sub(dir)
		if len(sub.Entries()) != len(below) || !slices.IsSortedFunc(sub.Entries(), func(a, b Entry) int { return strings.Compare(a.Path, b.Path) }) {
			t.Fatalf("Sub(%q) = %v, want %v", dir, sub.Entries(), below)
		}
		for name, content := range below {
			b, err := sub.ReadFile(name)
			e, ok := sub.Lookup(name)
			if err != nil || string(b) != content || !ok || e.ID != BlobID(b) {
				t.Fatalf("%s in %q: %q, %v", name, dir, b, err)
			}
		}
		if _, err := tr.ReadFile("a/none"); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("a file that is not there: %v", err)
		}
	})
}

// TestNewRefusesWhatIsNoTree, so that a source cannot hand over two files under
// one path, or a path that leaves the root.
func TestNewRefusesWhatIsNoTree(t *testing.T) {
	for _, paths := range [][]string{{"a", "b", "a"}, {"../a"}, {"/a"}, {"a//b"}, {"a/"}, {"."}, {""}, {"a/../b"}} {
		var es []Entry
		for _, p := range paths {
			es = append(es, Entry{Path: p})
		}
		if _, err := New(es, nil); err == nil {
			t.Errorf("%q is a tree", paths)
		}
	}
	es := []Entry{{Path: "b"}, {Path: "a"}}
	if tr, err := New(es, nil); err != nil || tr.Entries()[0].Path != "a" || es[0].Path != "b" {
		t.Errorf("New(%v) = %v, %v", es, tr, err)
	}
}

func TestGlob(t *testing.T) {
	tr := FromMap(map[string]string{"clusters/a/x.cue": "", "clusters/b/y.cue": "", "clusters/b/deep/z.cue": "", "clusters/c.cue": ""})
	got, err := tr.Glob("clusters/*/*.cue")
	if err != nil || !slices.Equal(got, []string{"clusters/a/x.cue", "clusters/b/y.cue"}) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := tr.Glob("["); err == nil {
		t.Error("a bad pattern matches")
	}
}
