package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/report"
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
	if c.ref == "" {
		return p.judged(ctx, inv)
	}
	p.since = func(ctx context.Context, s *session) (*bases, diag.List, error) { return c.since(ctx, inv, p, s) }
	s, res, rep, err := p.run(ctx, inv, "check", compiler.ToVerdict)
	if err != nil {
		return nil, nil, err
	}
	ds, err := checkRunbooks(res)
	if err != nil {
		return nil, nil, p.broken(inv, s, rep, err)
	}
	rep.Diagnostics.Add(ds...)
	if s.tree != nil {
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
	kept, err := p.in.cached.open(inv)
	if err != nil {
		return nil, nil, p.broken(inv, s, rep, err)
	}
	o, err := p.recall(inv, s, kept, "check", nil, func(s *session) (outcome, error) {
		res, o, err := p.reach(ctx, inv, s, compiler.ToVerdict)
		if err != nil {
			return o, err
		}
		ds, err := checkRunbooks(res)
		o.Diagnostics.Add(ds...)
		return o, err
	})
	if err != nil {
		return nil, nil, p.broken(inv, s, rep, err)
	}
	p.fill(rep, s, o)
	return s, rep, nil
}

func finishCheck(inv *Invocation, p *pipeline, s *session, rep *report.Result, err error) error {
	if err != nil {
		return err
	}
	return p.out.finish(inv, s, rep)
}
