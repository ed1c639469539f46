package guard

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// TestConfig says which tests to run and how.
type TestConfig struct {
	// Data, RegoVersion and Strict are as in policies: of darkstart.cue.
	Data        []string
	RegoVersion string
	Strict      bool
	// Run is a regular expression over names such as data.main_test.test_root;
	// empty runs all.
	Run string
	// CoverageMin is the least coverage in percent that is no error.
	CoverageMin float64
	// Deadline bounds one test; 0 means DefaultDeadline.
	Deadline time.Duration
}

// Test runs the tests of the Rego below dir with OPA's own tester, in the
// sandbox that policies are judged in. A test that fails, and too little
// coverage, is a diagnostic beside the result; the run is nil when the policies
// do not compile or no test was found.
func Test(ctx context.Context, t *tree.Tree, dir string, cfg *TestConfig) (*ir.TestRun, diag.List, error) {
	if _, err := regexp.Compile(cfg.Run); err != nil {
		return nil, nil, fmt.Errorf("guard: which tests to run: %w", err)
	}
	s := &suite{cfg: cfg, settings: userSettings{}}
	s.settings.RegoVersion = cfg.RegoVersion
	files, _, ds, err := regoFiles(t, dir, func(string) bool { return true })
	if err != nil {
		return nil, nil, err
	}
	s.files = files
	if s.store = inmem.New(); len(cfg.Data) > 0 {
		store, _, more, err := loadData(t, cfg.Data, func(i int) diag.Position { return diag.Position{File: cfg.Data[i]} })
		if ds.Add(more...); err != nil {
			return nil, nil, err
		}
		s.store = store
	}
	if _, more := s.parse(); len(more) > 0 {
		ds.Add(more...)
	}
	if ds.HasErrors() {
		return nil, ds.Sorted(), nil
	}
	return s.run(ctx, dir)
}

// suite is the tests of one folder.
type suite struct {
	cfg      *TestConfig
	settings userSettings
	files    []source
	store    storage.Store
}

func (s *suite) deadline() time.Duration { return cmp.Or(s.cfg.Deadline, DefaultDeadline) }

// parse gives modules of its own to every run: the tester rewrites them.
func (s *suite) parse() (map[string]*ast.Module, diag.List) {
	return parseFiles(s.files, s.settings.regoVersion())
}

func (s *suite) run(ctx context.Context, dir string) (*ir.TestRun, diag.List, error) {
	c := cover.New()
	modules, _ := s.parse()
	r := s.runner(modules).SetCoverageQueryTracer(c).SetCoverageRuns(nil).Filter(s.cfg.Run)
	results, ds, err := s.collect(ctx, r)
	if err != nil || ds.HasErrors() {
		return nil, ds, err
	}
	if len(results) == 0 {
		ds.Add(s.nothing(dir))
		return nil, ds, nil
	}
	out := &ir.TestRun{Coverage: coverage(c.Report(modules), modules)}
	for _, x := range results {
		t, d, err := s.result(ctx, x)
		if err != nil {
			return nil, nil, err
		}
		out.Tests = append(out.Tests, t)
		ds.Add(d)
	}
	slices.SortFunc(out.Tests, func(a, b ir.TestResult) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Package, b.Package), cmp.Compare(a.Name, b.Name))
	})
	ds.Add(s.tooLittle(&out.Coverage))
	return out, ds.Sorted(), nil
}

func (s *suite) runner(modules map[string]*ast.Module) *tester.Runner {
	c := ast.NewCompiler().WithCapabilities(capabilities()).WithEnablePrintStatements(true)
	return tester.NewRunner().SetCompiler(c).SetModules(modules).SetStore(s.store).SetTimeout(s.deadline()).
		CapturePrintOutput(true).RaiseBuiltinErrors(s.cfg.Strict).SetParallel(1)
}

