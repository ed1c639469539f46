package oci

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"github.com/darkstart-dev/darkstart/internal/digest"
)

// Writing to a repository is made of steps that can be done again: what is
// there is not sent, and what was sent is read back before anything relies on
// it. A step that a lost connection ended is done again here; what a registry
// answers (429, 5xx) the HTTP client has retried before.
const (
	maxAttempts = 6
	firstPause  = 200 * time.Millisecond
	// stepTime is how long a step may take, the pauses that a registry asks for
	// included, besides what its bytes take.
	stepTime = 90 * time.Second
	// slowest is the rate below which a transfer is taken for dead, bytes a second.
	slowest = 64 << 10
	// maxRelists bounds how often statements are listed again, when others write
	// the same list at the same time.
	maxRelists = 12
)

const (
	adviceAgain    = "run the same command again: what %s has is not sent again"
	adviceReadOnly = "name a registry that takes writes: this one is read-only, or a mirror"
	adviceLarge    = "raise the limit on the size of a request at %s, or at the proxy before it"
	adviceWrite    = "log in as one who may push there: docker login %s (credentials come from Docker's config.json)"
)

// Name returns the repository's name, "host/path".
func (r *Repository) Name() string { return r.r.Reference.Registry + "/" + r.r.Reference.Repository }

// Host returns the name of the registry.
func (r *Repository) Host() string { return r.r.Reference.Registry }

// Tagged returns the digest under a tag, "" when there is none. Its errors are
// Failures, as are those of all that follows.
func (r *Repository) Tagged(ctx context.Context, tag string) (digest.Digest, error) {
	var d Descriptor
	err := r.step(ctx, MaxManifest, func(ctx context.Context) (err error) {
		d, err = r.Resolve(ctx, tag)
		if errors.Is(err, ErrNotFound) {
			d, err = Descriptor{}, nil
		}
		return err
	})
	return d.Digest, err
}

// Put stores an artifact without its tag, the blobs before the manifest, so
// that a manifest never names what is not there. It returns how many bytes it
// had to send.
func (r *Repository) Put(ctx context.Context, a Artifact) (sent int64, err error) {
	d, _, err := describe(a.Manifest)
	if err != nil {
		return 0, err
	}
	for _, b := range a.Blobs {
		n, err := r.blob(ctx, b)
		if sent += n; err != nil {
			return sent, err
		}
	}
	n, err := r.put(ctx, d, a.Manifest)
	return sent + n, err
}

// blob sends a blob unless it is there.
func (r *Repository) blob(ctx context.Context, b Blob) (sent int64, err error) {
	content, err := b.Bytes()
	if err != nil {
		return 0, err
	}
	return r.put(ctx, Descriptor{MediaType: "application/octet-stream", Digest: b.Digest(), Size: b.Size()}, content)
}

// put sends one blob or manifest unless it is there, and reads it back.
func (r *Repository) put(ctx context.Context, d Descriptor, b []byte) (sent int64, err error) {
	ours := false // sent by this call, perhaps by an attempt that broke later
	err = r.step(ctx, d.Size, func(ctx context.Context) error {
		there, err := r.r.Exists(ctx, toSpec(d))
		if err != nil || there && !ours {
			return err
		}
		if !there {
			ours = true
			sent += d.Size
			if err := r.r.Push(ctx, toSpec(d), bytes.NewReader(b)); err != nil {
				return err
			}
		}
		got, err := r.Fetch(ctx, d, d.Size)
		if errors.Is(err, ErrNotFound) { // it said that it took it
			return fmt.Errorf("%s was taken and is not there: %w", d.Digest, ErrDamaged)
		}
		if err == nil && !bytes.Equal(got, b) {
			return fmt.Errorf("%s comes back changed: %w", d.Digest, ErrDamaged)
		}
		return err
	})
	return sent, err
}

// Attach stores statements about a manifest in their order, and returns when
// the registry lists all of them. Where the list is a fallback tag, others who
// write it at the same time may drop an entry between our reading and writing;
// so it is read again until nothing is missing.
func (r *Repository) Attach(ctx context.Context, subject digest.Digest, statements ...Artifact) (sent int64, err error) {
	for i := range maxRelists {
		var listed []Descriptor
		err := r.step(ctx, MaxManifest, func(ctx context.Context) (err error) {
			listed, err = r.Referrers(ctx, subject)
			return err
		})
		if err != nil {
			return sent, err
		}
		missing := slices.DeleteFunc(slices.Clone(statements), func(a Artifact) bool {
			return slices.ContainsFunc(listed, func(d Descriptor) bool { return d.Digest == digest.Of(a.Manifest) })
		})
		if len(missing) == 0 {
			return sent, nil
		}
		if i > 0 {
			if err := r.wait(ctx, i); err != nil {
				return sent, err
			}
		}
		for _, a := range missing {
			n, err := r.attach(ctx, a)
			if sent += n; err != nil {
				return sent, err
			}
		}
	}
	return sent, &Failure{
		Kind: KindLies, Reason: "the registry takes statements about " + string(subject) + " and does not list them",
		Advice: "report it to whoever runs " + r.Host() + ": signatures that are not listed cannot be found",
		Err:    ErrDamaged,
	}
}

