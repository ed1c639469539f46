package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/report"
)

// output is how a command that ends in a report.Result prints it.
type output struct {
	formats []string
	failOn  string
	verbose bool
	dir     string // of -C: where PATH of -o is relative to
	// unfinished is set when the pipeline stopped before its end. Such a run
	// has not passed, whatever --fail-on says (D6).
	unfinished bool
}

func (o *output) register(cmd *cobra.Command) {
	o.formatFlags(cmd)
	failOnFlag(cmd, &o.failOn)
}

func (o *output) formatFlags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&o.formats, "output", "o", nil, "`FORMAT[=PATH]`, repeatable: "+strings.Join(report.FormatNames(), ", ")+" (default text, and github where GITHUB_ACTIONS is true)")
	cmd.Flags().BoolVarP(&o.verbose, "verbose", "v", false, "every finding, place and rule")
}

// sink is one -o.
type sink struct {
	name, path string
	write      report.Format
}

// sinks resolves -o before any work is done: a misspelt format must not cost a
// compile.
func (o *output) sinks(inv *Invocation) ([]sink, error) {
	formats := report.Formats(report.Options{
		Color: color(inv), Width: width(inv), Verbose: o.verbose,
	})
	asked := o.formats
	if len(asked) == 0 {
		asked = []string{"text"}
		if inv.Getenv("GITHUB_ACTIONS") == "true" { // the lines of the diff, too
			asked = append(asked, "github")
		}
	}
	var out []sink
	for _, a := range asked {
		name, path, _ := strings.Cut(a, "=")
		w, ok := formats[name]
		if !ok {
			return nil, fmt.Errorf("unknown output format %q (want one of %s)", name, strings.Join(report.FormatNames(), ", "))
		}
		out = append(out, sink{name, under(o.dir, path), w})
	}
	return out, apart(out)
}

// apart refuses outputs that would land in each other: two in one file, and on
// stdout a document beside anything else. Lines of text and workflow commands
// may share it.
func apart(ks []sink) error {
	for i, k := range ks {
		for _, before := range ks[:i] {
			lines := func(name string) bool { return name == "text" || name == "github" }
			switch {
			case k.path != before.path || k.path == "" && k.name != before.name && lines(k.name) && lines(before.name):
			case k.path == "":
				return fmt.Errorf("-o %s and -o %s would both be written to stdout: give one a file, for example -o %s=result.%s", before.name, k.name, k.name, k.name)
			default:
				return fmt.Errorf("-o %s and -o %s would both be written to %s", before.name, k.name, k.path)
			}
		}
	}
	return nil
}

// report starts the result of a command.
func (o *output) report(command string) *report.Result {
	return report.New(report.Tool{Name: "darkstart", Version: Version}, command)
}

// finish prints the result everywhere and returns the exit status as an error.
func (o *output) finish(inv *Invocation, s *session, r *report.Result) error {
	if err := o.complete(s, r); err != nil {
		return err
	}
	r.FailOn = o.failOn
	if r.ExitCode == ExitClean && fails(r.Diagnostics, o.failOn) {
		r.ExitCode = ExitFindings
	}
	if r.ExitCode == ExitClean && o.unfinished {
		r.ExitCode = ExitFailed
	}
	sinks, err := o.sinks(inv)
	if err != nil {
		return err
	}
	for _, k := range sinks {
		if err := k.emit(inv.Stdout, r); err != nil {
			return fmt.Errorf("write %s output: %w", k.name, err)
		}
	}
	return quit(r.ExitCode)
}

// complete adds to a result what a replay of it needs.
func (o *output) complete(s *session, r *report.Result) error {
	r.Finish().Excerpt(s.source)
	if !slices.ContainsFunc(o.formats, func(f string) bool { return !strings.HasPrefix(f, "text") }) {
		return nil // text says where to read more, and nothing else of it
	}
	docs, err := compiler.Docs()
	if err != nil {
		return err
	}
	r.Explain(docs)
	return nil
}

// beside returns the invocation with stderr in the place of stdout, for
// findings of commands whose product is something else: a plan that is piped
// into a file stays a plan.
func beside(inv *Invocation) *Invocation {
	out := *inv
	out.Stdout = inv.Stderr
	return &out
}

// instead ends a run that has no product to print: its findings go to stderr,
// or, where JSON was asked for, to stdout as JSON.
func (o *output) instead(inv *Invocation, s *session, r *report.Result, format string) error {
	if format == "json" {
		o.formats = []string{"json"}
		return o.finish(inv, s, r)
	}
	return o.finish(beside(inv), s, r)
}

func (k sink) emit(stdout io.Writer, r *report.Result) error {
	if k.path == "" {
		return k.write(stdout, r)
	}
	var b bytes.Buffer
	if err := k.write(&b, r); err != nil {
		return err
	}
	return writeFile(k.path, b.Bytes())
}

// color honours NO_COLOR and needs a terminal.
func color(inv *Invocation) bool {
	f, ok := inv.Stdout.(*os.File)
	return ok && inv.Getenv("NO_COLOR") == "" && inv.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

func width(inv *Invocation) int {
	if f, ok := inv.Stdout.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			return w
		}
	}
	return 0
}

// pipeline is what check, compile and release share: open, compile, and a
// report of it.
type pipeline struct {
	in        input
	out       output
	noWaivers bool
	// onlyLocked is --locked: an image that is not in the lock ends in exit 4.
	onlyLocked bool
	// since compiles what the change is judged against; nil judges no change.
	// Its diagnostics end the run: a change that cannot be judged has not passed.
	since func(context.Context, *session) (*bases, diag.List, error)
	// before is called with the fleet that was read; nil does nothing. What it
	// returns ends the run.
	before func(context.Context, *session) (diag.List, error)
}

