package guard

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// Users' policies follow conftest's conventions (D9): packages named by
// policies.namespaces ("main" by default), rules deny, violation and warn with
// or without a suffix, each a set of strings or of objects with msg, and
// exception. Each rendered object is one input.

const (
	userDir       = "policies"
	maxPolicySize = 1 << 20
)

var userRuleName = regexp.MustCompile(`^(deny|violation|warn)(_[a-zA-Z0-9]+)*$`)

// userPolicies is the compiled policy folder of the fleet.
type userPolicies struct {
	s     *session
	rules []*userRule // sorted by code
	// files of the folder and the namespaces asked for; files without rules is
	// a policy set that evaluates nothing.
	files      []source
	namespaces []string
	broken     bool
	strict     bool
}

// userRule is one rule of one package.
type userRule struct {
	code      string // "main.deny_latest"
	namespace string
	name      string
	title     string
	severity  diag.Severity
	at        diag.Position
	query     rego.PreparedEvalQuery
	exception *rego.PreparedEvalQuery // nil: the package has none
}

// loadUser compiles the policies of the tree. What is wrong with them is a
// diagnostic at their line; nothing of the set is then evaluated, since a rule
// may depend on any file.
func (s *session) loadUser(ctx context.Context) (*userPolicies, diag.List, error) {
	u := &userPolicies{s: s, namespaces: []string{"main"}}
	if p := s.in.Fleet.Units.Project; p != nil {
		u.strict = p.Spec.Policies.Strict
		if len(p.Spec.Policies.Namespaces) > 0 {
			u.namespaces = p.Spec.Policies.Namespaces
		}
	}
	ds, err := u.read()
	if err != nil || len(u.files) == 0 {
		return u, ds, err
	}
	s.digests.add("user", u.files)
	c, more := u.compile()
	ds.Add(more...)
	if u.broken = ds.HasErrors(); u.broken {
		return u, ds, nil
	}
	return u, ds, u.prepare(ctx, c)
}

func (u *userPolicies) read() (diag.List, error) {
	var ds diag.List
	if u.s.in.Tree == nil {
		return nil, nil
	}
	for _, e := range u.s.in.Tree.Files(userDir) {
		if !strings.HasSuffix(e.Path, ".rego") || strings.HasSuffix(e.Path, "_test.rego") {
			continue
		}
		b, err := u.s.in.Tree.ReadFile(e.Path)
		if err != nil {
			return nil, err
		}
		if len(b) > maxPolicySize {
			ds.Add(diag.Errorf("GRD001", "policy is larger than %d bytes", maxPolicySize).
				At(diag.Position{File: e.Path}, "").Fix("split it"))
			b = nil
		}
		u.files = append(u.files, source{e.Path, b})
	}
	return ds, nil
}

func (u *userPolicies) compile() (*ast.Compiler, diag.List) {
	caps, modules := capabilities(), map[string]*ast.Module{}
	var ds diag.List
	for _, f := range u.files {
		if f.text == nil {
			continue // too large: already said
		}
		m, err := parse(f, caps)
		ds.Add(regoErrors(f.name, err)...)
		if m == nil || err != nil {
			continue
		}
		if ns := packageName(m); ns == "darkstart" || strings.HasPrefix(ns, "darkstart.") {
			ds.Add(diag.Errorf("GRD002", "package %s is reserved for the built-in rules", ns).
				At(position(f.name, m.Package.Location), "").Fix("use another package, main for example"))
		}
		modules[f.name] = m
	}
	if ds.HasErrors() {
		return nil, ds
	}
	c := ast.NewCompiler().WithCapabilities(caps)
	if c.Compile(modules); c.Failed() {
		ds.Add(regoErrors("", c.Errors)...)
	}
	return c, ds
}