// collect runs the tests one after the other. One whose builtin does not look
// whether it should stop would hold up the rest for ever: then what was said so
// far is all there is, and that is an error.
func (s *suite) collect(ctx context.Context, r *tester.Runner) ([]*tester.Result, diag.List, error) {
	txn, err := s.store.NewTransaction(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer s.store.Abort(ctx, txn)
	ch, err := r.RunTests(ctx, txn)
	if err != nil {
		return nil, regoErrors("", err), nil
	}
	var out []*tester.Result
	for {
		select {
		case x, ok := <-ch:
			if !ok {
				return out, nil, ctx.Err()
			}
			out = append(out, x)
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-time.After(s.deadline() + 4*grace):
			return out, diag.List{diag.Errorf("GRD004", "a test did not finish within %s, and cannot be stopped", s.deadline()).
				At(diag.Position{File: s.files[0].name}, "").
				Note("%s ended before it", plural(len(out), "test")).
				Fix("run them apart with --run; look for graph.reachable_paths or regex.globs_match over large values")}, nil
		}
	}
}

func (s *suite) nothing(dir string) *diag.Diagnostic {
	at := diag.Position{File: dir}
	if len(s.files) > 0 {
		at.File = s.files[0].name
	}
	switch {
	case len(s.files) == 0:
		return diag.Errorf("GRD033", "no test was run: there is no .rego file below %s", dir).At(at, "").
			Fix("write policies and their tests there, or name their folder: darkstart test DIR")
	case s.cfg.Run != "":
		return diag.Errorf("GRD033", "no test was run: none has a name that matches %q", s.cfg.Run).At(at, "").
			Fix("--run is matched with names such as data.main_test.test_root")
	}
	return diag.Errorf("GRD033", "no test was run: no rule below %s has a name that begins with test_", dir).At(at, "").
		Fix("write one in a file NAME_test.rego: test_root_is_denied if count(main.deny) == 1 with input as {…}")
}

// tooLittle is nil where the coverage is enough.
func (s *suite) tooLittle(c *ir.TestCoverage) *diag.Diagnostic {
	if c.Percent >= s.cfg.CoverageMin {
		return nil
	}
	d := diag.Errorf("GRD032", "%.1f%% of the lines of policies are covered, less than %g%%", c.Percent, s.cfg.CoverageMin).
		Fix("test the lines that are shown, or remove them")
	for _, f := range c.Files {
		for _, r := range f.Uncovered {
			d.At(diag.Position{File: f.File, Line: r.From}, "%s", uncovered(r))
		}
	}
	return d
}

func uncovered(r ir.LineRange) string {
	if r.From == r.To {
		return "not covered"
	}
	return fmt.Sprintf("not covered up to line %d", r.To)
}

// coverage reads OPA's report; tests do not count as lines to be tested.
func coverage(r cover.Report, modules map[string]*ast.Module) ir.TestCoverage {
	var out ir.TestCoverage
	for _, name := range sortedKeys(modules) {
		fr := r.Files[name]
		if fr == nil || isTest(name) {
			continue
		}
		f := ir.FileCoverage{File: name, Lines: fr.CoveredLines + fr.NotCoveredLines, Covered: fr.CoveredLines, Uncovered: lines(fr.NotCovered)}
		if f.Lines == 0 {
			continue // imports and comments alone
		}
		f.Percent = percent(f.Covered, f.Lines)
		out.Lines, out.Covered, out.Files = out.Lines+f.Lines, out.Covered+f.Covered, append(out.Files, f)
	}
	out.Percent = percent(out.Covered, out.Lines)
	return out
}

// percent is exact to a tenth, so that what is printed is what is compared. All
// of nothing is covered.
func percent(part, whole int) float64 {
	if whole == 0 {
		return 100
	}
	return float64(part*1000/whole) / 10
}

// lines joins ranges of columns to ranges of lines.
func lines(ranges []cover.Range) []ir.LineRange {
	var out []ir.LineRange
	ranges = slices.SortedFunc(slices.Values(ranges), cover.Range.Compare)
	for _, r := range ranges {
		if n := len(out); n > 0 && r.Start.Row <= out[n-1].To+1 {
			out[n-1].To = max(out[n-1].To, r.End.Row)
			continue
		}
		out = append(out, ir.LineRange{From: r.Start.Row, To: r.End.Row})
	}
	return out
}

// testName is how --run sees a test.
func testName(x *tester.Result) string { return x.Package + "." + x.Name }

// exactly matches one test.
func exactly(x *tester.Result) string {
	return "^" + regexp.QuoteMeta(strings.TrimSpace(testName(x))) + "$"
}
