// Package tgz writes the bytes of a bundle's layer: a USTAR archive and its
// gzip form.
//
// These bytes are a contract (DESIGN §7): their digests are recorded in git,
// pinned by clusters and derived again by every verifier, years later and with
// another Go release. So the package stands alone, importing only the standard
// library and the pinned compressor, and its test compiles this very file with
// two Go toolchains and compares the digests. Go's own compress/gzip is not
// used: its output changed between Go 1.26 and 1.27.
package tgz

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
)

// level is part of the contract; changing it changes every digest.
const level = 6

// File is one regular file of an archive.
type File struct {
	Path string
	Data []byte
}

// Archive writes an archive, file by file in the order given: USTAR, regular files
// only, mode 0644, ids 0, no owner names, modification time 0. It fails only for
// what USTAR cannot hold (a name above 100 bytes that has no slash to split at),
// and where its writer does.
type Archive struct{ tar *tar.Writer }

// NewArchive begins an archive.
func NewArchive(w io.Writer) *Archive { return &Archive{tar.NewWriter(w)} }

// Create begins a file and returns what takes so many bytes of it, before the
// next one begins.
func (a *Archive) Create(path string, size int64) (io.Writer, error) {
	return a.tar, a.tar.WriteHeader(&tar.Header{
		Format: tar.FormatUSTAR, Typeflag: tar.TypeReg, Name: path, Size: size, Mode: 0o644, ModTime: time.Unix(0, 0),
	})
}

// Close ends the archive; w stays open.
func (a *Archive) Close() error { return a.tar.Close() }

// Gzip returns a writer that compresses into one member without name, comment or
// time. The bytes do not depend on how what is written to it was cut.
func Gzip(w io.Writer) (io.WriteCloser, error) {
	if z, ok := compressors.Get().(*gzip.Writer); ok {
		z.Reset(w)
		return &compressor{z}, nil
	}
	z, err := gzip.NewWriterLevel(w, level)
	return &compressor{z}, err
}

// compressors are those that are done: each has a megabyte of tables.
var compressors sync.Pool

type compressor struct{ *gzip.Writer }

// Close ends the member and gives the compressor to the next one.
func (c *compressor) Close() error {
	z := c.Writer
	if z == nil {
		return nil
	}
	c.Writer = nil
	err := z.Close()
	z.Reset(nil) // lets go of what was written to
	compressors.Put(z)
	return err
}

// ErrTooLarge is returned by Gunzip and Untar when a limit is passed.
var ErrTooLarge = errors.New("too large")

// Gunzip returns the content of the first gzip member, at most limit bytes.
// What follows the member is not looked at: the caller compares with the
// result of Gzip.
func Gunzip(b []byte, limit int64) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	r.Multistream(false)
	out, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(out)) > limit {
		return nil, ErrTooLarge
	}
	return out, nil
}

// Untar returns the regular files of an archive in their order, at most limit
// of them. Any other kind of entry is an error. Like Gunzip it is lenient
// about the rest: whatever Archive would have written differently is found by
// comparing bytes, not by a list of cases.
func Untar(b []byte, limit int) ([]File, error) {
	var (
		out   []File
		total int64
	)
	r := tar.NewReader(bytes.NewReader(b))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag != tar.TypeReg {
			return nil, errors.New("entry is not a regular file: " + h.Name)
		}
		if len(out) == limit {
			return nil, ErrTooLarge
		}
		if total += h.Size; h.Size < 0 || total > int64(len(b)) { // sparse files claim any size
			return nil, ErrTooLarge
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		out = append(out, File{Path: h.Name, Data: data})
	}
}
