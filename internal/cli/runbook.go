package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// runbookCommand prints, writes or checks runbooks.
type runbookCommand struct {
	pipeline
	scenario string
	service  string
	clusters []string
	format   string
	dir      string
	check    bool
}

func newRunbook(inv *Invocation) *cobra.Command {
	r := &runbookCommand{}
	cmd := &cobra.Command{
		Use:   "runbook",
		Short: "print or write the runbooks that are compiled from the plan",
		Long: `runbook compiles one page for each disaster and each service or store that it
takes down, and one for the start of each cluster from nothing. The same pages
are in the bundles, as Markdown and as HTML that needs no network.

With --check nothing is printed but findings. It exits 4 when a command names an
object that cannot exist, and with --out also when the files there differ from
what would be written.`,
		Example: `  darkstart runbook --scenario region-lost/eu-west --service shop
  darkstart runbook --cluster west -o html > west.html
  darkstart runbook --out runbooks/
  darkstart runbook --check`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return r.run(cmd, inv) },
	}
	f := cmd.Flags()
	f.StringVarP(&r.in.dir, "chdir", "C", ".", "run as if started in `DIR`")
	f.StringVar(&r.in.revision, "revision", "", "read this git `REV` instead of the working tree")
	f.BoolVar(&r.in.staged, "staged", false, "read the git index instead of the working tree")
	f.StringVar(&r.in.now, "now", "", "judge dates at this `TIME` (RFC 3339) instead of the revision's committer time")
	f.IntVarP(&r.in.parallel, "jobs", "j", 0, "work on this many units at once (default: number of processors)")
	f.BoolVarP(&r.in.quiet, "quiet", "q", false, "no progress on stderr")
	f.StringVar(&r.scenario, "scenario", "", "only this `SCENARIO`")
	f.StringVar(&r.service, "service", "", "only this service or store (`NODE`)")
	f.StringSliceVar(&r.clusters, "cluster", nil, "only the bootstrap of these clusters (repeatable)")
	f.StringVar(&r.dir, "out", "", "write files below `DIR` instead of printing")
	f.BoolVar(&r.check, "check", false, "exit 4 when a command names what cannot exist, or --out is out of date")
	failOnFlag(cmd, &r.out.failOn)
	outputFlag(cmd, &r.format, "markdown", "html")
	return cmd
}

func (r *runbookCommand) run(cmd *cobra.Command, inv *Invocation) error {
	s, res, rep, err := r.pipeline.run(cmd.Context(), inv, "runbook", compiler.ToPlan)
	if err != nil {
		return err
	}
	aside := *inv
	aside.Stdout = inv.Stderr
	if res.Plan == nil {
		return r.out.finish(&aside, s, rep)
	}
	books, named, ds, err := compiler.Runbooks(res, r.chosen)
	if err != nil {
		return err
	}
	if len(books) == 0 {
		return r.none(res)
	}
	rep.Diagnostics.Add(ds...)
	if r.check {
		if err := r.verdict(inv, books, named, ds); err != nil {
			if e := r.out.finish(&aside, s, rep); e != nil && len(rep.Diagnostics) == 0 {
				return e
			}
			return err
		}
	} else if err := r.product(inv, books); err != nil {
		return err
	}
	if len(rep.Diagnostics) > 0 {
		return r.out.finish(&aside, s, rep)
	}
	return nil
}

// chosen reports whether a runbook was asked for.
func (r *runbookCommand) chosen(b *compiler.Runbook) bool {
	if b.Scenario == "" { // the index is of all
		return r.scenario == "" && r.service == "" && len(r.clusters) == 0
	}
	if len(r.clusters) > 0 && !slices.Contains(r.clusters, b.Cluster) {
		return false
	}
	return (r.scenario == "" || b.Scenario == r.scenario) && (r.service == "" || b.Target == r.service)
}

// none explains an empty choice, and proposes what was meant.
func (r *runbookCommand) none(res *compiler.Result) error {
	var scenarios, clusters, targets []string
	for i := range res.Plan.Scenarios {
		scenarios = append(scenarios, res.Plan.Scenarios[i].Scenario.ID)
		for _, c := range res.Plan.Scenarios[i].Cells {
			targets = append(targets, c.Node)
		}
	}
	for _, c := range res.Fleet.Clusters {
		clusters = append(clusters, c.Name)
	}
	slices.Sort(targets)
	for _, q := range []struct {
		what, name string
		have       []string
	}{{"scenario", r.scenario, scenarios}, {"service or store with an objective", r.service, slices.Compact(targets)}, {"cluster", strings.Join(r.clusters, ","), clusters}} {
		if q.name == "" || slices.Contains(q.have, q.name) {
			continue
		}
		if near := diag.Nearest(q.name, q.have); near != "" {
			return fmt.Errorf("no %s is named %q; did you mean %q?", q.what, q.name, near)
		}
		return fmt.Errorf("no %s is named %q (there are: %s)", q.what, q.name, strings.Join(q.have, ", "))
	}
	return fmt.Errorf("there is no such runbook: %s does not take down %s", r.scenario, r.service)
}

// file returns where a runbook is written below --out, and its bytes. The
// bootstrap of each cluster comes from an artifact of its own.
func (r *runbookCommand) file(b *compiler.Runbook) (string, []byte) {
	name := strings.TrimPrefix(b.Path, "runbooks/")
	if b.Cluster != "" {
		name = "bootstrap/" + b.Cluster
	}
	if r.format == "html" {
		return filepath.Join(r.dir, filepath.FromSlash(name)+".html"), b.HTML
	}
	return filepath.Join(r.dir, filepath.FromSlash(name)+".md"), b.Markdown
}

// product prints the runbooks, or writes them below --out.
func (r *runbookCommand) product(inv *Invocation, books []compiler.Runbook) error {
	if r.dir != "" {
		for i := range books {
			name, data := r.file(&books[i])
			if err := writeFile(name, data); err != nil {
				return err
			}
		}
		fmt.Fprintf(inv.Stderr, "%d runbooks in %s\n", len(books), r.dir)
		return nil
	}
	if r.format == "html" && len(books) > 1 {
		books = slices.DeleteFunc(books, func(b compiler.Runbook) bool { return b.Scenario != "" })
		if len(books) == 0 {
			return fmt.Errorf("several runbooks match, and HTML pages do not join: choose one with --scenario and --service or --cluster, or use --out DIR")
		}
	}
	for i := range books {
		_, data := r.file(&books[i])
		if i > 0 {
			data = append([]byte("\n---\n\n"), data...)
		}
		if _, err := inv.Stdout.Write(data); err != nil {
			return err
		}
	}
	return nil
}

// verdict is --check: exit 4 when something is contradicted or out of date.
func (r *runbookCommand) verdict(inv *Invocation, books []compiler.Runbook, n compiler.NamedObjects, ds diag.List) error {
	stale := 0
	if r.dir != "" {
		for i := range books {
			name, want := r.file(&books[i])
			if have, err := os.ReadFile(name); err != nil || !bytes.Equal(have, want) {
				fmt.Fprintf(inv.Stdout, "out of date: %s\n", name)
				stale++
			}
		}
	}
	fmt.Fprintf(inv.Stdout, "%d runbooks; objects named by their commands: %d present, %d at run time, %d not checked, %d contradicted\n",
		len(books), n.Present, n.Runtime, n.NotChecked, n.Contradicted)
	if stale > 0 || len(ds) > 0 {
		return quit(ExitOutOfDate)
	}
	return nil
}
