// Package policies holds the built-in guardrails as data.
//
// A directory is a rule: rule.rego with its metadata, rule_test.rego, and two
// fixtures, fail.yaml and pass.yaml, which turn it red and green. lib/ is what
// rules share. README.md says how to write one; compiler/guard evaluates them.
package policies

import "embed"

// FS is every file of every rule.
//
//go:embed */*.rego */*.yaml
var FS embed.FS
