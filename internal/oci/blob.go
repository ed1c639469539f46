package oci

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/darkstart-dev/darkstart/internal/digest"
)

// Blob is content under its digest. It need not be in memory.
type Blob interface {
	Digest() digest.Digest
	Size() int64
	// Bytes returns the content, which callers leave as it is.
	Bytes() ([]byte, error)
}

// Bytes is a blob in memory.
type Bytes []byte

// Digest implements Blob.
func (b Bytes) Digest() digest.Digest { return digest.Of(b) }

// Size implements Blob.
func (b Bytes) Size() int64 { return int64(len(b)) }

// Bytes implements Blob.
func (b Bytes) Bytes() ([]byte, error) { return b, nil }

// stored is a blob of a layout on disk.
type stored struct {
	layout *Layout
	digest digest.Digest
	size   int64
}

func (s stored) Digest() digest.Digest { return s.digest }

func (s stored) Size() int64 { return s.size }

// Bytes reads the blob, and holds it to its digest.
func (s stored) Bytes() ([]byte, error) {
	b, err := readFile(s.layout.blob(s.digest), s.size)
	if err == nil && digest.Of(b) != s.digest {
		err = fmt.Errorf("blob %s in %s: %w", s.digest, s.layout.dir, ErrDamaged)
	}
	return b, err
}

// Stage is a layout in the making: what is kept in it is on disk and named by
// nothing yet. WriteLayout of the same folder makes a layout of what it is
// given and removes the rest.
type Stage struct{ layout *Layout }

// NewStage begins a layout in a folder, which may be one already.
func NewStage(dir string) *Stage { return &Stage{&Layout{dir: dir}} }

// Keep writes a blob, and returns it as it is from then on: on disk.
func (s *Stage) Keep(b Blob) (Blob, error) {
	if err := os.MkdirAll(filepath.Join(s.layout.dir, "blobs", "sha256"), 0o755); err != nil {
		return nil, err
	}
	if err := s.layout.store(b.Digest(), b); err != nil {
		return nil, err
	}
	return stored{s.layout, b.Digest(), b.Size()}, nil
}
