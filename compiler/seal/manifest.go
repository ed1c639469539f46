package seal

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
)

// Annotations of a bundle's manifest beside the ones of the OCI image spec.
// All are derived from the record and the digests; none is read back.
const (
	annotationStream  = "dev.darkstart.stream"
	annotationContent = "dev.darkstart.content"
	annotationTar     = "dev.darkstart.tar"
	annotationExpires = "dev.darkstart.not-after"
)

// ociManifest is an OCI image manifest, of a bundle or of a statement about
// one; fields stand in the order of their JSON names.
type ociManifest struct {
	Annotations   map[string]string `json:"annotations,omitempty"`
	ArtifactType  string            `json:"artifactType,omitempty"`
	Config        ociDescriptor     `json:"config"`
	Layers        []ociDescriptor   `json:"layers"`
	MediaType     string            `json:"mediaType"`
	SchemaVersion int               `json:"schemaVersion"`
	Subject       *ociDescriptor    `json:"subject,omitempty"`
}

type ociDescriptor struct {
	Digest    digest.Digest `json:"digest"`
	MediaType string        `json:"mediaType"`
	Size      int64         `json:"size"`
}

func descriptor(mediaType string, b []byte) ociDescriptor {
	return ociDescriptor{Digest: digest.Of(b), MediaType: mediaType, Size: int64(len(b))}
}

// canonical encodes v without white space and with sorted keys (RFC 8785, for
// the ASCII strings and integers that stand in manifests and statements).
func canonical(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// manifest derives the OCI manifest: own artifact type, empty config, exactly
// one layer, no subject (D8). Its annotations repeat facts of the record for
// people who look with crane or oras.
func manifest(b *Bundle) ([]byte, error) {
	r := b.Record
	a := map[string]string{
		"org.opencontainers.image.title":   r.Artifact,
		"org.opencontainers.image.version": strconv.Itoa(r.Serial),
		annotationStream:                   r.Stream,
		annotationContent:                  string(b.Content),
		annotationTar:                      string(b.Tar),
	}
	for key, v := range map[string]string{
		"org.opencontainers.image.created":  r.Issued,
		"org.opencontainers.image.revision": r.Revision,
		annotationExpires:                   r.NotAfter,
	} {
		if v != "" {
			a[key] = v
		}
	}
	return canonical(ociManifest{
		Annotations: a, ArtifactType: ArtifactType, MediaType: oci.MediaTypeManifest, SchemaVersion: 2,
		Config: descriptor(MediaTypeEmpty, b.Config),
		Layers: []ociDescriptor{{Digest: b.Layer.Digest(), MediaType: MediaTypeLayer, Size: b.Layer.Size()}},
	})
}

// parseManifest reads a manifest far enough to find the layer and to name what
// is wrong with one that is not a bundle's.
func parseManifest(b []byte) (*ociManifest, *diag.Diagnostic) {
	refuse := func(format string, args ...any) (*ociManifest, *diag.Diagnostic) {
		return nil, diag.Errorf("SEA009", "not the manifest of a bundle: "+format, args...).
			Fix("name the digest of a bundle that `darkstart publish` or `darkstart compile` printed")
	}
	var m ociManifest
	if err := json.Unmarshal(b, &m); err != nil {
		return refuse("%v", err)
	}
	switch {
	case m.MediaType != oci.MediaTypeManifest:
		return refuse("media type %q (want %s; an index is never one)", m.MediaType, oci.MediaTypeManifest)
	case m.ArtifactType != ArtifactType:
		return refuse("artifact type %q (want %s)", m.ArtifactType, ArtifactType)
	case m.Subject != nil:
		return refuse("it has a subject, so it is a statement about another artifact")
	case len(m.Layers) != 1:
		return refuse("%d layers (want 1)", len(m.Layers))
	case m.Layers[0].MediaType != MediaTypeLayer:
		return refuse("layer of media type %q (want %s)", m.Layers[0].MediaType, MediaTypeLayer)
	case m.Config != descriptor(MediaTypeEmpty, emptyConfig):
		return refuse("its config is not the empty one")
	}
	return &m, nil
}
