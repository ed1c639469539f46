package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// waiverAdd writes one waiver.
type waiverAdd struct {
	waiverCommand
	w             ir.Waiver
	beside        string
	force, dryRun bool
}

func newWaiverAdd(inv *Invocation) *cobra.Command {
	var a waiverAdd
	cmd := &cobra.Command{
		Use:   "add --rule R --reason TEXT --owner TEAM --expires DATE [scope]",
		Short: "accept findings of a rule, for a reason, until a date",
		Long: `add writes an entry into waivers/waivers.cue, or with --comment a comment above a
line, and prints the findings that it accepts. It refuses what check would not
honour: a rule that does not exist, a date beyond guardrails: waiverMax. It
refuses a scope that matches no finding, unless --force is given.`,
		Example: `  darkstart waiver add --rule PS001 --component monitoring --owner platform --expires 2027-02-01 \
    --ticket OPS-412 --reason "node-exporter reads the host's /proc; moves with OPS-412"
  darkstart waiver add --rule PS001 --comment components/monitoring/namespace.yaml:4 --owner platform --expires 2027-02-01 --reason "…"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.add(cmd.Context(), inv) },
	}
	a.register(cmd.Flags())
	f := cmd.Flags()
	for _, x := range []struct {
		to          *string
		name, usage string
	}{
		{&a.w.Rule, "rule", "the `RULE` whose findings are accepted"},
		{&a.w.Cluster, "cluster", "only in this `CLUSTER`; * matches"},
		{&a.w.Component, "component", "only of this `COMPONENT`; * matches"},
		{&a.w.Object, "object", "only of this `OBJECT`, group/kind/namespace/name; * matches"},
		{&a.w.Path, "path", "only at or below this JSON `POINTER`"},
		{&a.w.Node, "node", "only of this `NODE` of the fleet graph; * matches"},
		{&a.w.Reason, "reason", "`WHY` it is accepted"},
		{&a.w.Owner, "owner", "the `TEAM` that accepts it"},
		{&a.w.Ticket, "ticket", "the `TICKET` in which it is tracked"},
		{&a.w.Expires, "expires", "the last `DATE` on which it holds"},
		{&a.w.ID, "name", "the entry's `NAME` (default: made of rule and scope)"},
		{&a.beside, "comment", "write a comment above this `FILE:LINE` instead"},
	} {
		f.StringVar(x.to, x.name, "", x.usage)
	}
	f.BoolVar(&a.force, "force", false, "also when it matches no finding now")
	f.BoolVarP(&a.dryRun, "dry-run", "n", false, "say what would be written, and write nothing")
	for _, required := range []string{"rule", "reason", "owner", "expires"} {
		_ = cmd.MarkFlagRequired(required)
	}
	return cmd
}

func (a *waiverAdd) add(ctx context.Context, inv *Invocation) error {
	if err := a.judge(ctx, inv, "waiver add", "text"); err != nil {
		return err
	}
	if err := a.writable(); err != nil {
		return err
	}
	edit, err := a.edit()
	if err != nil {
		return err
	}
	warnings, err := a.honoured()
	if err != nil {
		return err
	}
	accepted, err := a.accepted()
	if err != nil {
		return err
	}
	for _, d := range warnings {
		fmt.Fprintf(inv.Stderr, "warning: %s (%s)\n", d.Message, strings.Join(d.Help, "; "))
	}
	verb := "would add"
	if !a.dryRun {
		verb = "added"
		if err := a.apply(edit); err != nil {
			return err
		}
	}
	fmt.Fprintf(inv.Stdout, "%s %s to %s\n", verb, a.w.ID, edit.File)
	tellAccepted(inv, &a.w, accepted)
	return nil
}

// edit makes the change, and with --comment gives the waiver its lines.
func (a *waiverAdd) edit() (diag.Edit, error) {
	if a.beside != "" {
		if a.w.ID != "" {
			return diag.Edit{}, errors.New("a comment has no name of its own: leave out --name")
		}
		file, number, _ := strings.Cut(a.beside, ":")
		line, err := strconv.Atoi(number)
		if err != nil {
			return diag.Edit{}, fmt.Errorf("--comment %q is no FILE:LINE", a.beside)
		}
		w, edit, err := compiler.WaiverComment(a.session.tree, file, line, a.w.Waiver)
		if err != nil {
			return diag.Edit{}, fmt.Errorf("--comment %s: %w", a.beside, err)
		}
		a.w = w
		return edit, nil
	}
	if a.w.ID == "" {
		a.w.ID = a.name()
	}
	if !waiverName.MatchString(a.w.ID) {
		return diag.Edit{}, fmt.Errorf("--name %q: use lower case letters, digits, \"-\" and \".\"", a.w.ID)
	}
	if u := a.res.Units.Waivers; u != nil {
		if _, taken := u.Spec.Waivers[a.w.ID]; taken {
			return diag.Edit{}, fmt.Errorf("there is a waiver %q already, at %s: choose another --name", a.w.ID, u.Pos.First(ir.Pointer("waivers", a.w.ID)))
		}
	}
	return compiler.WaiverEntry(a.session.tree, a.w.ID, a.w.Waiver)
}

var (
	waiverName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$`)
	notName    = regexp.MustCompile(`[^a-z0-9]+`)
)

