package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/shard"
	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
	"github.com/darkstart-dev/darkstart/internal/progress"
	"github.com/darkstart-dev/darkstart/internal/report"
)

// completionIndex is what Kubernetes sets in the pods of an Indexed Job.
const completionIndex = "JOB_COMPLETION_INDEX"

// sharding is compile --shard.
type sharding struct {
	*compileFlags
	shard  string
	shards int
	to     string
}

func (p *sharding) register(f *pflag.FlagSet) {
	f.StringVar(&p.shard, "shard", "", "compile the clusters of one part of the fleet, `INDEX/COUNT`, counted from 0")
	f.IntVar(&p.shards, "shards", 0, "the same, of `COUNT` parts, with the index from JOB_COMPLETION_INDEX")
	f.StringVar(&p.to, "to", "", "push what the shard computed to this repository, `oci://HOST/PATH`")
}

func (p *sharding) asked() bool { return p.shard != "" || p.shards != 0 || p.to != "" }

// which tells what part of the fleet is asked for.
func (p *sharding) which(inv *Invocation) (shard.Shard, *diag.Diagnostic) {
	refuse := func(why, fix string) (shard.Shard, *diag.Diagnostic) {
		return shard.Shard{}, diag.Errorf("SHD001", "%s", why).Fix("%s", fix)
	}
	switch {
	case p.shard != "" && p.shards != 0:
		return refuse("--shard and --shards exclude each other", "name the shard with --shard INDEX/COUNT, or leave the index to the Kubernetes Job with --shards COUNT")
	case len(p.in.clusters) > 0:
		return refuse("a shard goes with no --cluster: it has clusters of its own", "leave one of the two out")
	case p.to == "":
		return refuse("a shard goes nowhere: there is no --to", "name the repository that assemble reads, --to oci://HOST/PATH")
	case p.shard != "":
		return shard.Parse(p.shard)
	case p.shards == 0:
		return refuse("--to is for shards, and none is named", "name one with --shard INDEX/COUNT, or leave --to out")
	}
	index := inv.Getenv(completionIndex)
	i, err := strconv.Atoi(index)
	if err != nil {
		return refuse(fmt.Sprintf("--shards %d without an index: %s is %q", p.shards, completionIndex, index), "run it in a Kubernetes Job of completionMode Indexed, or name the shard with --shard INDEX/COUNT")
	}
	return shard.New(i, p.shards)
}

// run compiles the clusters of a shard and pushes the results of all stages. An
// error of the fleet is no reason not to: what there is helps whoever assembles,
// and finds the error there again.
func (p *sharding) run(ctx context.Context, inv *Invocation) error {
	rep := p.out.report("compile")
	mine, d := p.which(inv)
	if d != nil {
		return p.broken(inv, nil, rep, d.Err())
	}
	p.in.cached.note = true
	kept, to, err := exchange(inv, &p.in.cached, p.to)
	if err != nil {
		return p.broken(inv, nil, rep, err)
	}
	p.in.shard = mine
	s, res, rep, err := p.pipeline.run(ctx, inv, "compile", compiler.ToArtifacts)
	if err != nil {
		return err
	}
	if s.tree == nil {
		return p.out.finish(inv, s, rep)
	}
	// Whether all was judged that should be is known when all is there.
	p.out.unfinished, rep.ExitCode = false, ExitClean
	if err := p.seal(ctx, inv, s, res, rep); err != nil {
		return p.broken(inv, s, rep, err)
	}
	in, err := shardInput(&p.in, s, kept)
	if err != nil {
		return p.broken(inv, s, rep, err)
	}
	end := inv.recording.Begin("push", "")
	pushed, ds, err := shard.Push(ctx, in, mine, kept, to)
	end()
	if err != nil {
		return p.broken(inv, s, rep, err)
	}
	if rep.Diagnostics.Add(ds...); pushed == nil {
		rep.ExitCode = ExitFailed
		return p.out.finish(inv, s, rep)
	}
	rep.Shard = &report.Shard{
		Index: mine.Index, Count: mine.Count, Reference: "oci://" + to.Name() + ":" + pushed.Tag, Digest: pushed.Digest, Results: pushed.Entries, Sent: pushed.Sent,
	}
	return p.out.finish(inv, s, rep)
}

// seal makes the bundles, for the cache alone. Their layers are read, as who
// writes them does: one that is in the cache already is not looked at before, and
// would be missing in the shard.
func (p *sharding) seal(ctx context.Context, inv *Invocation, s *session, res *compiler.Result, rep *report.Result) error {
	if res.Artifacts == nil {
		return nil
	}
	stage, remove, err := newStage()
	if err != nil {
		return err
	}
	defer remove()
	defer p.in.stage(inv, "seal")()
	b, ds, err := compiler.Seal(ctx, s.tree, res, s.rev, stage)
	if rep.Diagnostics.Add(ds...); err != nil || b == nil {
		return err
	}
	for _, x := range b.Sealed {
		if _, err := x.Layer.Bytes(); err != nil {
			return err
		}
	}
	return nil
}

