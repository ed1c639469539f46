// Package cli is the command line: one file a subcommand, built by
// constructors. It is the only place that sees the environment, a terminal or
// the clock of the machine.
//
// Exit status is API (DESIGN §11):
//
//	0  clean
//	1  findings at or above --fail-on, or differences with --exit-code
//	2  the job could not be done
//	3  verification failed
//	4  out of date under --locked or --check, or a serial that is taken
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/profile"
	"github.com/darkstart-dev/darkstart/internal/report"
)

// Exit statuses.
const (
	ExitClean      = 0
	ExitFindings   = 1
	ExitFailed     = 2
	ExitUnverified = 3
	ExitOutOfDate  = 4
)

// Invocation is everything a run may depend on from outside.
type Invocation struct {
	Args   []string
	Stdin  io.Reader
	Stdout io.Writer // the product
	Stderr io.Writer // progress and complaints
	Getenv func(string) string
	// Environ lists the environment, for doctor: a variable that is misspelt can
	// only be found there. Nil: it is not looked at.
	Environ func() []string

	recording *profile.Recording // of this run; nil before its flags are read

	stores          []*cache.Store // that were used
	quiet, verified bool           // of the compile that used them last
	told            []string       // what was said of them: see complain
}

// exit carries a status through cobra. A nil err means that what there was to
// say has been printed already.
type exit struct {
	status int
	err    error
}

func (e *exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// quit ends a command with a status and nothing more to print.
func quit(status int) error {
	if status == ExitClean {
		return nil
	}
	return &exit{status: status}
}

// Run executes one command and returns the process's exit status.
func Run(ctx context.Context, inv Invocation) int {
	root := newRoot(&inv)
	root.SetArgs(inv.Args)
	root.SetIn(inv.Stdin)
	root.SetOut(inv.Stdout)
	root.SetErr(inv.Stderr)
	begun := time.Now()
	cmd, err := root.ExecuteContextC(ctx)
	inv.summarize(time.Since(begun))
	err = errors.Join(err, inv.recording.Stop())
	if err == nil {
		return ExitClean
	}
	status := ExitFailed
	var e *exit
	if errors.As(err, &e) {
		if e.err == nil {
			return e.status
		}
		status = e.status
	}
	message := complaint(ctx, err)
	fmt.Fprintf(inv.Stderr, "darkstart: %s\n", message)
	if wantsJSON(&inv) {
		rep := report.New(report.Tool{Name: "darkstart", Version: Version}, strings.TrimPrefix(cmd.CommandPath(), "darkstart "))
		rep.Error, rep.ExitCode = message, status
		if err := report.JSON(inv.Stdout, rep.Finish()); err != nil {
			return ExitFailed
		}
	}
	return status
}

// complaint words an error that ends a run. Interruption comes in many
// wrappings and means one thing.
func complaint(ctx context.Context, err error) string {
	if ctx.Err() != nil || errors.Is(err, context.Canceled) {
		return "interrupted; run it again"
	}
	return err.Error()
}

// wantsJSON reports whether JSON was asked for on stdout, for runs that end
// before their flags are parsed: whoever parses the output of a pipeline must
// be able to parse it on the day when a flag is misspelt, too.
func wantsJSON(inv *Invocation) bool {
	asked := []string{inv.Getenv("DARKSTART_OUTPUT")}
	for i, a := range inv.Args {
		switch {
		case a == "--":
			return slices.Contains(asked, "json")
		case (a == "-o" || a == "--output") && i+1 < len(inv.Args):
			asked = append(asked, inv.Args[i+1])
		case strings.HasPrefix(a, "--output="):
			asked = append(asked, strings.TrimPrefix(a, "--output="))
		case strings.HasPrefix(a, "-o"):
			asked = append(asked, strings.TrimPrefix(strings.TrimPrefix(a, "-o"), "="))
		}
	}
	return slices.Contains(asked, "json")
}

func newRoot(inv *Invocation) *cobra.Command {
	profiles := profile.Config{Now: time.Now}
	root := &cobra.Command{
		Use:   "darkstart",
		Short: "terraform plan for recoverability, checked in the pull request",
		Long: `Darkstart proves, in the pull request, that every cluster can start from
nothing and come back from every declared disaster, or shows exactly why not.

It reads clusters and recovery intent in CUE from git, checks them against Rego
guardrails, renders the manifests, solves the bootstrap order, and seals the
result into signed, immutable bundles that Flux or Argo CD apply.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := fromEnv(cmd.Flags(), inv.Getenv); err != nil {
				return err
			}
			inv.recording, err = profile.Start(profiles)
			return err
		},
	}
	profileFlags(root, &profiles)
	root.CompletionOptions.HiddenDefaultCmd = false
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w (see `%s --help`)", err, cmd.CommandPath())
	})
	root.AddCommand(
		newInit(inv), newCheck(inv), newTest(inv), newRender(inv), newPlan(inv), newDiff(inv), newGraph(inv), newCompile(inv), newAssemble(inv), newFleet(inv), newRelease(inv), newPromote(inv), newPublish(inv),
		newLock(inv), newVerify(inv), newInspect(inv), newExplain(inv), newSchema(inv), newKeys(inv), newRunbook(inv), newRules(inv), newReport(inv), newCache(inv), newFmt(inv), newWaiver(inv), newDoctor(inv), newVersion(inv),
	)
	return root
}

// noCommand rejects a first word that is no command, with the nearest one.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	msg := fmt.Sprintf("unknown command %q", args[0])
	if s := cmd.SuggestionsFor(args[0]); len(s) > 0 {
		msg += fmt.Sprintf("; did you mean %q?", s[0])
	}
	return errors.New(msg)
}

// variable is the name of the environment variable that stands for a flag.
func variable(flag string) string {
	return "DARKSTART_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnv sets each flag that was not given from DARKSTART_<FLAG>.
func fromEnv(flags *pflag.FlagSet, getenv func(string) string) error {
	var err error
	flags.VisitAll(func(f *pflag.Flag) {
		name := variable(f.Name)
		v := getenv(name)
		if f.Changed || v == "" || err != nil || f.Name == "help" {
			return
		}
		if e := flags.Set(f.Name, v); e != nil {
			err = fmt.Errorf("%s: %w", name, e)
		}
	})
	return err
}
