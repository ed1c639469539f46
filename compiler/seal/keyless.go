package seal

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/sign"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// KeylessConfig names the services of a Sigstore deployment. Nothing is built
// in: signing under the public deployment would publish the name of who signs,
// and that is to be asked for, by URL.
type KeylessConfig struct {
	Role  Role
	Token string // OIDC identity token (JWT), for the certificate authority's audience
	// Fulcio is the certificate authority's URL; Rekor the transparency log's;
	// Timestamp the timestamp authority's, with its path.
	Fulcio, Rekor, Timestamp string
	// RekorVersion is the version of the log's interface: 1, or 2; 0 is 1.
	RekorVersion uint32
	// Root is what signatures are verified by before they are handed out.
	Root *TrustedRoot
}

// keyless makes a certificate for every signature: it lives ten minutes, and a
// release of many clusters may take longer.
type keyless struct {
	c        KeylessConfig
	identity *Identity
}

const (
	attempts       = 3
	requestTimeout = 30 * time.Second
)

// LoadKeyless makes a signer whose key is forgotten when the process ends: the
// certificate authority vouches for whoever the token names. It asks for a
// first certificate, so that a bad token costs nothing.
func LoadKeyless(ctx context.Context, c KeylessConfig) (*Signer, diag.List, error) {
	if d := c.incomplete(); d != nil {
		return nil, diag.List{d}, nil
	}
	private, err := generate(ECDSAP256)
	if err != nil {
		return nil, nil, err
	}
	s, d := newSigner("keyless", c.Role, private)
	if d != nil {
		return nil, diag.List{d}, nil
	}
	k := &keyless{c: c}
	der, err := k.GetCertificate(ctx, keypair{s}, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("no certificate from %s: %w", c.Fulcio, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, fmt.Errorf("certificate from %s: %w", c.Fulcio, err)
	}
	named, err := certificate.SummarizeCertificate(cert)
	if err != nil {
		return nil, nil, fmt.Errorf("certificate from %s: %w", c.Fulcio, err)
	}
	identity, diags := NewIdentity(IdentityConfig{Role: c.Role, Issuer: named.Issuer, Subject: named.SubjectAlternativeName, Root: c.Root})
	if identity == nil {
		return nil, diags, nil
	}
	k.identity, s.keyless, s.public.Name = identity, k, identity.c.Name
	return s, nil, nil
}

func (c *KeylessConfig) incomplete() *diag.Diagnostic {
	missing := func(what, flag string) *diag.Diagnostic {
		return diag.Errorf("SIG052", "signing without a key needs %s", what).Fix("give %s", flag)
	}
	switch {
	case c.Fulcio == "":
		return missing("a certificate authority", "`--fulcio-url URL`")
	case c.Root == nil:
		return missing("the trusted root of the deployment, to verify what was signed", "`--trusted-root FILE`")
	case c.Timestamp == "" && c.Rekor == "":
		return missing("a time that outlives the certificate", "`--timestamp-url URL`, `--rekor-url URL`, or both")
	case strings.Count(c.Token, ".") != 2:
		return missing("an OIDC identity token", "`--identity-token FILE`, or `env://NAME`; the CI system issues it for the audience `sigstore`")
	}
	return nil
}

// GetCertificate asks the certificate authority to vouch for the key pair.
func (k *keyless) GetCertificate(ctx context.Context, pair sign.Keypair, _ *sign.CertificateProviderOptions) ([]byte, error) {
	f := sign.NewFulcio(&sign.FulcioOptions{BaseURL: strings.TrimSuffix(k.c.Fulcio, "/"), Timeout: requestTimeout, Retries: attempts})
	der, err := f.GetCertificate(ctx, pair, &sign.CertificateProviderOptions{IDToken: k.c.Token})
	if err != nil {
		return nil, errors.New(strings.ReplaceAll(err.Error(), k.c.Token, "(token)")) // a server may echo what it was sent
	}
	return der, nil
}

func (k *keyless) options(o *sign.BundleOptions) {
	o.CertificateProvider = k
	if k.c.Timestamp != "" {
		o.TimestampAuthorities = append(o.TimestampAuthorities, sign.NewTimestampAuthority(&sign.TimestampAuthorityOptions{
			URL: k.c.Timestamp, Timeout: requestTimeout, Retries: attempts,
		}))
	}
	if k.c.Rekor != "" {
		o.TransparencyLogs = append(o.TransparencyLogs, sign.NewRekor(&sign.RekorOptions{
			BaseURL: strings.TrimSuffix(k.c.Rekor, "/"), Timeout: requestTimeout, Retries: attempts, Version: k.c.RekorVersion,
		}))
	}
}
