package oci

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/darkstart-dev/darkstart/internal/digest"
)

// Attach stores statements about artifacts: manifests with a subject. They
// become visible together; attaching the same bytes again changes nothing.
func (l *Layout) Attach(ctx context.Context, statements ...Artifact) error {
	defer l.lock()()
	list, err := l.List()
	if err != nil {
		return err
	}
	about := map[digest.Digest][]Descriptor{}
	for _, a := range statements {
		_, m, err := describe(a.Manifest)
		if err != nil {
			return err
		}
		if m.Subject == nil {
			return errors.New("a manifest without a subject cannot be attached")
		}
		d, err := l.put(ctx, a)
		if err != nil {
			return err
		}
		about[m.Subject.Digest] = append(about[m.Subject.Digest], d)
		list = append(list, d)
	}
	for _, subject := range slices.Sorted(maps.Keys(about)) {
		before, err := l.Referrers(ctx, subject)
		if err != nil {
			return err
		}
		fallback, err := l.fallback(ctx, subject, append(before, about[subject]...))
		if err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(e Descriptor) bool { return e.Tag() == fallback.Tag() })
		list = append(list, fallback)
	}
	if err := l.commit(list); err != nil {
		return err
	}
	return l.prune(ctx) // the lists of referrers that were replaced
}

// fallback stores the list of referrers and returns its tagged descriptor.
func (l *Layout) fallback(ctx context.Context, subject digest.Digest, refs []Descriptor) (Descriptor, error) {
	refs = slices.Clone(refs)
	for i := range refs {
		refs[i] = untagged(refs[i])
	}
	b, err := encodeIndex(sortDescriptors(refs))
	if err != nil {
		return Descriptor{}, err
	}
	return l.put(ctx, Artifact{Tag: fallbackTag(subject), Manifest: b})
}

// Referrers implements Source. It reads the manifests that index.json names
// and the index under the fallback tag, whichever tool wrote them. What is
// damaged refers to nothing: it cannot vouch for anything, and must not stop
// what can.
func (l *Layout) Referrers(ctx context.Context, subject digest.Digest) ([]Descriptor, error) {
	list, err := l.List()
	if err != nil {
		return nil, err
	}
	var out []Descriptor
	for _, d := range list {
		if d.Tag() == fallbackTag(subject) {
			out = append(out, l.listed(ctx, d)...)
		} else if d, ok := l.refersTo(ctx, d, subject); ok {
			out = append(out, d)
		}
	}
	for i := range out {
		out[i] = untagged(out[i])
	}
	return sortDescriptors(out), nil
}

// listed returns what an index of referrers names.
func (l *Layout) listed(ctx context.Context, d Descriptor) []Descriptor {
	m, err := l.manifest(ctx, d)
	if err != nil {
		return nil
	}
	return m.Manifests
}

// refersTo reads the manifest of d.
func (l *Layout) refersTo(ctx context.Context, d Descriptor, subject digest.Digest) (Descriptor, bool) {
	b, err := l.Fetch(ctx, d, MaxManifest)
	if err != nil {
		return d, false
	}
	full, m, err := describe(b)
	return full, err == nil && m.Subject != nil && m.Subject.Digest == subject
}

// untagged drops the tag: what refers to a subject does so under any name.
func untagged(d Descriptor) Descriptor {
	m := map[string]string{}
	for k, v := range d.Annotations {
		if k != refName {
			m[k] = v
		}
	}
	if d.Annotations = m; len(m) == 0 {
		d.Annotations = nil
	}
	return d
}
