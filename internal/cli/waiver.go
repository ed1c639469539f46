package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/plans"
)

func newWaiver(inv *Invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "waiver",
		Short: "add, list and prune what somebody accepted",
		Long: `A waiver accepts findings of one rule, for a reason, until a date. It is an entry of
waivers/*.cue, or a comment beside the line that it is about. check, compile,
release and verify honour the same waivers in the same way.`,
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newWaiverAdd(inv), newWaiverList(inv), newWaiverPrune(inv))
	return cmd
}

// waiverCommand is what the subcommands share: they judge the fleet first, to
// know what each waiver accepts.
type waiverCommand struct {
	pipeline
	session *session
	res     *compiler.Result
}

func (c *waiverCommand) register(f *pflag.FlagSet) {
	f.StringVarP(&c.in.dir, "chdir", "C", ".", "run as if started in `DIR`")
	f.StringVar(&c.in.now, "now", "", "judge dates at this `TIME` (RFC 3339) instead of the commit's time")
	f.IntVarP(&c.in.parallel, "jobs", "j", 0, "work on this many units at once (default: number of processors)")
	f.BoolVarP(&c.in.quiet, "quiet", "q", false, "no progress on stderr")
}

// judge runs the guardrails. A fleet that they cannot judge ends the command:
// its findings then go to stderr.
func (c *waiverCommand) judge(ctx context.Context, inv *Invocation, name, format string) error {
	c.out.failOn = "error"
	s, res, rep, err := c.run(ctx, inv, name, compiler.ToVerdict)
	if err != nil {
		return err
	}
	c.session, c.res = s, res
	if res.Verdict == nil {
		rep.ExitCode = ExitFailed
		return c.out.instead(inv, s, rep, format)
	}
	return nil
}

// now is the time that the guardrails judged at.
func (c *waiverCommand) now() time.Time {
	if t, err := c.in.time(); err == nil && !t.IsZero() {
		return t
	}
	t, _ := time.Parse(time.RFC3339, c.session.rev.Time) // zero: no commit yet
	return t
}

// file is the place on disk of a file of the fleet.
func (c *waiverCommand) file(name string) string {
	return filepath.Join(c.session.root(), filepath.FromSlash(name))
}

// writable refuses to edit what is no working tree.
func (c *waiverCommand) writable() error {
	if c.session.root() == "" {
		return fmt.Errorf("a bare repository has no files to edit: run this in a working tree")
	}
	return nil
}

func newWaiverList(inv *Invocation) *cobra.Command {
	var c waiverCommand
	var expiring, format string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "every waiver, who owns it, how long it holds and what it accepts",
		Long: `list judges the fleet and prints every waiver, of waivers/*.cue and of comments:
its scope and owner, the days that are left, and how many findings it accepts now.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			within, err := duration("--expiring", expiring)
			if err != nil {
				return err
			}
			if err := c.judge(cmd.Context(), inv, "waiver list", format); err != nil {
				return err
			}
			ws := listWaivers(c.res.Verdict.Waivers, c.now(), within)
			if format == "json" {
				return printJSON(inv.Stdout, map[string]any{"version": "darkstart.dev/waivers/v1", "now": c.now().Format(time.RFC3339), "waivers": ws})
			}
			return printWaivers(inv.Stdout, ws)
		},
	}
	c.register(cmd.Flags())
	cmd.Flags().StringVar(&c.in.revision, "revision", "", "read this git `REV` instead of the working tree")
	cmd.Flags().StringVar(&expiring, "expiring", "", "only those that end within this `TIME`, such as 14d, or have ended")
	outputFlag(cmd, &format, "text", "json")
	return cmd
}

// duration reads a flag as the spec writes durations; 0 is "not given".
func duration(flag, s string) (plans.Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, err := plans.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%s %q: %w", flag, s, err)
	}
	return d, nil
}

// listedWaiver is one line of the list.
type listedWaiver struct {
	ID        string         `json:"id"`
	Rule      string         `json:"rule"`
	Scope     string         `json:"-"`
	Cluster   string         `json:"cluster,omitempty"`
	Component string         `json:"component,omitempty"`
	Object    string         `json:"object,omitempty"`
	Path      string         `json:"path,omitempty"`
	Node      string         `json:"node,omitempty"`
	Lines     *ir.Lines      `json:"lines,omitempty"`
	Reason    string         `json:"reason"`
	Owner     string         `json:"owner"`
	Ticket    string         `json:"ticket,omitempty"`
	Expires   string         `json:"expires"`
	DaysLeft  *int           `json:"daysLeft"` // whole days; negative when over, null when no date was given
	State     ir.WaiverState `json:"state"`
	Findings  int            `json:"findings"`
	At        string         `json:"at"`
}

// listWaivers keeps what ends within a time; 0 keeps all.
func listWaivers(all []ir.WaiverResult, now time.Time, within plans.Duration) []listedWaiver {
	out := []listedWaiver{}
	for _, w := range all {
		x := listedWaiver{
			ID: w.ID, Rule: w.Rule, Scope: scope(&w.Waiver), Cluster: w.Cluster, Component: w.Component, Object: w.Object, Path: w.Path,
			Node: w.Node, Lines: w.Beside, Reason: w.Reason, Owner: w.Owner, Ticket: w.Ticket, Expires: w.Expires,
			State: w.State, Findings: w.Findings, At: w.At.String(),
		}
		end, err := time.Parse(time.RFC3339, w.Ends)
		if err == nil && !now.IsZero() {
			days := floorDays(end.Sub(now))
			x.DaysLeft = &days
		}
		if within > 0 && (err != nil || end.Sub(now).Milliseconds() > int64(within)) {
			continue
		}
		out = append(out, x)
	}
	return out
}

func floorDays(d time.Duration) int {
	days := int(d / (24 * time.Hour))
	if d < 0 && d%(24*time.Hour) != 0 {
		days--
	}
	return days
}

// scope says in a few words what a waiver covers.
func scope(w *ir.Waiver) string {
	var out []string
	for _, f := range []struct{ name, value string }{
		{"cluster", w.Cluster}, {"component", w.Component}, {"object", w.Object}, {"node", w.Node}, {"path", w.Path},
	} {
		if f.value != "" {
			out = append(out, f.name+" "+f.value)
		}
	}
	switch {
	case w.Beside != nil && w.Beside.All:
		out = append(out, "its file")
	case w.Beside != nil && w.Beside.First == w.Beside.Last:
		out = append(out, fmt.Sprintf("line %d", w.Beside.First))
	case w.Beside != nil:
		out = append(out, fmt.Sprintf("lines %d to %d", w.Beside.First, w.Beside.Last))
	case len(out) == 0:
		out = append(out, "everything")
	}
	return strings.Join(out, ", ")
}

func printWaivers(out io.Writer, ws []listedWaiver) error {
	if len(ws) == 0 {
		_, err := fmt.Fprintln(out, "no waivers")
		return err
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "WAIVER\tRULE\tSCOPE\tOWNER\tEXPIRES\tDAYS LEFT\tFINDINGS\tSTATE")
	for _, w := range ws {
		left := "?"
		if w.DaysLeft != nil {
			left = fmt.Sprint(*w.DaysLeft)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", printable(w.ID), printable(w.Rule), printable(w.Scope), printable(w.Owner), printable(w.Expires), left, w.Findings, w.State)
	}
	return t.Flush()
}

// printable keeps what a repository says from steering a terminal, or a table.
func printable(s string) string {
	if strings.ContainsFunc(s, unicode.IsControl) {
		return strconv.Quote(s)
	}
	return s
}

// amount counts things: "1 waiver", "2 waivers".
func amount(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
