package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/release"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/git"
	"github.com/darkstart-dev/darkstart/internal/report"
)

// change is what check --base judges: the revision asked for, the commit at
// which the head parted from it, and what was found there.
type change struct {
	ref    string
	all    bool // old findings count too
	commit string
	base   *compiler.Result
	// records are findings about release records that the base has: they only
	// grow.
	records diag.List
	// broken says why the base cannot be judged; every finding then counts.
	broken string
}

// since compiles the base, at the head's now (D13). Diagnostics end the run: the
// base is not there. A base that is there and does not compile ends nothing: the
// change may be what mends it.
func (c *change) since(ctx context.Context, inv *Invocation, p *pipeline, s *session) (*bases, diag.List, error) {
	if s.tree == nil || s.diags.HasErrors() {
		return nil, nil, nil
	}
	head := s.rev.Commit
	if head == "" {
		head = "HEAD"
	}
	mb, d, err := s.repo.MergeBase(ctx, c.ref, head)
	if err != nil || d != nil {
		var ds diag.List
		ds.Add(d)
		return nil, ds, err
	}
	if mb == "" {
		return nil, diag.List{noCommonHistory(c.ref, s)}, nil
	}
	c.commit = mb
	base := &session{dir: s.dir, repo: s.repo}
	if err := base.read(ctx, git.Selector{Kind: git.Commit, Rev: mb}, p.in.dir); err != nil {
		return nil, nil, err
	}
	c.records = onlyGrown(base, s)
	in := p.in
	in.base = nil
	if in.now == "" {
		in.now = s.rev.Time
	}
	res, err := in.compile(ctx, inv, base, compiler.ToVerdict, p.noWaivers)
	if err != nil {
		return nil, nil, err
	}
	if c.base = res; res.Plan == nil {
		c.broken = fmt.Sprintf("%s does not compile", short(mb))
		for _, x := range res.Diagnostics {
			if x.Severity == diag.Error {
				c.broken += fmt.Sprintf(": %s[%s] %s", x.Primary(), x.Code, x.Message)
				break
			}
		}
		return nil, nil, nil
	}
	ds, err := compiler.CheckRunbooks(res)
	res.Diagnostics = append(res.Diagnostics, ds...)
	return &bases{name: short(mb), results: []*compiler.Result{res}, whole: true}, nil, err
}

// onlyGrown compares release records. Those of the base that cannot be read are
// not compared: the change may be what mends them.
func onlyGrown(base, head *session) diag.List {
	if base.tree == nil {
		return nil
	}
	before, _ := compiler.History(base.tree)
	after, diags := compiler.History(head.tree)
	if diags.HasErrors() {
		return diags
	}
	for _, b := range before {
		var now *release.Records
		if i := slices.IndexFunc(after, func(r *release.Records) bool { return r.Stream == b.Stream }); i >= 0 {
			now = after[i]
		}
		diags.Add(release.CheckAppendOnly(b, now)...)
	}
	return diags
}

// noCommonHistory: in a shallow clone the commit at which the branches parted
// was cut off; otherwise there is none.
func noCommonHistory(ref string, s *session) *diag.Diagnostic {
	d := diag.Errorf("CLI006", "the history has no commit from which both %s and this revision come", ref).
		At(diag.Position{File: marker}, "")
	if s.repo.Shallow() {
		return d.Note("this is a shallow clone: the commit may have been cut off").
			Fix("fetch the history: git fetch --unshallow, or fetch-depth: 0 of actions/checkout, GIT_DEPTH: 0 in GitLab")
	}
	return d.Fix("name a base that this branch was made from")
}

// into puts what changed into the report.
func (c *change) into(rep *report.Result, res *compiler.Result) {
	rep.Base = &report.Base{Ref: c.ref, Commit: c.commit, All: c.all, NotCompared: c.broken}
	rep.Diff = res.Delta
	rep.Diagnostics.Add(c.records...)
	if res.Verdict == nil && c.broken == "" {
		rep.Base.NotCompared = "this revision does not compile"
	}
	if c.broken == "" && res.Verdict != nil {
		rep.Finish().Since(c.base.Diagnostics, !c.all)
	}
}

func short(commit string) string { return commit[:min(len(commit), 12)] }