// exchange opens both ends: the cache, and the repository of the shards.
func exchange(inv *Invocation, c *cached, repository string) (*cache.Store, *oci.Repository, error) {
	kept, err := c.open(inv)
	if err != nil {
		return nil, nil, err
	}
	if kept == nil {
		return nil, nil, diag.Errorf("SHD001", "shards exchange what the cache keeps, and there is none").
			Fix("leave out --no-cache, and set XDG_CACHE_HOME where there is no HOME").Err()
	}
	c.store = kept
	name, ok := strings.CutPrefix(repository, "oci://")
	if !ok {
		return nil, nil, fmt.Errorf("%q is no repository: want oci://HOST/PATH", repository)
	}
	config, err := registryConfig(inv)
	if err != nil {
		return nil, nil, err
	}
	r, err := oci.OpenRepository(strings.Trim(name, "/"), config)
	return kept, r, err
}

// shardInput names what a shard is made from.
func shardInput(in *input, s *session, kept *cache.Store) (shard.Input, error) {
	now, err := in.time()
	if err == nil && now.IsZero() && s.rev.Time != "" {
		now, err = time.Parse(time.RFC3339, s.rev.Time)
	}
	return shard.InputOf(s.tree, kept.Maker(), now), err
}

// assembly is the flags of assemble.
type assembly struct {
	compileFlags
	shards  int
	from    string
	require []string
	strict  bool
}

func newAssemble(inv *Invocation) *cobra.Command {
	a := &assembly{}
	cmd := &cobra.Command{
		Use:   "assemble",
		Short: "compile a fleet from what its shards computed",
		Long: `assemble takes what compile --shard pushed into the cache, and compiles: it writes,
prints and ends as compile would on one machine, to the byte.

It wants the revision, the program and the --now of the shards. A shard that is
not there, or that cannot be used, is said on stderr; what it would have had is
computed here, unless --strict ends the run.

Who can write to the repository decides what is compiled: give it to the shards
alone. --require takes no shards but those with these digests; --verify-cache
computes everything and compares.

Exit status: that of compile.`,
		Example: `  darkstart assemble --shards 16 --from oci://registry.example/shards`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.run(cmd.Context(), inv) },
	}
	a.register(cmd)
	f := cmd.Flags()
	f.IntVar(&a.shards, "shards", 0, "how many shards there are, `COUNT`")
	f.StringVar(&a.from, "from", "", "take them from this repository, `oci://HOST/PATH`")
	f.StringSliceVar(&a.require, "require", nil, "take only shards of these `DIGESTS`, as compile --shard printed them (repeatable)")
	f.BoolVar(&a.strict, "strict", false, "exit 2 when a shard is not there or cannot be used")
	return cmd
}

func (a *assembly) run(ctx context.Context, inv *Invocation) error {
	rep := a.out.report("assemble")
	if _, d := shard.New(0, a.shards); d != nil {
		return a.broken(inv, nil, rep, d.Err())
	}
	c := &shard.PullConfig{}
	for _, r := range a.require {
		d, err := digest.Parse(r)
		if err != nil {
			return a.broken(inv, nil, rep, fmt.Errorf("--require: %w", err))
		}
		c.Require = append(c.Require, d)
	}
	kept, from, err := exchange(inv, &a.in.cached, a.from)
	if err != nil {
		return a.broken(inv, nil, rep, err)
	}
	a.before = func(ctx context.Context, s *session) (diag.List, error) {
		in, err := shardInput(&a.in, s, kept)
		if err != nil {
			return nil, err
		}
		defer inv.recording.Begin("pull", "")()
		line := a.in.progress(inv, "", []progress.Stage{{Name: "pull", Doing: "taking shards", Of: "shards", Weight: 1}})
		c.Progress = func(done int) { line.Event("pull", done, a.shards) }
		line.Start()
		got, ds, err := shard.Pull(ctx, in, a.shards, from, kept, c)
		line.Stop()
		if err != nil || got == nil {
			return ds, err
		}
		if a.strict && len(ds) > 0 {
			for _, d := range ds {
				d.Severity = diag.Error
			}
			return ds, nil
		}
		a.tell(inv, got, ds)
		return nil, nil
	}
	return a.compileFlags.run(ctx, inv, "assemble")
}

// tell says on stderr what was lost: it changed no result, so the report, which
// is that of one machine, has nothing of it.
func (a *assembly) tell(inv *Invocation, got *shard.Pulled, ds diag.List) {
	for _, d := range ds {
		fmt.Fprintf(inv.Stderr, "darkstart: %s[%s]: %s; what is missing is computed here\n", d.Severity, d.Code, d.Message)
	}
	if !a.in.quiet {
		fmt.Fprintf(inv.Stderr, "darkstart: took %s of %d of %d shards from %s\n", amount(got.Entries, "result"), got.Shards, a.shards, a.from)
	}
}
