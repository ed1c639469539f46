package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// keylessFlags name the services that stand in for a key, and who signs by them.
type keylessFlags struct {
	token, attestToken             string
	root, fulcio, rekor, timestamp string
	rekorVersion                   uint32
}

func (k *keylessFlags) add(f *pflag.FlagSet) {
	f.StringVar(&k.token, "identity-token", "", "sign without a key, as whoever this OIDC `TOKEN` names: a file, or env://NAME")
	f.StringVar(&k.attestToken, "attest-identity-token", "", "state provenance and verdict without a key, as whoever this `TOKEN` names, who is not who signs")
	f.StringVar(&k.root, "trusted-root", "", "trusted_root.json `FILE` of the Sigstore deployment that signs")
	f.StringVar(&k.fulcio, "fulcio-url", "", "certificate authority at `URL`")
	f.StringVar(&k.rekor, "rekor-url", "", "transparency log at `URL`")
	f.Uint32Var(&k.rekorVersion, "rekor-version", 1, "`VERSION` of the log's interface: 1, or 2")
	f.StringVar(&k.timestamp, "timestamp-url", "", "timestamp authority at `URL`, with its path")
}

// wanted reports whether anything asks for signing a release without a key.
func (k *keylessFlags) wanted() bool {
	return k.token != "" || k.fulcio != "" && k.attestToken == ""
}

// signer asks for a first certificate, before anything is compiled.
func (k *keylessFlags) signer(ctx context.Context, inv *Invocation, dir string, role seal.Role) (*seal.Signer, diag.List, error) {
	token := k.token
	if role == seal.RoleAttest {
		token = k.attestToken
	}
	c := seal.KeylessConfig{
		Role: role, Fulcio: k.fulcio, Rekor: k.rekor, RekorVersion: k.rekorVersion, Timestamp: k.timestamp,
	}
	var err error
	if c.Token, err = readToken(inv, dir, token); err != nil {
		return nil, nil, err
	}
	if k.root != "" {
		var ds diag.List
		if c.Root, ds, err = trustedRoot(under(dir, k.root)); c.Root == nil {
			return nil, ds, err
		}
	}
	return seal.LoadKeyless(ctx, c)
}

// readToken reads a token that is never an argument: arguments are seen by
// every process of the machine.
func readToken(inv *Invocation, dir, ref string) (string, error) {
	if ref == "" {
		return "", nil
	}
	if name, ok := strings.CutPrefix(ref, "env://"); ok {
		return strings.TrimSpace(inv.Getenv(name)), nil
	}
	b, err := os.ReadFile(under(dir, ref))
	if err != nil {
		return "", fmt.Errorf("identity token: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

func trustedRoot(file string) (*seal.TrustedRoot, diag.List, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("trusted root: %w", err)
	}
	r, ds := seal.ParseTrustedRoot(file, b)
	return r, ds, nil
}

// identityFlags say whom verify trusts to sign releases without a key.
type identityFlags struct {
	root                                           string
	subject, subjectPattern, issuer, issuerPattern string
}

func (i *identityFlags) add(f *pflag.FlagSet) {
	f.StringVar(&i.root, "trusted-root", "", "trusted_root.json `FILE` of the Sigstore deployment that --identity is known to")
	f.StringVar(&i.subject, "identity", "", "trust releases signed by this `SUBJECT` of a certificate: a mail address, a workflow's URI")
	f.StringVar(&i.subjectPattern, "identity-pattern", "", "the same, by a `REGEXP` that matches the whole subject")
	f.StringVar(&i.issuer, "issuer", "", "the OIDC issuer `URL` that vouches for --identity")
	f.StringVar(&i.issuerPattern, "issuer-pattern", "", "the same, by a `REGEXP` that matches the whole URL")
}

// trusted returns the identity that the flags describe, nil for none.
func (i *identityFlags) trusted(dir string) (*seal.Identity, diag.List, error) {
	if *i == (identityFlags{}) {
		return nil, nil, nil
	}
	c := seal.IdentityConfig{
		Role: seal.RoleRelease, Subject: i.subject, SubjectPattern: i.subjectPattern, Issuer: i.issuer, IssuerPattern: i.issuerPattern,
	}
	if i.root != "" {
		r, ds, err := trustedRoot(under(dir, i.root))
		if r == nil {
			return nil, ds, err
		}
		c.Root = r
	}
	id, ds := seal.NewIdentity(c)
	return id, ds, nil
}
