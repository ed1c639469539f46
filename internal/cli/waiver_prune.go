package cli

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/ir"
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
	gone := &edits{root: c.session.root()}
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
		if fits, err := gone.add(es...); err != nil || !fits {
			return cmp.Or(err, fmt.Errorf("%s cannot be cut out of its file: remove it by hand (%s)", printable(w.ID), w.At))
		}
		removed++
		fmt.Fprintf(inv.Stderr, "%s: %s, of %s, until %s\n", w.State, printable(w.ID), w.Owner, w.Expires)
	}
	if removed == 0 {
		fmt.Fprintln(inv.Stderr, "no waiver is unused or expired")
		return nil
	}
	if err := gone.show(inv.Stdout); err != nil {
		return err
	}
	if yes {
		if err := gone.write(); err != nil {
			return err
		}
		fmt.Fprintf(inv.Stderr, "removed %s\n", amount(removed, "waiver"))
	} else {
		fmt.Fprintf(inv.Stderr, "%s to remove; nothing was changed: run it again with --yes\n", amount(removed, "waiver"))
	}
	return nil
}
