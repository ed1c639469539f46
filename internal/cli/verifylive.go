package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/drift"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// compare holds an export of a cluster to its bundle, which was verified.
func (v *verifyFlags) compare(ctx context.Context, inv *Invocation, out *verified) error {
	if len(out.Reports) != 1 {
		return fmt.Errorf("--live compares one cluster, and %s holds %d artifacts: name it with --artifact", out.Source, len(out.Reports))
	}
	want, err := bundleObjects(out.Reports[0].Bundle)
	if err != nil {
		return err
	}
	in := inv.Stdin
	if v.live != "-" {
		f, err := os.Open(under(v.dir, v.live))
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	dump, err := drift.Read(in)
	if err != nil {
		return fmt.Errorf("--live %s: %w", v.live, err)
	}
	if out.Live, err = drift.Compare(ctx, want, dump); err != nil {
		return fmt.Errorf("--live %s: %w", v.live, err)
	}
	if out.Live.Drift() {
		out.ExitCode = ExitFindings
	}
	return nil
}

// bundleObjects reads what the inventory of a bundle lists, and holds each file
// to the digest there. The guard is no content, and belongs to the cluster too.
func bundleObjects(b *seal.Bundle) (*drift.Bundle, error) {
	inv, err := inventoryOf(b)
	if err != nil {
		return nil, err
	}
	if inv == nil {
		return nil, fmt.Errorf("%s has no %s: it is applied to no cluster", b.Record.Artifact, inventoryFile)
	}
	all, err := b.Files()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, f := range all {
		files[f.Path] = f.Data
	}
	out := &drift.Bundle{Cluster: inv.Cluster}
	parts := map[string]bool{}
	add := func(file string) error {
		l, err := drift.Read(bytes.NewReader(files[file]))
		if err == nil && len(l) != 1 {
			err = fmt.Errorf("%d objects", len(l))
		}
		if err != nil {
			return fmt.Errorf("%s of %s: %w", file, b.Record.Artifact, err)
		}
		out.Objects = append(out.Objects, l...)
		return nil
	}
	for _, row := range inv.Objects {
		if digest.Of(files[row.File]) != row.Digest {
			return nil, fmt.Errorf("%s of %s: %s is not the file that it lists", inventoryFile, b.Record.Artifact, row.File)
		}
		if err := add(row.File); err != nil {
			return nil, err
		}
		if !parts[row.Part] {
			parts[row.Part] = true
			out.Parts = append(out.Parts, row.Part)
		}
	}
	for _, f := range all {
		if path.Dir(f.Path) == seal.GuardDir && path.Base(f.Path) != "kustomization.yaml" {
			if err := add(f.Path); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// printDrift lists what is not as the bundle says, and what nobody looked at.
func printDrift(w io.Writer, r *drift.Report) {
	fmt.Fprintf(w, "%s  %s as the bundle says, %d changed, %d missing, %d extra (export of %s)\n", r.Cluster,
		amount(r.Equal, "object"), len(r.Changed), len(r.Missing), len(r.Extra), amount(r.Dump, "object"))
	row := func(what, text string) { fmt.Fprintf(w, "  %-12s %s\n", what, text) }
	for _, f := range r.Missing {
		row("missing", f.Key.String())
	}
	for _, f := range r.Extra {
		row("extra", f.Key.String()+": "+f.Reason)
	}
	for _, f := range r.Changed {
		row("changed", f.Key.String())
		for _, x := range f.Fields {
			row("", fmt.Sprintf("%s: %s, and the bundle says %s", x.Path, shortJSON(x.Have), shortJSON(x.Want)))
		}
	}
	for _, u := range r.NotChecked {
		row("not checked", fmt.Sprintf("%s (%s): %s", u.Kind, amount(u.Objects, "object"), u.Reason))
	}
	fmt.Fprintln(w)
}

// shortJSON shows a value on one line, without control characters.
func shortJSON(v any) string {
	if v == nil {
		return "nothing"
	}
	b, err := object.Encode(v)
	if err != nil {
		return err.Error()
	}
	s := strings.Join(strings.Fields(string(b)), " ")
	if r := []rune(s); len(r) > 120 {
		s = string(r[:119]) + "…"
	}
	return s
}
