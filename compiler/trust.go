package compiler

import (
	"context"
	"io/fs"

	"github.com/darkstart-dev/darkstart/compiler/evaluate"
	"github.com/darkstart-dev/darkstart/compiler/release"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// TrustFile is the trust policy of a fleet, at its root.
const TrustFile = "trust.cue"

// Trust reads a trust policy: its CUE, evaluated alone and in the sandbox, and
// the keys that it names, which read returns by their paths in it. name is where
// the policy was read, for positions. The policy is nil when there are errors.
func Trust(ctx context.Context, name string, text []byte, read func(name string) ([]byte, error), schemas fs.FS) (*seal.Policy, diag.List, error) {
	u, diags, err := evaluate.Trust(ctx, name, text, &evaluate.Config{Schemas: schemas})
	if u == nil {
		return nil, diags, err
	}
	p, ds := seal.NewPolicy(u, text, seal.KeySource{ReadFile: read})
	return p, append(diags, ds...).Sorted(), nil
}

// trust judges the fleet's own trust policy: whether its keys are there, and
// whether it fits the streams. That it is CUE was judged before.
func (r *run) trust(context.Context) error {
	u := r.res.Units.Trust
	if u == nil {
		return nil
	}
	text, err := r.Tree.ReadFile(TrustFile)
	if err != nil {
		return err
	}
	p, ds := seal.NewPolicy(u, text, seal.KeySource{ReadFile: r.Tree.ReadFile})
	r.res.Diagnostics.Add(ds...)
	if p == nil {
		return nil
	}
	streams, ds := declaredStreams(r.res)
	if ds.HasErrors() {
		return nil // reported where streams are needed
	}
	r.res.Diagnostics.Add(p.Fits(byName(streams))...)
	return nil
}

func byName(streams []release.Stream) map[string][]string {
	out := map[string][]string{}
	for _, s := range streams {
		out[s.Name] = s.Artifacts
	}
	return out
}
