package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/plans"
)

func newPlan(inv *Invocation) *cobra.Command {
	var p pipeline
	var format string
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "show in which order everything comes up, and why",
		Long: `plan solves the fleet and prints one screen: the coverage, and every cluster's
bootstrap. The subcommands print one plan each.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newPlanBootstrap(inv))
	p.in.register(cmd.Flags())
	failOnFlag(cmd, &p.out.failOn)
	outputFlag(cmd, &format, "text", "json", "mermaid", "dot")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return runPlan(cmd, inv, &p, format, func(pl *plans.Plan) (*plans.Plan, error) { return pl, nil })
	}
	return cmd
}

func newPlanBootstrap(inv *Invocation) *cobra.Command {
	var p pipeline
	var format string
	cmd := &cobra.Command{
		Use:   "bootstrap CLUSTER",
		Short: "show how one cluster starts from nothing",
		Args:  cobra.ExactArgs(1),
	}
	p.in.register(cmd.Flags())
	failOnFlag(cmd, &p.out.failOn)
	outputFlag(cmd, &format, "text", "json", "mermaid", "dot")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return runPlan(cmd, inv, &p, format, func(pl *plans.Plan) (*plans.Plan, error) { return only(pl, "bootstrap/"+args[0]) })
	}
	return cmd
}

// runPlan prints the chosen part of the plan on stdout, and what was found on
// stderr: a plan that is piped into a file stays a plan.
func runPlan(cmd *cobra.Command, inv *Invocation, p *pipeline, format string, choose func(*plans.Plan) (*plans.Plan, error)) error {
	s, res, rep, err := p.run(cmd.Context(), inv, "plan", compiler.ToPlan)
	if err != nil {
		return err
	}
	stderr := *inv
	stderr.Stdout = inv.Stderr
	if res.Plan == nil || rep.Diagnostics.HasErrors() {
		return p.out.finish(&stderr, s, rep)
	}
	chosen, err := choose(res.Plan)
	if err != nil {
		return err
	}
	if err := printPlan(inv, chosen, format); err != nil {
		return err
	}
	if len(rep.Diagnostics) > 0 {
		return p.out.finish(&stderr, s, rep)
	}
	return nil
}

// only keeps one scenario of a plan.
func only(p *plans.Plan, id string) (*plans.Plan, error) {
	out := &plans.Plan{Version: p.Version, Coverage: p.Coverage}
	var have []string
	for _, r := range p.Scenarios {
		if r.Scenario.ID == id {
			out.Scenarios = append(out.Scenarios, r)
		}
		have = append(have, r.Scenario.ID)
	}
	if len(out.Scenarios) == 0 {
		return nil, fmt.Errorf("there is no plan %q; there are %v", id, have)
	}
	for _, f := range p.Findings {
		if f.Scenario == id {
			out.Findings = append(out.Findings, f)
		}
	}
	return out, nil
}

func printPlan(inv *Invocation, p *plans.Plan, format string) error {
	b, err := object.Encode(p)
	if err != nil {
		return err
	}
	_, err = inv.Stdout.Write(b)
	return err
}
