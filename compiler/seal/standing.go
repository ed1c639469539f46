package seal

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/darkstart-dev/darkstart/internal/oci"
)

// Standing returns the statements about a bundle that stand beside it in a
// store already, so that nothing is signed twice: those that a key of t made
// and may make, or with a nil t whatever claims to be about the bundle. What
// cannot be read, or is not there, stands for nothing.
func Standing(ctx context.Context, src oci.Source, b *Bundle, t *Trust) ([]*Signature, error) {
	refs, err := src.Referrers(ctx, b.Digest())
	if errors.Is(err, oci.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(refs) > maxReferrers {
		refs = refs[:maxReferrers]
	}
	var out []*Signature
	for _, d := range refs {
		s, err := standing(ctx, src, d, b, t)
		if err != nil && !errors.Is(err, oci.ErrNotFound) && !errors.Is(err, oci.ErrDamaged) {
			return nil, err
		}
		if s != nil {
			out = append(out, s)
		}
	}
	return out, nil
}

func standing(ctx context.Context, src oci.Source, d oci.Descriptor, b *Bundle, t *Trust) (*Signature, error) {
	m, err := src.Fetch(ctx, d, oci.MaxManifest)
	if err != nil {
		return nil, err
	}
	var shape ociManifest
	if err := json.Unmarshal(m, &shape); err != nil || shape.Config.Digest != descriptor(MediaTypeEmpty, emptyConfig).Digest {
		return nil, nil // not as Attach and cosign write it
	}
	raw, err := fetchBundle(ctx, src, d)
	if err != nil {
		if errors.Is(err, oci.ErrNotFound) || errors.Is(err, oci.ErrDamaged) || shape.ArtifactType == MediaTypeSignature {
			return nil, err
		}
		return nil, nil
	}
	s := &Signature{Subject: b.Digest(), Bundle: raw, Manifest: m}
	if t != nil {
		seen := t.judge(raw, b.Digest(), b.Record.Stream)
		s.Key, s.Predicate = seen.Key, seen.Predicate
		if seen.Status != StatusValid || seen.Role == RoleAttest && objectionTo(seen.Claim, b) != "" {
			return nil, nil
		}
		return s, nil
	}
	parsed, err := parseBundle(raw)
	if err != nil {
		return nil, nil
	}
	st, err := parseStatement(parsed.GetDsseEnvelope().GetPayload())
	if err != nil || len(st.Subject) != 1 || st.Subject[0].Digest["sha256"] != b.Digest().Hex() {
		return nil, nil
	}
	s.Predicate = st.PredicateType
	return s, nil
}

// Referrer returns the signature as it is stored beside its bundle.
func (s *Signature) Referrer() oci.Artifact {
	return oci.Artifact{Manifest: s.Manifest, Blobs: []oci.Blob{oci.Bytes(emptyConfig), oci.Bytes(s.Bundle)}}
}

// Stored returns the bundle as it is stored, tagged with its artifact's name.
func (b *Bundle) Stored() oci.Artifact {
	return oci.Artifact{Tag: b.Record.Artifact, Manifest: b.Manifest, Blobs: []oci.Blob{oci.Bytes(b.Config), b.Layer}}
}
