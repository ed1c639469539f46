package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/git"
	"github.com/darkstart-dev/darkstart/plans"
)

// planned is a solved fleet: what every view is made from.
type planned struct {
	model *plans.Model
	plan  *plans.Plan
}

// view makes one view of a solved fleet; args are the command's.
type view func(p *planned, args []string) (plans.View, error)

// planCommand is a command that prints one view of the plan.
type planCommand struct {
	pipeline
	format string
	base   string
	exit   bool
}

func newPlan(inv *Invocation) *cobra.Command {
	p := &planCommand{}
	cmd := p.command(inv, "plan", "show what comes back from what, in which order, and why", cobra.NoArgs, matrixView)
	cmd.Long = `plan solves the fleet: every cluster's bootstrap, and the recovery from every
declared and generated disaster. Without a subcommand it prints the matrix of
objectives and scenarios. With --base it prints what the change since REV does to
recoverability.

The plan goes to stdout, findings to stderr.`
	cmd.Flags().StringVar(&p.base, "base", "", "compare with this git `REV`: what the change does to recoverability")
	cmd.Flags().BoolVar(&p.in.pairs, "pairs", false, "fail single-domain scenarios two at a time: which pairs take something for good")
	cmd.Flags().BoolVar(&p.exit, "exit-code", false, "with --base: exit 1 when anything differs")
	cmd.AddCommand(newPlanBootstrap(inv), newPlanRecover(inv),
		(&planCommand{}).command(inv, "matrix", "objectives against scenarios, with margins", cobra.NoArgs, matrixView))
	return cmd
}

func newPlanBootstrap(inv *Invocation) *cobra.Command {
	return (&planCommand{}).command(inv, "bootstrap CLUSTER", "how one cluster starts from nothing", cobra.ExactArgs(1),
		func(p *planned, args []string) (plans.View, error) {
			if o := plans.BootstrapOrder(p.plan, args[0]); o != nil {
				return o, nil
			}
			return nil, p.unknown("cluster", args[0], "bootstrap/")
		})
}

func newPlanRecover(inv *Invocation) *cobra.Command {
	var scenario, service string
	cmd := (&planCommand{}).command(inv, "recover --scenario S [--service N]", "how the fleet comes back from a disaster", cobra.NoArgs,
		func(p *planned, _ []string) (plans.View, error) {
			if p.plan.Recovery(scenario) == nil {
				return nil, p.unknown("scenario", scenario, "")
			}
			if o := plans.RecoveryOrder(p.model, p.plan, scenario, service); o != nil {
				return o, nil
			}
			return nil, fmt.Errorf("no node is named %q", service)
		})
	cmd.Flags().StringVar(&scenario, "scenario", "", "the `SCENARIO` to recover from")
	cmd.Flags().StringVar(&service, "service", "", "only what this `NODE` waits for")
	_ = cmd.MarkFlagRequired("scenario")
	return cmd
}

func newGraph(inv *Invocation) *cobra.Command {
	var scenario string
	cmd := (&planCommand{}).command(inv, "graph --scenario S", "what falls, what survives, and what returns when", cobra.NoArgs,
		func(p *planned, _ []string) (plans.View, error) {
			if g := plans.NewGraph(p.model, p.plan, scenario); g != nil {
				return g, nil
			}
			return nil, p.unknown("scenario", scenario, "")
		})
	cmd.Flags().StringVar(&scenario, "scenario", "", "the `SCENARIO` to draw")
	_ = cmd.MarkFlagRequired("scenario")
	return cmd
}

// matrixView is the matrix, or with --pairs what two failures at once take for
// good.
func matrixView(p *planned, _ []string) (plans.View, error) {
	if p.plan.Pairs != nil {
		return p.plan.Pairs, nil
	}
	return plans.NewMatrix(p.plan), nil
}

