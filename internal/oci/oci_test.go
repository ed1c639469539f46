package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"

	"github.com/darkstart-dev/darkstart/internal/digest"
)

var empty = []byte("{}")

// artifact makes a manifest with one layer, and a subject unless it is nil.
func artifact(tag string, layer []byte, subject []byte) Artifact {
	m := map[string]any{
		"schemaVersion": 2, "mediaType": MediaTypeManifest, "artifactType": "application/vnd.example",
		"config": Descriptor{Digest: digest.Of(empty), MediaType: "application/vnd.oci.empty.v1+json", Size: 2},
		"layers": []any{Descriptor{Digest: digest.Of(layer), MediaType: "application/octet-stream", Size: int64(len(layer))}},
	}
	if subject != nil {
		m["subject"] = Descriptor{Digest: digest.Of(subject), MediaType: MediaTypeManifest, Size: int64(len(subject))}
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return Artifact{Tag: tag, Manifest: b, Blobs: []Blob{Bytes(empty), Bytes(layer)}}
}

func write(t testing.TB, dir string, as ...Artifact) *Layout {
	t.Helper()
	l, err := WriteLayout(t.Context(), dir, as)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// snapshot returns every file of a folder, by name.
func snapshot(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		out[rel] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func equal(a, b map[string]string) bool {
	return len(a) == len(b) && !slices.ContainsFunc(keysOf(a), func(k string) bool { return a[k] != b[k] })
}

func keysOf(m map[string]string) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// TestLayout: equal artifacts give equal files in any order; what is replaced
// is gone; an independent reader agrees.
func TestLayout(t *testing.T) {
	a, b := artifact("eu", []byte("one"), nil), artifact("us", []byte("two"), nil)
	dir, other := t.TempDir(), t.TempDir()
	l := write(t, dir, a, b)
	write(t, other, b, a)
	if one, two := snapshot(t, dir), snapshot(t, other); !equal(one, two) {
		t.Errorf("order matters: %v, %v", keysOf(one), keysOf(two))
	}
	write(t, other, artifact("eu", []byte("three"), nil))
	write(t, other, a, b)
	if one, two := snapshot(t, dir), snapshot(t, other); !equal(one, two) {
		t.Errorf("something old is left: %v, %v", keysOf(one), keysOf(two))
	}
	for _, ref := range []string{"eu", string(digest.Of(a.Manifest))} {
		d, err := l.Resolve(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		got, err := l.Fetch(t.Context(), d, MaxManifest)
		if err != nil || !bytes.Equal(got, a.Manifest) {
			t.Errorf("%s: %v %s", ref, err, got)
		}
	}
	if _, err := l.Resolve(t.Context(), "ap"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a tag that is not there: %v", err)
	}
	if _, err := OpenLayout(t.TempDir()); !errors.Is(err, ErrNotFound) {
		t.Errorf("a folder that is no layout: %v", err)
	}
	theirs, err := layout.FromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	h, err := v1.NewHash(string(digest.Of(b.Manifest)))
	if err != nil {
		t.Fatal(err)
	}
	img, err := theirs.Image(h)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := img.RawManifest()
	if err != nil || !bytes.Equal(raw, b.Manifest) {
		t.Errorf("go-containerregistry reads %v %s", err, raw)
	}
}

// TestAttach: statements are found, once, whoever looks; attaching again
// changes nothing; the replaced list does not stay behind.
func TestAttach(t *testing.T) {
	a := artifact("eu", []byte("one"), nil)
	dir := t.TempDir()
	l := write(t, dir, a)
	subject := digest.Of(a.Manifest)
	for i, s := range []string{"s1", "s2", "s2"} {
		if err := l.Attach(t.Context(), artifact("", []byte(s), a.Manifest)); err != nil {
			t.Fatal(err)
		}
		refs, err := l.Referrers(t.Context(), subject)
		if err != nil || len(refs) != min(i+1, 2) {
			t.Errorf("after %s: %v %v", s, refs, err)
		}
	}
	if n := len(snapshot(t, filepath.Join(dir, "blobs"))); n != 8 { // 3 manifests, 3 layers, config, list of referrers
		t.Errorf("%d blobs, want 8", n)
	}
	tagged, err := l.Resolve(t.Context(), fallbackTag(subject))
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Fetch(t.Context(), tagged, MaxManifest)
	if err != nil || bytes.Count(b, []byte("application/vnd.example")) != 2 {
		t.Errorf("the fallback tag lists %s %v", b, err)
	}
	if refs, err := l.Referrers(t.Context(), digest.Of(nil)); err != nil || len(refs) != 0 {
		t.Errorf("statements about nothing: %v %v", refs, err)
	}
	if err := l.Attach(t.Context(), artifact("", []byte("s"), nil)); err == nil {
		t.Error("a manifest without a subject was attached")
	}
}

// TestHostileLayout: nothing is read beyond its size, from outside the folder,
// or under a digest that it does not have.
func TestHostileLayout(t *testing.T) {
	a := artifact("eu", []byte("one"), nil)
	dir := t.TempDir()
	l := write(t, dir, a)
	layer := Descriptor{Digest: digest.Of([]byte("one")), Size: 3}
	path := l.blob(layer.Digest)
	outside := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(outside, []byte("one"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		d    Descriptor
		make func() error
		want error // nil: any
	}{
		"other bytes": {layer, func() error { return os.WriteFile(path, []byte("two"), 0o644) }, ErrDamaged},
		"longer":      {layer, func() error { return os.WriteFile(path, []byte("one and more"), 0o644) }, ErrDamaged},
		"shorter":     {layer, func() error { return os.WriteFile(path, []byte("o"), 0o644) }, ErrDamaged},
		"gone":        {layer, func() error { return os.Remove(path) }, ErrNotFound},
		"a folder":    {layer, func() error { return os.Mkdir(path, 0o755) }, nil},
		"a device":    {layer, func() error { return errors.Join(os.Remove(path), os.Symlink("/dev/zero", path)) }, nil},
		"not hex":     {Descriptor{Digest: "sha256:../../../../etc/passwd", Size: 9}, func() error { return nil }, nil},
		"negative":    {Descriptor{Digest: layer.Digest, Size: -1}, func() error { return nil }, nil},
		"too large":   {Descriptor{Digest: layer.Digest, Size: 1 << 40}, func() error { return nil }, nil},
	} {
		_ = os.Remove(path)
		if err := os.WriteFile(path, []byte("one"), 0o644); err != nil {
			t.Fatal(err)
		}
		if name == "a folder" {
			_ = os.Remove(path)
		}
		if err := c.make(); err != nil {
			t.Fatal(err)
		}
		b, err := l.Fetch(t.Context(), c.d, 1<<20)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v %q", name, err, b)
		}
		_ = os.Remove(path)
	}
	for _, index := range []string{"", "[]", `{"manifests": 1}`, strings.Repeat("[", 1<<20), strings.Repeat(" ", MaxManifest+1)} {
		if err := os.WriteFile(filepath.Join(dir, "index.json"), []byte(index), 0o644); err != nil {
			t.Fatal(err)
		}
		if list, err := l.List(); err == nil {
			t.Errorf("index.json of %d bytes: %v", len(index), list)
		}
	}
}

// TestKilled writes two states by turns in a process that is killed at any
// moment; what is left is one of the states, complete, and can be written on.
func TestKilled(t *testing.T) {
	if dir := os.Getenv("OCI_TEST_DIR"); dir != "" {
		for i := 0; ; i++ {
			if _, err := WriteLayout(context.Background(), dir, state(i%2)); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, state(0)...)
	for i := range 12 {
		cmd := exec.Command(self, "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), "OCI_TEST_DIR="+dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(40+13*i) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil || cmd.ProcessState.Exited() {
			t.Fatalf("the writer ended by itself: %v", err)
		}
		complete(t, dir)
	}
	write(t, dir, state(0)...)
	clean := t.TempDir()
	write(t, clean, state(0)...)
	if a, b := snapshot(t, dir), snapshot(t, clean); !equal(a, b) {
		t.Errorf("left-overs: %v, want %v", keysOf(a), keysOf(b))
	}
}

func state(n int) []Artifact {
	var out []Artifact
	for i := range 4 {
		out = append(out, artifact(fmt.Sprintf("c%d", i), fmt.Appendf(nil, "state %d of %d", n, i), nil))
	}
	return out
}

// complete reads everything that index.json reaches.
func complete(t *testing.T, dir string) {
	t.Helper()
	l, err := OpenLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	list, err := l.List()
	if err != nil || len(list) != 4 {
		t.Fatalf("%v %v", list, err)
	}
	states := map[string]bool{}
	for _, d := range list {
		b, err := l.Fetch(t.Context(), d, MaxManifest)
		if err != nil {
			t.Fatal(err)
		}
		m, err := parseManifest(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range m.blobs() {
			if b, err = l.Fetch(t.Context(), x, 1<<20); err != nil {
				t.Fatal(err)
			}
			if s, _, ok := strings.Cut(string(b), " of "); ok {
				states[s] = true
			}
		}
	}
	if len(states) != 1 {
		t.Fatalf("a mixture: %v", states)
	}
}

// TestRegistry: an artifact and its statements arrive at registries with and
// without the referrers API, and a second copy sends nothing.
func TestRegistry(t *testing.T) {
	a := artifact("eu", []byte("one"), nil)
	l := write(t, t.TempDir(), a, artifact("us", []byte("two"), nil))
	if err := l.Attach(t.Context(), artifact("", []byte("s"), a.Manifest)); err != nil {
		t.Fatal(err)
	}
	d, err := l.Resolve(t.Context(), "eu")
	if err != nil {
		t.Fatal(err)
	}
	for _, api := range []bool{true, false} {
		var puts atomic.Int32
		h := registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(api))
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost || r.Method == http.MethodPut && strings.Contains(r.URL.Path, "sha256:") {
				puts.Add(1)
			}
			h.ServeHTTP(w, r)
		}))
		defer s.Close()
		r, err := OpenRepository(strings.TrimPrefix(s.URL, "http://")+"/fleet/eu", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Resolve(t.Context(), "eu"); !errors.Is(err, ErrNotFound) {
			t.Errorf("before: %v", err)
		}
		for i, want := range []bool{true, false} {
			puts.Store(0)
			if err := Copy(t.Context(), l, d, r, "eu"); err != nil {
				t.Fatal(err)
			}
			if sent := puts.Load() > 0; sent != want {
				t.Errorf("referrers API %v, copy %d: %d uploads", api, i, puts.Load())
			}
		}
		there, err := r.Resolve(t.Context(), "eu")
		if err != nil || there.Digest != d.Digest {
			t.Errorf("%v %v", there, err)
		}
		if b, err := r.Fetch(t.Context(), there, MaxManifest); err != nil || !bytes.Equal(b, a.Manifest) {
			t.Errorf("%v %s", err, b)
		}
		refs, err := r.Referrers(t.Context(), d.Digest)
		if err != nil || len(refs) != 1 || refs[0].ArtifactType != "application/vnd.example" {
			t.Errorf("referrers API %v: %v %v", api, refs, err)
		}
		if _, err := r.Fetch(t.Context(), Descriptor{Digest: digest.Of([]byte("none")), Size: 4, MediaType: "x/y"}, 9); !errors.Is(err, ErrNotFound) {
			t.Errorf("a blob that is not there: %v", err)
		}
	}
	for _, bad := range []string{"", "/x", "host only", "http://h/x"} {
		if _, err := OpenRepository(bad, nil); err == nil {
			t.Errorf("%q names a repository", bad)
		}
	}
}
