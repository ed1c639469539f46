package oci

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/darkstart-dev/darkstart/internal/digest"
)

// Images answers questions about images in any registry. Its errors are
// Failures. It may be used from several goroutines.
type Images struct {
	c  RegistryConfig
	mu sync.Mutex
	// Opened repositories share what they learnt: tokens, and whether there is
	// a referrers API.
	opened map[string]*Repository
}

// NewImages returns a client; c is as of OpenRepository.
func NewImages(c RegistryConfig) *Images {
	return &Images{c: c, opened: map[string]*Repository{}}
}

func (i *Images) open(repository string) (*Repository, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if r := i.opened[repository]; r != nil {
		return r, nil
	}
	r, err := OpenRepository(repository, &i.c)
	if err == nil {
		i.opened[repository] = r
	}
	return r, err
}

// Resolve returns the digest of a tag or digest in a repository, "host/path".
// Of an image for several platforms it is the index's.
func (i *Images) Resolve(ctx context.Context, repository, reference string) (digest.Digest, error) {
	host, _, _ := strings.Cut(repository, "/")
	r, err := i.open(repository)
	if err != nil {
		return "", explain(ctx, host, err)
	}
	d, err := r.Resolve(ctx, reference)
	if err != nil {
		return "", explain(ctx, host, err)
	}
	_, err = digest.Parse(string(d.Digest))
	return d.Digest, explain(ctx, host, err)
}

// Evidence reads the image of a digest, which must be what the digest names,
// and says what its repository holds about it: signed is "cosign" or "none",
// provenance "slsa" or "none". Nothing is verified: it says what there is to
// verify.
func (i *Images) Evidence(ctx context.Context, repository string, d digest.Digest) (signed, provenance string, err error) {
	host, _, _ := strings.Cut(repository, "/")
	r, err := i.open(repository)
	if err != nil {
		return "", "", explain(ctx, host, err)
	}
	e, err := r.evidence(ctx, d)
	if err != nil {
		return "", "", explain(ctx, host, err)
	}
	return e.name(e.signed, "cosign"), e.name(e.slsa, "slsa"), nil
}

// read resolves and fetches a manifest and holds it to its digest.
func (r *Repository) read(ctx context.Context, ref string) (Descriptor, *manifest, error) {
	d, err := r.Resolve(ctx, ref)
	if err != nil {
		return d, nil, err
	}
	b, err := r.Fetch(ctx, d, MaxManifest)
	if err != nil {
		return d, nil, err
	}
	m, err := parseManifest(b)
	return d, m, err
}

// maybe is read where it is no error that there is nothing.
func (r *Repository) maybe(ctx context.Context, ref string) (Descriptor, *manifest, error) {
	d, m, err := r.read(ctx, ref)
	if errors.Is(err, ErrNotFound) {
		return d, &manifest{}, nil
	}
	return d, m, err
}

// Manifest returns the bytes of a manifest, which have the digest.
func (i *Images) Manifest(ctx context.Context, repository string, d digest.Digest) ([]byte, error) {
	return i.fetch(ctx, repository, func(r *Repository) ([]byte, error) {
		found, err := r.Resolve(ctx, string(d))
		if err != nil {
			return nil, err
		}
		return r.Fetch(ctx, found, MaxManifest)
	})
}

// Blob returns the bytes of a blob, which have its size and digest.
func (i *Images) Blob(ctx context.Context, repository string, d Descriptor) ([]byte, error) {
	return i.fetch(ctx, repository, func(r *Repository) ([]byte, error) { return r.Fetch(ctx, d, d.Size) })
}

func (i *Images) fetch(ctx context.Context, repository string, read func(*Repository) ([]byte, error)) ([]byte, error) {
	host, _, _ := strings.Cut(repository, "/")
	r, err := i.open(repository)
	if err != nil {
		return nil, explain(ctx, host, err)
	}
	b, err := read(r)
	return b, explain(ctx, host, err)
}
