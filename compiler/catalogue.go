package compiler

import (
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/emit"
	"github.com/darkstart-dev/darkstart/compiler/evaluate"
	"github.com/darkstart-dev/darkstart/compiler/guard"
	"github.com/darkstart-dev/darkstart/compiler/link"
	"github.com/darkstart-dev/darkstart/compiler/lock"
	"github.com/darkstart-dev/darkstart/compiler/publish"
	"github.com/darkstart-dev/darkstart/compiler/release"
	"github.com/darkstart-dev/darkstart/compiler/render"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/compiler/shard"
	"github.com/darkstart-dev/darkstart/compiler/validate"
	"github.com/darkstart-dev/darkstart/compiler/waive"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/git"
	"github.com/darkstart-dev/darkstart/plans/solver"
)

// Codes documents the façade's own diagnostics.
var Codes = []diag.Entry{{
	Code: "CLI001", Title: "no cluster has that name", Severity: diag.Error,
	Why: "`--cluster` names a folder below `clusters/` that does not exist. Checking nothing and saying \"passed\" is how gates rot (D6).",
	Fix: "Use one of the names that the message lists.",
}, {
	Code: "CLI002", Title: "a release was made and never committed", Severity: diag.Error,
	Why: "`releases/<stream>.json` in the working tree holds entries that HEAD does not have. Another release would give their serials to other content, and clusters that took the first would refuse the second. Nor is it published: `publish` reads the records at HEAD.",
	Fix: "Commit the records (and push them), then release or publish. A release that nobody has taken is undone with `git checkout -- releases`, or by removing the new files.",
}, {
	Code: "CLI006", Title: "the base has no common history", Severity: diag.Error,
	Why: "`check --base` judges what changed since this revision parted from the base. A shallow clone cuts the commit off at which they parted; two branches that were never one have none.",
	Fix: "Fetch the whole history (`git fetch --unshallow`, `fetch-depth: 0`), or name a base that this branch was made from.",
}, {
	Code: "CLI005", Title: "what was released cannot be compiled again", Severity: diag.Error,
	Why: "A release judges what it changes in each cluster, from the revision that the cluster's newest release was made from. That revision is not in this clone, or this compiler refuses it, so nothing can be said about the change.",
	Fix: "Fetch the whole history, or name another revision with `--base REV`; `--base none` releases without judging the change.",
}, {
	Code: "PUB001", Title: "nothing has been released", Severity: diag.Error,
	Why: "`publish` carries what `releases/<stream>.json` at HEAD records. Anything else is a candidate: it has no serial, and nothing would take it.",
	Fix: "Run `darkstart release` on the delivery branch, commit what it writes, and publish then.",
}, {
	Code: "PUB006", Title: "a bundle that nobody signed", Severity: diag.Error,
	Why: "No `--key` was given, and no signature stands beside the bundle in the registry or in `dist/oci`. Published like that, engines and `verify` would refuse it.",
	Fix: "Give the private release key with `--key`, or `--identity-token` without one, or publish where `darkstart release --key` has signed.",
}}

// Catalogue returns the documentation of every code that can be printed:
// those of the stages and the guardrails, sorted by code.
func Catalogue() ([]diag.Entry, error) {
	out := slices.Concat(Codes, git.Codes, lock.Codes, evaluate.Codes, render.Codes, validate.Codes, link.Codes,
		solver.Codes, guard.Codes, waive.Codes, emit.Codes, seal.Codes, release.Codes, publish.Codes, shard.Codes)
	rules, err := builtin()
	if err != nil {
		return nil, err
	}
	for _, r := range rules {
		out = append(out, diag.Entry{Code: r.ID, Title: r.Title, Severity: r.Severity, Why: r.Description + "\n\n" + r.Rationale, Fix: r.Remediation})
	}
	slices.SortFunc(out, func(a, b diag.Entry) int { return strings.Compare(a.Code, b.Code) })
	return out, nil
}
