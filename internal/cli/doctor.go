package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/internal/doctor"
)

func newDoctor(inv *Invocation) *cobra.Command {
	var dir, format, now string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "say what is missing or odd in the environment and the repository",
		Long: `doctor looks at programs, variables, the clone, the fleet, its lock and records,
private keys, owners, hooks and CI, and says what to do about each finding. It
changes nothing and uses no network.

Exit status: 0 nothing failed, 1 something did, 2 could not look.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			at, err := (&input{now: now}).time()
			if err != nil {
				return err
			}
			if at.IsZero() {
				at = time.Now().UTC() // the clock is one of the things to look at
			}
			p := &probe{inv: inv, ctx: cmd.Context(), root: cmd.Root(), dir: dir, s: &doctor.Snapshot{Now: at, Version: Version}}
			if err := p.all(); err != nil {
				return err
			}
			return printExamined(inv, doctor.Examine(p.s), format)
		},
	}
	cmd.Flags().StringVarP(&dir, "chdir", "C", ".", "run as if started in `DIR`")
	cmd.Flags().StringVar(&now, "now", "", "look as if it were this `TIME` instead of the machine's clock")
	outputFlag(cmd, &format, "text", "json")
	return cmd
}

// examined is the JSON of doctor.
type examined struct {
	Version  string          `json:"version"`
	Checks   []doctor.Result `json:"checks"`
	ExitCode int             `json:"exitCode"`
}

func printExamined(inv *Invocation, rs []doctor.Result, format string) error {
	status := ExitClean
	if doctor.Worst(rs) == doctor.Fail {
		status = ExitFindings
	}
	if format == "json" {
		if err := printJSON(inv.Stdout, examined{"darkstart.dev/doctor/v1", rs, status}); err != nil {
			return err
		}
		return quit(status)
	}
	printChecks(inv.Stdout, rs)
	return quit(status)
}

func printChecks(out io.Writer, rs []doctor.Result) {
	count := map[doctor.Status]int{}
	for _, r := range rs {
		count[r.Status]++
		fmt.Fprintf(out, "%-4s  %-14s  %s\n", r.Status, r.Check, printable(r.Message))
		for _, f := range r.Fix {
			fmt.Fprintf(out, "%22s  → %s\n", "", printable(f))
		}
	}
	fmt.Fprintf(out, "\n%d ok, %s, %d failed\n", count[doctor.OK], amount(count[doctor.Warn], "warning"), count[doctor.Fail])
}
