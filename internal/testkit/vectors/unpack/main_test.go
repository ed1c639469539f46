package main

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/darkstart-dev/darkstart/internal/digest"
)

// TestUnpack guards what docs promise to other implementers: one layout and one
// tar a vector, and equal bytes in every run.
func TestUnpack(t *testing.T) {
	one, two := filepath.Join(t.TempDir(), "v"), filepath.Join(t.TempDir(), "v")
	for _, dir := range []string{one, two} {
		if err := unpack(t.Context(), "../../../../testdata/vectors/bundles", dir); err != nil {
			t.Fatal(err)
		}
	}
	first := sums(t, one)
	if !maps.Equal(first, sums(t, two)) {
		t.Error("two runs differ")
	}
	for _, name := range []string{"vectors.json", "keys/release.pub", "good/index.json", "good.tar", "replayed.state.json"} {
		if first[name] == "" {
			t.Errorf("%s is missing", name)
		}
	}
	if err := unpack(t.Context(), "../../../../testdata/vectors/bundles", one); err == nil {
		t.Error("it wrote over what was there")
	}
}

func sums(t *testing.T, dir string) map[string]digest.Digest {
	t.Helper()
	out := map[string]digest.Digest{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dir, name))
		out[name] = digest.Of(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
