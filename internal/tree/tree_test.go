package tree

import (
	"testing"
	"testing/fstest"
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