func (p *pipeline) register(cmd *cobra.Command) {
	p.in.register(cmd.Flags())
	p.out.register(cmd)
	cmd.Flags().BoolVar(&p.noWaivers, "no-waivers", false, "judge as if nothing had been waived (for auditors)")
	cmd.Flags().BoolVar(&p.onlyLocked, "locked", false, "exit 4 when an image is not in darkstart.lock, or pinned to another digest")
}

// begin opens the fleet. An error of the environment becomes part of the report,
// so that JSON is valid on every exit.
func (p *pipeline) begin(ctx context.Context, inv *Invocation, command string) (*session, *report.Result, error) {
	if err := p.in.check(); err != nil {
		return nil, nil, err
	}
	p.out.dir = p.in.dir
	if _, err := p.out.sinks(inv); err != nil {
		return nil, nil, err
	}
	rep := p.out.report(command)
	s, err := p.in.open(ctx, inv)
	if err != nil {
		return nil, nil, p.broken(inv, nil, rep, err)
	}
	if p.since != nil {
		b, ds, err := p.since(ctx, s)
		if err != nil {
			return nil, nil, p.broken(inv, s, rep, err)
		}
		if len(ds) > 0 {
			rep.Diagnostics, rep.ExitCode = ds, ExitFailed
			return nil, nil, p.out.finish(inv, s, rep)
		}
		p.in.base = b
	}
	if p.before != nil && s.tree != nil {
		ds, err := p.before(ctx, s)
		if err != nil {
			return nil, nil, p.broken(inv, s, rep, err)
		}
		if len(ds) > 0 {
			rep.Diagnostics, rep.ExitCode = ds, ExitFailed
			return nil, nil, p.out.finish(inv, s, rep)
		}
	}
	return s, rep, nil
}

// run compiles and fills a report.
func (p *pipeline) run(ctx context.Context, inv *Invocation, command string, until compiler.Stage) (*session, *compiler.Result, *report.Result, error) {
	s, rep, err := p.begin(ctx, inv, command)
	if err != nil {
		return nil, nil, nil, err
	}
	res, o, err := p.reach(ctx, inv, s, until)
	if err != nil {
		return nil, nil, nil, p.broken(inv, s, rep, err)
	}
	p.fill(rep, s, o)
	return s, res, rep, nil
}

// reach compiles a fleet that was opened, and says what a report has of it.
func (p *pipeline) reach(ctx context.Context, inv *Invocation, s *session, until compiler.Stage) (*compiler.Result, outcome, error) {
	res, err := p.in.compile(ctx, inv, s, until, p.noWaivers)
	if err != nil {
		return nil, outcome{}, err
	}
	o := outcomeOf(res)
	o.Unfinished = !reached(res, until)
	if p.onlyLocked {
		err = o.lock(s, res)
	}
	return res, o, err
}

// reached reports whether a compile got as far as it was meant to.
func reached(res *compiler.Result, until compiler.Stage) bool {
	switch until {
	case compiler.ToUnits:
		return res.Units != nil
	case compiler.ToObjects:
		return res.Rendered != nil && !res.Diagnostics.HasErrors()
	case compiler.ToPlan:
		return res.Plan != nil
	case compiler.ToVerdict:
		return res.Verdict != nil
	}
	return res.Artifacts != nil
}

// outcome is what a command says of a compile, and what compile writes besides
// the layers. It is small, and kept: see recall.
type outcome struct {
	Diagnostics  diag.List
	Fleet        *report.Fleet
	Rules        *report.Rules
	Plan         *report.Plan
	NotEvaluated bool
	OutOfDate    bool // an image is not as the lock has it, and --locked was asked for
	Unfinished   bool // it did not get as far as it was meant to
	// Sealed is nil when nothing is to be written.
	Sealed []compiler.Sealed
}

// status is the exit status, as far as it does not depend on --fail-on.
func (o *outcome) status() int {
	switch {
	case o.NotEvaluated:
		return ExitFailed
	case o.OutOfDate:
		return ExitOutOfDate
	}
	return ExitClean
}

func outcomeOf(res *compiler.Result) outcome {
	o := outcome{Diagnostics: res.Diagnostics, Rules: report.RulesOf(res.Verdict), Plan: report.PlanOf(res.Plan)}
	if res.Rendered != nil {
		o.Fleet = report.FleetOf(res.Rendered, res.Validations, res.Skipped)
	}
	o.NotEvaluated = res.Verdict != nil && res.Verdict.NotEvaluated
	return o
}

func (p *pipeline) fill(rep *report.Result, s *session, o outcome) {
	rep.Diagnostics, p.out.unfinished = o.Diagnostics, o.Unfinished
	if s.tree == nil {
		rep.ExitCode = ExitFailed
		return
	}
	now := s.rev.Time
	if t, err := p.in.time(); err == nil && !t.IsZero() {
		now = t.Format(time.RFC3339)
	}
	rep.Revision = report.RevisionOf(s.rev, now)
	rep.Root = s.fleet
	rep.Fleet, rep.Rules, rep.Plan = o.Fleet, o.Rules, o.Plan
	rep.ExitCode = o.status()
}

// broken reports an error of the environment. An interrupted run is one too.
func (p *pipeline) broken(inv *Invocation, s *session, rep *report.Result, err error) error {
	if d, ok := diag.From(err); ok {
		rep.Diagnostics.Add(d)
	} else {
		rep.Error = complaint(context.Background(), err)
	}
	rep.ExitCode = ExitFailed
	return p.out.finish(inv, s, rep)
}
