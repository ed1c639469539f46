package oci

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	godigest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	layout "oras.land/oras-go/v2/content/oci"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"github.com/darkstart-dev/darkstart/internal/digest"
)

// RegistryConfig says how to speak to a registry. The zero value is anonymous,
// over TLS except to the loopback interface.
type RegistryConfig struct {
	// PlainHTTP speaks HTTP also to other hosts.
	PlainHTTP bool
	// Client is the HTTP client, with its retries; nil means one without any.
	Client *http.Client
	// Pause is the first one before a step of writing is done again, and doubles;
	// 0 means a fifth of a second.
	Pause time.Duration
	// Credentials returns the user and password for a host, both "" for none.
	Credentials func(ctx context.Context, host string) (user, password string, err error)
}

// Repository is one repository of a registry.
type Repository struct {
	r     *remote.Repository
	pause time.Duration
}

// OpenRepository names a repository, "host[:port]/path". Nothing is sent yet.
func OpenRepository(name string, c *RegistryConfig) (*Repository, error) {
	if c == nil {
		c = &RegistryConfig{}
	}
	r, err := remote.NewRepository(name)
	if err != nil {
		return nil, fmt.Errorf("%q does not name a repository (want host/path): %w", name, err)
	}
	// Two publishers may replace the list under a fallback tag at once, and each
	// would delete what the other one still reads.
	r.SkipReferrersGC = true
	r.PlainHTTP = c.PlainHTTP || loopback(r.Reference.Registry)
	client := &auth.Client{Client: c.Client, Cache: auth.NewCache()}
	client.SetUserAgent("darkstart")
	if c.Credentials != nil {
		client.Credential = func(ctx context.Context, host string) (auth.Credential, error) {
			user, password, err := c.Credentials(ctx, host)
			return auth.Credential{Username: user, Password: password}, err
		}
	}
	r.Client = client
	return &Repository{r, cmp.Or(c.Pause, firstPause)}, nil
}

// Explain turns an error of the registry into a Failure, with advice.
func (r *Repository) Explain(ctx context.Context, err error) error {
	return explain(ctx, r.r.Reference.Registry, err)
}

func loopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Resolve implements Source.
func (r *Repository) Resolve(ctx context.Context, ref string) (Descriptor, error) {
	d, err := r.r.Resolve(ctx, ref)
	if errors.Is(err, errdef.ErrNotFound) {
		return Descriptor{}, fmt.Errorf("%s in %s: %w", ref, r.r.Reference, ErrNotFound)
	}
	return fromSpec(d), err
}

// Fetch implements Source.
func (r *Repository) Fetch(ctx context.Context, d Descriptor, max int64) ([]byte, error) {
	if err := d.bounded(max); err != nil {
		return nil, err
	}
	body, err := r.r.Fetch(ctx, toSpec(d))
	if errors.Is(err, errdef.ErrNotFound) {
		return nil, fmt.Errorf("blob %s in %s: %w", d.Digest, r.r.Reference, ErrNotFound)
	}
	if err != nil && lied(err) {
		return nil, fmt.Errorf("%w: %w", err, ErrDamaged)
	}
	if err != nil {
		return nil, err
	}
	defer body.Close()
	b, err := io.ReadAll(io.LimitReader(body, d.Size+1))
	if err != nil {
		return nil, err
	}
	return b, check(b, d)
}

// Referrers implements Source, through the API or the fallback tag.
func (r *Repository) Referrers(ctx context.Context, subject digest.Digest) ([]Descriptor, error) {
	var out []Descriptor
	err := r.r.Referrers(ctx, ocispec.Descriptor{Digest: godigest.Digest(subject)}, "", func(page []ocispec.Descriptor) error {
		for _, d := range page {
			out = append(out, fromSpec(d))
		}
		return nil
	})
	var answer *errcode.ErrorResponse
	if errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound {
		return nil, nil // no repository yet, so nothing refers to anything in it
	}
	return sortDescriptors(out), err
}

// Copy pushes an artifact of a layout, then its referrers, and last tags the
// artifact (with "" it stays untagged), so that nobody finds by name what is
// not complete. What the repository has is not sent again.
func Copy(ctx context.Context, from *Layout, d Descriptor, to *Repository, tag string) error {
	src, err := layout.NewFromFS(ctx, os.DirFS(from.dir))
	if err != nil {
		return err
	}
	refs, err := from.Referrers(ctx, d.Digest)
	if err != nil {
		return err
	}
	for _, x := range append([]Descriptor{d}, refs...) {
		if err := oras.CopyGraph(ctx, src, to.r, toSpec(untagged(x)), oras.DefaultCopyGraphOptions); err != nil {
			return fmt.Errorf("copy %s to %s: %w", x.Digest, to.r.Reference, err)
		}
	}
	if tag == "" {
		return nil
	}
	return to.r.Tag(ctx, toSpec(d), tag)
}

func toSpec(d Descriptor) ocispec.Descriptor {
	return ocispec.Descriptor{
		MediaType: d.MediaType, Digest: godigest.Digest(d.Digest), Size: d.Size,
		ArtifactType: d.ArtifactType, Annotations: d.Annotations,
	}
}

func fromSpec(d ocispec.Descriptor) Descriptor {
	return Descriptor{
		MediaType: d.MediaType, Digest: digest.Digest(d.Digest), Size: d.Size,
		ArtifactType: d.ArtifactType, Annotations: d.Annotations,
	}
}