// attach sends one statement. Its manifest is sent also when it is there: that
// is what lists it.
func (r *Repository) attach(ctx context.Context, a Artifact) (sent int64, err error) {
	d, m, err := describe(a.Manifest)
	if err != nil {
		return 0, err
	}
	if m.Subject == nil {
		return 0, errors.New("a manifest without a subject cannot be attached")
	}
	for _, b := range a.Blobs {
		n, err := r.blob(ctx, b)
		if sent += n; err != nil {
			return sent, err
		}
	}
	err = r.step(ctx, d.Size, func(ctx context.Context) error {
		sent += d.Size
		return r.r.Push(ctx, toSpec(d), bytes.NewReader(a.Manifest))
	})
	return sent, err
}

// Tag names a manifest that is there, and makes sure that it is the one named.
func (r *Repository) Tag(ctx context.Context, manifest []byte, tag string) error {
	d, _, err := describe(manifest)
	if err != nil {
		return err
	}
	return r.step(ctx, d.Size, func(ctx context.Context) error {
		return r.r.PushReference(ctx, toSpec(d), bytes.NewReader(manifest), tag)
	})
}

// step does something until it succeeds, fails for good, or was tried often
// enough, and words what is left.
func (r *Repository) step(ctx context.Context, size int64, do func(context.Context) error) error {
	for i := 0; ; i++ {
		one, cancel := context.WithTimeout(ctx, stepTime+time.Duration(size/slowest)*time.Second)
		err := do(one)
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || !passing(err) || i+1 == maxAttempts || i > 0 && errors.Is(err, context.DeadlineExceeded) {
			return r.failure(ctx, err)
		}
		if err := r.wait(ctx, i); err != nil {
			return err
		}
	}
}

// wait pauses ever longer, with jitter, so that several who were turned
// away together do not come back together.
func (r *Repository) wait(ctx context.Context, i int) error {
	d := r.pause << min(i, 4)
	t := time.NewTimer(d/2 + rand.N(d))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// passing reports whether the same step may succeed now: the connection was
// lost, or an upload was forgotten half way. A refusal, a lie, and what the
// HTTP client has retried already do not pass.
func passing(err error) bool {
	var answer *errcode.ErrorResponse
	switch {
	case errors.As(err, &answer):
		return answer.StatusCode == http.StatusNotFound || answer.StatusCode == http.StatusRequestedRangeNotSatisfiable
	case errors.Is(err, ErrDamaged), errors.Is(err, ErrNotFound), lied(err), errors.Is(err, auth.ErrBasicCredentialNotFound):
		return false
	}
	return true
}

// lied recognises what the registry client says, in words alone, of a digest or
// a size in an answer that is not what was asked for.
func lied(err error) bool {
	return errors.Is(err, content.ErrMismatchedDigest) || strings.Contains(err.Error(), "digest mismatch") || strings.Contains(err.Error(), "mismatch Content-Length")
}

// failure words an error about writing.
func (r *Repository) failure(ctx context.Context, err error) error {
	if lied(err) {
		err = fmt.Errorf("%w: %w", err, ErrDamaged)
	}
	err = explain(ctx, r.Host(), err)
	var f *Failure
	if !errors.As(err, &f) {
		return err
	}
	var answer *errcode.ErrorResponse
	switch {
	case errors.As(err, &answer) && answer.StatusCode == http.StatusForbidden:
		f.Reason, f.Advice = "the login may not write to it (403)", fmt.Sprintf(adviceWrite, r.Host())
	case errors.As(err, &answer) && answer.StatusCode == http.StatusMethodNotAllowed:
		f.Kind, f.Reason, f.Advice = KindRefused, "it takes no writes (405)", adviceReadOnly
	case errors.As(err, &answer) && answer.StatusCode == http.StatusRequestEntityTooLarge:
		f.Kind, f.Reason, f.Advice = KindRefused, "it takes nothing as large as this (413)", fmt.Sprintf(adviceLarge, r.Host())
	case f.Kind == KindFailed:
		f.Advice = fmt.Sprintf(adviceAgain, r.Host())
	case f.Kind == KindMissing:
		f.Advice = "create the repository " + r.Name() + ", where the registry wants that first; " + fmt.Sprintf(adviceWrite, r.Host())
	}
	return f
}

// Patient reads a repository in steps that are done again when a connection is
// lost, with errors that are Failures.
func (r *Repository) Patient() Source { return patient{r} }

type patient struct{ r *Repository }

// Resolve implements Source.
func (p patient) Resolve(ctx context.Context, ref string) (d Descriptor, err error) {
	err = p.r.step(ctx, MaxManifest, func(ctx context.Context) (err error) {
		d, err = p.r.Resolve(ctx, ref)
		return err
	})
	return d, err
}

// Fetch implements Source.
func (p patient) Fetch(ctx context.Context, d Descriptor, max int64) (b []byte, err error) {
	err = p.r.step(ctx, d.Size, func(ctx context.Context) (err error) {
		b, err = p.r.Fetch(ctx, d, max)
		return err
	})
	return b, err
}

// Referrers implements Source.
func (p patient) Referrers(ctx context.Context, subject digest.Digest) (ds []Descriptor, err error) {
	err = p.r.step(ctx, MaxManifest, func(ctx context.Context) (err error) {
		ds, err = p.r.Referrers(ctx, subject)
		return err
	})
	return ds, err
}
