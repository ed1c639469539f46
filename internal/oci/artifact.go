package oci

import (
	"context"
	"encoding/json"

	"github.com/darkstart-dev/darkstart/internal/digest"
)

// emptyConfig is the config of an artifact that has none (OCI image spec,
// "Guidelines for Artifact Usage").
const emptyConfig = "{}"

// NewArtifact makes an artifact whose layers are stored already: its own type,
// and no config. Equal input gives equal bytes.
func NewArtifact(artifactType string, annotations map[string]string, layers []Descriptor) (Artifact, error) {
	if layers == nil {
		layers = []Descriptor{}
	}
	config := []byte(emptyConfig)
	b, err := json.Marshal(struct { // in the order of the JSON names
		Annotations   map[string]string `json:"annotations,omitempty"`
		ArtifactType  string            `json:"artifactType"`
		Config        Descriptor        `json:"config"`
		Layers        []Descriptor      `json:"layers"`
		MediaType     string            `json:"mediaType"`
		SchemaVersion int               `json:"schemaVersion"`
	}{annotations, artifactType, DescriptorOf(typeEmpty, config), layers, MediaTypeManifest, 2})
	return Artifact{Manifest: b, Blobs: []Blob{Bytes(config)}}, err
}

// DescriptorOf describes a blob.
func DescriptorOf(mediaType string, b []byte) Descriptor {
	return Descriptor{Digest: digest.Of(b), MediaType: mediaType, Size: int64(len(b))}
}

// ParseArtifact describes a manifest, its type and annotations included, and
// lists its layers.
func ParseArtifact(manifest []byte) (Descriptor, []Descriptor, error) {
	d, m, err := describe(manifest)
	if err != nil {
		return d, nil, err
	}
	return d, m.Layers, nil
}

// PutBlob stores a blob for an artifact that is still to be made, and returns how
// many bytes it had to send. Until a manifest names it the registry may forget
// it; who puts that manifest is then told.
func (r *Repository) PutBlob(ctx context.Context, b []byte) (sent int64, err error) {
	return r.put(ctx, DescriptorOf("application/octet-stream", b), b)
}
