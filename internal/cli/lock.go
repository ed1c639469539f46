package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler/lock"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// lockCommand records digests of what a fleet uses.
type lockCommand struct {
	in      input
	out     output
	from    string
	replace bool
	update  bool
	refs    []string // to update; none means all
	prune   bool
	check   bool
}

func newLock(inv *Invocation) *cobra.Command {
	l := &lockCommand{}
	cmd := &cobra.Command{
		Use:   "lock [--update [REF...]]",
		Short: "record digests in darkstart.lock",
		Long: `lock asks the registries of the fleet's images for their digests and for what signs
them, and records both in darkstart.lock. What is locked stays: a tag that moved is
reported, and taken with --update, for all images or for each REF. Credentials are
Docker's (config.json and its helpers). When one image cannot be looked up, nothing
is written.

With --check nothing is asked and nothing is written: it exits 4 when an image of the
fleet has no entry, or is pinned to another digest.

lock --import reads digests that were found where a network is and adds them to
darkstart.lock. FILE ("-" for stdin) has lines REF@sha256:… or REF sha256:…, the
output of docker images --digests, or another lock. A digest that differs from
the locked one is refused unless --replace is given.

Exit status: 0, 1 findings, 2 an image could not be looked up, 4 out of date under --check.`,
		Example: `  darkstart lock
  darkstart lock --update registry.example/shop:1.4
  darkstart lock --check --staged
  docker images --digests | darkstart lock --import -`,
		RunE: func(cmd *cobra.Command, args []string) error {
			l.refs = args
			return l.run(cmd.Context(), inv)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&l.in.dir, "chdir", "C", ".", "the fleet in `DIR`")
	f.StringVar(&l.from, "import", "", "read digests from `FILE`")
	f.BoolVar(&l.replace, "replace", false, "let imported digests replace locked ones")
	f.BoolVar(&l.update, "update", false, "look up again what is locked, and take what is found")
	f.BoolVar(&l.prune, "prune", false, "drop images that no object uses")
	f.BoolVar(&l.check, "check", false, "ask nobody and write nothing; exit 4 when an image is not locked")
	f.BoolVar(&l.in.staged, "staged", false, "with --check: read the git index instead of the working tree")
	f.StringVar(&l.in.revision, "revision", "", "with --check: read this git `REV` instead of the working tree")
	f.IntVarP(&l.in.parallel, "jobs", "j", 0, "look up this many images at once (default 8)")
	f.BoolVarP(&l.in.quiet, "quiet", "q", false, "no progress on stderr")
	l.out.register(cmd)
	return cmd
}

func (l *lockCommand) run(ctx context.Context, inv *Invocation) error {
	switch {
	case l.from != "" && (l.check || l.update || l.prune):
		return errors.New("--import takes digests from a file; it excludes --check, --update and --prune, which are about registries")
	case l.replace && l.from == "":
		return errors.New("--replace is for --import; what a registry says is taken with --update")
	case len(l.refs) > 0 && !l.update:
		return fmt.Errorf("%s: images are named to --update them", l.refs[0])
	case l.check && (l.update || l.prune):
		return errors.New("--check writes nothing; it excludes --update and --prune")
	case !l.check && (l.in.staged || l.in.revision != ""):
		return errors.New("lock writes to the working tree and so reads it; --staged and --revision go with --check")
	case l.from != "":
		return importLock(inv, &l.out, l.in.dir, l.from, l.replace)
	}
	return l.look(ctx, inv)
}

func importLock(inv *Invocation, o *output, dir, from string, replace bool) error {
	target := filepath.Join(dir, lock.Name)
	o.dir = dir
	rep := o.report("lock")
	done := func(ds diag.List) error {
		rep.Diagnostics = ds
		return o.finish(inv, nil, rep)
	}
	if _, err := o.sinks(inv); err != nil {
		return err
	}
	data, err := readInput(inv, under(dir, from))
	if err != nil {
		return err
	}
	imported, ds := lock.Import(from, data)
	if imported == nil || ds.HasErrors() {
		return done(ds)
	}
	old, before, err := readLockFile(target)
	if err != nil {
		return err
	}
	var have *lock.File
	if old != nil {
		var more diag.List
		if have, more = lock.Parse(lock.Name, old); more.HasErrors() {
			return done(append(ds, more...))
		}
	}
	merged, changes, more := lock.Merge(have, imported, &lock.Config{Replace: replace})
	if ds = append(ds, more...); merged == nil || ds.HasErrors() {
		return done(ds)
	}
	enc, err := lock.Format(merged)
	if err != nil {
		return err
	}
	if !before || !bytes.Equal(enc, old) {
		if err := writeFile(target, enc); err != nil {
			return err
		}
	}
	for _, c := range changes {
		rep.Changes = append(rep.Changes, c.String())
	}
	if len(changes) == 0 {
		fmt.Fprintf(inv.Stderr, "%s holds all of it already\n", shown(target))
	} else {
		fmt.Fprintf(inv.Stderr, "wrote %s\n", shown(target))
	}
	return done(ds)
}

func readLockFile(name string) (data []byte, exists bool, err error) {
	b, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, false, nil
	}
	return b, err == nil, err
}

// maxInput bounds what is read from a file or stdin: 16 MiB.
const maxInput = 16 << 20

func readInput(inv *Invocation, name string) ([]byte, error) {
	r := inv.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r = f
	}
	b, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err == nil && len(b) > maxInput {
		err = fmt.Errorf("%s is larger than %d MiB", name, maxInput>>20)
	}
	return b, err
}
