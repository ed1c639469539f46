// Package oci stores artifacts in OCI image layouts and carries them to and
// from registries. It is the only package that knows the registry client;
// nothing of it shows in the API, which speaks in digests and bytes.
//
// A layout is written so that a process killed at any moment leaves a usable
// one: blobs go in first, each by rename, and index.json, which is what makes
// them reachable, goes last. A layout is read as if it came from a stranger:
// every blob is bounded and held to its digest.
//
// Statements about an artifact are referrers (OCI 1.1). A layout has no
// referrers API, so they are kept twice, as registries without that API keep
// them: as manifests with a subject, and in an index under the fallback tag
// sha256-<hex>. Copying all tags to any registry then carries the signatures.
package oci

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/digest"
)

// Media types of the two kinds of manifest.
const (
	MediaTypeManifest = "application/vnd.oci.image.manifest.v1+json"
	MediaTypeIndex    = "application/vnd.oci.image.index.v1+json"
)

// refName is the annotation that holds a tag in index.json.
const refName = "org.opencontainers.image.ref.name"

// MaxManifest bounds manifests and indexes: 4 MiB, as registries do.
const MaxManifest = 4 << 20

// ErrNotFound is wrapped by errors about a name or digest that is not there.
var ErrNotFound = errors.New("not found")

// ErrDamaged is wrapped by errors about bytes that do not have the size and
// digest under which they are stored.
var ErrDamaged = errors.New("the store is damaged or was tampered with")

// Descriptor points at a blob or manifest. Fields stand in the order of their
// JSON names.
type Descriptor struct {
	Annotations  map[string]string `json:"annotations,omitempty"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Digest       digest.Digest     `json:"digest"`
	MediaType    string            `json:"mediaType"`
	Size         int64             `json:"size"`
}

// Tag returns the name under which index.json lists the descriptor, or "".
func (d Descriptor) Tag() string { return d.Annotations[refName] }

// bounded refuses what is not worth asking for: a digest of another form, which
// would become a file name or a URL, and more than max bytes.
func (d Descriptor) bounded(max int64) error {
	if _, err := digest.Parse(string(d.Digest)); err != nil {
		return err
	}
	if d.Size < 0 || d.Size > max {
		return fmt.Errorf("blob %s has %d bytes (at most %d)", d.Digest, d.Size, max)
	}
	return nil
}

// Source is where artifacts are read from: a layout or a repository.
type Source interface {
	// Resolve finds a manifest by tag or digest.
	Resolve(ctx context.Context, ref string) (Descriptor, error)
	// Fetch returns the bytes of a blob or manifest, at most max of them, after
	// checking their size and digest.
	Fetch(ctx context.Context, d Descriptor, max int64) ([]byte, error)
	// Referrers lists the manifests whose subject is d, sorted by digest.
	Referrers(ctx context.Context, d digest.Digest) ([]Descriptor, error)
}

// Artifact is one manifest and the blobs it names, ready to be stored.
type Artifact struct {
	Tag      string // "" for none
	Manifest []byte
	Blobs    []Blob
}

// manifest is what this package reads of any manifest or index.
type manifest struct {
	Annotations  map[string]string `json:"annotations,omitempty"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Config       *Descriptor       `json:"config,omitempty"`
	Layers       []Descriptor      `json:"layers,omitempty"`
	Manifests    []Descriptor      `json:"manifests,omitempty"`
	MediaType    string            `json:"mediaType"`
	Subject      *Descriptor       `json:"subject,omitempty"`
}

// blobs returns every descriptor that the manifest needs beside its subject.
func (m *manifest) blobs() []Descriptor {
	out := append(append([]Descriptor(nil), m.Layers...), m.Manifests...)
	if m.Config != nil {
		out = append(out, *m.Config)
	}
	return out
}

// index is an image index: index.json of a layout, or a list of referrers.
type index struct {
	Manifests     []Descriptor `json:"manifests"`
	MediaType     string       `json:"mediaType"`
	SchemaVersion int          `json:"schemaVersion"`
}

func encodeIndex(ds []Descriptor) ([]byte, error) {
	if ds == nil {
		ds = []Descriptor{}
	}
	return json.Marshal(index{Manifests: ds, MediaType: MediaTypeIndex, SchemaVersion: 2})
}

func parseManifest(b []byte) (*manifest, error) {
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("not a manifest: %w", err)
	}
	return &m, nil
}

// describe returns the descriptor of manifest bytes, as a referrers list
// shows it: with artifact type and annotations.
func describe(b []byte) (Descriptor, *manifest, error) {
	m, err := parseManifest(b)
	if err != nil {
		return Descriptor{}, nil, err
	}
	return Descriptor{
		Annotations: m.Annotations, ArtifactType: m.ArtifactType,
		Digest: digest.Of(b), MediaType: m.MediaType, Size: int64(len(b)),
	}, m, nil
}

// fallbackTag is the tag that lists the referrers of d where the referrers API
// is missing (OCI distribution spec, "Referrers Tag Schema").
func fallbackTag(d digest.Digest) string { return strings.Replace(string(d), ":", "-", 1) }

// check holds bytes to a descriptor.
func check(b []byte, d Descriptor) error {
	if got := digest.Of(b); got != d.Digest || int64(len(b)) != d.Size {
		return fmt.Errorf("blob %s of %d bytes is stored as %s with %d bytes: %w", d.Digest, d.Size, got, len(b), ErrDamaged)
	}
	return nil
}
