package cli

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/report"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

func newCheck(inv *Invocation) *cobra.Command {
	var p pipeline
	var c change
	var fix fixing
	cmd := &cobra.Command{
		Use:   "check",
		Short: "evaluate, render, link, plan and judge a fleet; write nothing",
		Long: `check runs everything up to the guardrails, holds the commands of runbooks to the
manifests, and prints what was found. It is the pull-request check and the pre-commit hook (--staged).

With --base it judges a change: it compiles the commit at which this revision parted
from REV as well, both at this revision's time, and only findings that are not there
count. What changed in the rendered objects is judged too (DR007), and so is what
became of recovery. --all counts old findings as well.

With --fix it changes the working tree: an image gets the digest that the lock has for
it, what has no owner a stub to be filled in, and an unused waiver goes. Then it checks
again. --dry-run prints the changes as a diff.

Exit status: 0 clean, 1 findings at or above --fail-on, 2 could not do the job:
also when policies that were asked for evaluated nothing.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := fix.check(&p.in); err != nil {
				return err
			}
			s, rep, err := runCheck(cmd.Context(), inv, &p, &c)
			if err != nil || !fix.on {
				return finishCheck(inv, &p, s, rep, err)
			}
			changed, err := fix.apply(inv, s, rep.Diagnostics)
			switch {
			case err != nil:
				return p.broken(inv, s, rep, err)
			case changed && fix.dryRun:
				return quit(ExitFindings)
			case changed:
				s, rep, err = runCheck(cmd.Context(), inv, &p, &c)
			}
			return finishCheck(inv, &p, s, rep, err)
		},
	}
	p.register(cmd)
	fix.register(cmd.Flags())
	cmd.Flags().StringVar(&c.ref, "base", "", "judge the change since this revision parted from git `REV`, for example origin/main")
	cmd.Flags().BoolVar(&c.all, "all", false, "with --base: count findings that the base has too")
	cmd.Flags().StringSliceVar(&p.in.namespaces, "namespace", nil, "ask these `PACKAGES` of policies/ instead of policies.namespaces; * stands for anything (repeatable)")
	return cmd
}

// runCheck compiles and judges. The error ends the run: what went wrong has been
// reported by then.
func runCheck(ctx context.Context, inv *Invocation, p *pipeline, c *change) (*session, *report.Result, error) {
	if c.ref == "" && !p.onlyLocked {
		return p.judged(ctx, inv)
	}
	if c.ref != "" {
		p.since = func(ctx context.Context, s *session) (*bases, diag.List, error) { return c.since(ctx, inv, p, s) }
	}
	s, res, rep, err := p.run(ctx, inv, "check", compiler.ToVerdict)
	if err != nil {
		return nil, nil, err
	}
	ds, err := checkRunbooks(res)
	if err != nil {
		return nil, nil, p.broken(inv, s, rep, err)
	}
	rep.Diagnostics.Add(ds...)
	if c.ref != "" && s.tree != nil {
		c.into(rep, res)
	}
	return s, rep, nil
}

func checkRunbooks(res *compiler.Result) (diag.List, error) {
	if res.Plan == nil {
		return nil, nil
	}
	return compiler.CheckRunbooks(res)
}

// judged checks a fleet by itself. What was found is kept as a whole, by what
// was read for it: a fleet in which nothing of that changed is not compiled.
func (p *pipeline) judged(ctx context.Context, inv *Invocation) (*session, *report.Result, error) {
	s, rep, err := p.begin(ctx, inv, "check")
	if err != nil {
		return nil, nil, err
	}
	fleet := s.tree
	o, err := p.recall(inv, s, func(t *tree.Tree) (outcome, error) {
		s.tree = t
		res, err := p.in.compile(ctx, inv, s, compiler.ToVerdict, p.noWaivers)
		if err != nil {
			return outcome{}, err
		}
		o := outcomeOf(res)
		o.Unfinished = !reached(res, compiler.ToVerdict)
		ds, err := checkRunbooks(res)
		o.Diagnostics.Add(ds...)
		return o, err
	})
	s.tree = fleet
	if err != nil {
		return nil, nil, p.broken(inv, s, rep, err)
	}
	p.fill(rep, s, o)
	p.out.unfinished = o.Unfinished
	return s, rep, nil
}

// recall returns what a check found before, or checks. A rule that ran out of
// time may do better the next time, so that is not kept.
func (p *pipeline) recall(inv *Invocation, s *session, check func(*tree.Tree) (outcome, error)) (outcome, error) {
	kept, err := p.in.cached.open(inv)
	if err != nil {
		return outcome{}, err
	}
	if kept == nil || s.tree == nil || len(s.diags) > 0 {
		return check(s.tree)
	}
	asked, err := json.Marshal([]any{p.in.now, s.rev.Time, p.in.clusters, p.in.namespaces, p.in.pairs, p.noWaivers})
	if err != nil {
		return outcome{}, err
	}
	var hasty *outcome
	o, _, err := cache.Memo(kept, s.tree, "check", []string{string(asked)}, func(t *tree.Tree) (outcome, error) {
		o, err := check(t)
		if err == nil && slices.ContainsFunc(o.Diagnostics, func(d *diag.Diagnostic) bool { return d.Code == "GRD004" }) {
			hasty, err = &o, errHasty
		}
		return o, err
	})
	if errors.Is(err, errHasty) {
		return *hasty, nil
	}
	complain(kept, inv.Stderr)
	if err == nil {
		p.in.used(inv, kept)
	}
	return o, poisoned(err)
}

var errHasty = errors.New("a rule ran out of time")

func finishCheck(inv *Invocation, p *pipeline, s *session, rep *report.Result, err error) error {
	if err != nil {
		return err
	}
	return p.out.finish(inv, s, rep)
}
