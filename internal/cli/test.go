package cli

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// tests is `darkstart test`.
type tests struct {
	p        pipeline
	settings spec.PolicySettings
	run      string
	coverage float64
	version  bool // --rego-version was given
}

func newTest(inv *Invocation) *cobra.Command {
	var t tests
	cmd := &cobra.Command{
		Use:   "test [PATH…]",
		Short: "run the tests of policies, with coverage",
		Long: `test runs every Rego rule whose name begins with test_ with OPA's own tester, in
the sandbox that policies are judged in, and shows of a test that fails which
expression did not hold and with what values. Without PATH these are the tests
of the fleet's policies/, under the settings of darkstart.cue. A PATH is any
file or folder of Rego; it is tested under the flags alone, and needs no fleet.

Exit status: 0 all passed, 1 one did not, or too little is covered, 2 no test ran.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			t.version = cmd.Flags().Changed("rego-version")
			return t.do(cmd.Context(), inv, args)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&t.p.in.dir, "chdir", "C", ".", "run as if started in `DIR`")
	f.StringVar(&t.p.in.revision, "revision", "", "read this git `REV` instead of the working tree")
	f.BoolVar(&t.p.in.staged, "staged", false, "read the git index instead of the working tree")
	f.StringVar(&t.run, "run", "", "only tests whose name, such as data.main_test.test_root, matches this `REGEXP`")
	f.Float64Var(&t.coverage, "coverage-min", 0, "exit 1 when fewer `PERCENT` of the lines of policies are covered")
	f.StringSliceVar(&t.settings.Data, "data", nil, "`FILES` or folders that policies read below data, instead of policies.data (repeatable)")
	choiceFlag(cmd, &t.settings.RegoVersion, "rego-version", "", "syntax of the policies, instead of policies.regoVersion", "v1", "v0")
	f.BoolVar(&t.settings.Strict, "strict", false, "a builtin that fails fails the test, instead of policies.strict")
	t.p.out.register(cmd)
	return cmd
}

func (t *tests) do(ctx context.Context, inv *Invocation, args []string) error {
	if _, err := regexp.Compile(t.run); err != nil {
		return fmt.Errorf("--run: %w", err)
	}
	if t.coverage < 0 || t.coverage > 100 {
		return fmt.Errorf("--coverage-min %g is no percentage", t.coverage)
	}
	if err := t.p.in.check(); err != nil {
		return err
	}
	t.p.out.dir = t.p.in.dir
	if _, err := t.p.out.sinks(inv); err != nil {
		return err
	}
	s, cfg, err := t.config(ctx, inv, args)
	rep := t.p.out.report("test")
	if err != nil {
		return t.p.broken(inv, s, rep, err)
	}
	if cfg == nil {
		rep.Diagnostics = s.diags
		rep.ExitCode = ExitFailed
		return t.p.out.finish(inv, s, rep)
	}
	run, ds, err := compiler.Test(ctx, cfg)
	if err != nil {
		return t.p.broken(inv, s, rep, err)
	}
	rep.Diagnostics.Add(ds...)
	if rep.Tests = run; run == nil {
		rep.ExitCode = ExitFailed
	}
	return t.p.out.finish(inv, s, rep)
}

// config is nil when what was read stands in the way; the session says what.
func (t *tests) config(ctx context.Context, inv *Invocation, args []string) (*session, *compiler.TestConfig, error) {
	cfg := &compiler.TestConfig{Settings: t.settings, Run: t.run, CoverageMin: t.coverage}
	if len(args) > 0 {
		var err error
		cfg.Dir = "."
		cfg.Tree, cfg.Settings.Data, err = readFolders(t.p.in.dir, args, t.settings.Data)
		return &session{dir: t.p.in.dir, tree: cfg.Tree}, cfg, err
	}
	s, err := t.p.in.open(ctx, inv)
	if err != nil || s.tree == nil || s.diags.HasErrors() {
		return s, nil, err
	}
	t.p.in.quiet = true
	res, err := t.p.in.compile(ctx, inv, s, compiler.ToUnits, true)
	if err != nil {
		return s, nil, err
	}
	cfg.Tree = s.tree
	if _, ok := s.tree.Lookup("darkstart.cue"); !ok {
		return s, cfg, nil
	}
	if res.Units == nil || res.Units.Project == nil {
		s.diags = res.Diagnostics // the settings of the tests are in there
		return s, nil, nil
	}
	own := cfg.Settings
	cfg.Settings = res.Units.Project.Spec.Policies
	t.override(&cfg.Settings, own)
	return s, cfg, nil
}

// override takes what was given on the command line.
func (t *tests) override(s *spec.PolicySettings, own spec.PolicySettings) {
	if len(own.Data) > 0 {
		s.Data = own.Data
	}
	if t.version {
		s.RegoVersion = own.RegoVersion
	}
	s.Strict = s.Strict || own.Strict
}

// readFolders reads the Rego of some files and folders, and what of data is
// named beside them, into a tree. Names are as they were given where they lie
// below dir, else they begin with the last element of what was given.
func readFolders(dir string, paths, data []string) (*tree.Tree, []string, error) {
	files := map[string]string{}
	for _, p := range paths {
		if err := readFolder(files, dir, p, named(p), ".rego"); err != nil {
			return nil, nil, err
		}
	}
	var names []string
	for _, d := range data {
		keys, p, ok := strings.Cut(d, ":")
		if !ok {
			keys, p = "", d
		}
		if err := readFolder(files, dir, p, named(p), ".yaml", ".yml", ".json"); err != nil {
			return nil, nil, err
		}
		if p = named(p); ok {
			p = keys + ":" + p
		}
		names = append(names, p)
	}
	return tree.FromMap(files), names, nil
}

func named(p string) string {
	if p = filepath.Clean(p); !filepath.IsLocal(p) {
		if p = filepath.Base(p); !filepath.IsLocal(p) {
			return "." // .. or /
		}
	}
	return filepath.ToSlash(p)
}

func readFolder(into map[string]string, dir, root, name string, exts ...string) error {
	root = under(dir, root)
	return filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !d.Type().IsRegular() {
			return err
		}
		for _, ext := range exts {
			if filepath.Ext(p) != ext {
				continue
			}
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(root, p)
			if err != nil {
				return err
			}
			into[filepath.ToSlash(filepath.Join(name, rel))] = string(b)
		}
		return nil
	})
}
