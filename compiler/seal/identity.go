package seal

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
)

// TrustedRoot is a Sigstore deployment: who issues its certificates, which logs
// they and their signatures stand in, and who tells the time. It is given as a
// file; the public deployment's is not built in and is never fetched.
type TrustedRoot struct {
	name     string
	id       digest.Digest
	material *root.TrustedRoot
}

// ParseTrustedRoot reads a trusted_root.json, as `cosign trusted-root create`
// writes it.
func ParseTrustedRoot(name string, data []byte) (*TrustedRoot, diag.List) {
	m, err := root.NewTrustedRootFromJSON(data)
	if err == nil && len(m.FulcioCertificateAuthorities()) == 0 {
		err = errors.New("it names no certificate authority")
	}
	if err == nil && len(m.TimestampingAuthorities()) == 0 && len(m.RekorLogs()) == 0 {
		err = errors.New("it names neither a timestamp authority nor a transparency log, so no signature has a time")
	}
	if err != nil {
		return nil, diag.List{diag.Errorf("SIG050", "the trusted root %q cannot be used: %v", name, err).
			Fix("make one with `cosign trusted-root create`, or take the trusted_root.json of the Sigstore deployment")}
	}
	return &TrustedRoot{name: name, id: digest.Of(data), material: m}, nil
}

// demands is what a signature must come with: whatever the deployment has. A
// log that the trusted root names is one whose absence is noticed.
func (r *TrustedRoot) demands() []verify.VerifierOption {
	opts := []verify.VerifierOption{verify.WithObserverTimestamps(1), verify.WithoutStatementPredicate()}
	if len(r.material.CTLogs()) > 0 {
		opts = append(opts, verify.WithSignedCertificateTimestamps(1))
	}
	if len(r.material.RekorLogs()) > 0 {
		opts = append(opts, verify.WithTransparencyLog(1))
	}
	return opts
}

// IdentityConfig says whom to trust and what for. Issuer and Subject are each
// given exactly or as a pattern, never both; a pattern must match the whole.
type IdentityConfig struct {
	Name    string // for messages; empty: the subject
	Role    Role
	Streams []string // limits the identity to some streams; empty means all
	// Issuer is the URL of the OIDC issuer that the certificate names.
	Issuer, IssuerPattern string
	// Subject is the certificate's subject alternative name: a mail address, a
	// workflow's URI.
	Subject, SubjectPattern string
	Root                    *TrustedRoot
}

// Identity is somebody for whom a certificate authority vouches.
type Identity struct {
	c     IdentityConfig
	id    digest.Digest
	match verify.CertificateIdentity
}

// NewIdentity refuses an identity that anybody could have.
func NewIdentity(c IdentityConfig) (*Identity, diag.List) {
	if c.Name == "" {
		c.Name = c.Subject + c.SubjectPattern
	}
	wrong := func(format string, args ...any) (*Identity, diag.List) {
		return nil, diag.List{diag.Errorf("SIG051", "the identity %q cannot be trusted: %s", c.Name, fmt.Sprintf(format, args...)).
			Fix("give its issuer and its subject, each either exactly or as a pattern, and a trusted root")}
	}
	switch {
	case (c.Issuer == "") == (c.IssuerPattern == ""):
		return wrong("it needs an issuer or a pattern of one")
	case (c.Subject == "") == (c.SubjectPattern == ""):
		return wrong("it needs a subject or a pattern of one")
	case c.Root == nil:
		return wrong("there is no trusted root to check its certificates by")
	case c.Role != RoleRelease && c.Role != RoleAttest:
		return wrong("its role is %q, neither %s nor %s", c.Role, RoleRelease, RoleAttest)
	}
	issuer, err := whole(c.IssuerPattern)
	if err != nil {
		return wrong("the pattern of its issuer: %v", err)
	}
	subject, err := whole(c.SubjectPattern)
	if err != nil {
		return wrong("the pattern of its subject: %v", err)
	}
	match, err := verify.NewShortCertificateIdentity(c.Issuer, issuer, c.Subject, subject)
	if err != nil {
		return wrong("%v", err)
	}
	id, err := json.Marshal([]string{string(c.Root.id), c.Issuer, issuer, c.Subject, subject})
	if err != nil {
		return wrong("%v", err)
	}
	return &Identity{c: c, id: digest.Of(id), match: match}, nil
}

// whole makes a pattern match the whole of a text or nothing of it: sigstore's
// own search would find "me@example.com" within "me@example.com.evil.example".
func whole(pattern string) (string, error) {
	if pattern == "" {
		return "", nil
	}
	if _, err := regexp.Compile(pattern); err != nil { // alone: `a)|(b` is none
		return "", err
	}
	return `\A(?:` + pattern + `)\z`, nil
}

func (i *Identity) who() who { return who{i.c.Name, i.c.Role, i.id, i.c.Streams} }

// open verifies the certificate's chain, its presence in the logs that the
// trusted root names, the time of the signature, and whom the certificate
// names. No clock is read: the time is the one that an authority signed.
func (i *Identity) open(b *bundle.Bundle) ([]byte, string, error) {
	content, err := b.VerificationContent()
	if err != nil || content.Certificate() == nil {
		return nil, "", errors.New("signed by a key, not under a certificate")
	}
	by := "a certificate that names nobody"
	if s, err := certificate.SummarizeCertificate(content.Certificate()); err == nil {
		by = fmt.Sprintf("%s by %s", s.SubjectAlternativeName, s.Issuer)
	}
	v, err := verify.NewVerifier(i.c.Root.material, i.c.Root.demands()...)
	if err != nil {
		return nil, by, err
	}
	policy := verify.NewPolicy(verify.WithoutArtifactUnsafe(), verify.WithCertificateIdentity(i.match))
	if _, err := v.Verify(b, policy); err != nil {
		return nil, by, fmt.Errorf("%s: %w", by, err)
	}
	envelope := b.GetDsseEnvelope()
	if envelope.GetPayloadType() != payloadType {
		return nil, by, fmt.Errorf("the payload is of type %q", envelope.GetPayloadType())
	}
	return envelope.GetPayload(), by, nil
}

// covers reports whether an exact identity is one of those that i describes.
func (i *Identity) covers(exact *Identity) bool {
	named := certificate.Summary{SubjectAlternativeName: exact.c.Subject}
	named.Issuer = exact.c.Issuer
	return i.c.Root.id == exact.c.Root.id && i.match.Verify(named) == nil
}
