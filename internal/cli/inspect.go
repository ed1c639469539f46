package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
	"github.com/darkstart-dev/darkstart/internal/report"
)

// inspected is what inspect prints of one bundle.
type inspected struct {
	Version  string        `json:"version"`
	Manifest digest.Digest `json:"manifest"`
	Content  digest.Digest `json:"content"`
	Tar      digest.Digest `json:"tar"`
	Layer    digest.Digest `json:"layer"`
	Size     int           `json:"size"` // of the compressed layer, bytes
	Record   ir.Record     `json:"record"`
	Files    []fileInfo    `json:"files"`
}

type fileInfo struct {
	Path   string        `json:"path"`
	Size   int           `json:"size"`
	Digest digest.Digest `json:"digest"`
}

func newInspect(inv *Invocation) *cobra.Command {
	var dir, layout, extract, format string
	var list bool
	cmd := &cobra.Command{
		Use:   "inspect [ARTIFACT]",
		Short: "show what is inside a bundle",
		Long: `inspect reads a bundle of an OCI image layout (default dist/oci) and prints its
record, or every file with --files, or unpacks it with --extract. Its structure is
checked; its signature is not: use verify for that.

Exit status: 0 shown, 2 could not do the job, 3 the bundle is damaged.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if layout == "" {
				layout = defaultLayout
			}
			layout, extract = under(dir, layout), under(dir, extract)
			l, err := oci.OpenLayout(layout)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return listArtifacts(inv, l, layout, format)
			}
			b, ds, err := seal.Load(cmd.Context(), l, args[0], seal.Limits{})
			if err != nil {
				return err
			}
			if ds.HasErrors() {
				rep := report.New(report.Tool{Name: "darkstart", Version: Version}, "inspect")
				rep.Diagnostics, rep.ExitCode = ds, ExitUnverified
				if ds[0].Code == "SEA012" { // not there at all
					rep.ExitCode = ExitFailed
				}
				return (&output{failOn: "error"}).instead(inv, nil, rep, format)
			}
			files, err := b.Files()
			if err != nil {
				return err
			}
			if extract != "" {
				return unpack(inv.Stdout, extract, files)
			}
			return printInspected(inv.Stdout, b, files, format, list)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&dir, "chdir", "C", ".", "run as if started in `DIR`")
	f.StringVar(&layout, "layout", "", "read this OCI image layout `DIR` (default dist/oci)")
	f.StringVar(&extract, "extract", "", "unpack the bundle into the new folder `DIR`")
	f.BoolVar(&list, "files", false, "list every file with size and digest")
	outputFlag(cmd, &format, "text", "json")
	return cmd
}

// listed is what inspect prints of a layout.
type listed struct {
	Version   string   `json:"version"`
	Layout    string   `json:"layout"`
	Artifacts []string `json:"artifacts"`
}

func listArtifacts(inv *Invocation, l *oci.Layout, layout, format string) error {
	names, err := artifacts(l)
	if err != nil {
		return err
	}
	if format == "json" {
		return printJSON(inv.Stdout, listed{"darkstart.dev/inspect/v1", layout, names})
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

func printInspected(w io.Writer, b *seal.Bundle, files []ir.File, format string, list bool) error {
	out := inspected{
		Version: "darkstart.dev/inspect/v1", Manifest: b.Digest(), Content: b.Content, Tar: b.Tar,
		Layer: b.LayerDigest(), Size: len(b.Layer), Record: b.Record,
	}
	for _, f := range files {
		out.Files = append(out.Files, fileInfo{f.Path, len(f.Data), digest.Of(f.Data)})
	}
	if format == "json" {
		return printJSON(w, out)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name string, v any) { fmt.Fprintf(t, "%s\t%v\n", name, v) }
	row("artifact", out.Record.Artifact)
	row("stream", out.Record.Stream)
	if out.Record.Candidate() {
		row("serial", "0 (a candidate: not released)")
	} else {
		row("serial", out.Record.Serial)
		row("issued", out.Record.Issued)
		row("not after", orNone(out.Record.NotAfter))
		row("revision", out.Record.Revision)
		row("previous", orNone(string(out.Record.Previous)))
	}
	row("manifest", out.Manifest)
	row("content", out.Content)
	row("layer", fmt.Sprintf("%s (%d bytes)", out.Layer, out.Size))
	row("files", len(out.Files))
	if list {
		for _, f := range out.Files {
			row("  "+f.Path, fmt.Sprintf("%d\t%s", f.Size, f.Digest))
		}
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
