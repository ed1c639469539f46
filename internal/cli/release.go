package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/release"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/oci"
	"github.com/darkstart-dev/darkstart/internal/report"
)

// releaseFlags are the flags of one release.
type releaseFlags struct {
	pipeline
	out, key, to, deployDir string
}

func newRelease(inv *Invocation) *cobra.Command {
	var r releaseFlags
	cmd := &cobra.Command{
		Use:   "release",
		Short: "record, sign and pin what the current commit compiles to",
		Long: `release compiles HEAD (or --revision), gives every changed artifact the next
serial in releases/<stream>.json, writes the bundles to dist/oci, signs them with
--key, and pins the engines of the first ring to them in deploy/. An unchanged
artifact keeps its release. Commit what it wrote: the push that is a fast-forward
is the lock against a second release.

Findings at or above --fail-on stop it before anything is written.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return r.run(cmd.Context(), inv) },
	}
	r.register(cmd)
	f := cmd.Flags()
	f.StringVar(&r.out, "out", "dist", "write bundles below `DIR`, relative to the fleet")
	f.StringVar(&r.key, "key", "", "sign with this private `KEY`: a file, or env://NAME (passphrase in COSIGN_PASSWORD)")
	f.StringVar(&r.to, "to", "", "pin this `RING` instead of the first: its number, one of its clusters, or \"all\"")
	f.StringVar(&r.deployDir, "deploy-dir", "deploy", "write pins below `DIR`, relative to the fleet")
	return cmd
}

func (r *releaseFlags) run(ctx context.Context, inv *Invocation) error {
	if r.in.staged {
		return errors.New("a release is made from a commit; --staged has none")
	}
	if len(r.in.clusters) > 0 {
		return errors.New("a release covers whole streams; --cluster would leave clusters out")
	}
	if r.in.revision == "" {
		r.in.revision = "HEAD"
	}
	s, res, rep, err := r.pipeline.run(ctx, inv, "release", compiler.ToArtifacts)
	if err != nil {
		return err
	}
	if blocked(&r.pipeline, rep, res) {
		return r.pipeline.out.finish(inv, s, rep)
	}
	if s.root() == "" {
		return r.broken(inv, s, rep, errors.New("a release writes records to commit, and a bare repository has no working tree"))
	}
	signer, ds, err := r.signer(inv)
	if err != nil {
		return r.broken(inv, s, rep, err)
	}
	rep.Diagnostics.Add(ds...)
	if ds.HasErrors() {
		rep.ExitCode = ExitFailed
		return r.pipeline.out.finish(inv, s, rep)
	}
	b, ds, err := compiler.Seal(ctx, s.tree, res, s.rev, true)
	if err != nil {
		return r.broken(inv, s, rep, err)
	}
	rep.Diagnostics.Add(ds...)
	if b != nil {
		rep.Diagnostics.Add(r.overwrites(s, b)...)
	}
	if b == nil || rep.Diagnostics.HasErrors() {
		return r.pipeline.out.finish(inv, s, rep)
	}
	if err := r.write(ctx, inv, s, res, b, signer, rep); err != nil {
		return r.broken(inv, s, rep, err)
	}
	return r.pipeline.out.finish(inv, s, rep)
}

// signer loads the key before anything is compiled into a release, so that a
// wrong passphrase costs nothing.
func (r *releaseFlags) signer(inv *Invocation) (*seal.Signer, diag.List, error) {
	if r.key == "" {
		return nil, nil, nil
	}
	return seal.LoadSigner(r.key, seal.RoleRelease, keySource(inv), password(inv, false))
}

// overwrites refuses to lose entries that the working tree has and the
// revision has not: a release that was made and never committed.
func (r *releaseFlags) overwrites(s *session, b *compiler.Bundles) diag.List {
	var diags diag.List
	for _, st := range b.Streams {
		file := release.File(st.Stream.Name)
		data, err := os.ReadFile(filepath.Join(s.root(), filepath.FromSlash(file)))
		if err != nil {
			continue // not there: nothing to lose
		}
		old, ds := release.Parse(file, data)
		if !ds.HasErrors() {
			ds = release.CheckAppendOnly(old, st.After)
		}
		diags.Add(ds...)
	}
	return diags
}

// write is the only part of a release that changes anything. Signatures come
// before records: what is recorded and pinned is signed already.
func (r *releaseFlags) write(ctx context.Context, inv *Invocation, s *session, res *compiler.Result, b *compiler.Bundles, signer *seal.Signer, rep *report.Result) error {
	l, err := writeLayout(ctx, s, r.out, b, rep)
	if err != nil {
		return err
	}
	if signer != nil {
		if err := sign(ctx, l, b, signer); err != nil {
			return err
		}
	}
	var wrote []string
	for _, st := range b.Streams {
		enc, err := st.After.Encode()
		if err != nil {
			return err
		}
		file := filepath.Join(s.root(), filepath.FromSlash(release.File(st.Stream.Name)))
		if err := writeFile(file, enc); err != nil {
			return err
		}
		wrote = append(wrote, shown(file))
	}
	pinned, err := r.pin(s, res, b)
	if err != nil {
		return err
	}
	r.tell(inv, b, signer != nil, append(wrote, pinned...))
	return nil
}

func sign(ctx context.Context, l *oci.Layout, b *compiler.Bundles, signer *seal.Signer) error {
	for _, x := range b.Sealed {
		sig, ds, err := seal.Sign(ctx, x, signer)
		if err != nil {
			return err
		}
		if ds.HasErrors() {
			return ds[0].Err()
		}
		if err := seal.Attach(ctx, l, sig); err != nil {
			return err
		}
	}
	return nil
}

// pin writes deploy/<cluster>/ for the chosen ring.
func (r *releaseFlags) pin(s *session, res *compiler.Result, b *compiler.Bundles) ([]string, error) {
	clusters, err := r.ring(res)
	if err != nil {
		return nil, err
	}
	var wrote []string
	for _, c := range clusters {
		x := b.Bundle(c)
		if x == nil {
			continue
		}
		files, ds, err := compiler.Deploy(res, x)
		if err != nil {
			return nil, err
		}
		if ds.HasErrors() {
			return nil, ds[0].Err()
		}
		for _, f := range files {
			target := filepath.Join(outDir(s, r.deployDir), strings.TrimPrefix(f.Path, "deploy/"))
			if err := r.writeChanged(target, f); err != nil {
				return nil, err
			}
			wrote = append(wrote, shown(target))
		}
	}
	return wrote, nil
}

func (r *releaseFlags) writeChanged(target string, f ir.File) error {
	if old, err := os.ReadFile(target); err == nil && bytes.Equal(old, f.Data) {
		return nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return writeFile(target, f.Data)
}

// ring returns the clusters to pin: all without rings, else the first ring or
// the one that --to names.
func (r *releaseFlags) ring(res *compiler.Result) ([]string, error) {
	var all []string
	for _, c := range res.Units.Clusters {
		all = append(all, c.Name)
	}
	var rings [][]string
	if p := res.Units.Project; p != nil {
		rings = p.Spec.Rings
	}
	if len(rings) == 0 || r.to == "all" {
		return all, nil
	}
	if r.to == "" {
		return rings[0], nil
	}
	if n, err := strconv.Atoi(r.to); err == nil && n >= 1 && n <= len(rings) {
		return rings[n-1], nil
	}
	for _, ring := range rings {
		if slices.Contains(ring, r.to) {
			return ring, nil
		}
	}
	return nil, fmt.Errorf("--to %q is no ring: want a number from 1 to %d, one of the clusters %v, or all", r.to, len(rings), all)
}

func (r *releaseFlags) tell(inv *Invocation, b *compiler.Bundles, signed bool, wrote []string) {
	if r.in.quiet {
		return
	}
	if len(b.New) == 0 {
		fmt.Fprintln(inv.Stderr, "nothing changed since the last release: the same bundles were written again")
	} else {
		fmt.Fprintf(inv.Stderr, "new releases: %s\n", strings.Join(b.New, ", "))
	}
	if !signed {
		fmt.Fprintln(inv.Stderr, "not signed: give --key to sign")
	}
	fmt.Fprintf(inv.Stderr, "wrote %s\ncommit these files; the push is what makes the release\n", strings.Join(wrote, ", "))
}
