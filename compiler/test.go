package compiler

import (
	"context"

	"github.com/darkstart-dev/darkstart/compiler/guard"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// TestConfig says which tests of policies to run.
type TestConfig struct {
	Tree *tree.Tree
	// Dir holds the policies; empty is the fleet's policies/.
	Dir string
	// Settings are policies: of darkstart.cue, as far as tests depend on them.
	Settings spec.PolicySettings
	// Run is a regular expression over the names of tests; empty runs all.
	Run string
	// CoverageMin is the least coverage in percent that is no error.
	CoverageMin float64
}

// Test runs the tests of policies. The run is nil when there was none.
func Test(ctx context.Context, cfg *TestConfig) (*ir.TestRun, diag.List, error) {
	dir := cfg.Dir
	if dir == "" {
		dir = "policies"
	}
	return guard.Test(ctx, cfg.Tree, dir, &guard.TestConfig{
		Data: cfg.Settings.Data, RegoVersion: cfg.Settings.RegoVersion, Strict: cfg.Settings.Strict,
		Run: cfg.Run, CoverageMin: cfg.CoverageMin,
	})
}
