package cli

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/git"
)

// noBase is the value of --base that compares with nothing.
const noBase = "none"

// bases are what a release is compared with, so that DR007 judges what it does
// to clusters: what each cluster runs, which is its newest entry (DESIGN §7).
type bases struct {
	name    string
	results []*compiler.Result
	whole   bool // one result for the whole fleet
}

// into makes a compile judge the change since the bases.
func (b *bases) into(cfg *compiler.Config) {
	switch {
	case b == nil:
	case b.whole:
		cfg.Base, cfg.BaseName = b.results[0], b.name
	default:
		cfg.Bases, cfg.BaseName = b.results, b.name
	}
}

// releaseBase compiles what was released before, as it was: up to the plan and
// at the head's now. Diagnostics mean that it cannot be read, so that nothing
// could be judged.
func (r *releaseFlags) releaseBase(ctx context.Context, inv *Invocation, s *session) (*bases, diag.List, error) {
	if r.base == noBase || s.tree == nil || s.diags.HasErrors() {
		return nil, nil, nil
	}
	of, err := s.released(ctx)
	if err != nil {
		return nil, nil, err
	}
	if r.base != "" {
		of = map[string][]string{r.base: nil}
	}
	if len(of) == 0 {
		return nil, nil, nil // the first release
	}
	b := &bases{name: strings.Join(shortRevisions(of), ", "), whole: len(of) == 1}
	for _, rev := range slices.Sorted(maps.Keys(of)) {
		clusters := of[rev]
		if b.whole {
			clusters = nil
		}
		res, ds, err := r.compileBase(ctx, inv, s, rev, clusters)
		if err != nil || len(ds) > 0 {
			return nil, ds, err
		}
		b.results = append(b.results, res)
	}
	return b, nil, nil
}

func (r *releaseFlags) compileBase(ctx context.Context, inv *Invocation, s *session, rev string, clusters []string) (*compiler.Result, diag.List, error) {
	base := &session{dir: s.dir, repo: s.repo}
	if err := base.read(ctx, git.Selector{Kind: git.Commit, Rev: rev}, r.in.dir); err != nil {
		return nil, nil, err
	}
	in := r.in
	in.clusters, in.base = clusters, nil
	if in.now == "" {
		in.now = s.rev.Time
	}
	res, err := in.compile(ctx, inv, base, compiler.ToPlan, true)
	if err != nil {
		return nil, nil, err
	}
	if res.Plan != nil && !res.Diagnostics.HasErrors() {
		return res, nil, nil
	}
	d := diag.Errorf("CLI005", "the last release cannot be compiled from its revision %s, so the change since is not judged", rev)
	for _, x := range res.Diagnostics {
		if x.Severity == diag.Error {
			d.Note("%s[%s] %s", x.Primary(), x.Code, x.Message)
			break
		}
	}
	return nil, diag.List{d.
		Fix("fetch the whole history: `git fetch --unshallow`").
		Fix("or name what to compare with: `--base REV`; `--base none` releases without judging the change")}, nil
}

// released maps the revisions of the newest entries to their clusters. Records
// that cannot be read end the release later, with what is wrong in them.
func (s *session) released(ctx context.Context) (map[string][]string, error) {
	t, _, _, err := s.repo.Tree(ctx, s.head())
	if err != nil || t == nil {
		return nil, err
	}
	records, ds := compiler.History(t)
	if ds.HasErrors() {
		return nil, nil
	}
	names := map[string]bool{}
	for _, r := range records {
		for name := range r.Artifacts {
			names[name] = name != ir.FleetArtifact
		}
	}
	out := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if _, last, ok := records.Last(name); ok && names[name] {
			out[last.Revision] = append(out[last.Revision], name)
		}
	}
	return out, nil
}

func shortRevisions(of map[string][]string) []string {
	var out []string
	for _, r := range slices.Sorted(maps.Keys(of)) {
		if len(r) == 40 {
			r = r[:12]
		}
		out = append(out, r)
	}
	return out
}
