package cli

import (
	"os"
	"time"

	"golang.org/x/term"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/internal/progress"
)

// compiling is what a compile consists of. The weights are CPU milliseconds of
// a cluster of 280 objects (docs/benchmarks.md); what is not here takes no time
// that anybody waits for.
func compiling(until compiler.Stage) []progress.Stage {
	all := []struct {
		reaches compiler.Stage
		progress.Stage
	}{
		{compiler.ToUnits, progress.Stage{Name: "evaluate", Doing: "evaluating CUE", Of: "clusters", Weight: 15}},
		{compiler.ToObjects, progress.Stage{Name: "render", Doing: "rendering manifests", Of: "clusters", Weight: 45}},
		{compiler.ToPlan, progress.Stage{Name: "link", Doing: "linking the fleet", Weight: 5}},
		{compiler.ToPlan, progress.Stage{Name: "plan", Doing: "solving recovery", Weight: 5}},
		{compiler.ToPlan, progress.Stage{Name: "diff", Doing: "comparing with the base", Weight: 5}},
		{compiler.ToVerdict, progress.Stage{Name: "guard", Doing: "checking guardrails", Of: "clusters", Weight: 60}},
		{compiler.ToArtifacts, progress.Stage{Name: "emit", Doing: "writing artifacts", Of: "clusters", Weight: 1}},
		{compiler.ToArtifacts, progress.Stage{Name: "seal", Doing: "sealing bundles", Of: "bundles", Weight: 90}},
	}
	var out []progress.Stage
	for _, s := range all {
		if s.reaches <= until {
			out = append(out, s.Stage)
		}
	}
	return out
}

// publishing is what a publication consists of, by the steps of package
// publish.
func publishing() []progress.Stage {
	step := func(name string, weight float64) progress.Stage {
		return progress.Stage{Name: name, Doing: name, Of: "bundles", Weight: weight}
	}
	return []progress.Stage{
		step("asking what is there", 1), step("sending bundles", 5), step("attaching claims", 4), step("attaching signatures", 4), step("naming", 1),
	}
}

// progress returns what shows the progress of work on stderr; nil, which shows
// none, with --quiet. A log is no terminal, although some CI systems give it
// one.
func (in *input) progress(inv *Invocation, about string, stages []progress.Stage) *progress.Line {
	if in.quiet {
		return nil
	}
	c := progress.Config{Out: inv.Stderr, Now: time.Now, Prefix: "darkstart: " + about, Stages: stages}
	f, ok := inv.Stderr.(*os.File)
	if ok && inv.Getenv("CI") == "" && inv.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd())) {
		c.Width = func() int {
			w, _, err := term.GetSize(int(f.Fd()))
			if err != nil {
				return 80
			}
			return w
		}
	}
	return progress.New(c)
}

// stage begins a stage that follows a compile and belongs to the same work.
func (in *input) stage(inv *Invocation, name string) (end func()) {
	over := inv.recording.Begin(name, "")
	in.line.Event(name, 0, 0)
	in.line.Start()
	return func() {
		in.line.Stop()
		over()
	}
}
