package oci

import (
	"encoding/json"

	"github.com/darkstart-dev/darkstart/internal/digest"
)

// emptyConfig is the config of an artifact that has none (OCI image spec,
// "Guidelines for Artifact Usage").
const emptyConfig = "{}"

// Layer is one blob of an artifact.
type Layer struct {
	MediaType string
	Data      []byte
}

// NewArtifact makes an artifact of layers: its own type, and no config. Equal
// input gives equal bytes.
func NewArtifact(artifactType string, annotations map[string]string, layers []Layer) (Artifact, error) {
	type described struct {
		Digest    digest.Digest `json:"digest"`
		MediaType string        `json:"mediaType"`
		Size      int64         `json:"size"`
	}
	describe := func(mediaType string, b []byte) described { return described{digest.Of(b), mediaType, int64(len(b))} }
	a := Artifact{Blobs: []Blob{Bytes(emptyConfig)}}
	m := struct { // in the order of the JSON names
		Annotations   map[string]string `json:"annotations,omitempty"`
		ArtifactType  string            `json:"artifactType"`
		Config        described         `json:"config"`
		Layers        []described       `json:"layers"`
		MediaType     string            `json:"mediaType"`
		SchemaVersion int               `json:"schemaVersion"`
	}{
		annotations, artifactType, describe(typeEmpty, []byte(emptyConfig)), []described{}, MediaTypeManifest, 2,
	}
	for _, l := range layers {
		m.Layers = append(m.Layers, describe(l.MediaType, l.Data))
		a.Blobs = append(a.Blobs, Bytes(l.Data))
	}
	var err error
	a.Manifest, err = json.Marshal(m)
	return a, err
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
