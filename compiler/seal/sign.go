package seal

import (
	"bytes"
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/sign"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/options"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/darkstart-dev/darkstart/compiler/seal/attest"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
)

// Media types and names of a signature, as cosign v3 writes and reads them.
const (
	MediaTypeSignature = "application/vnd.dev.sigstore.bundle.v0.3+json"
	PredicateSign      = "https://sigstore.dev/cosign/sign/v1"
	statementType      = "https://in-toto.io/Statement/v1"
	payloadType        = "application/vnd.in-toto+json"
)

// maxSignature bounds one Sigstore bundle: 1 MiB.
const maxSignature = 1 << 20

// statement is an in-toto Statement v1; fields in the order of their names.
type statement struct {
	Type          string          `json:"_type"`
	Predicate     json.RawMessage `json:"predicate"`
	PredicateType string          `json:"predicateType"`
	Subject       []subject       `json:"subject"`
}

type subject struct {
	Digest map[string]string `json:"digest"`
}

func newStatement(d digest.Digest, predicateType string, predicate json.RawMessage) statement {
	return statement{
		Type: statementType, Predicate: predicate, PredicateType: predicateType,
		Subject: []subject{{Digest: map[string]string{"sha256": d.Hex()}}},
	}
}

// Signature is a signed statement about a bundle, ready to be attached.
type Signature struct {
	Subject   digest.Digest // manifest digest of the bundle
	Key       digest.Digest // id of the key
	Predicate string        // type of what it states
	Bundle    []byte        // Sigstore bundle v0.3, JSON
	Manifest  []byte        // OCI manifest of the referrer
}

// Sign states that the bundle is a release. Only a release key may say so, and
// only of a release: a candidate has no serial that a rollback could be told
// by. What was signed is verified before it is returned.
func Sign(ctx context.Context, b *Bundle, s *Signer) (*Signature, diag.List, error) {
	if s.public.Role != RoleRelease {
		return nil, diag.List{diag.Errorf("SIG006", "key %q has the role %s and cannot sign a release", s.public.Name, s.public.Role).
			Fix("sign with the release key of the stream")}, nil
	}
	if b.Record.Candidate() {
		return nil, diag.List{candidate(b)}, nil
	}
	// The bytes are those of pack, which made the bundle or opened it; what is
	// signed names them and the record by this manifest.
	m, err := manifest(b)
	if err != nil {
		return nil, nil, err
	}
	if !bytes.Equal(m, b.Manifest) {
		return nil, nil, fmt.Errorf("sign %s: the fields of bundle %s contradict its manifest", b.Record.Artifact, b.Digest())
	}
	raw, err := s.sign(ctx, newStatement(b.Digest(), PredicateSign, json.RawMessage("{}")))
	if err != nil {
		return nil, nil, fmt.Errorf("sign %s: %w", b.Record.Artifact, err)
	}
	trust, diags := NewTrust(s.Trusted())
	if diags.HasErrors() {
		return nil, diags, nil
	}
	if seen := trust.judge(raw, b.Digest(), ""); seen.Status != StatusValid {
		return nil, nil, fmt.Errorf("sign %s: what was just signed does not verify: %s", b.Record.Artifact, seen.Reason)
	}
	if m, err = referrer(b, raw, PredicateSign); err != nil {
		return nil, nil, err
	}
	return &Signature{Subject: b.Digest(), Key: s.ID(), Predicate: PredicateSign, Bundle: raw, Manifest: m}, nil, nil
}

// Attach puts signatures beside their bundles, all at once, so that stock
// cosign finds them once the layout was copied to a registry.
func Attach(ctx context.Context, l *oci.Layout, signatures ...*Signature) error {
	list := make([]oci.Artifact, len(signatures))
	for i, s := range signatures {
		list[i] = s.Referrer()
	}
	return l.Attach(ctx, list...)
}

// referrer is the manifest that carries a Sigstore bundle, as cosign writes it
// except for its clock: the time is the release's time of issue (D2).
func referrer(b *Bundle, raw []byte, predicateType string) ([]byte, error) {
	subject := descriptor(oci.MediaTypeManifest, b.Manifest)
	return canonical(ociManifest{
		Annotations: map[string]string{
			"org.opencontainers.image.created":  b.Record.Issued,
			"dev.sigstore.bundle.content":       "dsse-envelope",
			"dev.sigstore.bundle.predicateType": predicateType,
		},
		ArtifactType: MediaTypeSignature, MediaType: oci.MediaTypeManifest, SchemaVersion: 2,
		Config:  descriptor(MediaTypeEmpty, emptyConfig),
		Layers:  []ociDescriptor{descriptor(MediaTypeSignature, raw)},
		Subject: &subject,
	})
}

