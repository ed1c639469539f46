package guard

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/spec"
)

// run is what the rules said in one scope: about the fleet, or one cluster. What
// is exported is kept between compiles.
type run struct {
	Findings diag.List
	diags    diag.List // about the rules
	Tallies  []tally
}

// tally counts what one rule judged in one scope, or says why it did not.
type tally struct {
	Rule      string
	Evaluated int
	Excepted  int // of users' rules: by their own exception
	Skipped   string
	Failed    bool // it could not say what it found
}

// run evaluates the fleet scope and every cluster, in parallel; slot 0 is the
// fleet, so that the result does not depend on who finishes first. Of clusters
// that are not its own a shard says nothing.
func (s *session) run(ctx context.Context, users *userPolicies) ([]*run, error) {
	out := make([]*run, 1+len(s.in.Fleet.Clusters))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(s.parallel())
	for i := range out {
		if out[i] = new(run); i > 0 && s.cfg.Own != nil && !s.cfg.Own(i-1) {
			continue
		}
		g.Go(func() (err error) {
			var c *ir.Linked
			scope, judge := "fleet", s.judge
			if i > 0 {
				c = s.in.Fleet.Clusters[i-1]
				scope, judge = "clusters/"+c.Name, s.judgeCluster
			}
			defer s.cfg.trace(scope)()
			out[i], err = judge(ctx, c, users)
			return err
		})
	}
	return out, g.Wait()
}

// judge runs every rule of one scope over one document.
func (s *session) judge(ctx context.Context, c *ir.Linked, users *userPolicies) (*run, error) {
	d, r := s.document(c), &run{}
	for i, rule := range s.rules {
		if rule.Scope != d.scope {
			continue
		}
		if err := s.apply(ctx, rule, d, r); err != nil {
			return nil, err
		}
		d.leave(s.rules[i+1:])
	}
	if c != nil {
		if err := users.apply(ctx, d, r); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// apply evaluates one built-in rule on one document.
func (s *session) apply(ctx context.Context, rule *compiled, d *document, r *run) error {
	if why := s.skip(rule, d); why != "" {
		// Without a base nobody knows what a waiver for a change accepts.
		r.Tallies = append(r.Tallies, tally{Rule: rule.ID, Skipped: why, Failed: rule.Applies == "base"})
		return nil
	}
	a, failure, err := s.ask(ctx, rule, d)
	if err != nil {
		return err
	}
	if failure != nil {
		r.diags.Add(failure)
		r.Tallies = append(r.Tallies, tally{Rule: rule.ID, Skipped: "it failed: " + failure.Code, Failed: true})
		return nil
	}
	r.Tallies = append(r.Tallies, tally{Rule: rule.ID, Evaluated: *a.Evaluated})
	for i := range a.Deny {
		r.Findings.Add(s.finding(rule, d, &a.Deny[i]))
	}
	return nil
}

// ask returns what a rule says of a document, from the cache where everything that
// it reads has a name and it was asked before, or what is wrong with the rule.
func (s *session) ask(ctx context.Context, rule *compiled, d *document) (*ruleAnswer, *diag.Diagnostic, error) {
	names, err := d.names(rule)
	if err != nil {
		return nil, nil, err
	}
	if names == nil {
		return s.evaluate(ctx, rule, d)
	}
	var failure *diag.Diagnostic
	// No shard knows the fleet: what it says of its part of it is of no use to others.
	a, err := cache.Value(s.cfg.Cache.Silent(), "rule", names, func() (a *ruleAnswer, err error) {
		if a, failure, err = s.evaluate(ctx, rule, d); err == nil && failure != nil {
			err = errUnkept
		}
		return a, err
	})
	if errors.Is(err, errUnkept) {
		return nil, failure, nil
	}
	return a, nil, err
}

func (s *session) evaluate(ctx context.Context, rule *compiled, d *document) (*ruleAnswer, *diag.Diagnostic, error) {
	input, err := d.input(rule.Reads)
	if err != nil {
		return nil, nil, err
	}
	x, err := within(ctx, s.deadline(), func(ctx context.Context) (any, error) {
		x, _, err := answer(ctx, rule.query, input, nil)
		return x, err
	})
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if errors.Is(err, errDeadline) {
		clear(d.built) // what was left behind may still read, and so convert, its input
	}
	a, failure := s.read(rule, d, x, err)
	return a, failure, nil
}

// skip says why a rule is not judged in this scope, "" when it is.
func (s *session) skip(rule *compiled, d *document) string {
	if o, ok := s.severities[rule.ID]; ok && o.off {
		return "switched off at " + o.at.String()
	}
	var c *spec.Cluster
	if d.linked != nil {
		c = &d.linked.Unit.Spec
	}
	if cond := conditions[rule.Applies]; !cond.holds(s.in.Fleet.Units, c) || rule.Applies == "base" && s.in.Changes == nil {
		return cond.otherwise
	}
	return ""
}

// read turns an evaluation into an answer or a diagnostic about the rule.
func (s *session) read(rule *compiled, d *document, x any, err error) (*ruleAnswer, *diag.Diagnostic) {
	about := diag.Subject{}
	if d.linked != nil {
		about.Cluster = d.linked.Name
	}
	if errors.Is(err, errDeadline) {
		return nil, diag.Errorf("GRD004", "rule %s did not finish within %s", rule.ID, s.deadline()).About(about).
			Fix("raise the deadline, or switch the rule off under guardrails: severity and report this")
	}
	if err != nil {
		return nil, diag.Errorf("GRD006", "rule %s failed: %v", rule.ID, err).About(about).
			Fix("a built-in rule must not fail: report this with the input")
	}
	a, err := readAnswer(x)
	if err != nil {
		return nil, diag.Errorf("GRD005", "rule %s answered with a wrong shape: %v", rule.ID, err).About(about).
			Fix("a built-in rule must answer with deny and evaluated: report this")
	}
	return a, nil
}