// command builds the cobra command around one view.
func (p *planCommand) command(inv *Invocation, use, short string, args cobra.PositionalArgs, v view) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: args}
	p.in.register(cmd.Flags())
	failOnFlag(cmd, &p.out.failOn)
	outputFlag(cmd, &p.format, "text", "json", "mermaid", "dot")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return p.print(cmd, inv, v, args) }
	return cmd
}

// print writes the view to stdout and what was found to stderr: a plan that is
// piped into a file stays a plan.
func (p *planCommand) print(cmd *cobra.Command, inv *Invocation, v view, args []string) error {
	s, res, rep, err := p.run(cmd.Context(), inv, "plan", compiler.ToPlan)
	if err != nil {
		return err
	}
	aside := beside(inv)
	if res.Plan == nil || rep.Diagnostics.HasErrors() {
		return p.out.instead(inv, s, rep, p.format)
	}
	head := &planned{res.Fleet.Model, res.Plan}
	if p.base != "" {
		return p.compare(cmd, inv, s, head)
	}
	shown, err := v(head, args)
	if err != nil {
		return err
	}
	if err := write(inv.Stdout, shown, p.format); err != nil {
		return err
	}
	if len(rep.Diagnostics) > 0 {
		return p.out.finish(aside, s, rep)
	}
	return nil
}

func write(w io.Writer, v plans.View, format string) error {
	var text string
	switch format {
	case "json":
		b, err := plans.JSON(v)
		if err != nil {
			return err
		}
		text = string(b)
	case "mermaid":
		text = v.Mermaid()
	case "dot":
		text = v.DOT()
	default:
		text = v.Text()
	}
	_, err := io.WriteString(w, strings.TrimRight(text, "\n")+"\n")
	return err
}

// unknown says which ids there are, and which one was probably meant.
func (p *planned) unknown(what, name, prefix string) error {
	var have []string
	for i := range p.plan.Scenarios {
		if id, ok := strings.CutPrefix(p.plan.Scenarios[i].Scenario.ID, prefix); ok {
			have = append(have, id)
		}
	}
	msg := fmt.Sprintf("no %s is named %q", what, name)
	if near := diag.Nearest(name, have); near != "" {
		return fmt.Errorf("%s; did you mean %q?", msg, near)
	}
	return fmt.Errorf("%s (there are: %s)", msg, strings.Join(have, ", "))
}

// compare solves the base at the head's now (D13) and prints the difference.
func (p *planCommand) compare(cmd *cobra.Command, inv *Invocation, s *session, head *planned) error {
	base := &session{repo: s.repo}
	if err := base.read(cmd.Context(), git.Selector{Kind: git.Commit, Rev: p.base}, p.in.dir); err != nil {
		return err
	}
	in := p.in
	if in.now == "" {
		in.now = s.rev.Time
	}
	res, err := in.compile(cmd.Context(), inv, base, compiler.ToPlan, p.noWaivers)
	if err != nil {
		return err
	}
	if res.Plan == nil || res.Diagnostics.HasErrors() {
		return p.baseBroken(inv, base, res)
	}
	changes := plans.Compare(res.Plan, head.plan)
	if p.format == "json" {
		b, err := plans.JSON(changes)
		if err != nil {
			return err
		}
		fmt.Fprintf(inv.Stdout, "%s\n", b)
	} else {
		for _, c := range changes {
			fmt.Fprintln(inv.Stdout, c)
		}
		if len(changes) == 0 {
			fmt.Fprintf(inv.Stdout, "recoverability is as it was at %s\n", p.base)
		}
	}
	if p.exit && len(changes) > 0 {
		return quit(ExitFindings)
	}
	return nil
}

// baseBroken reports a base that cannot be compiled: nothing can be compared.
func (p *planCommand) baseBroken(inv *Invocation, base *session, res *compiler.Result) error {
	rep := p.out.report("plan")
	rep.Diagnostics = res.Diagnostics
	rep.Error = fmt.Sprintf("the base %s cannot be planned, so there is nothing to compare with", p.base)
	rep.ExitCode = ExitFailed
	return p.out.instead(inv, base, rep, p.format)
}
