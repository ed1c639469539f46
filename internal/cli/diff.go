package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/git"
	"github.com/darkstart-dev/darkstart/internal/oci"
	"github.com/darkstart-dev/darkstart/internal/report"
)

// diffCommand is one comparison.
type diffCommand struct {
	pipeline
	formats []string
	exit    bool
}

func newDiff(inv *Invocation) *cobra.Command {
	d := &diffCommand{}
	cmd := &cobra.Command{
		Use:   "diff [BASE [HEAD]]",
		Short: "show what a change does to clusters and to recoverability",
		Long: `diff compares two fleets as engines would apply them: objects that are added,
changed, removed, renamed or moved, field by field, with what is dangerous about
it, and the cells of the recoverability matrix that move with it.

Each side is a git revision, a folder with a fleet, or a folder with bundles: an
OCI image layout such as dist/oci, or what inspect --extract wrote. HEAD of the
repository is compared with the working tree when no side is given, and the one
side that is given with the working tree. Write ./NAME for a folder that is also
named like a revision.

Values of Secrets are never shown. What means nothing to a cluster (checksums,
hashes in names, defaults written out, order) is counted and hidden; --verbose
shows it. Nothing is judged: check --base does that, with rule DR007.

Exit status: 0 compared, 1 something differs and --exit-code was given, 2 a side
could not be read.`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error { return d.run(cmd.Context(), inv, args) },
	}
	f := cmd.Flags()
	d.in.register(f)
	f.StringArrayVarP(&d.formats, "output", "o", nil, "`FORMAT[=PATH]`, repeatable: text, json, markdown, html (default text)")
	f.BoolVarP(&d.out.verbose, "verbose", "v", false, "every field, cell and place, and what is noise")
	f.BoolVar(&d.exit, "exit-code", false, "exit 1 when anything differs")
	_ = f.MarkHidden("revision") // a side says it
	return cmd
}

func (d *diffCommand) run(ctx context.Context, inv *Invocation, args []string) error {
	if err := d.in.check(); err != nil {
		return err
	}
	if d.in.revision != "" || d.in.staged && len(args) > 1 {
		return errors.New("name the sides as arguments: `darkstart diff BASE HEAD`; --staged stands in the place of HEAD")
	}
	sinks, err := d.sinks(inv)
	if err != nil {
		return err
	}
	d.out.dir = d.in.dir
	base, head := "HEAD", ""
	if len(args) > 0 {
		base = args[0]
	}
	if len(args) > 1 {
		head = args[1]
	}
	// The head comes first: its time judges both sides (D13).
	h, err := d.side(ctx, inv, head, "head")
	if err != nil {
		return err
	}
	if d.in.now == "" {
		d.in.now = h.time
	}
	d.in.staged = false
	b, err := d.side(ctx, inv, base, "base")
	if err != nil {
		return err
	}
	delta, err := compiler.Compare(ctx, b.Compared, h.Compared)
	if err != nil {
		return err
	}
	for _, s := range sinks {
		if err := s.emit(inv.Stdout, delta); err != nil {
			return fmt.Errorf("write %s output: %w", s.name, err)
		}
	}
	if d.exit && !delta.Empty() {
		return quit(ExitFindings)
	}
	return nil
}

// deltaSink is one -o.
type deltaSink struct {
	name, path string
	write      func(io.Writer, *ir.Delta) error
}

func (k deltaSink) emit(stdout io.Writer, d *ir.Delta) error {
	s := sink{name: k.name, path: k.path, write: func(w io.Writer, _ *report.Result) error { return k.write(w, d) }}
	return s.emit(stdout, nil)
}

func (d *diffCommand) sinks(inv *Invocation) ([]deltaSink, error) {
	formats := map[string]func(io.Writer, *ir.Delta) error{
		"text": func(w io.Writer, x *ir.Delta) error {
			return report.DeltaText(w, x, report.Options{Color: color(inv), Width: width(inv), Verbose: d.out.verbose})
		},
		"json":     report.DeltaJSON,
		"markdown": func(w io.Writer, x *ir.Delta) error { return report.DeltaMarkdown(w, x, 0) },
		"html":     report.DeltaHTML,
	}
	asked := d.formats
	if len(asked) == 0 {
		asked = []string{"text"}
	}
	var out []deltaSink
	for _, a := range asked {
		name, path, _ := strings.Cut(a, "=")
		w, ok := formats[name]
		if !ok {
			return nil, fmt.Errorf("unknown output format %q (want one of text, json, markdown, html)", name)
		}
		out = append(out, deltaSink{name, under(d.in.dir, path), w})
	}
	return out, nil
}

// diffSide is one side that was read.
type diffSide struct {
	*compiler.Compared
	time string // of its revision, "" for bundles
}

