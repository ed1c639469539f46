package compiler

import (
	"context"
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/release"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/oci"
)

// Renewal is a compile of a revision, and the artifacts of the newest releases
// whose recorded content it has.
type Renewal struct {
	Result    *Result
	Revision  ir.Revision
	Artifacts []string
}

// Renew gives every artifact of the newest releases one more entry with the
// content that it has: a new serial, and a date of expiry that counts from the
// first of the renewals, which is the compile of the delivery branch. What that
// has other content of is taken from the others, so that a renewal moves
// nothing past a ring (DESIGN §7). Layers are kept on the stage.
func Renew(ctx context.Context, from []Renewal, wanted []Wanted, stage *oci.Stage) (*Bundles, diag.List, error) {
	out := &Bundles{}
	var diags diag.List
	for _, w := range wanted {
		b := newBundler(ctx, from[0].Result, from[0].Revision, stage, out)
		b.stream, b.before, b.opt.Renew = release.Stream{Name: w.Records.Stream}, w.Records, true
		var candidates []release.Candidate
		for _, f := range from {
			for _, name := range f.Artifacts {
				if _, ok := w.Release.Artifacts[name]; !ok {
					continue // of another stream
				}
				if c := b.candidate(f.Result, name); c != nil {
					c.Revision = f.Revision.Commit
					candidates = append(candidates, *c)
					b.stream.Artifacts = append(b.stream.Artifacts, name)
				}
			}
		}
		slices.Sort(b.stream.Artifacts)
		ds, err := b.append(candidates)
		if err != nil {
			return nil, nil, err
		}
		diags.Add(ds...)
	}
	if diags.HasErrors() {
		return nil, diags.Sorted(), nil
	}
	return out.sorted(), diags.Sorted(), nil
}
