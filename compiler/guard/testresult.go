package guard

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// result turns what the tester said of one test into ours. One that failed is
// run again with a trace, to say which expression did not hold and what its
// values were: a trace of every test would cost more than the tests.
func (s *suite) result(ctx context.Context, x *tester.Result) (ir.TestResult, *diag.Diagnostic, error) {
	t := ir.TestResult{
		Package: strings.TrimPrefix(x.Package, "data."), Name: x.Name, At: position("", x.Location),
		Output: strings.TrimSpace(string(x.Output)), Outcome: ir.Passed,
	}
	switch {
	case x.Skip:
		t.Outcome = ir.Skipped
	case x.Error != nil:
		t.Outcome = ir.Errored
		return t, s.errored(&t, x.Error), nil
	case x.Fail:
		t.Outcome = ir.Failed
		d, err := s.failed(ctx, &t, x)
		return t, d, err
	}
	return t, nil, nil
}

func (s *suite) errored(t *ir.TestResult, err error) *diag.Diagnostic {
	t.Why = err.Error()
	var te *topdown.Error
	if errors.As(err, &te) {
		t.Why, t.FailedAt = te.Message, position("", te.Location)
	}
	if topdown.IsCancel(err) || errors.Is(err, context.DeadlineExceeded) {
		t.Why = "it did not finish within " + s.deadline().String()
		return diag.Errorf("GRD004", "test %s did not finish within %s", t.Name, s.deadline()).At(t.At, "").
			Fix("look for a product of large collections, or a generator such as numbers.range without a bound")
	}
	d := diag.Errorf("GRD031", "test %s could not be evaluated: %s", t.Name, t.Why).At(t.FailedAt, "")
	if t.FailedAt != t.At {
		d.At(t.At, "the test")
	}
	return d.Fix("correct the policy or the test")
}

func (s *suite) failed(ctx context.Context, t *ir.TestResult, x *tester.Result) (*diag.Diagnostic, error) {
	modules, _ := s.parse()
	again, ds, err := s.collect(ctx, s.runner(modules).EnableTracing(true).Filter(exactly(x)))
	if err != nil {
		return nil, err
	}
	d := diag.Errorf("GRD031", "test %s failed", t.Name)
	i := slices.IndexFunc(again, func(y *tester.Result) bool { return y.Location.Equal(x.Location) })
	if i >= 0 && !ds.HasErrors() {
		s.explain(d, t, again[i])
	}
	if t.FailedAt != t.At {
		d.At(t.At, "the test")
	}
	if t.Output != "" {
		d.Note("it printed: %s", t.Output)
	}
	if t.Why == "" {
		t.Why = "it is not true"
	}
	return d.Fix("correct the policy or the test; print(…) in either shows more"), nil
}

// explain finds the last expression that did not hold, as `opa test` does.
func (s *suite) explain(d *diag.Diagnostic, t *ir.TestResult, x *tester.Result) {
	var cases []string
	for name, sub := range x.SubResults.Iter {
		if sub.Fail && len(sub.SubResults) == 0 {
			cases = append(cases, strings.Join(name, "/"))
		}
	}
	if len(cases) > 0 {
		t.Why = "cases that failed: " + strings.Join(cases, ", ")
		d.Note("%s", t.Why)
	}
	e := lastFailure(x.Trace)
	if e == nil {
		return
	}
	t.FailedAt = position("", e.Location)
	text := strings.TrimSpace(string(e.Location.Text))
	if t.Why == "" {
		first, _, _ := strings.Cut(text, "\n")
		t.Why = "this does not hold: " + first
	}
	d.At(t.FailedAt, "this does not hold")
	if v := drawn(e); v != "" {
		d.Note("%s", v)
		t.Why += "\n" + v
	}
}

// lastFailure is nil where no expression failed: the test answered false.
func lastFailure(trace []*topdown.Event) *topdown.Event {
	for _, e := range slices.Backward(trace) {
		if e.Op != topdown.FailOp || e.Location == nil || e.QueryID == 0 {
			continue
		}
		if expr, ok := e.Node.(*ast.Expr); ok {
			if _, every := expr.Terms.(*ast.Every); every {
				continue // what failed is inside
			}
		}
		return e
	}
	return nil
}

// drawn is the expression with what its variables were, as OPA draws it.
func drawn(e *topdown.Event) string {
	var b bytes.Buffer
	if topdown.PrettyEvent(&b, e, topdown.PrettyEventOpts{PrettyVars: true}) != nil {
		return ""
	}
	out := strings.ReplaceAll(strings.Trim(b.String(), "\n"), "\n\t", "\n")
	out = strings.TrimPrefix(out, "\t")
	if strings.TrimSpace(out) == strings.TrimSpace(string(e.Location.Text)) {
		return "" // no variable in it
	}
	return out
}
