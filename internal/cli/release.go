package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
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
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/report"
)

// releaseFlags are the flags of one release.
type releaseFlags struct {
	pipeline
	out, key, to, deployDir string
	attestKey, builder      string
	keyless                 keylessFlags
	base                    string
	renew                   bool
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

With --attest-key it also states, signed by that key, what each bundle was made
from (SLSA provenance), that the guardrails let it pass (a verification summary),
and which images and charts it names (CycloneDX, SPDX): docs/attestations.md.

With both --revision and --to it is a hotfix: only the clusters of that ring get
a new serial. --renew gives every artifact a new serial and a new date of expiry,
changed or not, and moves the pins of what it replaces.

What changed since the newest release of each cluster is judged by DR007: what
would lose data, a definition or a namespace needs a waiver that names the object.

Errors stop it before anything is written, whatever --fail-on says: what is
released and signed has a clean result. --fail-on warning is stricter.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return r.run(cmd.Context(), inv) },
	}
	r.register(cmd)
	f := cmd.Flags()
	f.StringVar(&r.out, "out", "dist", "write bundles below `DIR`, relative to the fleet")
	f.StringVar(&r.key, "key", "", "sign with this private `KEY`: a file, env://NAME (passphrase in COSIGN_PASSWORD), or NAME://KEY through sigstore-kms-NAME")
	r.keyless.add(f)
	f.StringVar(&r.attestKey, "attest-key", "", "state provenance, verdict and contents with this private `KEY`, which is not the release key")
	f.StringVar(&r.builder, "builder", "", "the `URI` of the environment that runs this, as statements name it")
	f.StringVar(&r.to, "to", "", "pin this `RING` instead of the first: its number, one of its clusters, or \"all\"")
	f.StringVar(&r.base, "base", "", "judge the change since this git `REV` instead of what each cluster's newest release was made from; \"none\" judges none")
	f.BoolVar(&r.renew, "renew", false, "give every artifact a new serial and expiry, changed or not")
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
	if u, err := url.Parse(r.builder); r.builder != "" && (err != nil || !u.IsAbs()) {
		return fmt.Errorf("--builder %q: no absolute URI; name a workflow of your CI, for example https://ci.example.com/fleet/release", r.builder)
	}
	hotfix := r.in.revision != "" && r.to != ""
	if r.in.revision == "" {
		r.in.revision = "HEAD"
	}
	r.since = func(ctx context.Context, s *session) (*bases, diag.List, error) { return r.releaseBase(ctx, inv, s) }
	s, res, rep, err := r.pipeline.run(ctx, inv, "release", compiler.ToArtifacts)
	if err != nil {
		return err
	}
	if blocked(&r.pipeline, rep, res) || rep.Diagnostics.HasErrors() {
		return r.refuse(inv, s, rep)
	}
	if s.root() == "" {
		return r.broken(inv, s, rep, errors.New("a release writes records to commit, and a bare repository has no working tree"))
	}
	ring, err := r.ring(res)
	if err != nil {
		return r.broken(inv, s, rep, err)
	}
	signers, ds, err := r.signers(ctx, inv)
	if err != nil {
		return r.broken(inv, s, rep, err)
	}
	rep.Diagnostics.Add(ds...)
	if ds.HasErrors() {
		rep.ExitCode = ExitFailed
		return r.pipeline.out.finish(inv, s, rep)
	}
	commit := &compiler.Commit{Renew: r.renew, Records: s.recorded(ctx)}
	if hotfix {
		commit.Only = ring
	}
	b, ds, err := compiler.Release(ctx, s.tree, res, s.rev, commit)
	if err != nil {
		return r.broken(inv, s, rep, err)
	}
	rep.Diagnostics.Add(ds...)
	if b != nil {
		rep.Diagnostics.Add(overwrites(s, b)...)
	}
	if b == nil || rep.Diagnostics.HasErrors() {
		return r.refuse(inv, s, rep)
	}
	signed, ds, err := r.sign(ctx, s, res, b, signers)
	if err != nil {
		return r.broken(inv, s, rep, err)
	}
	if rep.Diagnostics.Add(ds...); ds.HasErrors() {
		return r.refuse(inv, s, rep)
	}
	if err := r.write(ctx, inv, s, res, b, ring, signed, rep); err != nil {
		return r.broken(inv, s, rep, err)
	}
	return r.pipeline.out.finish(inv, s, rep)
}