// side reads one side: "" is the working tree, or the index with --staged.
func (d *diffCommand) side(ctx context.Context, inv *Invocation, name, which string) (*diffSide, error) {
	in := d.in
	label := "working tree"
	if in.staged {
		label = "index"
	}
	if name == "" {
		return d.fleet(ctx, inv, in, label, which)
	}
	dir := under(d.in.dir, name)
	info, err := os.Stat(dir)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid):
		return nil, err
	case err == nil && !info.IsDir() && !d.revision(ctx, inv, name):
		return nil, fmt.Errorf("the %s %s is a file; want a git revision, a folder with a fleet, or a folder with bundles", which, name)
	case err == nil && info.IsDir():
		if !strings.ContainsRune(name, '/') && name != "." && name != ".." && d.revision(ctx, inv, name) {
			return nil, fmt.Errorf("%s is a revision and a folder; write ./%s for the folder, or refs/heads/%s for the branch", name, name, name)
		}
		return d.folder(ctx, inv, dir, name, which)
	}
	in.staged, in.revision = false, name
	return d.fleet(ctx, inv, in, name, which)
}

// revision reports whether a name is a commit of the repository.
func (d *diffCommand) revision(ctx context.Context, inv *Invocation, name string) bool {
	repo, err := git.Open(ctx, d.in.dir, git.WithEnvironment(inv.Getenv))
	if err != nil {
		return false
	}
	t, _, _, err := repo.Tree(ctx, git.Selector{Kind: git.Commit, Rev: name})
	return err == nil && t != nil
}

// folder reads bundles, or the working tree of the fleet that the folder is in.
func (d *diffCommand) folder(ctx context.Context, inv *Invocation, dir, name, which string) (*diffSide, error) {
	has := func(file string) bool {
		_, err := os.Stat(filepath.Join(dir, filepath.FromSlash(file)))
		return err == nil
	}
	switch {
	case has("oci-layout"):
		return d.layout(ctx, inv, dir, name, which)
	case has("meta/bundle.json"):
		return extracted(dir, name)
	case !has(marker):
		return nil, fmt.Errorf("the %s %s is no fleet (it has no %s), no OCI image layout (no oci-layout) and no extracted bundle (no meta/bundle.json)", which, name, marker)
	}
	in := d.in
	in.staged, in.revision, in.dir = false, "", dir
	return d.fleet(ctx, inv, in, name, which)
}

// fleet compiles a side up to its plan. One that does not compile ends the run:
// there is nothing to compare.
func (d *diffCommand) fleet(ctx context.Context, inv *Invocation, in input, name, which string) (*diffSide, error) {
	rep := d.out.report("diff")
	s, err := in.open(ctx, inv)
	if err != nil {
		return nil, err
	}
	res, err := in.compile(ctx, inv, s, compiler.ToPlan, false)
	if err != nil {
		return nil, err
	}
	if res.Plan == nil || res.Diagnostics.HasErrors() {
		d.pipeline.in = in
		d.fill(rep, s, outcomeOf(res))
		return nil, d.unread(inv, s, rep, fmt.Sprintf("the %s, %s, cannot be planned, so there is nothing to compare", which, name))
	}
	if in.revision != "" && s.rev.Commit != "" && !strings.HasPrefix(s.rev.Commit, name) {
		name += " (" + s.rev.Commit[:min(12, len(s.rev.Commit))] + ")"
	}
	return &diffSide{compiler.ComparedFleet(name, res), s.rev.Time}, nil
}

// unread ends a run whose side could not be read, with its findings.
func (d *diffCommand) unread(inv *Invocation, s *session, rep *report.Result, why string) error {
	rep.Error, rep.ExitCode = why, ExitFailed
	format := "text"
	for _, f := range d.formats {
		if f == "json" {
			format = f
		}
	}
	d.out.formats = nil
	return d.out.instead(inv, s, rep, format)
}

// layout reads every bundle of an OCI image layout.
func (d *diffCommand) layout(ctx context.Context, inv *Invocation, dir, name, which string) (*diffSide, error) {
	l, err := oci.OpenLayout(dir)
	if err != nil {
		return nil, err
	}
	names, err := artifacts(l)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("the %s %s holds no bundle of Darkstart", which, name)
	}
	files := map[string][]ir.File{}
	var damaged diag.List
	for _, n := range names {
		b, ds, err := seal.Load(ctx, l, n, seal.Limits{})
		if err != nil {
			return nil, err
		}
		if ds.HasErrors() {
			damaged.Add(ds...)
			continue
		}
		if files[n], err = b.Files(); err != nil {
			return nil, err
		}
	}
	if len(damaged) > 0 {
		rep := d.out.report("diff")
		rep.Diagnostics = damaged
		return nil, d.unread(inv, nil, rep, fmt.Sprintf("the %s, %s, holds damaged bundles, so there is nothing to compare", which, name))
	}
	c, err := compiler.ComparedBundles(name, files)
	if err != nil {
		return nil, err
	}
	return &diffSide{Compared: c}, nil
}

// extracted reads a folder that inspect --extract wrote.
func extracted(dir, name string) (*diffSide, error) {
	var record ir.Record
	var list []ir.File
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(p string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := fs.ReadFile(root, p)
		list = append(list, ir.File{Path: p, Data: b})
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := compiler.ReadRecord(list, &record); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	c, err := compiler.ComparedBundles(name, map[string][]ir.File{record.Artifact: list})
	if err != nil {
		return nil, err
	}
	return &diffSide{Compared: c}, nil
}
