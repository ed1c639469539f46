package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/darkstart-dev/darkstart/compiler/shard"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/progress"
)

// input is the flags of every command that reads a fleet.
type input struct {
	dir      string
	revision string
	staged   bool
	now      string
	clusters []string
	shard    shard.Shard // compile --shard
	parallel int
	quiet    bool
	pairs    bool // plan --pairs
	base     *bases
	cached   cached
	// check --namespace: packages of users' policies
	namespaces []string

	line *progress.Line // of the last compile
}

func (in *input) register(f *pflag.FlagSet) {
	f.StringVarP(&in.dir, "chdir", "C", ".", "run as if started in `DIR`")
	f.StringVar(&in.revision, "revision", "", "read this git `REV` instead of the working tree")
	f.BoolVar(&in.staged, "staged", false, "read the git index instead of the working tree")
	f.StringVar(&in.now, "now", "", "judge dates at this `TIME` (RFC 3339) instead of the revision's committer time")
	f.StringSliceVar(&in.clusters, "cluster", nil, "only these clusters (repeatable)")
	f.IntVarP(&in.parallel, "jobs", "j", 0, "work on this many units at once (default: number of processors)")
	in.cached.register(f)
	f.BoolVarP(&in.quiet, "quiet", "q", false, "no progress on stderr")
}

// time parses --now; the zero time means "the revision's".
func (in *input) time() (time.Time, error) {
	if in.now == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, in.now); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("--now %q is not a time (want RFC 3339, for example 2026-11-23T12:00:00Z)", in.now)
}

func (in *input) check() error {
	if in.staged && in.revision != "" {
		return fmt.Errorf("--staged and --revision exclude each other: the index is not a revision")
	}
	_, err := in.time()
	return err
}

// choice is a flag with a closed set of values.
type choice struct {
	value   *string
	allowed []string
}

func (c *choice) String() string { return *c.value }
func (c *choice) Type() string   { return strings.Join(c.allowed, "|") }
func (c *choice) Set(s string) error {
	if !slices.Contains(c.allowed, s) {
		msg := fmt.Sprintf("want one of %s", strings.Join(c.allowed, ", "))
		if near := diag.Nearest(s, c.allowed); near != "" {
			msg = fmt.Sprintf("did you mean %q? %s", near, msg)
		}
		return fmt.Errorf("%s", msg)
	}
	*c.value = s
	return nil
}

func choiceFlag(cmd *cobra.Command, p *string, name, short, usage string, allowed ...string) {
	*p = allowed[0]
	cmd.Flags().VarP(&choice{p, allowed}, name, short, usage)
	_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(allowed, cobra.ShellCompDirectiveNoFileComp))
}

func outputFlag(cmd *cobra.Command, p *string, formats ...string) {
	choiceFlag(cmd, p, "output", "o", "output `format`", formats...)
}

func failOnFlag(cmd *cobra.Command, p *string) {
	choiceFlag(cmd, p, "fail-on", "", "exit 1 at findings of this `severity` or above", "error", "warning", "note", "never")
}

// fails reports whether the diagnostics reach the threshold of --fail-on.
func fails(ds diag.List, failOn string) bool {
	if failOn == "never" {
		return false
	}
	var limit diag.Severity
	if err := limit.UnmarshalText([]byte(failOn)); err != nil {
		return true
	}
	s, ok := ds.Max()
	return ok && s >= limit
}
