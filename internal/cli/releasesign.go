package cli

import (
	"context"
	"errors"
	"runtime/debug"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/schemas"
	"github.com/darkstart-dev/darkstart/schemas/kubernetes"
)

// signers are the keys of a release, nil where none was given.
type signers struct{ release, attest *seal.Signer }

// signers loads the keys before anything is compiled into a release, so that
// a wrong passphrase costs nothing. One key pair in both roles is refused.
func (r *releaseFlags) signers(ctx context.Context, inv *Invocation) (by signers, diags diag.List, err error) {
	for _, k := range []struct {
		ref  string
		role seal.Role
		to   **seal.Signer
	}{{r.key, seal.RoleRelease, &by.release}, {r.attestKey, seal.RoleAttest, &by.attest}} {
		if k.ref == "" {
			continue
		}
		s, ds, err := seal.LoadSigner(ctx, under(r.in.dir, k.ref), k.role, keySource(inv), password(inv, false))
		if err != nil {
			return by, nil, err
		}
		diags.Add(ds...)
		*k.to = s
	}
	for _, k := range []struct {
		wanted    bool
		role      seal.Role
		key, flag string
		to        **seal.Signer
	}{
		{r.keyless.wanted(), seal.RoleRelease, r.key, "--key and --identity-token", &by.release},
		{r.keyless.attestToken != "", seal.RoleAttest, r.attestKey, "--attest-key and --attest-identity-token", &by.attest},
	} {
		if !k.wanted {
			continue
		}
		if k.key != "" {
			return by, nil, errors.New(k.flag + " are two ways to sign: give one")
		}
		s, ds, err := r.keyless.signer(ctx, inv, r.in.dir, k.role)
		if err != nil {
			return by, nil, err
		}
		diags.Add(ds...)
		*k.to = s
	}
	if by.release != nil && by.attest != nil {
		_, ds := seal.NewTrust(by.release.Trusted(), by.attest.Trusted())
		diags.Add(ds...)
	}
	return by, diags, nil
}

// sign makes every signature of a release before anything is written: a layout
// is never signed in part.
func (r *releaseFlags) sign(ctx context.Context, builds []*build, by signers) (all []*seal.Signature, diags diag.List, err error) {
	var sealed []*seal.Bundle
	for _, b := range builds {
		sealed = append(sealed, b.sealed...)
		if by.attest == nil {
			continue
		}
		c, err := attestConfig(b.s, &r.in, r.builder)
		if err != nil {
			return nil, nil, err
		}
		claims, ds, err := compiler.Attest(ctx, b.res, b.sealed, by.attest, c)
		if diags.Add(ds...); err != nil || ds.HasErrors() {
			return nil, diags, err
		}
		all = append(all, claims...)
	}
	if by.release == nil {
		return all, diags, nil
	}
	for _, x := range sealed {
		sig, ds, err := seal.Sign(ctx, x, by.release)
		if diags.Add(ds...); err != nil || ds.HasErrors() {
			return nil, diags, err
		}
		all = append(all, sig)
	}
	return all, diags, nil
}

// attestConfig is what statements about a compile of the session are made from.
func attestConfig(s *session, in *input, builder string) (*compiler.AttestConfig, error) {
	now, err := in.time()
	if err != nil {
		return nil, err
	}
	return &compiler.AttestConfig{
		Revision: s.rev, Now: now, Builder: builder, CompilerCommit: builtFrom(), Schemas: schemas.FS, Kubernetes: kubernetes.FS,
	}, nil
}

// builtFrom is the commit that this program was built from, "" when it was
// built from files that are in none.
func builtFrom() string {
	bi, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	settings := map[string]string{}
	for _, s := range bi.Settings {
		settings[s.Key] = s.Value
	}
	if settings["vcs.modified"] == "true" {
		return ""
	}
	return settings["vcs.revision"]
}