// name makes a name of rule and scope that is not taken.
func (a *waiverAdd) name() string {
	parts := []string{a.w.Rule}
	for _, s := range []string{a.w.Cluster, a.w.Component, a.w.Node, a.w.Object[strings.LastIndexByte(a.w.Object, '/')+1:]} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	base := strings.Trim(notName.ReplaceAllString(strings.ToLower(strings.Join(parts, "-")), "-"), "-")
	base = strings.Trim(base[:min(len(base), 55)], "-")
	name := base
	for n := 2; a.res.Units.Waivers != nil; n++ {
		if _, taken := a.res.Units.Waivers.Spec.Waivers[name]; !taken {
			break
		}
		name = fmt.Sprintf("%s-%d", base, n)
	}
	return name
}

// honoured returns what check would warn about, and refuses what it would
// refuse.
func (a *waiverAdd) honoured() (diag.List, error) {
	if !waiverName.MatchString(a.w.Owner) {
		return nil, fmt.Errorf("--owner %q: name a team with lower case letters, digits, \"-\" and \".\"", a.w.Owner)
	}
	ds := compiler.CheckWaiver(a.res, a.w, a.now())
	for _, d := range ds {
		if d.Severity == diag.Error || d.Code == "GRD012" {
			return nil, fmt.Errorf("%s (%s)", d.Message, strings.Join(d.Help, "; "))
		}
	}
	return ds, nil
}

// accepted returns the findings that the waiver is for.
func (a *waiverAdd) accepted() (diag.List, error) {
	var out, same diag.List
	already := false
	for _, f := range a.res.Verdict.Findings {
		switch {
		case f.Code != a.w.Rule:
		case !a.w.Covers(f):
			same.Add(f)
		case f.Waived != nil:
			already = true
		default:
			out.Add(f)
		}
	}
	switch {
	case len(out) > 0 || a.force:
		return out, nil
	case already:
		return nil, fmt.Errorf("all findings in that scope are waived already (`darkstart waiver list`); --force adds it all the same")
	case len(same) == 0:
		return nil, fmt.Errorf("%s has no finding to accept; --force adds it all the same", a.w.Rule)
	}
	return nil, fmt.Errorf("no finding of %s is in that scope; there are: %s; --force adds it all the same", a.w.Rule, subjects(same))
}

// subjects names what findings are about, in the words of the scope.
func subjects(ds diag.List) string {
	var out []string
	for _, d := range ds {
		w := ir.Waiver{}
		w.Cluster, w.Component, w.Object, w.Node = d.Subject.Cluster, d.Subject.Component, d.Subject.Object, d.Subject.Node
		out = append(out, scope(&w)+" ("+d.Primary().String()+")")
	}
	slices.Sort(out)
	out = slices.Compact(out)
	if n := len(out); n > 5 {
		out = append(out[:5], fmt.Sprintf("and %d more", n-5))
	}
	return strings.Join(out, "; ")
}

// apply changes one file on disk. The edit was made for the text as git has it,
// and is applied to the lines as they are on disk.
func (c *waiverCommand) apply(edits ...diag.Edit) error {
	name := c.file(edits[0].File)
	old, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text, err := diag.Apply(old, edits)
	if err != nil {
		return err
	}
	return writeFile(name, text)
}

// tellAccepted prints each finding once, with the clusters that it is in.
func tellAccepted(inv *Invocation, w *ir.Waiver, ds diag.List) {
	fmt.Fprintf(inv.Stdout, "it accepts %s of %s until %s\n", amount(len(ds), "finding"), w.Rule, w.Expires)
	seen := map[string]int{}
	var lines []string
	for _, d := range ds {
		l := d.Message
		if p := d.Primary(); !p.IsZero() {
			l += " (" + p.String() + ")"
		}
		if seen[l] == 0 {
			lines = append(lines, l)
		}
		seen[l]++
	}
	for _, l := range lines {
		times := ""
		if n := seen[l]; n > 1 {
			times = fmt.Sprintf(", %d times", n)
		}
		fmt.Fprintf(inv.Stdout, "  %s%s\n", printable(l), times)
	}
}
