package compiler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
	"github.com/darkstart-dev/darkstart/internal/spec"
)

// What is kept of a cluster between compiles is kept under the names of what it
// was made from: see docs/cache.md. A name that is missing (no cache, or a
// source that could not be read) keeps nothing.

// madeFrom names what the objects of a cluster were made from; nil when not all
// of it has a name.
func madeFrom(c *ir.Unit[spec.Cluster], r *ir.Rendered) []string {
	out := []string{c.Name, c.ID}
	for i := range r.Components {
		out = append(out, r.Components[i].Name, r.Components[i].ID)
	}
	if slices.Contains(out, "") {
		return nil
	}
	return out
}

// componentFrom names what the objects of one component were made of: its source
// and its settings; "" when that has no name. Where they go depends on who defines
// their kinds too.
func componentFrom(c *ir.Unit[spec.Cluster], r *ir.RenderedComponent) string {
	if r.ID == "" {
		return ""
	}
	b, err := json.Marshal([]any{r.Name, r.ID, c.Spec.Components[r.Name]})
	if err != nil {
		panic(err) // values of a unit are JSON values
	}
	return string(digest.Of(b))
}

// errUnkept ends work whose result is not to be kept.
var errUnkept = errors.New("not kept")

// sealing makes one artifact, or finds what it was made into before.
type sealing struct {
	artifact *ir.Artifact
	kept     *cache.Store
	draft    *seal.Draft // when it had to be made
	about    func(diag.List)
}

// names is what the content of the artifact depends on, nil when that is not
// known.
func (s *sealing) names() []string {
	if s.kept == nil || s.artifact.MadeFrom == nil {
		return nil
	}
	return append([]string{s.artifact.Name}, s.artifact.MadeFrom...)
}

// content returns the digest of the content, "" when it cannot be sealed and
// that has been told.
func (s *sealing) content() (digest.Digest, error) {
	make := func() (digest.Digest, error) {
		d, ds, err := seal.NewDraft(s.artifact)
		s.about(ds)
		if s.draft = d; err == nil && d == nil {
			err = errUnkept
		}
		if err != nil {
			return "", err
		}
		return d.Content, nil
	}
	names := s.names()
	if names == nil {
		return told(make())
	}
	return told(cache.Value(s.kept, "content", names, make))
}

func told(d digest.Digest, err error) (digest.Digest, error) {
	if errors.Is(err, errUnkept) {
		return "", nil
	}
	return d, err
}

// Sealed is what is kept of a bundle besides its layer.
type Sealed struct {
	Content, Tar, Layer digest.Digest
	Size                int64
	Count               int
	Record              ir.Record
	Manifest            []byte
}

func sealedOf(b *seal.Bundle) Sealed {
	return Sealed{b.Content, b.Tar, b.LayerDigest(), b.Layer.Size(), b.Count, b.Record, b.Manifest}
}

func (x *Sealed) bundle(a *ir.Artifact, read func() ([]byte, error)) *seal.Bundle {
	return seal.Recall(a, x.Record, x.Content, x.Tar, x.Manifest, x.Count, layer{x.Layer, x.Size, read})
}

// Keep returns what Recall needs besides the cache.
func (b *Bundles) Keep() []Sealed {
	out := make([]Sealed, len(b.Sealed))
	for i, x := range b.Sealed {
		out[i] = sealedOf(x)
	}
	return out
}

// ErrLost says that the layer of a recalled bundle is not in the cache.
var ErrLost = errors.New("a layer is not in the cache any more")

// Recall returns bundles that were sealed before, without a compile: to be
// stored, for nobody knows their files. Where the cache has lost a layer, reading
// it fails with ErrLost; a store that has the layer does not read it.
func Recall(kept *cache.Store, all []Sealed) *Bundles {
	out := &Bundles{}
	for _, x := range all {
		unknown := &ir.Artifact{Name: x.Record.Artifact, Write: func(func(string) io.Writer) error {
			return fmt.Errorf("the files of %s were not compiled", x.Record.Artifact)
		}}
		out.Sealed = append(out.Sealed, x.bundle(unknown, func() ([]byte, error) {
			return keptLayer(kept, x.Layer, func() ([]byte, error) { return nil, fmt.Errorf("%w: %s of %s", ErrLost, x.Layer, x.Record.Artifact) })
		}))
	}
	return out
}

// seal packs the content with a record; nil when that cannot be done and has
// been told. With a cache the layer is in there, else on the stage.
func (s *sealing) seal(ctx context.Context, r ir.Record, stage *oci.Stage) (*seal.Bundle, error) {
	names := s.names()
	if names == nil {
		b, err := s.pack(ctx, r)
		if b == nil || stage == nil {
			return b, err
		}
		return b.Kept(stage)
	}
	record, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	x, err := cache.Value(s.kept, "seal", append(names, string(record)), func() (Sealed, error) {
		b, err := s.pack(ctx, r)
		if err == nil && b == nil {
			err = errUnkept
		}
		if err != nil {
			return Sealed{}, err
		}
		_, err = keptLayer(s.kept, b.LayerDigest(), b.Layer.Bytes)
		return sealedOf(b), err
	})
	if errors.Is(err, errUnkept) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return x.bundle(s.artifact, func() ([]byte, error) {
		return keptLayer(s.kept, x.Layer, func() ([]byte, error) {
			b, err := s.pack(ctx, r)
			if err == nil && b == nil {
				err = fmt.Errorf("the layer of %s cannot be made again", s.artifact.Name)
			}
			if err != nil {
				return nil, err
			}
			return b.Layer.Bytes()
		})
	}), nil
}

func (s *sealing) pack(ctx context.Context, r ir.Record) (*seal.Bundle, error) {
	d := s.draft
	s.draft = nil // it holds the files
	if d == nil {
		var ds diag.List
		var err error
		if d, ds, err = seal.NewDraft(s.artifact); d == nil {
			s.about(ds)
			return nil, err
		}
	}
	b, ds, err := d.Seal(ctx, r, nil)
	s.about(ds)
	return b, err
}

// keptLayer returns a layer from the cache, or makes it.
func keptLayer(kept *cache.Store, of digest.Digest, make func() ([]byte, error)) ([]byte, error) {
	b, err := cache.Value(kept, "layer", []string{string(of)}, make)
	if err == nil && digest.Of(b) != of {
		err = fmt.Errorf("%w: layer %s", cache.ErrPoisoned, of)
	}
	return b, err
}

// layer is a blob that is in the cache.
type layer struct {
	digest digest.Digest
	size   int64
	read   func() ([]byte, error)
}

func (l layer) Digest() digest.Digest { return l.digest }

func (l layer) Size() int64 { return l.size }

func (l layer) Bytes() ([]byte, error) { return l.read() }
