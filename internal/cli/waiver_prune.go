package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

func newWaiverPrune(inv *Invocation) *cobra.Command {
	var c waiverCommand
	var yes bool
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "remove the waivers that accept nothing any more, or have expired",
		Long: `prune shows, as a diff, what is left when every unused and every expired waiver is
gone from waivers/*.cue and from comments; all other bytes stay. With --yes it
makes the change.

A waiver whose rule failed, or whose cluster was not judged, is kept.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.prune(cmd.Context(), inv, yes) },
	}
	c.register(cmd.Flags())
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "make the change")
	return cmd
}

func (c *waiverCommand) prune(ctx context.Context, inv *Invocation, yes bool) error {
	if err := c.judge(ctx, inv, "waiver prune", "text"); err != nil {
		return err
	}
	if err := c.writable(); err != nil {
		return err
	}
	edits := map[string][]diag.Edit{}
	removed := 0
	for _, w := range c.res.Verdict.Waivers {
		if w.State != ir.WaiverUnused && w.State != ir.WaiverExpired {
			continue
		}
		es := compiler.RemoveWaiver(c.session.tree, &w.Waiver)
		if len(es) == 0 {
			fmt.Fprintf(inv.Stderr, "%s is %s, and CUE computes it: remove it by hand (%s)\n", printable(w.ID), w.State, w.At)
			continue
		}
		removed++
		fmt.Fprintf(inv.Stderr, "%s: %s, of %s, until %s\n", w.State, printable(w.ID), w.Owner, w.Expires)
		for _, e := range es {
			edits[e.File] = append(edits[e.File], e)
		}
	}
	if removed == 0 {
		fmt.Fprintln(inv.Stderr, "no waiver is unused or expired")
		return nil
	}
	for _, file := range slices.Sorted(maps.Keys(edits)) {
		if err := c.change(inv, file, edits[file], yes); err != nil {
			return err
		}
	}
	if yes {
		fmt.Fprintf(inv.Stderr, "removed %s\n", amount(removed, "waiver"))
	} else {
		fmt.Fprintf(inv.Stderr, "%s to remove; nothing was changed: run it again with --yes\n", amount(removed, "waiver"))
	}
	return nil
}

// change prints the diff of one file, and makes it.
func (c *waiverCommand) change(inv *Invocation, file string, edits []diag.Edit, yes bool) error {
	old, err := os.ReadFile(c.file(file))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text, err := diag.Apply(old, edits)
	if err != nil {
		return err
	}
	if _, err := inv.Stdout.Write(diff.Diff("a/"+file, old, "b/"+file, text)); err != nil {
		return err
	}
	if !yes {
		return nil
	}
	return writeFile(c.file(file), text)
}