// sign wraps a statement in a DSSE envelope in a Sigstore bundle.
func (s *Signer) sign(ctx context.Context, st statement) ([]byte, error) {
	payload, err := canonical(st)
	if err != nil {
		return nil, err
	}
	return s.envelope(ctx, payload)
}

func (s *Signer) envelope(ctx context.Context, payload []byte) ([]byte, error) {
	opts := sign.BundleOptions{Context: ctx}
	if s.keyless != nil {
		s.keyless.options(&opts)
	}
	b, err := sign.Bundle(&sign.DSSEData{Data: payload, PayloadType: payloadType}, keypair{s}, opts)
	if err != nil {
		return nil, err
	}
	raw, err := protojson.Marshal(b)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer // protojson varies its white space on purpose
	if err := json.Compact(&out, raw); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// keypair shows a Signer to sigstore-go.
type keypair struct{ s *Signer }

func (k keypair) details() signature.AlgorithmDetails {
	d, err := signature.GetDefaultAlgorithmDetails(k.GetPublicKey())
	if err != nil {
		panic(err) // newPublicKey let only known algorithms through
	}
	return d
}

func (k keypair) GetHashAlgorithm() protocommon.HashAlgorithm { return k.details().GetProtoHashType() }

func (k keypair) GetSigningAlgorithm() protocommon.PublicKeyDetails {
	return k.details().GetSignatureAlgorithm()
}

// GetHint names the key as cosign does: the digest of its PKIX encoding.
func (k keypair) GetHint() []byte {
	h := crypto.SHA256.New()
	h.Write(k.s.public.der)
	return []byte(base64.StdEncoding.EncodeToString(h.Sum(nil)))
}

func (k keypair) GetKeyAlgorithm() string { return k.details().GetSignatureAlgorithm().String() }

func (k keypair) GetPublicKey() crypto.PublicKey {
	p, _ := k.s.signer.PublicKey()
	return p
}

func (k keypair) GetPublicKeyPem() (string, error) { return string(k.s.public.PEM()), nil }

func (k keypair) SignData(ctx context.Context, data []byte) (sig, digest []byte, err error) {
	sig, err = k.s.signer.SignMessage(bytes.NewReader(data), options.WithContext(ctx))
	return sig, nil, err
}

// verifyWith returns the signed payload when the key made the bundle's
// signature. What it says is not judged here.
func (k *PublicKey) verifyWith(b *bundle.Bundle) ([]byte, error) {
	material := root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) {
		return root.NewExpiringKey(k.verifier, time.Time{}, time.Time{}), nil
	})
	v, err := verify.NewVerifier(material, verify.WithNoObserverTimestamps())
	if err != nil {
		return nil, err
	}
	envelope := b.GetDsseEnvelope()
	if _, err := v.Verify(b, verify.NewPolicy(verify.WithoutArtifactUnsafe(), verify.WithKey())); err != nil {
		if k.signedNonsense(b) {
			return envelope.GetPayload(), nil
		}
		return nil, err
	}
	if envelope.GetPayloadType() != payloadType {
		return nil, fmt.Errorf("the payload is of type %q", envelope.GetPayloadType())
	}
	return envelope.GetPayload(), nil
}

// signedNonsense reports whether the key did sign the payload and the payload is
// no statement: sigstore-go then says no more than that it does not verify.
// Only the payload counts. What stands around it is not signed, and anybody may
// attach a mangled copy.
func (k *PublicKey) signedNonsense(b *bundle.Bundle) bool {
	e := b.GetDsseEnvelope()
	if _, err := parseStatement(e.GetPayload()); err == nil || e.GetPayloadType() != payloadType {
		return false
	}
	message := dsse.PAE(payloadType, e.GetPayload())
	return slices.ContainsFunc(e.GetSignatures(), func(s *protodsse.Signature) bool {
		return k.verifier.VerifySignature(bytes.NewReader(s.GetSig()), bytes.NewReader(message)) == nil
	})
}

// parseStatement reads a signed payload, after holding it to in-toto's
// definition: what two parsers would read in two ways is no statement. Stock
// cosign still writes v0.1 around attestations; objection judges the version.
func parseStatement(payload []byte) (*statement, error) {
	if err := attest.CheckStatement(payload); err != nil {
		return nil, err
	}
	var st statement
	if err := json.Unmarshal(payload, &st); err != nil {
		return nil, err
	}
	return &st, nil
}

// parseBundle accepts a Sigstore bundle v0.3 with a DSSE envelope.
func parseBundle(raw []byte) (*bundle.Bundle, error) {
	var b bundle.Bundle
	if err := b.UnmarshalJSON(raw); err != nil {
		return nil, err
	}
	if b.MediaType != MediaTypeSignature || b.GetDsseEnvelope() == nil {
		return nil, errors.New("not a Sigstore bundle v0.3 with a DSSE envelope")
	}
	return &b, nil
}
