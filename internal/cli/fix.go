package cli

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/pflag"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// fixing is check --fix: the mechanical changes that findings come with are
// made in the working tree, and what is left is judged again.
type fixing struct{ on, dryRun bool }

func (f *fixing) register(flags *pflag.FlagSet) {
	flags.BoolVar(&f.on, "fix", false, "make the changes that findings come with (pin a digest that the lock has, add a stub of an owner, remove an unused waiver), then check again")
	flags.BoolVar(&f.dryRun, "dry-run", false, "with --fix: print the changes as a diff and make none; exit 1 when there are any")
}

func (f *fixing) check(in *input) error {
	switch {
	case f.dryRun && !f.on:
		return errors.New("--dry-run goes with --fix")
	case f.on && (in.staged || in.revision != ""):
		return errors.New("--fix changes the working tree and so judges it; it excludes --staged and --revision")
	}
	return nil
}

// proposed joins the first fix of every finding that counts. One that overlaps
// a fix before it waits for the next run.
func (f *fixing) proposed(ds diag.List, root string) (es *edits, titles map[string]int, waiting int, err error) {
	es, titles = &edits{root: root}, map[string]int{}
	for _, d := range ds {
		if d.Waived != nil || d.Old || len(d.Fixes) == 0 {
			continue
		}
		fits, err := es.add(d.Fixes[0].Edits...)
		switch {
		case err != nil:
			return nil, nil, 0, err
		case fits:
			titles[d.Fixes[0].Title]++
		default:
			waiting++
		}
	}
	return es, titles, waiting, nil
}

// apply makes the changes, or with --dry-run prints them. It reports whether
// there were any.
func (f *fixing) apply(inv *Invocation, s *session, ds diag.List) (bool, error) {
	if s.root() == "" {
		return false, errors.New("a bare repository has no files to fix: run this in a working tree")
	}
	es, titles, waiting, err := f.proposed(ds, s.root())
	if err != nil {
		return false, err
	}
	if len(titles) == 0 {
		fmt.Fprintln(inv.Stderr, "no finding comes with a change that a program can make")
		return false, nil
	}
	if f.dryRun {
		return true, es.show(inv.Stdout)
	}
	if err := es.write(); err != nil {
		return false, err
	}
	for _, t := range slices.Sorted(maps.Keys(titles)) {
		fmt.Fprintf(inv.Stderr, "fixed: %s (%s)\n", t, amount(titles[t], "finding"))
	}
	if waiting > 0 {
		fmt.Fprintf(inv.Stderr, "%s of the same lines left: run it again\n", amount(waiting, "change"))
	}
	return true, nil
}
