package seal

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/seal/internal/tgz"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
)

// Limits bound what Open reads: a layer comes from a registry and is hostile
// until its signature says otherwise. Zero fields mean the default.
type Limits struct {
	Layer int64 // bytes of the compressed layer; 256 MiB
	Tar   int64 // bytes after decompression; 1 GiB
	Ratio int64 // decompressed to compressed bytes, above the first MiB; 250
	Files int   // number of files; 200,000
}

func (l Limits) withDefaults() Limits {
	def := Limits{Layer: 256 << 20, Tar: 1 << 30, Ratio: 250, Files: 200_000}
	if l.Layer > 0 {
		def.Layer = l.Layer
	}
	if l.Tar > 0 {
		def.Tar = l.Tar
	}
	if l.Ratio > 0 {
		def.Ratio = l.Ratio
	}
	if l.Files > 0 {
		def.Files = l.Files
	}
	return def
}

// tarLimit is how many bytes a layer of that many may decompress to.
func (l Limits) tarLimit(layer int) int64 { return min(l.Tar, 1<<20+l.Ratio*int64(layer)) }

func tooLarge(format string, args ...any) *diag.Diagnostic {
	return diag.Errorf("SEA005", format, args...).
		Fix("split the cluster's largest component, or move generated data out of manifests")
}

// check holds a sealed bundle to the limits that Open will apply to it.
func (l Limits) check(b *Bundle, files *held) *diag.Diagnostic {
	var size int64
	for i := range files.files {
		size += int64(files.files[i].size+511)&^511 + 512
	}
	switch n := len(files.files) + sideFiles; {
	case b.Layer.Size() > l.Layer:
		return tooLarge("the layer of %q has %d bytes (at most %d)", b.Artifact.Name, b.Layer.Size(), l.Layer)
	case n > l.Files:
		return tooLarge("artifact %q has %d files (at most %d)", b.Artifact.Name, n, l.Files)
	case size > l.tarLimit(int(b.Layer.Size()))-1<<16: // room for the record side and the end of the archive
		return tooLarge("artifact %q has %d bytes (at most %d, and %d times its compressed size)", b.Artifact.Name, size, l.Tar, l.Ratio)
	}
	return nil
}

// Open parses the compressed layer of a bundle. It returns a bundle only when
// sealing what it found gives the same bytes again.
func Open(layer []byte, l Limits) (*Bundle, diag.List, error) {
	l = l.withDefaults()
	all, d := unpack(layer, l)
	if d != nil {
		return nil, diag.List{d}, nil
	}
	own, r, d := split(all)
	if d != nil {
		return nil, diag.List{d}, nil
	}
	files := holdFiles(own)
	content, diags, err := contentOf(r.Artifact, files)
	if err != nil {
		return nil, diag.List{notCanonical("its names cannot be archived: %v", err)}, nil
	}
	diags.Add(checkRecord(r)...)
	if diags.HasErrors() {
		return nil, diags.Sorted(), nil
	}
	if r.Correlation != content.Short() {
		return nil, diag.List{notCanonical("its correlation id is %q and its content is %s", r.Correlation, content)}, nil
	}
	b, err := pack(&ir.Artifact{Name: r.Artifact, Write: ir.Content(own)}, files, r, content)
	if err != nil {
		return nil, nil, err
	}
	if again, err := b.Layer.Bytes(); err != nil || !bytes.Equal(again, layer) {
		return nil, diag.List{notCanonical("packing its files again gives %s, and the layer is %s", b.LayerDigest(), digest.Of(layer))}, nil
	}
	return b, nil, nil
}

func notCanonical(format string, args ...any) *diag.Diagnostic {
	return diag.Errorf("SEA007", "the layer is not what sealing its files gives: "+format, args...).
		Note("names, order, modes, links, headers, padding and trailing bytes are all covered by this comparison").
		Fix("do not use the bundle; fetch it again by digest, and ask who repacked it")
}

