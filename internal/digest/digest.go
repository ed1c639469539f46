// Package digest names content by SHA-256, in the form OCI uses.
package digest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Digest is "sha256:" and 64 lower-case hex digits (OCI image spec, digests).
type Digest string

// Of returns the digest of b.
func Of(b []byte) Digest {
	s := sha256.Sum256(b)
	return Digest("sha256:" + hex.EncodeToString(s[:]))
}

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
