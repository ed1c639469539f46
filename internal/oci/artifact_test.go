package oci

import (
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/darkstart-dev/darkstart/internal/digest"
)

// An artifact of layers says what it was given, and equal input is equal bytes.
func TestNewArtifact(t *testing.T) {
	notes := map[string]string{"z": "1", "a": "<2>"}
	one, two := []byte("one"), []byte("two")
	layers := []Descriptor{DescriptorOf("text/plain", one), DescriptorOf("text/html", two)}
	a, err := NewArtifact("application/vnd.example", notes, layers)
	if err != nil {
		t.Fatal(err)
	}
	again, err := NewArtifact("application/vnd.example", notes, layers)
	if err != nil || string(again.Manifest) != string(a.Manifest) {
		t.Errorf("%s\n%s, %v", a.Manifest, again.Manifest, err)
	}
	d, ls, err := ParseArtifact(a.Manifest)
	if err != nil || d.ArtifactType != "application/vnd.example" || fmt.Sprint(d.Annotations) != fmt.Sprint(notes) || d.Digest != digest.Of(a.Manifest) {
		t.Errorf("%+v, %v", d, err)
	}
	if fmt.Sprint(ls) != fmt.Sprint(layers) || ls[1].Digest != digest.Of(two) || ls[1].Size != 3 {
		t.Errorf("layers %+v", ls)
	}
	if _, _, err := ParseArtifact([]byte("no")); err == nil {
		t.Error("no manifest is one")
	}
	a.Blobs = append(a.Blobs, Bytes(one), Bytes(two))
	if l := write(t, t.TempDir(), a); fetched(t, l, a) != 3 {
		t.Error("what is named is not what is there")
	}
}

// fetched reads and counts the blobs of an artifact in a layout.
func fetched(t *testing.T, l *Layout, a Artifact) (n int) {
	m, err := parseManifest(a.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range m.blobs() {
		if _, err := l.Fetch(t.Context(), d, 1<<20); err != nil {
			t.Error(err)
		}
		n++
	}
	return n
}

// Writers of one layout do not take what the other has not finished for litter.
func TestWritersAtOnce(t *testing.T) {
	dir := t.TempDir()
	var g errgroup.Group
	for i := range 8 {
		g.Go(func() error {
			for n := range 10 {
				if _, err := WriteLayout(t.Context(), dir, state((i+n)%2)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	complete(t, dir)
}
