// Package registry speaks the few requests of the OCI distribution protocol
// that an attacker, or a disk carried into an air gap, needs: it pushes any
// bytes, also such as a well-behaved client refuses to.
package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
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

// Image is a manifest or an index, as far as copying needs to know it.
type Image struct {
	MediaType string       `json:"mediaType"`
	Config    *Descriptor  `json:"config"`
	Layers    []Descriptor `json:"layers"`
	Manifests []Descriptor `json:"manifests"`
}

// Get returns a manifest by tag or digest.
func (r Repository) Get(ctx context.Context, ref string) ([]byte, error) {
	resp, err := r.do(ctx, http.MethodGet, "manifests/"+ref, "", nil, http.StatusOK)
	return resp.body, err
}

// Blob returns a blob.
func (r Repository) Blob(ctx context.Context, digest string) ([]byte, error) {
	resp, err := r.do(ctx, http.MethodGet, "blobs/"+digest, "", nil, http.StatusOK)
	return resp.body, err
}

// PushManifest stores a manifest under a tag, or under its digest.
func (r Repository) PushManifest(ctx context.Context, ref, mediaType string, b []byte) error {
	_, err := r.do(ctx, http.MethodPut, "manifests/"+ref, mediaType, b, http.StatusCreated)
	return err
}

// PushBlob stores a blob.
func (r Repository) PushBlob(ctx context.Context, b []byte) error {
	resp, err := r.do(ctx, http.MethodPost, "blobs/uploads/", "", nil, http.StatusAccepted)
	if err != nil {
		return err
	}
	at, err := url.Parse(resp.location)
	if err != nil {
		return err
	}
	query := at.Query()
	query.Set("digest", Digest(b))
	at.RawQuery = query.Encode()
	_, err = r.do(ctx, http.MethodPut, at.String(), "application/octet-stream", b, http.StatusCreated)
	return err
}

type response struct {
	location string
	body     []byte
}

func (r Repository) do(ctx context.Context, method, path, mediaType string, body []byte, want int) (response, error) {
	if !strings.HasPrefix(path, "http") {
		path = "http://" + r.Host + "/v2/" + r.Name + "/" + path
	}
	req, err := http.NewRequestWithContext(ctx, method, path, bytes.NewReader(body))
	if err != nil {
		return response{}, err
	}
	if mediaType != "" {
		req.Header.Set("Content-Type", mediaType)
	}
	req.Header.Add("Accept", Manifest)
	req.Header.Add("Accept", Index)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return response{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return response{}, err
	}
	if resp.StatusCode != want {
		return response{}, fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, b)
	}
	return response{resp.Header.Get("Location"), b}, nil
}

// Layout is an OCI image layout on a disk.
type Layout string

// Blob reads a blob of the layout.
func (l Layout) Blob(digest string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(l), "blobs", strings.Replace(digest, ":", "/", 1)))
}

// Find returns the manifest with a name.
func (l Layout) Find(name string) (Descriptor, error) {
	index, err := l.index()
	if err != nil {
		return Descriptor{}, err
	}
	for _, d := range index.Manifests {
		if d.Annotations["org.opencontainers.image.ref.name"] == name {
			return d, nil
		}
	}
	return Descriptor{}, fmt.Errorf("%s: nothing is called %s", l, name)
}

func (l Layout) index() (Image, error) {
	var index Image
	b, err := os.ReadFile(filepath.Join(string(l), "index.json"))
	if err == nil {
		err = json.Unmarshal(b, &index)
	}
	return index, err
}

// Copy pushes what the layout calls name, and everything that it points at,
// under the tag.
func (l Layout) Copy(ctx context.Context, name, tag string, to Repository) error {
	d, err := l.Find(name)
	if err != nil {
		return err
	}
	return l.push(ctx, d, tag, to)
}

func (l Layout) push(ctx context.Context, d Descriptor, ref string, to Repository) error {
	b, err := l.Blob(d.Digest)
	if err != nil {
		return err
	}
	var image Image
	if err := json.Unmarshal(b, &image); err != nil {
		return err
	}
	for _, child := range image.Manifests {
		if err := l.push(ctx, child, child.Digest, to); err != nil {
			return err
		}
	}
	blobs := image.Layers
	if image.Config != nil {
		blobs = append(blobs, *image.Config)
	}
	for _, blob := range blobs {
		content, err := l.Blob(blob.Digest)
		if err != nil {
			return err
		}
		if err := to.PushBlob(ctx, content); err != nil {
			return err
		}
	}
	return to.PushManifest(ctx, ref, d.MediaType, b)
}
