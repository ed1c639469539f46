package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/ir"
)

// rulesVersion of the catalogue's JSON. Fields may be added to it.
const rulesVersion = "darkstart.dev/rules/v1"

func newRules(inv *Invocation) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "list the built-in guardrails",
		Long: `rules lists the built-in guardrails: what each states, how severe it is, and from
which declaration on it is judged. JSON has all their metadata; Markdown is the reference page. darkstart explain CODE
says more about one; darkstart check -v says what each did on a fleet.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if format == "markdown" {
				page, err := compiler.RulesPage()
				if err != nil {
					return err
				}
				_, err = inv.Stdout.Write(page)
				return err
			}
			rules, err := compiler.Rules()
			if err != nil {
				return err
			}
			if format == "json" {
				return printJSON(inv.Stdout, struct {
					Version string       `json:"version"`
					Rules   []ir.RuleDoc `json:"rules"`
				}{rulesVersion, rules})
			}
			return printRules(inv.Stdout, rules)
		},
	}
	outputFlag(cmd, &format, "text", "json", "markdown")
	return cmd
}

func printRules(w io.Writer, rules []ir.RuleDoc) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range rules {
		fmt.Fprintf(t, "%s\t%s\t%s\n\t\tjudged %s\n", r.ID, r.Severity, r.Title, strings.TrimSuffix(r.Applies, "."))
	}
	return t.Flush()
}