// refuse ends a release that must not be made: never with success, whatever
// --fail-on says.
func (r *releaseFlags) refuse(inv *Invocation, s *session, rep *report.Result) error {
	if rep.ExitCode == ExitClean {
		rep.ExitCode = ExitFindings
	}
	return r.pipeline.out.finish(inv, s, rep)
}

// recorded reads release records as the delivery branch has them: at HEAD,
// which is not the revision that is released when that is a hotfix.
func (s *session) recorded(ctx context.Context) func(string) ([]byte, error) {
	return func(file string) ([]byte, error) {
		b, err := s.repo.ReadAt(ctx, "HEAD", path.Join(s.fleet, file))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return b, err
	}
}

// overwrites refuses to lose entries that the working tree has and the
// delivery branch has not: a release that was made and never committed.
func overwrites(s *session, b *compiler.Bundles) diag.List {
	var diags diag.List
	for _, st := range b.Streams {
		file := release.File(st.Stream.Name)
		data, err := os.ReadFile(filepath.Join(s.root(), filepath.FromSlash(file)))
		if err != nil {
			continue // not there: nothing to lose
		}
		old, ds := release.Parse(file, data)
		if ds.HasErrors() {
			diags.Add(ds...)
			continue
		}
		if release.CheckAppendOnly(old, st.After).HasErrors() {
			diags.Add(uncommitted(s, file, old, st.Before))
		}
	}
	return diags
}

func uncommitted(s *session, file string, have, head *release.Records) *diag.Diagnostic {
	what := "entries that HEAD does not have"
	if n, m := len(have.Releases), len(head.Releases); n > m {
		what = fmt.Sprintf("release %s, which HEAD does not have", have.Releases[n-1].ID)
	}
	return diag.Errorf("CLI002", "%s in the working tree holds %s", file, what).
		At(diag.Position{File: file}, "not committed").
		Fix("commit it first: `git add releases deploy && git commit`").
		Fix("or, if no cluster has taken that release, drop it: `git checkout -- releases deploy`, or remove the files if they are new")
}

// write is the only part of a release that changes anything. Signatures are made
// before it and attached before records are written: what is recorded and pinned
// is signed already.
func (r *releaseFlags) write(ctx context.Context, inv *Invocation, s *session, res *compiler.Result, b *compiler.Bundles, ring []string, signed []*seal.Signature, rep *report.Result) error {
	l, err := writeLayout(ctx, s, r.out, b, rep)
	if err != nil {
		return err
	}
	if len(signed) > 0 {
		if err := seal.Attach(ctx, l, signed...); err != nil {
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
		changed, err := writeChanged(file, ir.File{Data: enc})
		if err != nil {
			return err
		}
		if changed {
			wrote = append(wrote, shown(file))
		}
	}
	pinned, err := r.pin(s, res, b, ring)
	if err != nil {
		return err
	}
	r.tell(inv, b, r.key != "" || r.keyless.wanted(), append(wrote, pinned...))
	return nil
}

// pin writes deploy/<cluster>/ for the chosen ring, and with --renew for every
// cluster whose pins name the release that is replaced.
func (r *releaseFlags) pin(s *session, res *compiler.Result, b *compiler.Bundles, ring []string) ([]string, error) {
	var wrote []string
	for _, x := range b.Sealed {
		if x.Record.Artifact == ir.FleetArtifact {
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
			if !slices.Contains(ring, x.Record.Artifact) && !(r.renew && pins(target, x.Record.Previous)) {
				continue
			}
			changed, err := writeChanged(target, f)
			if err != nil {
				return nil, err
			}
			if changed {
				wrote = append(wrote, shown(target))
			}
		}
	}
	return wrote, nil
}

// pins reports whether a file that was written before names this digest.
func pins(file string, d digest.Digest) bool {
	b, err := os.ReadFile(file)
	return err == nil && d != "" && bytes.Contains(b, []byte(d))
}

func writeChanged(target string, f ir.File) (bool, error) {
	old, err := os.ReadFile(target)
	if err == nil && bytes.Equal(old, f.Data) {
		return false, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return true, writeFile(target, f.Data)
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

// tell says on stderr what to do next.
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
		fmt.Fprintln(inv.Stderr, "not signed, and verify refuses it: give --key to sign")
	}
	for _, f := range wrote {
		fmt.Fprintf(inv.Stderr, "wrote %s\n", f)
	}
	if len(wrote) > 0 {
		fmt.Fprintln(inv.Stderr, "commit and push them: the push is what makes the release")
	}
}