func (u *userPolicies) prepare(ctx context.Context, c *ast.Compiler) error {
	found := map[string]*userRule{}
	excepted := map[string]bool{}
	for _, name := range sortedKeys(c.Modules) {
		m := c.Modules[name]
		ns := packageName(m)
		if !slices.Contains(u.namespaces, ns) {
			continue
		}
		for _, r := range m.Rules {
			head := strings.TrimPrefix(r.Head.Ref().GroundPrefix().String(), "data.")
			if head == "exception" {
				excepted[ns] = true
			}
			if code := ns + "." + head; userRuleName.MatchString(head) && found[code] == nil {
				found[code] = newUserRule(ns, head, position(name, r.Location))
			}
		}
	}
	for _, code := range sortedKeys(found) {
		r := found[code]
		var err error
		if r.query, err = prepare(ctx, c, fmt.Sprintf("x := data.%s.%s", r.namespace, r.name), u.strict); err != nil {
			return fmt.Errorf("guard: %s: %w", code, err)
		}
		if excepted[r.namespace] {
			q, err := prepare(ctx, c, fmt.Sprintf("data.%s.exception[_][_] == %q; x := true", r.namespace, suffix(r.name)), u.strict)
			if err != nil {
				return fmt.Errorf("guard: %s: %w", code, err)
			}
			r.exception = &q
		}
		u.rules = append(u.rules, r)
	}
	return nil
}

func newUserRule(ns, name string, at diag.Position) *userRule {
	r := &userRule{code: ns + "." + name, namespace: ns, name: name, severity: diag.Error, at: at}
	if strings.HasPrefix(name, "warn") {
		r.severity = diag.Warning
	}
	r.title = fmt.Sprintf("%s in %s", name, at.File)
	return r
}

// suffix is what an exception names: "latest" for deny_latest, "" for deny.
func suffix(name string) string {
	_, s, _ := strings.Cut(name, "_")
	return s
}

// apply evaluates every rule on every object of a cluster.
func (u *userPolicies) apply(ctx context.Context, d *document, r *run) error {
	for _, rule := range u.rules {
		t, err := u.one(ctx, rule, d, r)
		if err != nil {
			return err
		}
		r.tallies = append(r.tallies, t)
	}
	return nil
}

// one evaluates a rule on every object, under one deadline. The first object on
// which the rule itself fails ends it: the rest would say the same.
func (u *userPolicies) one(ctx context.Context, rule *userRule, d *document, r *run) (tally, error) {
	t := tally{rule: rule.code}
	err := within(ctx, u.s.deadline(), func(ctx context.Context) error {
		for _, e := range d.objects.list {
			if err := u.object(ctx, rule, d, e, r); err != nil {
				return err
			}
			t.evaluated++
		}
		return nil
	})
	if ctx.Err() != nil {
		return t, ctx.Err()
	}
	var wrong *shapeError
	about := diag.Subject{Cluster: d.linked.Name}
	switch {
	case errors.Is(err, errDeadline):
		r.diags.Add(diag.Errorf("GRD004", "%s did not finish within %s", rule.code, u.s.deadline()).At(rule.at, "").About(about).
			Fix("look for a product of large collections, or a generator such as numbers.range without a bound"))
	case errors.As(err, &wrong):
		r.diags.Add(diag.Errorf("GRD005", "%s must be a set of strings or of objects with msg: %s", rule.code, wrong).At(rule.at, "").About(about).
			Fix(`write it as %s contains msg if { … }`, rule.name))
	case err != nil:
		r.diags.Add(u.failed(rule, err).About(about))
	default:
		return t, nil
	}
	return tally{rule: rule.code, skipped: "it failed", failed: true}, nil
}

// failed reports an evaluation error at the line of the policy that raised it.
func (u *userPolicies) failed(rule *userRule, err error) *diag.Diagnostic {
	at, msg := rule.at, err.Error()
	var te *topdown.Error
	if errors.As(err, &te) {
		msg = te.Message
		if te.Location != nil {
			at = position(te.Location.File, te.Location)
		}
	}
	return diag.Errorf("GRD006", "%s could not be evaluated: %s", rule.code, msg).At(at, "").
		Fix("guard the call, for example with is_string or the .is_valid form of the builtin")
}

