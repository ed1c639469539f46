// Package guard judges a linked fleet by Rego rules and says who accepted what.
//
// A rule is data: a directory of policies/ with its Rego, its metadata and its
// fixtures. This package owns everything around it, so that a rule is only the
// question it asks:
//
//   - what a rule may see (document.go): exactly the parts of the input that
//     its metadata declares, so that a rule which does not read the time cannot
//     depend on it, and what nobody reads is never computed;
//   - when a rule applies (applies.go, D15): data in its metadata, judged here,
//     so that "does not apply, because …" is said the same way by every rule;
//   - what it may call (builtins.go): a frozen list, no clock, host or network
//     (DESIGN §9), and a builtin error is a failure, never a silent pass;
//   - what it may answer (result.go): findings and the number of inputs it
//     judged. A rule that judged nothing is not "passed" (D6);
//   - where the finding is (locate.go), how severe it is (severity.go), and
//     whether a waiver accepts it (waivers.go).
//
// Users' own policies run beside the built-in ones with conftest's conventions
// (user.go, D9). They are compiled apart: a broken policy of a user stops no
// built-in rule, and cannot reach into one.
//
// This is the only package that knows OPA (rego.go, builtins.go) and gitleaks
// (scan.go).
package guard

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/darkstart-dev/darkstart/plans"
)

// DefaultDeadline is how long one rule may take on one cluster.
const DefaultDeadline = 10 * time.Second

// Input is what the guardrails judge. Only Fleet is required.
type Input struct {
	Fleet    *ir.Fleet
	Rendered []*ir.Rendered // one a cluster, in any order
	Plan     *plans.Plan    // nil before planning: rules that read it see null
	Lock     *ir.Lock       // nil: nothing is locked
	Tree     *tree.Tree     // holds the users' policies/; nil: none
	Changes  *ir.Delta      // what changed since a base; nil: there is no base
	Comments []ir.Waiver    // waivers beside lines, by place; those of waivers/ are in Fleet.Units
	// Now is the time of the judgement (D13). Zero means that no time is known:
	// waivers are then refused, since nobody can say whether they hold.
	Now time.Time
}

// Locator says what set the value at a JSON pointer of an object of a cluster;
// the trace is empty when that is not known.
type Locator func(cluster string, o *object.Object, pointer string) object.Trace

// Config parametrises a run. Prepared is required.
type Config struct {
	// Prepared is the built-in rule set: PrepareFor one fleet, or Prepare for
	// several.
	Prepared *Prepared
	// Cache keeps what the rules said about clusters; nil asks them all.
	Cache *cache.Store
	// NoWaivers judges as if nobody had accepted anything: for auditors.
	NoWaivers bool
	// Own says which clusters to judge, by their place; nil: all. A shard leaves
	// the others to other machines.
	Own func(cluster int) bool
	// Parallel bounds the clusters in flight; 0 means GOMAXPROCS.
	Parallel int
	// Namespaces are asked instead of policies.namespaces of the project; nil
	// asks those.
	Namespaces []string
	// Trace is called when work begins on a scope ("fleet", or "clusters/prod"),
	// and returns what is called when it ends; nil is fine. It may be called from several goroutines.
	Trace func(scope string) (end func())
	// Deadline bounds one rule on one cluster, and one of a user's policies on
	// one input; 0 means DefaultDeadline.
	Deadline time.Duration
	// Locate makes what finds the places that set fields of objects. It is called
	// once for the fleet and once for each cluster, and what it makes answers one
	// question after the other. Nil means that only the origin of objects is known.
	Locate func() Locator
	// Remove returns the edits that take a waiver out of its file, nil when it
	// is not written out there. Nil means that unused waivers come without a fix.
	Remove func(w *ir.Waiver) []diag.Edit
	// Replace returns the edits that put a scalar in the place of the one that
	// stands at a position, nil when another text stands there. AddField returns
	// those that give the struct at a pointer of the spec one more field. Nil
	// means that findings come without fixes.
	Replace  func(at diag.Position, was, set string) []diag.Edit
	AddField func(at diag.Position, pointer, name, value string) []diag.Edit
}

func (c *Config) trace(scope string) (end func()) {
	if c.Trace == nil {
		return func() {}
	}
	return c.Trace(scope)
}

