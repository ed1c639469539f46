package seal

import (
	"context"
	"encoding/json"

	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
)

// Attached is what claims to be about a bundle. Nothing of it was verified:
// anybody who may write to a registry may attach anything.
type Attached struct {
	Digest       digest.Digest `json:"digest"` // of its OCI manifest
	ArtifactType string        `json:"artifactType,omitempty"`
	// Predicate is the type of the in-toto statement, if it is one.
	Predicate string `json:"predicate,omitempty"`
	// Reason is why it could not be read.
	Reason string `json:"reason,omitempty"`
}

// Beside lists what is attached to a manifest, for people who look. Use Verify
// to learn what any of it is worth.
func Beside(ctx context.Context, src oci.Source, d digest.Digest) ([]Attached, error) {
	refs, err := src.Referrers(ctx, d)
	if err != nil {
		return nil, err
	}
	out := []Attached{}
	for i, r := range refs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		a := Attached{Digest: r.Digest, ArtifactType: r.ArtifactType}
		if i >= maxReferrers {
			a.Reason = "not read: there are too many"
		} else if raw, err := fetchBundle(ctx, src, r); err != nil {
			a.Reason = err.Error()
		} else if a.Predicate, err = predicateOf(raw); err != nil {
			a.Reason = err.Error()
		}
		out = append(out, a)
	}
	return out, nil
}

// predicateOf reads what a Sigstore bundle says that it states.
func predicateOf(raw []byte) (string, error) {
	var b struct {
		Envelope struct {
			Payload []byte `json:"payload"`
		} `json:"dsseEnvelope"`
	}
	if err := json.Unmarshal(raw, &b); err != nil {
		return "", err
	}
	st, err := parseStatement(b.Envelope.Payload)
	if err != nil {
		return "", err
	}
	return st.PredicateType, nil
}
