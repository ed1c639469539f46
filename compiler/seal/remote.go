package seal

import (
	"context"
	"crypto"
	"errors"
	"slices"
	"strings"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/kms"
	"github.com/sigstore/sigstore/pkg/signature/options"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// remote reports whether a reference names a key that something else keeps:
// NAME://KEY, as sigstore's providers and their plugins name them.
func remote(ref string) bool {
	scheme, _, ok := strings.Cut(ref, "://")
	return ok && scheme != "env"
}

// loadRemote opens a key of a KMS. Providers are reached through sigstore's
// plugin protocol: a program sigstore-kms-NAME on PATH, which may serve any
// service, so that no vendor's client is part of this one.
func loadRemote(ctx context.Context, ref string, role Role, src KeySource) (*Signer, *diag.Diagnostic) {
	name, _, _ := strings.Cut(ref, "://")
	if !src.Remote {
		return nil, diag.Errorf("SIG053", "key %q is kept by a service that cannot be asked here", ref).
			Fix("name a file, or env://NAME")
	}
	k, err := kms.Get(ctx, ref, crypto.SHA256)
	var none *kms.ProviderNotFoundError
	if errors.As(err, &none) {
		known := kms.SupportedProviders()
		slices.Sort(known)
		return nil, diag.Errorf("SIG053", "nothing here can reach keys of %s://", name).
			Note("providers built in: %d; all others are plugins", len(known)).
			Fix("install the program sigstore-kms-%s of that service into a folder on PATH", name)
	}
	if err != nil {
		return nil, unreachable(ref, err)
	}
	public, err := k.PublicKey(options.WithContext(ctx))
	if err != nil {
		return nil, unreachable(ref, err)
	}
	p, d := newPublicKey(ref, role, public)
	if d != nil {
		return nil, d
	}
	return &Signer{public: p, signer: remoteKey{k, public}}, nil
}

func unreachable(ref string, err error) *diag.Diagnostic {
	return diag.Errorf("SIG054", "the service that keeps key %q did not answer: %s", ref, printable(err.Error())).
		Note("what it printed for people is on standard error").
		Fix("check its credentials and the name of the key; its program can be tried by hand")
}

// remoteKey remembers the public key, and verifies by it: whoever keeps the key
// is not asked whether its own signature is good.
type remoteKey struct {
	kms.SignerVerifier
	public crypto.PublicKey
}

func (r remoteKey) PublicKey(...signature.PublicKeyOption) (crypto.PublicKey, error) {
	return r.public, nil
}
