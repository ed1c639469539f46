package cli

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/report"
)

// build is one compile and the bundles of releases that it gave.
type build struct {
	s      *session
	res    *compiler.Result
	sealed []*seal.Bundle
}

// gathering compiles the revisions that the newest releases were made from,
// until each of their artifacts is found: for most releases that is one.
type gathering struct {
	p       *pipeline
	command string
	// first is a compile that is there already, and asked before any other.
	first *build
	rep   *report.Result
	// take takes from a build what it has of the named artifacts, and returns
	// what is left.
	take func(b *build, w compiler.Wanted, names []string) (left []string, ds diag.List, err error)
}

// all returns the builds that something was looked for in, in the order in
// which they were made, and the report of the first. Nil builds without an error
// cannot happen; the error ends the command.
func (g *gathering) all(ctx context.Context, inv *Invocation, wanted []compiler.Wanted) ([]*build, *report.Result, error) {
	var builds []*build
	made := map[string]*build{}
	if g.first != nil {
		builds, made[g.first.s.rev.Commit] = append(builds, g.first), g.first
	}
	for _, w := range wanted {
		left := slices.Sorted(maps.Keys(w.Release.Artifacts))
		revisions := w.Revisions()
		if g.first != nil {
			revisions = append([]string{g.first.s.rev.Commit}, revisions...)
		}
		for _, rev := range revisions {
			if len(left) == 0 {
				break
			}
			b := made[rev]
			if b == nil {
				var err error
				if b, err = g.compile(ctx, inv, rev); err != nil {
					return nil, nil, err
				}
				builds, made[rev] = append(builds, b), b
			}
			var ds diag.List
			var err error
			if left, ds, err = g.take(b, w, left); err != nil {
				return nil, nil, g.p.broken(inv, builds[0].s, g.rep, err)
			}
			if g.rep.Diagnostics.Add(ds...); ds.HasErrors() {
				return nil, nil, g.failed(inv, builds[0].s)
			}
		}
		for _, name := range left {
			g.rep.Diagnostics.Add(compiler.Unreproducible(w, name))
		}
	}
	if g.rep.Diagnostics.HasErrors() {
		return nil, nil, g.failed(inv, builds[0].s)
	}
	return builds, g.rep, nil
}

func (g *gathering) failed(inv *Invocation, s *session) error {
	g.rep.ExitCode = ExitFailed
	return g.p.out.finish(inv, s, g.rep)
}

// compile compiles a revision, which has to pass: what is released and
// published has a clean result.
func (g *gathering) compile(ctx context.Context, inv *Invocation, rev string) (*build, error) {
	g.p.in.revision = rev
	s, res, rep, err := g.p.run(ctx, inv, g.command, compiler.ToArtifacts)
	if err != nil {
		return nil, err
	}
	if blocked(g.p, rep.ExitCode, res) || rep.Diagnostics.HasErrors() {
		rep.ExitCode = cmp.Or(rep.ExitCode, ExitFindings)
		return nil, g.p.out.finish(inv, s, rep)
	}
	if g.rep == nil {
		g.rep = rep
	}
	return &build{s: s, res: res}, nil
}
