// Package seal turns the files of an artifact into the bytes that are shipped,
// signs those bytes, and decides whether bytes that come back may be trusted.
//
// The bytes are a function of (content, release record) and of nothing else:
// no clock, no host, no map order (D2). So sealing is also the way to verify.
// Open parses a layer leniently, seals what it found once more and demands the
// same bytes. Duplicate names, links, PAX headers, a second gzip member and
// trailing bytes all fail that one comparison; there is no list of attacks to
// keep complete. The manifest is derived in the same way, so an index, a
// second layer or a subject cannot hide anything either.
//
// Content and record are kept apart on purpose. The content digest covers the
// tree without meta/bundle.json and parts/_guard, so a rollback or a renewal
// has the digest of the content it repeats, and content never holds its own
// digest.
//
// The signing half of the package is in sign.go and verify.go. It is the only
// place that knows sigstore; its types do not leave.
package seal

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/seal/internal/tgz"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
)

// The artifact type of a bundle, and the media types of its layer and config.
// All are frozen for v1.
const (
	ArtifactType   = "application/vnd.darkstart.bundle.v1"
	MediaTypeLayer = "application/vnd.oci.image.layer.v1.tar+gzip"
	MediaTypeEmpty = "application/vnd.oci.empty.v1+json"
)

// Files of the record side: in the bundle, but not in the content digest.
const (
	RecordPath = "meta/bundle.json"
	GuardDir   = "parts/_guard"
)

// emptyConfig is the config blob of every bundle and of every signature.
var emptyConfig = []byte("{}")

// Config of Seal. The zero value is ready to use.
type Config struct {
	// Limits that the sealed bundle must respect, so that nothing is sealed
	// which Open would refuse. The zero value means the defaults.
	Limits Limits
}

// Bundle is one sealed artifact. It is immutable.
type Bundle struct {
	Artifact *ir.Artifact // content only
	Record   ir.Record
	Content  digest.Digest // of the tar without the record side
	Tar      digest.Digest // of the uncompressed layer
	Layer    oci.Blob
	Config   []byte
	Manifest []byte
	// Count is how many files the content has.
	Count int
}

// Digest is the manifest's digest: the name under which the bundle is pinned,
// signed and fetched.
func (b *Bundle) Digest() digest.Digest { return digest.Of(b.Manifest) }

// LayerDigest is the digest of the compressed layer; Flux shows it as the
// digest of the artifact.
func (b *Bundle) LayerDigest() digest.Digest { return b.Layer.Digest() }

// Recall puts a bundle together from what it was sealed into before.
func Recall(a *ir.Artifact, r ir.Record, content, tar digest.Digest, manifest []byte, count int, layer oci.Blob) *Bundle {
	return &Bundle{Artifact: a, Record: r, Content: content, Tar: tar, Layer: layer, Config: emptyConfig, Manifest: manifest, Count: count}
}

// Kept is the bundle with its layer in a place that is not memory.
func (b *Bundle) Kept(s *oci.Stage) (*Bundle, error) {
	out := *b
	var err error
	out.Layer, err = s.Keep(b.Layer)
	return &out, err
}

// Files returns what the layer holds, content and record side, byte-sorted.
func (b *Bundle) Files() ([]ir.File, error) {
	files, err := b.Artifact.Files()
	if err != nil {
		return nil, err
	}
	side, err := recordSide(holdFiles(files), b.Record)
	files = append(files, side...)
	slices.SortFunc(files, func(a, b ir.File) int { return strings.Compare(a.Path, b.Path) })
	return files, err
}

// Recorded returns the entry of releases/<stream>.json for this bundle.
func (b *Bundle) Recorded() ir.Recorded {
	return ir.Recorded{
		Content: b.Content, Issued: b.Record.Issued, Manifest: b.Digest(),
		MinCompiler: b.Record.MinCompiler, NotAfter: b.Record.NotAfter,
		Previous: b.Record.Previous, Revision: b.Record.Revision,
		Serial: b.Record.Serial, Tar: b.Tar, Waivers: b.Record.Waivers,
	}
}

// Draft is an artifact whose content is known, and whose record is not: which
// one it gets depends on the content. It holds the files, so it is short-lived.
type Draft struct {
	Artifact *ir.Artifact
	Content  digest.Digest
	files    *held
}

// NewDraft makes the files of an artifact and checks their names. A nil draft
// comes with diagnostics that say which file cannot be sealed.
func NewDraft(a *ir.Artifact) (*Draft, diag.List, error) {
	files, err := hold(a)
	if err != nil {
		return nil, nil, err
	}
	content, diags, err := contentOf(a.Name, files)
	if err != nil || diags.HasErrors() {
		return nil, diags, err
	}
	return &Draft{a, content, files}, nil, nil
}

// Seal packs the content with a release record, whose Artifact and Correlation
// are filled in, and ends the draft. A nil bundle comes with diagnostics that
// say what cannot be sealed.
func (d *Draft) Seal(ctx context.Context, r ir.Record, c *Config) (*Bundle, diag.List, error) {
	files := d.files
	if files == nil {
		return nil, nil, fmt.Errorf("seal %s: the draft was sealed before", d.Artifact.Name)
	}
	d.files = nil
	defer files.leave()
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if c == nil {
		c = &Config{}
	}
	r.Artifact, r.Correlation = d.Artifact.Name, d.Content.Short()
	if diags := checkRecord(r); diags.HasErrors() {
		return nil, diags, nil
	}
	b, err := pack(d.Artifact, files, r, d.Content)
	if err != nil {
		return nil, nil, err
	}
	if problem := c.Limits.withDefaults().check(b, files); problem != nil {
		return nil, diag.List{problem}, nil
	}
	return b, nil, nil
}

// Seal is NewDraft and Draft.Seal.
func Seal(ctx context.Context, a *ir.Artifact, r ir.Record, c *Config) (*Bundle, diag.List, error) {
	d, diags, err := NewDraft(a)
	if d == nil {
		return nil, diags, err
	}
	return d.Seal(ctx, r, c)
}

// contentOf is the digest that `release` compares to tell changed artifacts from
// unchanged ones.
func contentOf(name string, files *held) (digest.Digest, diag.List, error) {
	if diags := checkNames(name, files); diags.HasErrors() {
		return "", diags, nil
	}
	sum := digest.NewWriter()
	if err := files.tar(sum); err != nil {
		return "", nil, fmt.Errorf("seal %s: %w", name, err)
	}
	return sum.Digest(), nil, nil
}

// pack is the one way from (content, record) to bytes. The archive goes through
// the hash into the compressor; as a whole it never exists.
func pack(a *ir.Artifact, content *held, r ir.Record, contentSum digest.Digest) (*Bundle, error) {
	side, err := recordSide(content, r)
	if err != nil {
		return nil, err
	}
	files := content.with(side)
	content.layer.Reset()
	compressed, err := tgz.Gzip(&content.layer)
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", a.Name, err)
	}
	sum := digest.NewWriter()
	if err := files.tar(io.MultiWriter(sum, compressed)); err != nil {
		return nil, fmt.Errorf("seal %s: %w", a.Name, err)
	}
	if err := compressed.Close(); err != nil {
		return nil, fmt.Errorf("seal %s: %w", a.Name, err)
	}
	b := &Bundle{
		Artifact: a, Record: r,
		Content: contentSum, Tar: sum.Digest(), Layer: oci.Bytes(bytes.Clone(content.layer.Bytes())), Config: emptyConfig, Count: len(content.files),
	}
	b.Manifest, err = manifest(b)
	return b, err
}
