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

// has reports whether a blob of this size is there and intact.
func (l *Layout) has(d digest.Digest, size int64) bool {
	f, _, err := open(l.blob(d))
	if err != nil {
		return false
	}
	defer f.Close()
	w := digest.NewWriter()
	n, err := io.Copy(w, io.LimitReader(f, size+1))
	return err == nil && n == size && w.Digest() == d
}

// store writes a blob under its digest; one that is there stays as it is, and is
// not asked for its content.
func (l *Layout) store(d digest.Digest, b Blob) error {
	if s, ok := b.(stored); ok && s.layout.dir == l.dir || l.has(d, b.Size()) {
		return nil
	}
	content, err := b.Bytes()
	if err != nil {
		return err
	}
	return l.replace(l.blob(d), content)
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

// open opens a regular file.
func open(name string) (f *os.File, size int64, err error) {
	if f, err = os.Open(name); err != nil {
		return nil, 0, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", name)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, st.Size(), nil
}

var errTooLong = errors.New("too long")

// readFile reads a regular file of at most max bytes. One byte more is an
// error, so that a name cannot lead to endless input.
func readFile(name string, max int64) ([]byte, error) {
	f, size, err := open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var b bytes.Buffer
	b.Grow(int(min(size, max)) + bytes.MinRead)
	_, err = b.ReadFrom(io.LimitReader(f, max+1))
	if err == nil && int64(b.Len()) > max {
		err = fmt.Errorf("%s has more than %d bytes: %w", name, max, errTooLong)
	}
	return b.Bytes(), err
}