// object evaluates a rule on one object.
func (u *userPolicies) object(ctx context.Context, rule *userRule, d *document, e *indexed, r *run) error {
	content, err := u.s.values.term(e.object, e.object.Content)
	if err != nil {
		return err
	}
	var ignored []topdown.Error
	if rule.exception != nil {
		_, excepted, err := answer(ctx, *rule.exception, content.Value, &ignored)
		if err != nil || excepted {
			return err
		}
	}
	var builtin []topdown.Error
	x, ok, err := answer(ctx, rule.query, content.Value, &builtin)
	if err != nil {
		return err
	}
	for i := range builtin {
		w := u.failed(rule, &builtin[i])
		w.Severity = diag.Warning
		r.diags.Add(w.Note("the policy goes on as if the call were undefined, as conftest does; policies: strict makes it an error"))
	}
	if !ok {
		return nil
	}
	msgs, err := messages(x)
	if err != nil {
		return err
	}
	for _, msg := range msgs {
		r.findings.Add(u.finding(rule, d, e, msg))
	}
	return nil
}

func (u *userPolicies) finding(rule *userRule, d *document, e *indexed, msg string) *diag.Diagnostic {
	f := &diag.Diagnostic{Code: rule.code, Severity: rule.severity, Message: msg, Subject: diag.Subject{
		Cluster: d.linked.Name, Component: e.component, Object: e.key,
	}}
	u.s.atObject(f, e, "")
	return f.At(rule.at, "the policy").Fix("change the object, or accept it with a waiver for rule %q", rule.code)
}

// shapeError says what a rule answered instead of messages.
type shapeError struct{ got string }

func (e *shapeError) Error() string { return e.got }

// messages reads what conftest reads; anything else is an error, where conftest
// passes in silence.
func messages(x any) ([]string, error) {
	list, ok := x.([]any)
	if !ok {
		return nil, &shapeError{fmt.Sprintf("it is %s", kindOf(x))}
	}
	var out []string
	for _, v := range list {
		if m, ok := v.(map[string]any); ok {
			if v, ok = m["msg"]; !ok {
				return nil, &shapeError{"an object has no msg"}
			}
		}
		s, ok := v.(string)
		if !ok {
			return nil, &shapeError{fmt.Sprintf("it holds %s", kindOf(v))}
		}
		out = append(out, s)
	}
	return out, nil
}

func kindOf(x any) string {
	switch x.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "one string"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	}
	return "a number"
}

// unevaluated reports a policy folder that judged nothing: it must never look
// like one that passed (D6, DESIGN §11).
func (u *userPolicies) unevaluated(v *ir.Verdict) diag.List {
	if len(u.files) == 0 || u.broken {
		return nil
	}
	at := diag.Position{File: u.files[0].name}
	if len(u.rules) == 0 {
		return diag.List{diag.Errorf("GRD007", "policies/ was not evaluated: no package %s has a deny, violation or warn rule", strings.Join(u.namespaces, ", ")).
			At(at, "").Fix("name the packages under policies: namespaces in darkstart.cue, or write package main")}
	}
	for _, r := range v.Rules {
		if r.Evaluated > 0 && slices.ContainsFunc(u.rules, func(x *userRule) bool { return x.code == r.ID }) {
			return nil
		}
	}
	if slices.ContainsFunc(u.s.in.Rendered, func(r *ir.Rendered) bool {
		return slices.ContainsFunc(r.Components, func(c ir.RenderedComponent) bool { return len(c.Objects) > 0 })
	}) {
		return nil // its rules failed, each with a diagnostic of its own
	}
	return diag.List{diag.Errorf("GRD007", "policies/ was not evaluated: no object was rendered").At(at, "").
		Fix("add a component to a cluster, or remove the policies")}
}
