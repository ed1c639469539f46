package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/report"
)

// fmtCommand formats the CUE and Rego of a fleet.
type fmtCommand struct {
	in          input
	out         output
	check, diff bool
	language    string
}

func newFmt(inv *Invocation) *cobra.Command {
	var f fmtCommand
	cmd := &cobra.Command{
		Use:   "fmt [PATH...]",
		Short: "format the CUE and Rego of a fleet",
		Long: `fmt writes the fleet's CUE as cue fmt and its Rego as opa fmt do, and prints the names
of the files that it changed. PATH limits it to files or folders; - formats stdin to
stdout. What others wrote stays as it is: cue.mod, policies/vendor, and charts.

A file that does not parse is reported, and no file is written.

Exit status: 0, 2 where a file does not parse, 4 under --check where a file would change.`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), inv, args) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.in.dir, "chdir", "C", ".", "run as if started in `DIR`")
	flags.BoolVar(&f.check, "check", false, "write nothing; exit 4 where a file would change")
	flags.BoolVar(&f.diff, "diff", false, "print what would change, and write nothing")
	choiceFlag(cmd, &f.language, "language", "", "what stdin is written in", "cue", "rego")
	f.out.formatFlags(cmd)
	return cmd
}

func (f *fmtCommand) run(ctx context.Context, inv *Invocation, args []string) error {
	f.out.dir, f.out.failOn = f.in.dir, "error"
	if slices.Equal(args, []string{"-"}) {
		return f.stdin(inv)
	}
	rep := f.out.report("fmt")
	s, err := f.in.open(ctx, inv)
	if err != nil {
		return err
	}
	if s.tree == nil || s.diags.HasErrors() {
		rep.Diagnostics, rep.ExitCode = s.diags, ExitFailed
		return f.out.finish(inv, s, rep)
	}
	names, err := f.chosen(s, args)
	if err != nil {
		return err
	}
	changed := map[string][2][]byte{}
	for _, name := range names {
		src, err := s.tree.ReadFile(name)
		if err != nil {
			return err
		}
		text, ds := compiler.Format(name, src)
		rep.Diagnostics.Add(ds...)
		if len(ds) == 0 && !bytes.Equal(src, text) {
			changed[name] = [2][]byte{src, text}
		}
	}
	if len(rep.Diagnostics) > 0 {
		rep.ExitCode = ExitFailed
		return f.out.finish(beside(inv), s, rep)
	}
	return f.write(inv, s, names, changed)
}

// chosen are the files that the arguments name, all without any. An argument
// that names none is an error: formatting nothing is no success.
func (f *fmtCommand) chosen(s *session, args []string) ([]string, error) {
	all := compiler.Formatted(s.tree)
	if len(args) == 0 {
		return all, nil
	}
	var out []string
	for _, a := range args {
		abs, err := filepath.Abs(under(f.in.dir, a))
		if err != nil {
			return nil, err
		}
		rel, err := filepath.Rel(s.root(), abs)
		if err != nil {
			return nil, err
		}
		rel = path.Clean(filepath.ToSlash(rel))
		n := len(out)
		for _, name := range all {
			if rel == "." || name == rel || strings.HasPrefix(name, rel+"/") {
				out = append(out, name)
			}
		}
		if len(out) == n {
			return nil, fmt.Errorf("%s is no CUE or Rego file of the fleet, and holds none", a)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// write prints the names of what differs, in order, and replaces the files.
func (f *fmtCommand) write(inv *Invocation, s *session, names []string, changed map[string][2][]byte) error {
	for _, name := range names {
		c, ok := changed[name]
		if !ok {
			continue
		}
		if f.diff {
			text, err := report.Unified(name, c[0], c[1])
			if err != nil {
				return err
			}
			fmt.Fprint(inv.Stdout, text)
			continue
		}
		fmt.Fprintln(inv.Stdout, name)
		if !f.check {
			if err := writeFile(filepath.Join(s.root(), filepath.FromSlash(name)), c[1]); err != nil {
				return err
			}
		}
	}
	if len(changed) > 0 && f.check {
		return quit(ExitOutOfDate)
	}
	return nil
}

func (f *fmtCommand) stdin(inv *Invocation) error {
	src, err := io.ReadAll(io.LimitReader(inv.Stdin, maxInput))
	if err != nil {
		return err
	}
	text, ds := compiler.Format("stdin."+f.language, src)
	if len(ds) > 0 {
		rep := f.out.report("fmt")
		rep.Diagnostics, rep.ExitCode = diag.List(ds), ExitFailed
		return f.out.finish(beside(inv), nil, rep)
	}
	if f.check && !bytes.Equal(src, text) {
		return quit(ExitOutOfDate)
	}
	_, err = inv.Stdout.Write(text)
	return err
}
