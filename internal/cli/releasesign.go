package cli

import (
	"context"
	"runtime/debug"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/schemas"
	"github.com/darkstart-dev/darkstart/schemas/kubernetes"
)

// signing is who signs a release of these streams.
func (r *releaseFlags) signing(ctx context.Context, inv *Invocation, s *session, streams []string) (signers, diag.List, error) {
	policy, diags, err := s.headPolicy(ctx)
	if err != nil || diags.HasErrors() {
		return nil, diags, err
	}
	g := &signing{inv: inv, dir: r.in.dir, keys: r.keys, keyless: &r.keyless, policy: policy, streams: streams}
	by, ds, err := g.signers(ctx)
	return by, append(diags, ds...), err
}

// sign makes every signature of a release before anything is written: a layout
// is never signed in part.
func (r *releaseFlags) sign(ctx context.Context, builds []*build, by signers) (all []*seal.Signature, diags diag.List, err error) {
	for _, b := range builds {
		c, err := attestConfig(b.s, &r.in, r.builder)
		if err != nil {
			return nil, nil, err
		}
		claims, ds, err := compiler.Attest(ctx, b.res, b.sealed, by.of, c)
		if diags.Add(ds...); err != nil || ds.HasErrors() {
			return nil, diags, err
		}
		all = append(all, claims...)
	}
	for _, b := range builds {
		for _, x := range b.sealed {
			k := by.of(x.Record.Stream).Release
			if k == nil {
				continue
			}
			sig, ds, err := seal.Sign(ctx, x, k)
			if diags.Add(ds...); err != nil || ds.HasErrors() {
				return nil, diags, err
			}
			all = append(all, sig)
		}
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
		Revision: s.rev, Tree: s.tree, Now: now, Builder: builder, CompilerCommit: builtFrom(), Schemas: schemas.FS, Kubernetes: kubernetes.FS,
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
