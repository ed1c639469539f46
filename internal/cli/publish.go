package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/release"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/oci"
	"github.com/darkstart-dev/darkstart/internal/report"
)

// publishFlags are the flags of one publication.
type publishFlags struct {
	pipeline
	keys             keyFlags
	keyless          keylessFlags
	builder          string
	stream, to, from string
	layout, tar      string
	out, deployDir   string
	registry         string // "host/path" of the argument

	stage *oci.Stage
}

func newPublish(inv *Invocation) *cobra.Command {
	p := &publishFlags{}
	cmd := &cobra.Command{
		Use:   "publish [oci://HOST/PATH]",
		Short: "push the newest release to a registry, signed, and pin the first ring to it",
		Long: `publish compiles what the records at HEAD name as the newest release, from the
revision that it was made from, and pushes each bundle to HOST/PATH/ARTIFACT
(default: the project's releases.registry) with the statements about it. It signs
with --key and --attest-key what nobody has signed yet; signatures that stand in
dist/oci or in the registry are kept.

All bundles go up before the first signature, and tags and pins come last: whatever
ends it, what verifies is whole, and no pin names what is not there. Run again, it
sends what is missing, or nothing.

Pinned in deploy/ are the clusters of the first ring (of each stream, as HEAD has
it) or of --to; those that a hotfix was released for; and those whose pins name what
the release renews. Commit what it wrote there: engines act on what is pushed.
dist/deploy has the pins of every cluster, for those who keep pins elsewhere.

Without a network: --oci-layout DIR or --tar FILE here, publish --from there. A file
is in no registry yet, so deploy/ then stays as it is, unless --to asks for a ring.

Exit status: 0 published, 1 findings, 2 not published, 4 a serial is published
already, as another bundle.`,
		Example: `  darkstart publish oci://registry.example/fleet --key release.key --attest-key attest.key
  darkstart publish --identity-token env://TOKEN --trusted-root root.json --fulcio-url URL --timestamp-url URL
  darkstart publish --tar release.tar --key release.key
  darkstart publish --from release.tar oci://registry.inside.example/fleet`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return p.run(cmd.Context(), inv, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&p.in.dir, "chdir", "C", ".", "run as if started in `DIR`")
	f.IntVarP(&p.in.parallel, "jobs", "j", 0, "compile this many units, and carry this many bundles, at once")
	f.BoolVarP(&p.in.quiet, "quiet", "q", false, "no progress on stderr")
	f.StringVar(&p.in.now, "now", "", "judge dates at this `TIME` (RFC 3339) instead of the revision's committer time")
	p.pipeline.out.register(cmd)
	p.keys.add(f)
	p.keyless.add(f)
	f.StringVar(&p.builder, "builder", "", "the `URI` of the environment that runs this, as statements name it")
	f.StringVar(&p.stream, "stream", "", "only this `STREAM` (default: all that have released)")
	f.StringVar(&p.to, "to", "", "pin this `RING` instead of the first, or of a hotfix's: its number, one of its clusters, or \"all\"")
	f.StringVar(&p.layout, "oci-layout", "", "write an OCI image layout to `DIR` instead of a registry")
	f.StringVar(&p.tar, "tar", "", "write an OCI image layout to the tar `FILE` instead of a registry")
	f.StringVar(&p.from, "from", "", "push what this layout or tar `FILE` holds; nothing is compiled, and no fleet is needed")
	f.StringVar(&p.out, "out", "dist", "read signatures from `DIR`/oci and write pins below DIR/deploy, relative to the fleet")
	f.StringVar(&p.deployDir, "deploy-dir", "deploy", "read and write pins below `DIR`, relative to the fleet")
	return cmd
}

// target checks the argument and flags against each other.
func (p *publishFlags) target(args []string) error {
	if len(args) == 1 {
		rest, ok := strings.CutPrefix(args[0], "oci://")
		if !ok {
			return fmt.Errorf("%q is no registry: want oci://HOST/PATH", args[0])
		}
		if p.registry = strings.Trim(rest, "/"); p.registry == "" {
			return fmt.Errorf("%q names no registry: want oci://HOST/PATH, or nothing for that of the project", args[0])
		}
	}
	files := p.layout != "" || p.tar != ""
	switch {
	case p.registry != "" && files, p.layout != "" && p.tar != "":
		return errors.New("one place at a time: a registry, --oci-layout, or --tar")
	case p.attests() && len(p.keys.release) == 0 && p.keyless.token == "":
		return errors.New("--attest-key goes with --key: what is attested is what is signed")
	case p.from != "" && files:
		return errors.New("--from carries a layout into a registry; copy the files to have them elsewhere")
	case p.from != "" && p.registry == "":
		return errors.New("--from needs to know where to: name oci://HOST/PATH")
	case p.from != "" && (p.attests() || p.stream != "" || p.to != ""):
		return errors.New("--from compiles nothing, so there is nothing to attest or to pin: it excludes --attest-key, --stream and --to")
	}
	return nil
}

// attests reports whether anybody is to state provenance and verdict.
func (p *publishFlags) attests() bool { return len(p.keys.attest) > 0 || p.keyless.attestToken != "" }

func (p *publishFlags) run(ctx context.Context, inv *Invocation, args []string) error {
	if err := p.target(args); err != nil {
		return err
	}
	p.pipeline.out.dir = p.in.dir
	if _, err := p.pipeline.out.sinks(inv); err != nil {
		return err
	}
	if p.from != "" {
		return p.carry(ctx, inv)
	}
	stage, remove, err := newStage()
	if err != nil {
		return err
	}
	defer remove()
	p.stage = stage
	p.in.revision = "HEAD"
	rep := p.pipeline.out.report("publish")
	head, err := p.in.open(ctx, inv)
	if err != nil {
		return p.broken(inv, nil, rep, err)
	}
	wanted, ds, err := head.wanted(p.stream)
	if err != nil {
		return p.broken(inv, head, rep, err)
	}
	if more := head.unpublished(); more.HasErrors() {
		ds = more // the release that was meant is not the one at HEAD
	}
	if rep.Diagnostics.Add(ds...); ds.HasErrors() {
		rep.ExitCode = ExitFailed
		return p.pipeline.out.finish(inv, head, rep)
	}
	var streams []string
	for _, w := range wanted {
		streams = append(streams, w.Records.Stream)
	}
	policy, ds, err := head.headPolicy(ctx)
	if err != nil {
		return p.broken(inv, head, rep, err)
	}
	rep.Diagnostics.Add(ds...)
	by, ds, err := p.signers(ctx, inv, policy, streams)
	if err != nil {
		return p.broken(inv, head, rep, err)
	}
	if rep.Diagnostics.Add(ds...); rep.Diagnostics.HasErrors() {
		rep.ExitCode = ExitFailed
		return p.pipeline.out.finish(inv, head, rep)
	}
	to, err := p.in.compile(ctx, inv, head, compiler.ToUnits, false)
	if err != nil {
		return p.broken(inv, head, rep, err)
	}
	if to.Units == nil || to.Diagnostics.HasErrors() {
		rep.Diagnostics.Add(to.Diagnostics...)
		rep.ExitCode = ExitFindings
		return p.pipeline.out.finish(inv, head, rep)
	}
	builds, rep, err := p.build(ctx, inv, wanted)
	if err != nil || builds == nil {
		return err
	}
	s := builds[0].s
	pins := &pinning{p: p, head: head, res: to, wanted: wanted}
	if err := p.deliver(ctx, inv, pins, builds, by, policy, rep); err != nil {
		return p.broken(inv, s, rep, err)
	}
	return p.pipeline.out.finish(inv, s, rep)
}

func (p *publishFlags) signers(ctx context.Context, inv *Invocation, policy *seal.Policy, streams []string) (signers, diag.List, error) {
	return (&signing{inv: inv, dir: p.in.dir, keys: p.keys, keyless: &p.keyless, policy: policy, streams: streams}).signers(ctx)
}

// wanted reads the newest releases of a stream, or of all of them, as the
// delivery branch has them.
func (s *session) wanted(stream string) ([]compiler.Wanted, diag.List, error) {
	diags := slices.Clone(s.diags)
	if s.tree == nil || diags.HasErrors() {
		return nil, diags, nil
	}
	all, ds := compiler.History(s.tree)
	if diags.Add(ds...); diags.HasErrors() {
		return nil, diags, nil
	}
	wanted, ds := compiler.Newest(all)
	if stream != "" && !ds.HasErrors() {
		var names []string
		for _, w := range wanted {
			names = append(names, w.Records.Stream)
		}
		if wanted = slices.DeleteFunc(wanted, func(w compiler.Wanted) bool { return w.Records.Stream != stream }); len(wanted) == 0 {
			return nil, nil, fmt.Errorf("--stream %s: no such stream has released (have %v)", stream, names)
		}
	}
	return wanted, append(diags, ds...), nil
}

// unpublished reports releases that were made and not committed: HEAD does not
// have them, so that they would not be what is published.
func (s *session) unpublished() diag.List {
	if s.tree == nil || s.root() == "" {
		return nil
	}
	all, diags := compiler.History(s.tree)
	if diags.HasErrors() {
		return nil // said by who reads them
	}
	files, _ := filepath.Glob(filepath.Join(s.root(), "releases", "*.json"))
	for _, f := range files {
		stream := strings.TrimSuffix(filepath.Base(f), ".json")
		diags.Add(unknown(s, release.File(stream), all.Of(stream), all.Of(stream))...)
	}
	return diags
}

// build compiles every revision that is needed and seals what is recorded. Nil
// builds without an error cannot happen; the error ends the command.
func (p *publishFlags) build(ctx context.Context, inv *Invocation, wanted []compiler.Wanted) ([]*build, *report.Result, error) {
	g := &gathering{p: &p.pipeline, command: "publish", take: func(b *build, w compiler.Wanted, names []string) ([]string, diag.List, error) {
		defer p.in.stage(inv, "seal")()
		sealed, left, ds, err := compiler.Recorded(ctx, b.res, w, names, p.stage)
		b.sealed = append(b.sealed, sealed...)
		return left, ds, err
	}}
	return g.all(ctx, inv, wanted)
}

// deliver signs and carries what was built, and writes the pins. What cannot
// be done for a reason that a user can mend is in the report.
func (p *publishFlags) deliver(ctx context.Context, inv *Invocation, pins *pinning, builds []*build, by signers, policy *seal.Policy, rep *report.Result) error {
	registry := pins.registry()
	if registry == "" && p.layout == "" && p.tar == "" {
		return errors.New("publish needs to know where to: name oci://HOST/PATH, or set releases: registry in darkstart.cue")
	}
	to, err := p.destination(inv, registry)
	if err != nil {
		return err
	}
	defer to.close()
	if ds, err := pins.prepare(registry, builds); err != nil || ds.HasErrors() {
		_, err := stopped(rep, ds, err)
		return err
	}
	var bundles []*seal.Bundle
	for _, b := range builds {
		bundles = append(bundles, b.sealed...)
	}
	if stop, err := to.free(ctx, bundles, rep); stop || err != nil {
		return err
	}
	var signed []*compiler.Signed
	for _, b := range builds {
		c, err := attestConfig(b.s, &p.in, p.builder)
		if err != nil {
			return err
		}
		end := inv.recording.Begin("sign", "")
		more, ds, err := compiler.Complete(ctx, b.res, b.sealed, by.of, policy, to.standing(p.beside(pins.head)), c)
		end()
		if stop, err := stopped(rep, ds, err); stop || err != nil {
			return err
		}
		signed = append(signed, more...)
	}
	slices.SortFunc(signed, func(a, b *compiler.Signed) int {
		return cmp.Compare(a.Bundle.Record.Artifact, b.Bundle.Record.Artifact)
	})
	if stop, err := to.deliver(ctx, signed, rep); stop || err != nil {
		return err
	}
	if err := pins.write(inv); err != nil {
		return err
	}
	to.tell(signed, by, policy)
	return nil
}

// beside is where release leaves signatures: the layout of the fleet, if any.
func (p *publishFlags) beside(head *session) oci.Source {
	if head.root() == "" {
		return nil
	}
	l, err := oci.OpenLayout(filepath.Join(outDir(head, p.out), "oci"))
	if err != nil {
		return nil
	}
	return l
}
