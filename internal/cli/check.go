package cli

import (
	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler"
)

func newCheck(inv *Invocation) *cobra.Command {
	var p pipeline
	cmd := &cobra.Command{
		Use:   "check",
		Short: "evaluate, render, link, plan and judge a fleet; write nothing",
		Long: `check runs everything up to the guardrails, holds the commands of runbooks to the
manifests, and prints what was found. It is the pull-request check and the pre-commit hook (--staged).

Exit status: 0 clean, 1 findings at or above --fail-on, 2 could not do the job:
also when policies that were asked for evaluated nothing.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
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
			return p.out.finish(inv, s, rep)
		},
	}
	p.register(cmd)
	cmd.Flags().StringSliceVar(&p.in.namespaces, "namespace", nil, "ask these `PACKAGES` of policies/ instead of policies.namespaces; * stands for anything (repeatable)")
	return cmd
}
