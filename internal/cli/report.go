package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/internal/report"
)

func newReport(inv *Invocation) *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use:   "report [FILE]",
		Short: "show a result that was kept as JSON in another format",
		Long: `report reads the JSON that a command wrote with -o json, from FILE or stdin, and writes
it in any other format: every format is a replay of that JSON and needs no fleet.

  darkstart check -o json=result.json
  darkstart report -o markdown -o sarif=darkstart.sarif result.json

Exit status: that of the result, so that a gate can stand here too.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			sinks, err := o.sinks(inv)
			if err != nil {
				return err
			}
			name := "-"
			if len(args) > 0 {
				name = args[0]
			}
			b, err := readInput(inv, name)
			if err != nil {
				return err
			}
			r, err := report.Parse(b)
			if err != nil {
				return fmt.Errorf("%s: %w", map[bool]string{true: "stdin", false: name}[name == "-"], err)
			}
			for _, k := range sinks {
				if err := k.emit(inv.Stdout, r); err != nil {
					return fmt.Errorf("write %s output: %w", k.name, err)
				}
			}
			return quit(r.ExitCode)
		},
	}
	o.formatFlags(cmd)
	return cmd
}
