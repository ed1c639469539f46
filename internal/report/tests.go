package report

import (
	"fmt"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
)

// tests prints what is not covered, and every test when asked for. Those that
// failed are findings, and stand above.
func (p *printer) tests(t *ir.TestRun) {
	if t == nil {
		return
	}
	if p.Verbose {
		for i := range t.Tests {
			p.test(&t.Tests[i])
		}
		p.print("\n")
	}
	shown := false
	for _, f := range t.Coverage.Files {
		if len(f.Uncovered) == 0 && !p.Verbose {
			continue
		}
		p.printf("%s: %.1f%% covered", clean(f.File), f.Percent)
		if len(f.Uncovered) > 0 {
			p.printf("; not covered: %s", ranges(f))
		}
		p.print("\n")
		shown = true
	}
	if shown {
		p.print("\n")
	}
}

func (p *printer) test(t *ir.TestResult) {
	st := green
	switch t.Outcome {
	case ir.Failed, ir.Errored:
		st = red
	case ir.Skipped:
		st = yellow
	}
	p.printf("%s %s.%s (%s)\n", p.paint(st, string(t.Outcome)), clean(t.Package), clean(t.Name), clean(t.At.String()))
	for _, l := range paragraphs(t.Output) {
		if l != "" {
			p.printf("  | %s\n", l)
		}
	}
}

// ranges lists uncovered lines as an editor opens them.
func ranges(f ir.FileCoverage) string {
	var out []string
	for _, r := range f.Uncovered {
		out = append(out, fmt.Sprintf("%s:%s", clean(f.File), r))
	}
	return strings.Join(out, ", ")
}

// lastTests is the last line of a run of tests.
func (p *printer) lastTests(r *Result) {
	t := r.Tests
	st := green
	if r.ExitCode != 0 || r.Error != "" {
		st = red
	}
	verdict := fmt.Sprintf("%s: %d passed, %d failed, %d skipped", count(len(t.Tests), "test"),
		t.Count(ir.Passed), t.Count(ir.Failed)+t.Count(ir.Errored), t.Count(ir.Skipped))
	p.printf("%s; %.1f%% of %s of policies covered\n", p.paint(st, verdict), t.Coverage.Percent, count(t.Coverage.Lines, "line"))
}
