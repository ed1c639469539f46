// Package digest names content by SHA-256, in the form OCI uses.
package digest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	jsonv2 "encoding/json/v2"
	"fmt"
	"hash"
	"io"
	"strings"

	"golang.org/x/mod/sumdb/dirhash"
)

// Digest is "sha256:" and 64 lower-case hex digits (OCI image spec, digests).
type Digest string

// Of returns the digest of b.
func Of(b []byte) Digest {
	s := sha256.Sum256(b)
	return Digest("sha256:" + hex.EncodeToString(s[:]))
}

// A Writer takes the digest of what is written to it.
type Writer struct{ h hash.Hash }

// NewWriter returns a Writer that nothing was written to.
func NewWriter() *Writer { return &Writer{sha256.New()} }

// Write never fails.
func (w *Writer) Write(b []byte) (int, error) { return w.h.Write(b) }

// JSON writes a line as json.Encoder does, piece by piece: of a large value there is
// never all of it in memory.
func (w *Writer) JSON(v any) error {
	if err := jsonv2.MarshalWrite(w, v, json.DefaultOptionsV1()); err != nil {
		return err
	}
	_, err := w.Write([]byte{'\n'})
	return err
}

// Digest returns the digest of what was written so far.
func (w *Writer) Digest() Digest { return Digest("sha256:" + hex.EncodeToString(w.h.Sum(nil))) }

// Parse accepts exactly the form that Of returns.
func Parse(s string) (Digest, error) {
	h, ok := strings.CutPrefix(s, "sha256:")
	if !ok || len(h) != 64 || strings.Trim(h, "0123456789abcdef") != "" {
		return "", fmt.Errorf("%q is not a digest (want sha256: and 64 lower-case hex digits)", s)
	}
	return Digest(s), nil
}

// Hex returns the digits without the algorithm.
func (d Digest) Hex() string { return strings.TrimPrefix(string(d), "sha256:") }

// Short returns the first twelve hex digits: enough to tell releases apart in
// a log line, never enough to pin.
func (d Digest) Short() string {
	h := d.Hex()
	return h[:min(12, len(h))]
}

// Dir returns the hash of a folder as in-toto writes it (dirHash): the "h1:"
// directory hash of Go modules, in hexadecimal. Names are relative to the
// folder; their order does not matter.
func Dir(names []string, open func(name string) (io.ReadCloser, error)) (string, error) {
	h1, err := dirhash.Hash1(names, open)
	if err != nil {
		return "", err
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(h1, "h1:"))
	if err != nil {
		return "", fmt.Errorf("directory hash: %w", err)
	}
	return hex.EncodeToString(raw), nil
}
