package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
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
	out, to, builder string
	keys             keyFlags
	keyless          keylessFlags
	base             string
	renew            bool

	stage *oci.Stage
}

func newRelease(inv *Invocation) *cobra.Command {
	var r releaseFlags
	cmd := &cobra.Command{
		Use:   "release",
		Short: "record and sign what the current commit compiles to",
		Long: `release compiles HEAD (or --revision), gives every changed artifact the next
serial in releases/<stream>.json, writes the bundles to dist/oci and signs them with
--key. An unchanged artifact keeps its release. Commit the record: the push that is a
fast-forward is the lock against a second release. No engine is pinned to a release
before publish has brought it to the registry.

With --attest-key it also states, signed by that key, what each bundle was made
from (SLSA provenance), that the guardrails let it pass (a verification summary),
and which images and charts it names (CycloneDX, SPDX): docs/attestations.md.

Where streams have keys of their own, --key STREAM=KEY names each. A plain --key
signs for every stream, or, where HEAD has a trust.cue, for those that it is trusted
for. A key that the policy does not trust for this is refused before anything is
written: docs/keys.md.

With both --revision and --to it is a hotfix: only the clusters of that ring get
a new serial, and publish pins them. --renew gives everything that is released a new
serial and a new date of expiry, with the content that it has, whatever HEAD has by
now; publish then moves the pins of what it replaces.

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
	r.keys.add(f)
	r.keyless.add(f)
	f.StringVar(&r.builder, "builder", "", "the `URI` of the environment that runs this, as statements name it")
	f.StringVar(&r.to, "to", "", "with --revision, release this `RING` alone: its number, one of its clusters, or \"all\"")
	f.StringVar(&r.base, "base", "", "judge the change since this git `REV` instead of what each cluster's newest release was made from; \"none\" judges none")
	f.BoolVar(&r.renew, "renew", false, "give what is released a new serial and expiry, with the same content")
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
	if r.to != "" && r.in.revision == "" {
		return errors.New("--to makes a hotfix of one ring, and goes with --revision; which ring a release is pinned in is said to `darkstart publish --to`")
	}
	if r.renew && r.in.revision != "" {
		return errors.New("--renew takes the content of what is released, and --revision names other content: give one")
	}
	if r.in.revision == "" {
		r.in.revision = "HEAD"
	}
	if !r.renew { // which changes nothing
		r.since = func(ctx context.Context, s *session) (*bases, diag.List, error) { return r.releaseBase(ctx, inv, s) }
	}
	stage, remove, err := newStage()
	if err != nil {
		return err
	}
	defer remove()
	r.stage = stage
	s, res, rep, err := r.pipeline.run(ctx, inv, "release", compiler.ToArtifacts)
	if err != nil {
		return err
	}
	if blocked(&r.pipeline, rep.ExitCode, res) || rep.Diagnostics.HasErrors() {
		return r.refuse(inv, s, rep)
	}
	if s.root() == "" {
		return r.broken(inv, s, rep, errors.New("a release writes records to commit, and a bare repository has no working tree"))
	}
	var only []string
	if r.to != "" {
		if only, err = ringNamed(res, r.to); err != nil {
			return r.broken(inv, s, rep, err)
		}
	}
	b, builds, err := r.record(ctx, inv, &build{s: s, res: res}, only, rep)
	if err != nil || b == nil {
		return err
	}
	by, ds, err := r.signing(ctx, inv, s, streamNames(builds))
	if err != nil {
		return r.broken(inv, s, rep, err)
	}
	if rep.Diagnostics.Add(ds...); ds.HasErrors() {
		rep.ExitCode = ExitFailed
		return r.pipeline.out.finish(inv, s, rep)
	}
	end := inv.recording.Begin("sign", "")
	signed, ds, err := r.sign(ctx, builds, by)
	end()
	if err != nil {
		return r.broken(inv, s, rep, err)
	}
	if rep.Diagnostics.Add(ds...); ds.HasErrors() {
		return r.refuse(inv, s, rep)
	}
	if err := r.write(ctx, inv, s, b, signed, by.unsigned(streamNames(builds)), rep); err != nil {
		return r.broken(inv, s, rep, err)
	}
	return r.pipeline.out.finish(inv, s, rep)
}

// record makes the entries of the release, and seals it. Nil bundles come with
// the error that ends the command.
func (r *releaseFlags) record(ctx context.Context, inv *Invocation, of *build, only []string, rep *report.Result) (*compiler.Bundles, []*build, error) {
	builds := []*build{of}
	var b *compiler.Bundles
	var ds diag.List
	var err error
	if r.renew {
		if b, builds, err = r.renewed(ctx, inv, of, rep); b == nil {
			return nil, nil, err
		}
	} else {
		commit := &compiler.Commit{Only: only, Stage: r.stage}
		if commit.Records, _, _, err = of.s.repo.Tree(ctx, of.s.head()); err != nil {
			return nil, nil, r.broken(inv, of.s, rep, err)
		}
		end := r.in.stage(inv, "seal")
		b, ds, err = compiler.Release(ctx, of.s.tree, of.res, of.s.rev, commit)
		if end(); err != nil {
			return nil, nil, r.broken(inv, of.s, rep, err)
		}
		if b != nil {
			of.sealed = b.Sealed
		}
	}
	rep.Diagnostics.Add(ds...)
	if b != nil {
		rep.Diagnostics.Add(overwrites(of.s, b)...)
	}
	if b == nil || rep.Diagnostics.HasErrors() {
		return nil, nil, r.refuse(inv, of.s, rep)
	}
	return b, builds, nil
}

// renewed makes an entry of the same content for everything that is released.
// What HEAD has other content of, after a hotfix or before the next release, is
// compiled from the revision that it was made from.
func (r *releaseFlags) renewed(ctx context.Context, inv *Invocation, head *build, rep *report.Result) (*compiler.Bundles, []*build, error) {
	wanted, ds, err := head.s.wanted("")
	if err != nil {
		return nil, nil, r.broken(inv, head.s, rep, err)
	}
	if rep.Diagnostics.Add(ds...); ds.HasErrors() {
		rep.ExitCode = ExitFailed
		return nil, nil, r.refuse(inv, head.s, rep)
	}
	if r.in.now == "" {
		r.in.now = head.s.rev.Time // older content is judged as of today, too
	}
	older := r.pipeline
	held := map[*build][]string{}
	g := &gathering{p: &older, command: "release", first: head, rep: rep, take: func(b *build, w compiler.Wanted, names []string) ([]string, diag.List, error) {
		mine, left, ds, err := compiler.Held(b.res, w, names)
		held[b] = append(held[b], mine...)
		return left, ds, err
	}}
	builds, _, err := g.all(ctx, inv, wanted)
	if err != nil {
		return nil, nil, err
	}
	var from []compiler.Renewal
	for _, b := range builds {
		from = append(from, compiler.Renewal{Result: b.res, Revision: b.s.rev, Artifacts: held[b]})
	}
	b, ds, err := compiler.Renew(ctx, from, wanted, r.stage)
	if err != nil {
		return nil, nil, r.broken(inv, head.s, rep, err)
	}
	if rep.Diagnostics.Add(ds...); b == nil {
		return nil, nil, r.refuse(inv, head.s, rep)
	}
	for i, x := range builds {
		for _, name := range from[i].Artifacts {
			if y := b.Bundle(name); y != nil {
				x.sealed = append(x.sealed, y)
			}
		}
	}
	return b, builds, nil
}

// refuse ends a release that must not be made: never with success, whatever
// --fail-on says.
func (r *releaseFlags) refuse(inv *Invocation, s *session, rep *report.Result) error {
	if rep.ExitCode == ExitClean {
		rep.ExitCode = ExitFindings
	}
	return r.pipeline.out.finish(inv, s, rep)
}

// overwrites refuses to lose entries that the working tree has and the
// delivery branch has not: a release that was made and never committed.
func overwrites(s *session, b *compiler.Bundles) diag.List {
	var diags diag.List
	for _, st := range b.Streams {
		diags.Add(unknown(s, release.File(st.Stream.Name), st.After, st.Before)...)
	}
	return diags
}

// unknown reports entries of a records file in the working tree that others do
// not have.
func unknown(s *session, file string, others, head *release.Records) diag.List {
	data, err := os.ReadFile(filepath.Join(s.root(), filepath.FromSlash(file)))
	if err != nil {
		return nil // not there: nothing to lose
	}
	have, ds := release.Parse(file, data)
	if ds.HasErrors() {
		return ds
	}
	if release.CheckAppendOnly(have, others).HasErrors() {
		return diag.List{uncommitted(s, file, have, head)}
	}
	return nil
}

func uncommitted(s *session, file string, have, head *release.Records) *diag.Diagnostic {
	what := "entries that HEAD does not have"
	if n, m := len(have.Releases), len(head.Releases); n > m {
		what = fmt.Sprintf("release %s, which HEAD does not have", have.Releases[n-1].ID)
	}
	return diag.Errorf("CLI002", "%s in the working tree holds %s", file, what).
		At(diag.Position{File: file}, "not committed").
		Fix("commit it first: `git add releases && git commit`").
		Fix("or, if no cluster has taken that release, drop it: `git checkout -- releases`, or remove the file if it is new")
}

// write is the only part of a release that changes anything. Signatures are made
// before it and attached before records are written: what is recorded is signed already.
func (r *releaseFlags) write(ctx context.Context, inv *Invocation, s *session, b *compiler.Bundles, signed []*seal.Signature, unsigned []string, rep *report.Result) error {
	kept, standing, err := r.kept(ctx, s, b)
	if err != nil {
		return err
	}
	signed = append(signed, standing...)
	l, err := writeLayout(ctx, s, r.out, b, rep, kept...)
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
	r.tell(inv, b, unsigned, wrote)
	return nil
}

// kept returns what dist/oci holds of the release that this one leaves as it
// is, with what is attached: after a hotfix it is a whole release still, and a
// signature that is published nowhere yet is not lost.
func (r *releaseFlags) kept(ctx context.Context, s *session, b *compiler.Bundles) ([]*seal.Bundle, []*seal.Signature, error) {
	l, err := oci.OpenLayout(filepath.Join(outDir(s, r.out), "oci"))
	if err != nil {
		return nil, nil, nil // the first that is written
	}
	var kept []*seal.Bundle
	var beside []*seal.Signature
	for _, st := range b.Streams {
		current, _ := st.After.Release("")
		for _, name := range slices.Sorted(maps.Keys(current.Artifacts)) {
			e, ok := st.After.Entry(name, current.Artifacts[name])
			if !ok || b.Bundle(name) != nil {
				continue
			}
			x, _, err := seal.Load(ctx, l, string(e.Manifest), seal.Limits{})
			if err != nil {
				return nil, nil, err
			}
			if x == nil {
				continue // never there, or damaged: publish makes it again
			}
			more, err := seal.Standing(ctx, l, x, nil)
			if err != nil {
				return nil, nil, err
			}
			kept, beside = append(kept, x), append(beside, more...)
		}
	}
	return kept, beside, nil
}

// tell says on stderr what to do next.
func (r *releaseFlags) tell(inv *Invocation, b *compiler.Bundles, unsigned, wrote []string) {
	if r.in.quiet {
		return
	}
	if len(b.New) == 0 {
		fmt.Fprintln(inv.Stderr, "nothing changed since the last release: the same bundles were written again")
	} else {
		fmt.Fprintf(inv.Stderr, "new releases: %s\n", strings.Join(b.New, ", "))
	}
	switch {
	case len(unsigned) == 0:
	case len(unsigned) == len(b.Streams):
		fmt.Fprintln(inv.Stderr, "not signed, and verify refuses it: give --key to sign, here or to publish")
	default:
		fmt.Fprintf(inv.Stderr, "not signed: %s; verify refuses it until it is (--key STREAM=KEY)\n", strings.Join(unsigned, ", "))
	}
	for _, f := range wrote {
		fmt.Fprintf(inv.Stderr, "wrote %s\n", f)
	}
	if len(wrote) > 0 {
		fmt.Fprintln(inv.Stderr, "commit and push the record: the push is what makes the release; then run darkstart publish")
	}
}