// unpack decompresses and reads the archive, within limits.
func unpack(layer []byte, l Limits) ([]tgz.File, *diag.Diagnostic) {
	if int64(len(layer)) > l.Layer {
		return nil, tooLarge("a layer of %d bytes (at most %d)", len(layer), l.Layer)
	}
	unreadable := func(what string, err error) *diag.Diagnostic {
		if errors.Is(err, tgz.ErrTooLarge) {
			return tooLarge("a layer of %d bytes decompresses to more than %d, or to more than %d files", len(layer), l.tarLimit(len(layer)), l.Files)
		}
		return diag.Errorf("SEA006", "the layer is not a readable %s: %v", what, err).
			Fix("fetch the bundle again by digest; a damaged or foreign layer is never used")
	}
	archive, err := tgz.Gunzip(layer, l.tarLimit(len(layer)))
	if err != nil {
		return nil, unreadable("gzip stream", err)
	}
	files, err := tgz.Untar(archive, l.Files)
	if err != nil {
		return nil, unreadable("archive of regular files", err)
	}
	return files, nil
}

// split takes the record side away from the content. The guard's own files are
// dropped: packing derives them from the record again.
func split(files []tgz.File) (content []ir.File, r ir.Record, d *diag.Diagnostic) {
	var record []byte
	for _, f := range files {
		switch {
		case f.Path == RecordPath:
			record = f.Data
		case strings.HasPrefix(f.Path, GuardDir+"/"):
		default:
			content = append(content, ir.File(f))
		}
	}
	if record == nil {
		return nil, ir.Record{}, diag.Errorf("SEA008", "the layer has no %s", RecordPath).
			Fix("name the digest of a bundle that `darkstart publish` or `darkstart compile` printed")
	}
	r, d = parseRecord(record)
	return content, r, d
}

// Read opens a bundle from its manifest: blob returns the bytes of one blob,
// which Read holds to the size and digest the manifest gives.
func Read(manifest []byte, blob func(digest.Digest, int64) ([]byte, error), l Limits) (*Bundle, diag.List, error) {
	m, d := parseManifest(manifest)
	if d != nil {
		return nil, diag.List{d}, nil
	}
	want := m.Layers[0]
	if max := l.withDefaults().Layer; want.Size < 0 || want.Size > max {
		return nil, diag.List{tooLarge("a layer of %d bytes (at most %d)", want.Size, max)}, nil
	}
	layer, err := blob(want.Digest, want.Size)
	if err != nil {
		return nil, nil, fmt.Errorf("read layer %s: %w", want.Digest, err)
	}
	if got := descriptor(MediaTypeLayer, layer); got != want {
		return nil, diag.List{diag.Errorf("SEA010", "the layer has digest %s and %d bytes, and its manifest says %s and %d", got.Digest, got.Size, want.Digest, want.Size).
			Fix("fetch the bundle again; if it stays so, the store was tampered with")}, nil
	}
	b, diags, err := Open(layer, l)
	if b == nil {
		return nil, diags, err
	}
	if !bytes.Equal(b.Manifest, manifest) {
		return nil, diag.List{diag.Errorf("SEA011", "the manifest does not fit its layer: sealing gives %s, and the manifest is %s", b.Digest(), digest.Of(manifest)).
			Fix("do not use the bundle: annotations or fields were changed after sealing")}, nil
	}
	return b, nil, nil
}

// Validate derives every digest and byte of b again. It is the oracle of tests.
func (b *Bundle) Validate() error {
	blob := func(digest.Digest, int64) ([]byte, error) { return b.Layer.Bytes() }
	again, diags, err := Read(b.Manifest, blob, Limits{})
	switch {
	case err != nil:
		return err
	case again == nil:
		return fmt.Errorf("seal: invalid bundle: %s", diags)
	case again.Content != b.Content || again.Tar != b.Tar || !reflect.DeepEqual(again.Record, b.Record) || !bytes.Equal(b.Config, emptyConfig):
		return fmt.Errorf("seal: the fields of bundle %s contradict its bytes", b.Digest())
	}
	return nil
}