// Guard evaluates every rule that applies and returns the verdict: findings of
// rules and of waivers, sorted, waived ones included. The diagnostics are about
// the policies themselves (one that does not parse, that ran too long, that
// answered something else than findings); the error is about the environment.
func Guard(ctx context.Context, in *Input, cfg *Config) (*ir.Verdict, diag.List, error) {
	if in == nil || in.Fleet == nil || cfg == nil || cfg.Prepared == nil {
		return nil, nil, errors.New("guard: Input.Fleet and Config.Prepared are required")
	}
	s := newSession(in, cfg, cfg.Prepared)
	var diags diag.List
	s.severities, diags = severities(in.Fleet.Units, cfg.Prepared.catalogue())
	users, ds, err := s.loadUser(ctx)
	diags.Add(ds...)
	if err != nil {
		return nil, nil, err
	}
	runs, err := s.run(ctx, users)
	if err != nil {
		return nil, nil, err
	}
	verdict := s.verdict(runs, users)
	for _, r := range runs {
		diags.Add(r.diags...)
	}
	nothing := users.unevaluated(verdict)
	verdict.NotEvaluated = len(nothing) > 0
	diags.Add(nothing...)
	return verdict, diags.Sorted(), nil
}

// session is the state of one Guard call.
type session struct {
	in         *Input
	cfg        *Config
	rules      []*compiled // built-in, sorted by id
	severities map[string]override
	rendered   map[string]*ir.Rendered
	scanner    *scanner
	common     sync.Map // name of a part of the fleet to how it is made
	digests    policyDigest
	index      sync.Once
	byID       map[string]*plans.Node // see nodes
}

func newSession(in *Input, cfg *Config, p *Prepared) *session {
	s := &session{
		in: in, cfg: cfg, rules: p.rules, rendered: map[string]*ir.Rendered{},
		scanner: &scanner{detectors: &p.detectors, kept: cfg.Cache, fields: map[field][]recognised{}},
	}
	s.digests.add("darkstart", p.sources)
	for _, r := range in.Rendered {
		s.rendered[r.Cluster] = r
	}
	return s
}

func (s *session) deadline() time.Duration { return cmp.Or(s.cfg.Deadline, DefaultDeadline) }

func (s *session) parallel() int {
	if s.cfg.Parallel > 0 {
		return s.cfg.Parallel
	}
	return runtime.GOMAXPROCS(0)
}

// verdict joins the runs in their order, counts, and applies the waivers.
func (s *session) verdict(runs []*run, users *userPolicies) *ir.Verdict {
	v := &ir.Verdict{PolicyDigest: s.digests.sum()}
	results := map[string]*ir.RuleResult{}
	for _, r := range s.rules {
		results[r.ID] = &ir.RuleResult{ID: r.ID, Title: r.Title}
	}
	for _, u := range users.rules() {
		results[u.code] = &ir.RuleResult{ID: u.code, Title: u.title}
	}
	skips, failed := map[string]string{}, map[string]bool{}
	var findings diag.List
	for _, r := range runs {
		findings.Add(r.Findings...)
		for _, t := range r.Tallies {
			results[t.Rule].Evaluated += t.Evaluated
			failed[t.Rule] = failed[t.Rule] || t.Failed
			results[t.Rule].Excepted += t.Excepted
			if t.Skipped != "" {
				skips[t.Rule] = cmp.Or(skips[t.Rule], t.Skipped)
			}
		}
	}
	waivers, about := s.waive(findings, sortedKeys(results), failed)
	findings.Add(about...)
	v.Waivers = waivers
	v.Findings = findings.Sorted()
	count(v.Findings, results)
	for id, r := range results { // order is restored by the sort below
		if r.Evaluated == 0 {
			r.Skipped = cmp.Or(skips[id], "found nothing to judge")
		}
		v.Rules = append(v.Rules, *r)
	}
	slices.SortFunc(v.Rules, func(a, b ir.RuleResult) int { return cmp.Compare(a.ID, b.ID) })
	return v
}

func count(findings diag.List, results map[string]*ir.RuleResult) {
	for _, f := range findings {
		r := results[f.Code]
		if r == nil {
			continue
		}
		r.Findings++
		if f.Waived != nil {
			r.Waived++
		}
	}
}
