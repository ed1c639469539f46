package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/oci"
	"github.com/darkstart-dev/darkstart/internal/report"
)

// compileFlags is the flags of commands that write dist/.
type compileFlags struct {
	pipeline
	dist string
}

func (c *compileFlags) register(cmd *cobra.Command) {
	c.pipeline.register(cmd)
	cmd.Flags().StringVar(&c.dist, "out", "dist", "write below `DIR`, relative to the fleet")
}

func newCompile(inv *Invocation) *cobra.Command {
	c := &compileFlags{}
	part := &sharding{compileFlags: c}
	cmd := &cobra.Command{
		Use:   "compile",
		Short: "compile a fleet into bundles under dist/",
		Long: `compile checks a fleet and writes its bundles as an OCI image layout, dist/oci.
Content that was released before gives its recorded bundle again, byte for byte;
other content becomes a candidate (serial 0), which verify refuses.

Nothing is written when there are findings at or above --fail-on. What compile
writes is never signed: release signs, and only what has no errors.

With --shard INDEX/COUNT it works on the clusters of one part of the fleet, writes
nothing here, and pushes what it computed to the repository --to, for darkstart
assemble. With --shards COUNT alone the index is that of the Kubernetes Indexed Job
(JOB_COMPLETION_INDEX). What a shard finds, assemble finds again.`,
		Example: `  darkstart compile
  darkstart compile --shard 3/16 --to oci://registry.example/shards`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if part.asked() {
				return part.run(cmd.Context(), inv)
			}
			return c.run(cmd.Context(), inv, "compile")
		},
	}
	c.register(cmd)
	part.register(cmd.Flags())
	return cmd
}

// run compiles and writes the bundles. What compiling gave is kept as a whole:
// of a fleet in which nothing has changed that was read for it, the layout is
// brought up to date and nothing is compiled.
func (c *compileFlags) run(ctx context.Context, inv *Invocation, command string) error {
	s, rep, err := c.begin(ctx, inv, command)
	if err != nil {
		return err
	}
	stage, remove, err := newStage()
	if err != nil {
		return c.broken(inv, s, rep, err)
	}
	defer remove()
	kept, err := c.in.cached.open(inv)
	if err != nil {
		return c.broken(inv, s, rep, err)
	}
	var b *compiler.Bundles // nil where there is nothing to write
	work := func(s *session) (o outcome, err error) {
		o, b, err = c.seal(ctx, inv, s, stage)
		return o, err
	}
	write := func(o outcome, err error) error {
		c.fill(rep, s, o)
		if b == nil && o.Sealed != nil {
			b = compiler.Recall(kept, o.Sealed)
		}
		if err != nil || b == nil {
			return err
		}
		defer inv.recording.Begin("write", "")()
		_, err = writeLayout(ctx, s, c.dist, b, rep)
		return err
	}
	err = write(c.recall(inv, s, kept, "compile", []string{c.out.failOn}, work))
	if errors.Is(err, compiler.ErrLost) {
		err = write(work(s))
	}
	complain(inv, kept)
	if err != nil {
		return c.broken(inv, s, rep, err)
	}
	return c.out.finish(inv, s, rep)
}

// seal compiles a fleet. Without bundles there is nothing to write.
func (c *compileFlags) seal(ctx context.Context, inv *Invocation, s *session, stage *oci.Stage) (outcome, *compiler.Bundles, error) {
	res, o, err := c.reach(ctx, inv, s, compiler.ToArtifacts)
	if err != nil || blocked(&c.pipeline, o.status(), res) {
		return o, nil, err
	}
	defer c.in.stage(inv, "seal")()
	b, ds, err := compiler.Seal(ctx, s.tree, res, s.rev, stage)
	if err != nil {
		return o, nil, err
	}
	o.Diagnostics.Add(ds...)
	if b == nil || fails(ds, c.out.failOn) {
		o.Unfinished = true
		return o, nil, nil
	}
	o.Sealed = b.Keep()
	return o, b, nil
}

// blocked reports whether there is nothing that may be written: a status that
// says so, findings at or above --fail-on, or a pipeline that did not reach its
// end.
func blocked(p *pipeline, status int, res *compiler.Result) bool {
	return status != ExitClean || res.Artifacts == nil || fails(res.Diagnostics, p.out.failOn)
}

// newStage makes a place for sealed layers until it is known where they go:
// those of all clusters would fill the memory.
func newStage() (stage *oci.Stage, remove func(), err error) {
	dir, err := os.MkdirTemp("", "darkstart-*")
	return oci.NewStage(dir), func() { os.RemoveAll(dir) }, err
}

// writeLayout writes the bundles to <out>/oci. The layout becomes visible at
// once, when its index is replaced: a run that is killed leaves the one before.
func writeLayout(ctx context.Context, s *session, out string, b *compiler.Bundles, rep *report.Result, kept ...*seal.Bundle) (*oci.Layout, error) {
	dir := filepath.Join(outDir(s, out), "oci")
	l, err := seal.WriteLayout(ctx, dir, append(slices.Clip(b.Sealed), kept...))
	if err != nil {
		return nil, err
	}
	for _, x := range b.Sealed {
		rep.Artifacts = append(rep.Artifacts, report.Artifact{
			Name: x.Record.Artifact, Content: x.Content, Manifest: x.Digest(), Tar: x.Tar, Serial: x.Record.Serial,
			Files: x.Count, Bytes: x.Layer.Size(), Path: shown(dir),
		})
	}
	return l, nil
}

// outDir resolves --out against the fleet folder; a bare repository has none,
// so there it is relative to where the command was started.
func outDir(s *session, out string) string {
	if s.root() == "" {
		return under(s.dir, out)
	}
	if filepath.IsAbs(out) {
		return out
	}
	return filepath.Join(s.root(), out)
}

// shown prints a path relative to the working directory where that is shorter.
func shown(path string) string {
	abs, err := filepath.Abs(".")
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(abs, path)
	if err != nil || len(rel) >= len(path) {
		return path
	}
	return rel
}
