package compiler

import (
	"context"
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/release"
	"github.com/darkstart-dev/darkstart/internal/diag"
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
// nothing past a ring (DESIGN §7).
func Renew(ctx context.Context, from []Renewal, wanted []Wanted) (*Bundles, diag.List, error) {
	out := &Bundles{}
	var diags diag.List
	for _, w := range wanted {
		b := newBundler(ctx, from[0].Result, from[0].Revision, out)
		b.stream, b.before, b.opt.Renew = release.Stream{Name: w.Records.Stream}, w.Records, true
		var candidates []release.Candidate
		for _, f := range from {
			for _, name := range f.Artifacts {
				if _, ok := w.Release.Artifacts[name]; !ok {
					continue // of another stream
				}
				c, err := b.candidate(f.Result, name)
				if err != nil {
					return nil, nil, err
				}
				if c != nil {
					c.Revision = f.Revision.Commit
					candidates = append(candidates, *c)
					b.stream.Artifacts = append(b.stream.Artifacts, name)
				}
			}
		}
		if b.diags.HasErrors() {
			return nil, b.diags.Sorted(), nil
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
