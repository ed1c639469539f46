package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

func newCheck(inv *Invocation) *cobra.Command {
	var p pipeline
	var c change
	cmd := &cobra.Command{
		Use:   "check",
		Short: "evaluate, render, link, plan and judge a fleet; write nothing",
		Long: `check runs everything up to the guardrails, holds the commands of runbooks to the
manifests, and prints what was found. It is the pull-request check and the pre-commit hook (--staged).

With --base it judges a change: it compiles the commit at which this revision parted
from REV as well, both at this revision's time, and only findings that are not there
count. What changed in the rendered objects is judged too (DR007), and so is what
became of recovery. --all counts old findings as well.

Exit status: 0 clean, 1 findings at or above --fail-on, 2 could not do the job:
also when policies that were asked for evaluated nothing.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if c.ref != "" {
				p.since = func(ctx context.Context, s *session) (*bases, diag.List, error) { return c.since(ctx, inv, &p, s) }
			}
			s, res, rep, err := p.run(cmd.Context(), inv, "check", compiler.ToVerdict)
			if err != nil {
				return err
			}
			if res.Plan != nil {
				ds, err := compiler.CheckRunbooks(res)
				if err != nil {
					return p.broken(inv, s, rep, err)
				}
				rep.Diagnostics.Add(ds...)
			}
			if c.ref != "" && s.tree != nil {
				c.into(rep, res)
			}
			return p.out.finish(inv, s, rep)
		},
	}
	p.register(cmd)
	cmd.Flags().StringVar(&c.ref, "base", "", "judge the change since this revision parted from git `REV`, for example origin/main")
	cmd.Flags().BoolVar(&c.all, "all", false, "with --base: count findings that the base has too")
	cmd.Flags().StringSliceVar(&p.in.namespaces, "namespace", nil, "ask these `PACKAGES` of policies/ instead of policies.namespaces; * stands for anything (repeatable)")
	return cmd
}
