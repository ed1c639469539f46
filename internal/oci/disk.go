package oci

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/darkstart-dev/darkstart/internal/digest"
)

// read returns a file of the layout, named with slashes.
func (l *Layout) read(name string, max int64) ([]byte, error) {
	if l.tar != nil {
		return l.readTar(name, max)
	}
	return readFile(filepath.Join(l.dir, filepath.FromSlash(name)), max)
}

func (l *Layout) blob(d digest.Digest) string {
	return filepath.Join(l.dir, "blobs", "sha256", d.Hex())
}

// has reports whether a blob is there and intact.
func (l *Layout) has(b Blob) bool {
	old, err := readFile(l.blob(b.Digest()), b.Size())
	return err == nil && digest.Of(old) == b.Digest()
}

// store writes a blob; one that is there stays as it is, and is not asked for
// its content.
func (l *Layout) store(b Blob) error {
	if s, ok := b.(stored); ok && s.layout.dir == l.dir || l.has(b) {
		return nil
	}
	content, err := b.Bytes()
	if err != nil {
		return err
	}
	return l.replace(l.blob(b.Digest()), content)
}

// replace writes a file in one step and makes sure that its bytes are on the
// disk before its name is. The temporary file lies among the blobs, where prune
// finds what a killed process left.
func (l *Layout) replace(name string, b []byte) error {
	if l.tar != nil {
		return fmt.Errorf("%s is an archive: unpack it to write to it", l.dir)
	}
	f, err := os.CreateTemp(filepath.Join(l.dir, "blobs", "sha256"), ".tmp-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails after the rename, as it should
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

var errTooLong = errors.New("too long")

// readFile reads a regular file of at most max bytes. One byte more is an
// error, so that a name cannot lead to endless input.
func readFile(name string, max int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	var b bytes.Buffer
	b.Grow(int(min(st.Size(), max)) + bytes.MinRead)
	_, err = b.ReadFrom(io.LimitReader(f, max+1))
	if err == nil && int64(b.Len()) > max {
		err = fmt.Errorf("%s has more than %d bytes: %w", name, max, errTooLong)
	}
	return b.Bytes(), err
}
