package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler/lock"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

func newLock(inv *Invocation) *cobra.Command {
	var dir, from string
	var replace bool
	var o output
	cmd := &cobra.Command{
		Use:   "lock --import FILE",
		Short: "record digests in darkstart.lock",
		Long: `lock --import reads digests that were found where a network is and adds them to
darkstart.lock. FILE ("-" for stdin) has lines REF@sha256:… or REF sha256:…, the
output of docker images --digests, or another lock. A digest that differs from
the locked one is refused unless --replace is given.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if from == "" {
				return errors.New("lock needs --import FILE: looking digests up in a registry is not part of this version")
			}
			return importLock(inv, &o, dir, from, replace)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&dir, "chdir", "C", ".", "the fleet in `DIR`")
	f.StringVar(&from, "import", "", "read digests from `FILE`")
	f.BoolVar(&replace, "replace", false, "let imported digests replace locked ones")
	o.register(cmd)
	return cmd
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
		verb := "added"
		if c.Before != "" {
			verb = "replaced"
		}
		rep.Changes = append(rep.Changes, fmt.Sprintf("%s %s %s", verb, c.Ref, c.After))
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
