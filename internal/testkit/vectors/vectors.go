// Package vectors reads the interoperability vectors under
// testdata/vectors/bundles: bundles and statements, good and hostile, and what
// a reader must say about each. Its README is the format.
//
// It knows digests and stores only, and nothing of how a bundle is judged, so
// that every reader can be held to the same files: package seal, the commands,
// and stock programs.
package vectors

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
)

// What every vector is judged by.
const (
	Artifact  = "eu-west-1"            // its name, and its tag in a layout
	Now       = "2026-12-01T00:00:00Z" // when it is verified
	MinSerial = 2
	Password  = "correct horse" // of the private keys
)

// OK is the verdict of a reader that finds nothing wrong.
const OK = "ok"

// empty is the config of every manifest.
var empty = []byte("{}")

// Vector is one case.
type Vector struct {
	Name, Why string
	// The verdict by entry point: OK, or the codes of the errors, sorted, with
	// blanks between them. Open reads the layer alone; Load the manifest and its
	// layer; Expect is verification under the keys of the folder; Demand the
	// same, when a provenance and a passed verdict must be there. Cosign is what
	// stock cosign says of the signature: OK or "refused".
	Open, Load, Expect, Demand, Cosign string

	Manifest, Layer []byte
	// Also are manifests that lie beside it without a name.
	Also [][]byte
	// State is what the last verification remembered, a file of verify --state;
	// nil for none.
	State []byte
	// Statements are attached to the manifest.
	Statements []Statement
}

// Statement is a Sigstore bundle and the manifest that attaches it.
type Statement struct{ Manifest, Bundle []byte }

// headers are the fields that stand before the files, in this order.
func (v *Vector) headers() []struct {
	name string
	to   *string
} {
	return []struct {
		name string
		to   *string
	}{{"why", &v.Why}, {"open", &v.Open}, {"load", &v.Load}, {"expect", &v.Expect}, {"demand", &v.Demand}, {"cosign", &v.Cosign}}
}

// Read returns the vectors of a folder, sorted by name.
func Read(dir fs.FS) ([]*Vector, error) {
	names, err := fs.Glob(dir, "*.txtar")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, errors.New("the folder holds no vector")
	}
	var out []*Vector
	for _, name := range names {
		b, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, err
		}
		v, err := parse(strings.TrimSuffix(name, ".txtar"), b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out = append(out, v)
	}
	return out, nil
}

func parse(name string, b []byte) (*Vector, error) {
	a, v := txtar.Parse(b), &Vector{Name: name}
	lines := slices.Collect(strings.Lines(string(a.Comment)))
	for i, h := range v.headers() {
		if i >= len(lines) || !strings.HasPrefix(lines[i], h.name+": ") {
			return nil, fmt.Errorf("line %d is not the header %q", i+1, h.name)
		}
		*h.to = strings.TrimSpace(strings.TrimPrefix(lines[i], h.name+": "))
	}
	if len(lines) != len(v.headers()) {
		return nil, fmt.Errorf("%d headers (want %d)", len(lines), len(v.headers()))
	}
	for _, f := range a.Files {
		if err := v.file(f); err != nil {
			return nil, fmt.Errorf("section %s: %w", f.Name, err)
		}
	}
	return v, nil
}

// file takes in one section. Texts end where they did when they were signed,
// without the newline that the archive adds.
func (v *Vector) file(f txtar.File) error {
	text := bytes.TrimSuffix(f.Data, []byte("\n"))
	switch kind, _, _ := strings.Cut(strings.TrimSuffix(f.Name, path.Ext(f.Name)), "-"); kind {
	case "manifest":
		v.Manifest = text
	case "layer":
		b, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(string(text), "\n", ""))
		v.Layer = b
		return err
	case "also":
		v.Also = append(v.Also, text)
	case "state":
		v.State = f.Data
	case "referrer":
		v.Statements = append(v.Statements, Statement{Manifest: text})
	case "statement":
		if len(v.Statements) == 0 {
			return errors.New("no referrer stands before it")
		}
		v.Statements[len(v.Statements)-1].Bundle = text
	default:
		return errors.New("unknown")
	}
	return nil
}

// Format is the file of the vector.
func (v *Vector) Format() []byte {
	a := &txtar.Archive{}
	for _, h := range v.headers() {
		a.Comment = fmt.Appendf(a.Comment, "%s: %s\n", h.name, *h.to)
	}
	add := func(b []byte, name string, args ...any) {
		a.Files = append(a.Files, txtar.File{Name: fmt.Sprintf(name, args...), Data: append(slices.Clone(b), '\n')})
	}
	add(v.Manifest, "manifest.json")
	var b64 []byte
	for chunk := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(v.Layer)), 100) {
		b64 = append(append(b64, chunk...), '\n')
	}
	a.Files = append(a.Files, txtar.File{Name: "layer.b64", Data: b64})
	for i, m := range v.Also {
		add(m, "also-%d.json", i)
	}
	for i, s := range v.Statements {
		add(s.Manifest, "referrer-%d.json", i)
		add(s.Bundle, "statement-%d.json", i)
	}
	if v.State != nil {
		a.Files = append(a.Files, txtar.File{Name: "state.json", Data: v.State})
	}
	return txtar.Format(a)
}

// Digest names the manifest.
func (v *Vector) Digest() digest.Digest { return digest.Of(v.Manifest) }

// Layout stores the vector in dir as an OCI image layout.
func (v *Vector) Layout(ctx context.Context, dir string) (*oci.Layout, error) {
	all := []oci.Artifact{{Tag: Artifact, Manifest: v.Manifest, Blobs: []oci.Blob{oci.Bytes(v.Layer), oci.Bytes(empty)}}}
	for _, m := range v.Also {
		all = append(all, oci.Artifact{Manifest: m, Blobs: []oci.Blob{oci.Bytes(v.Layer), oci.Bytes(empty)}})
	}
	l, err := oci.WriteLayout(ctx, dir, all)
	if err != nil {
		return nil, err
	}
	for _, s := range v.Statements { // one by one: a statement may stand twice
		if err := l.Attach(ctx, oci.Artifact{Manifest: s.Manifest, Blobs: []oci.Blob{oci.Bytes(s.Bundle), oci.Bytes(empty)}}); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// Tar packs a layout as it crosses an air gap. It keeps also what a layout's
// own archive would leave out because nothing names it.
func Tar(dir string, w io.Writer) error {
	t := tar.NewWriter(w)
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: filepath.ToSlash(rel), Mode: 0o644, Size: int64(len(b)), Format: tar.FormatUSTAR}); err != nil {
			return err
		}
		_, err = t.Write(b)
		return err
	})
	return errors.Join(err, t.Close())
}
