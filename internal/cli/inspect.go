package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/report"
)

// inspected is what inspect prints of one bundle.
type inspected struct {
	// Version is darkstart.dev/inspect/v1.
	Version string `json:"version"`
	// Source is where the bundle was read.
	Source   string        `json:"source"`
	Manifest digest.Digest `json:"manifest"`
	Content  digest.Digest `json:"content"`
	Tar      digest.Digest `json:"tar"`
	Layer    digest.Digest `json:"layer"`
	// Size of the compressed layer, bytes.
	Size   int       `json:"size"`
	Record ir.Record `json:"record"`
	// Parts in the order in which they are applied.
	Parts []partInfo `json:"parts"`
	// Images that the objects name.
	Images []string `json:"images"`
	// Runbooks are paths in the bundle.
	Runbooks []string   `json:"runbooks"`
	Files    []fileInfo `json:"files"`
	// Statements are attached to the bundle. None was verified.
	Statements []seal.Attached `json:"statements"`
}

// partInfo is one part of a component.
type partInfo struct {
	Part    string   `json:"part"`
	Wave    int      `json:"wave"`
	Objects []string `json:"objects"`
}

type fileInfo struct {
	Path   string        `json:"path"`
	Size   int           `json:"size"`
	Digest digest.Digest `json:"digest"`
}

// inspectFlags are the flags of inspect.
type inspectFlags struct {
	dir, layout, artifact, extract, format string
	list                                   bool
}

