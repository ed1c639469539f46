// Package registry speaks the few requests of the OCI distribution protocol
// that an attacker needs: it pushes any bytes, also such as a well-behaved
// client refuses to.
package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
)

// Manifest and Index are the media types that bundles use.
const (
	Manifest = "application/vnd.oci.image.manifest.v1+json"
	Index    = "application/vnd.oci.image.index.v1+json"
)

// Repository is one repository of a registry without TLS.
type Repository struct{ Host, Name string }

// Digest is the digest of content.
func Digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Descriptor points at content.
type Descriptor struct {
	MediaType    string            `json:"mediaType"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Digest       string            `json:"digest"`
	Size         int               `json:"size"`
	Annotations  map[string]string `json:"annotations,omitempty"`
}

// Describe returns the descriptor of content.
func Describe(mediaType string, b []byte) Descriptor {
	return Descriptor{MediaType: mediaType, Digest: Digest(b), Size: len(b)}
}

// List is an index, as far as it matters here.
type List struct {
	Manifests []Descriptor `json:"manifests"`
}

// Get returns a manifest by tag or digest.
func (r Repository) Get(ctx context.Context, ref string) ([]byte, error) {
	return r.do(ctx, http.MethodGet, ref, "", nil, http.StatusOK)
}

// PushManifest stores a manifest under a tag, or under its digest.
func (r Repository) PushManifest(ctx context.Context, ref, mediaType string, b []byte) error {
	_, err := r.do(ctx, http.MethodPut, ref, mediaType, b, http.StatusCreated)
	return err
}

func (r Repository) do(ctx context.Context, method, ref, mediaType string, body []byte, want int) ([]byte, error) {
	url := "http://" + r.Host + "/v2/" + r.Name + "/manifests/" + ref
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if mediaType != "" {
		req.Header.Set("Content-Type", mediaType)
	}
	req.Header.Add("Accept", Manifest)
	req.Header.Add("Accept", Index)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != want {
		return nil, fmt.Errorf("%s %s: %s: %s", method, url, resp.Status, b)
	}
	return b, nil
}
