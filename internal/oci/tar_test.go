package oci

import (
	"archive/tar"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// entry is a file of a test archive.
type entry struct {
	tar.Header
	data []byte
}

func writeTar(t *testing.T, entries []entry) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := e.Header
		h.Mode, h.Size = 0o644, int64(len(e.data))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "layout.tar")
	if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// entries lists the files of a folder as tar would.
func entries(t *testing.T, dir, prefix string) []entry {
	t.Helper()
	var out []entry
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			out = append(out, entry{Header: tar.Header{Typeflag: tar.TypeDir, Name: prefix + name + "/"}})
			return nil
		}
		b, err := os.ReadFile(filepath.Join(dir, name))
		out = append(out, entry{tar.Header{Typeflag: tar.TypeReg, Name: prefix + name}, b})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestTar: an archive of a layout reads as the layout does, and is not written.
func TestTar(t *testing.T) {
	a := artifact("eu", []byte("one"), nil)
	dir := t.TempDir()
	folder := write(t, dir, a, artifact("us", []byte("two"), nil))
	if err := folder.Attach(t.Context(), artifact("", []byte("s"), a.Manifest)); err != nil {
		t.Fatal(err)
	}
	for _, prefix := range []string{"", "./"} {
		l, err := OpenTar(writeTar(t, entries(t, dir, prefix)))
		if err != nil {
			t.Fatal(err)
		}
		for _, ref := range []string{"eu", "us"} {
			want, err := folder.Resolve(t.Context(), ref)
			if err != nil {
				t.Fatal(err)
			}
			got, err := l.Resolve(t.Context(), ref)
			if err != nil || got.Digest != want.Digest {
				t.Errorf("%s: %v %v", ref, got, err)
			}
			x, err1 := folder.Fetch(t.Context(), want, MaxManifest)
			y, err2 := l.Fetch(t.Context(), want, MaxManifest)
			if err1 != nil || err2 != nil || !bytes.Equal(x, y) {
				t.Errorf("%s: %v %v", ref, err1, err2)
			}
		}
		d, _ := l.Resolve(t.Context(), "eu")
		if refs, err := l.Referrers(t.Context(), d.Digest); err != nil || len(refs) != 1 {
			t.Errorf("referrers: %v %v", refs, err)
		}
		if err := l.Attach(t.Context(), artifact("", []byte("t"), a.Manifest)); err == nil {
			t.Error("an archive was written to")
		}
	}
}

// TestHostileTar: what two readers could understand in two ways is refused,
// and nothing outside the archive is reached.
func TestHostileTar(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, artifact("eu", []byte("one"), nil))
	good := entries(t, dir, "")
	file := func(name string) entry { return entry{tar.Header{Typeflag: tar.TypeReg, Name: name}, []byte("x")} }
	link := func(kind byte) entry {
		return entry{Header: tar.Header{Typeflag: kind, Name: "z", Linkname: "/etc/passwd"}}
	}
	for name, c := range map[string]struct {
		extra entry
		want  string
	}{
		"twice":    {file(indexFile), "stands twice"},
		"dotted":   {file("./" + indexFile), "stands twice"},
		"absolute": {file("/etc/passwd"), "holds the name"},
		"parent":   {file("../x"), "holds the name"},
		"inside":   {file("blobs/../index.json"), "holds the name"},
		"symlink":  {link(tar.TypeSymlink), "neither"},
		"hardlink": {link(tar.TypeLink), "neither"},
		"fifo":     {link(tar.TypeFifo), "neither"},
	} {
		if _, err := OpenTar(writeTar(t, append(good[:len(good):len(good)], c.extra))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	whole, err := os.ReadFile(writeTar(t, good))
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"cut": whole[:len(whole)-2000], "empty": {}, "gzip": {0x1f, 0x8b, 8, 0}, "text": bytes.Repeat([]byte("no archive "), 200),
	} {
		file := filepath.Join(t.TempDir(), "x.tar")
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
		if l, err := OpenTar(file); err == nil {
			if _, err := l.List(); err == nil && name != "cut" {
				t.Errorf("%s was opened", name)
			}
		}
	}
	if _, err := OpenTar(dir); err == nil {
		t.Error("a folder was opened as an archive")
	}
}