func newInspect(inv *Invocation) *cobra.Command {
	var x inspectFlags
	cmd := &cobra.Command{
		Use:   "inspect [ARTIFACT | LAYOUT | TAR | oci://HOST/REPOSITORY@DIGEST]",
		Short: "show what is inside a bundle",
		Long: `inspect reads what verify reads: a bundle of an OCI image layout (default
dist/oci), of a tar of one, or of a registry, and prints its record, its parts and their objects, images,
runbooks, and what is attached to it; or every file with --files; or unpacks it
with --extract. Its structure is checked; no signature is: use verify for that.
Without an artifact it lists those of the layout. An argument that is neither a file
nor a layout is an artifact, as with --artifact.

Exit status: 0 shown, 2 could not do the job, 3 the bundle is damaged.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := x.source(strings.Join(args, "")); err != nil {
				return err
			}
			return x.run(cmd.Context(), inv)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&x.dir, "chdir", "C", ".", "run as if started in `DIR`")
	f.StringVar(&x.artifact, "artifact", "", "only this artifact: a cluster, or fleet")
	f.StringVar(&x.layout, "layout", "", "read this OCI image layout `DIR`, or a tar of one, as the argument does (default dist/oci)")
	f.StringVar(&x.extract, "extract", "", "unpack the bundle into the new folder `DIR`")
	f.BoolVar(&x.list, "files", false, "list every object, and every file with size and digest")
	outputFlag(cmd, &x.format, "text", "json")
	return cmd
}

// source tells what the argument is: a source, or an artifact of the one that
// --layout names.
func (x *inspectFlags) source(arg string) error {
	switch {
	case arg == "":
		return nil
	case !strings.Contains(arg, "://") && !isLayout(under(x.dir, arg)):
		if x.artifact != "" {
			return fmt.Errorf("%s is neither a file nor a layout, so it names an artifact, and --artifact %s does: name one", arg, x.artifact)
		}
		x.artifact = arg
		return nil
	case x.layout != "":
		return fmt.Errorf("%s and --layout %s are two sources: name one of them", arg, x.layout)
	}
	x.layout = arg
	return nil
}

// isLayout reports whether there is a file, or a folder with a layout in it.
func isLayout(name string) bool {
	fi, err := os.Stat(name)
	if err == nil && fi.IsDir() {
		fi, err = os.Stat(filepath.Join(name, "oci-layout"))
	}
	return err == nil && fi.Mode().IsRegular()
}

func (x *inspectFlags) run(ctx context.Context, inv *Invocation) error {
	src, err := openSource(ctx, inv, x.dir, x.layout)
	if err != nil {
		return err
	}
	ref := x.artifact
	switch {
	case src.list == nil:
		ref = string(src.at)
	case ref == "":
		return listArtifacts(inv, src, x.format)
	}
	b, ds, err := seal.Load(ctx, src, ref, seal.Limits{})
	if err != nil {
		return src.explain(ctx, err)
	}
	if ds.HasErrors() {
		rep := report.New(report.Tool{Name: "darkstart", Version: Version}, "inspect")
		rep.Diagnostics, rep.ExitCode = ds, ExitUnverified
		if ds[0].Code == "SEA012" { // not there at all
			rep.ExitCode = ExitFailed
		}
		return (&output{failOn: "error"}).instead(inv, nil, rep, x.format)
	}
	if x.artifact != "" && b.Record.Artifact != x.artifact {
		return fmt.Errorf("%s: %q was asked for, and this is the bundle of %q", src.shown, x.artifact, b.Record.Artifact)
	}
	files, err := b.Files()
	if err != nil {
		return err
	}
	if x.extract != "" {
		return unpack(inv.Stdout, under(x.dir, x.extract), files)
	}
	statements, err := seal.Beside(ctx, src, b.Digest())
	if err != nil {
		return src.explain(ctx, err)
	}
	out, err := inspect(b, files)
	if err != nil {
		return err
	}
	out.Source, out.Statements = src.shown, statements
	if x.format == "json" {
		return printJSON(inv.Stdout, out)
	}
	if src.tag != "" {
		fmt.Fprintf(inv.Stdout, "tag %s is %s\n\n", src.tag, src.shown)
	}
	return out.print(inv.Stdout, x.list)
}

// listed is what inspect prints of a layout.
type listed struct {
	Version   string   `json:"version"`
	Source    string   `json:"source"`
	Artifacts []string `json:"artifacts"`
}

func listArtifacts(inv *Invocation, src *source, format string) error {
	names, err := artifacts(src.list)
	if err != nil {
		return err
	}
	if format == "json" {
		return printJSON(inv.Stdout, listed{"darkstart.dev/inspect/v1", src.shown, names})
	}
	for _, n := range names {
		fmt.Fprintln(inv.Stdout, n)
	}
	return nil
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// inspect gathers what a bundle says of itself.
func inspect(b *seal.Bundle, files []ir.File) (*inspected, error) {
	out := &inspected{
		Version: "darkstart.dev/inspect/v1", Manifest: b.Digest(), Content: b.Content, Tar: b.Tar,
		Layer: b.LayerDigest(), Size: int(b.Layer.Size()), Record: b.Record, Parts: []partInfo{}, Images: []string{}, Runbooks: []string{},
	}
	for _, f := range files {
		out.Files = append(out.Files, fileInfo{f.Path, len(f.Data), digest.Of(f.Data)})
		if strings.HasPrefix(f.Path, "runbooks/") {
			out.Runbooks = append(out.Runbooks, f.Path)
		}
	}
	inv, err := inventoryOf(b)
	if err != nil || inv == nil {
		return out, err
	}
	out.Images = append(out.Images, inv.Images...)
	at := map[string]int{}
	for _, o := range inv.Objects {
		i, ok := at[o.Part]
		if !ok {
			i, at[o.Part] = len(out.Parts), len(out.Parts)
			out.Parts = append(out.Parts, partInfo{Part: o.Part, Wave: o.Wave})
		}
		out.Parts[i].Objects = append(out.Parts[i].Objects, o.Key.String())
	}
	slices.SortStableFunc(out.Parts, func(a, b partInfo) int { return cmp.Or(cmp.Compare(a.Wave, b.Wave), cmp.Compare(a.Part, b.Part)) })
	return out, nil
}

func (x *inspected) print(w io.Writer, list bool) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name string, v any) { fmt.Fprintf(t, "%s\t%v\n", name, v) }
	// An item has no second column, and so does not widen that of the others.
	item := func(name string) { fmt.Fprintln(t, name) }
	row("artifact", x.Record.Artifact)
	row("stream", x.Record.Stream)
	if x.Record.Candidate() {
		row("serial", "0 (a candidate: not released)")
	} else {
		row("serial", x.Record.Serial)
		row("issued", x.Record.Issued)
		row("not after", orNone(x.Record.NotAfter))
		row("revision", x.Record.Revision)
		row("previous", orNone(string(x.Record.Previous)))
	}
	row("manifest", x.Manifest)
	row("content", x.Content)
	row("layer", fmt.Sprintf("%s (%d bytes)", x.Layer, x.Size))
	row("parts", len(x.Parts))
	for _, p := range x.Parts {
		row("  "+p.Part, fmt.Sprintf("wave %d, %s", p.Wave, amount(len(p.Objects), "object")))
		for _, o := range p.Objects {
			if list {
				item("    " + o)
			}
		}
	}
	for _, l := range []struct {
		name  string
		items []string
	}{{"images", x.Images}, {"runbooks", x.Runbooks}} {
		row(l.name, len(l.items))
		for _, i := range l.items {
			item("  " + i)
		}
	}
	row("files", len(x.Files))
	if list {
		for _, f := range x.Files {
			row("  "+f.Path, fmt.Sprintf("%d\t%s", f.Size, f.Digest))
		}
	}
	row("attached", fmt.Sprintf("%d (not verified)", len(x.Statements)))
	for _, s := range x.Statements {
		row("  "+s.Digest.Short(), cmp.Or(s.Predicate, s.Reason, s.ArtifactType))
	}
	return t.Flush()
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// unpack writes a bundle's files into a folder that does not exist yet, by way
// of a temporary one: there is the whole bundle or nothing.
func unpack(w io.Writer, dir string, files []ir.File) error {
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s exists already; --extract wants a new folder", dir)
	}
	if err := writeFolder(dir, files); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "unpacked %d files into %s\n", len(files), dir)
	return err
}
