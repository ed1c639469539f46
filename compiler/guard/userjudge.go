package guard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// A judging is one package over the inputs of one cluster.
type judging struct {
	u *userPolicies
	p *userPackage
	d *document
	r *run
	// tallies and oddities are by code; a rule that failed is asked no more.
	tallies  map[string]*tally
	oddities map[string]*oddity
	// apart is set once the package as a whole ran into the deadline.
	apart bool
}

// oddity is a warning about a rule, with the first input that shows it.
type oddity struct {
	*diag.Diagnostic
	more int
}

// apply evaluates every package on the inputs of a cluster.
func (u *userPolicies) apply(ctx context.Context, d *document, r *run) error {
	if len(u.packages) == 0 {
		return nil
	}
	inputs, err := u.inputs(d)
	if err != nil {
		return err
	}
	for _, p := range u.packages {
		j := &judging{u: u, p: p, d: d, r: r, tallies: map[string]*tally{}, oddities: map[string]*oddity{}}
		for _, rule := range p.rules {
			j.tallies[rule.code] = &tally{Rule: rule.code}
		}
		if err := j.inputs(ctx, inputs); err != nil {
			return err
		}
		j.finish()
	}
	return nil
}

// inputs judges one after the other. Each has its own deadline; so that many
// slow ones end too, all of them together have one for each rule and two more,
// for the package.
func (j *judging) inputs(ctx context.Context, inputs []userInput) error {
	bounded, cancel := context.WithTimeout(ctx, time.Duration(len(j.p.rules)+2)*(j.u.s.deadline()+grace))
	defer cancel()
	for _, in := range inputs {
		err := j.judge(bounded, in)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case bounded.Err() != nil:
			for _, rule := range j.p.rules {
				if !j.failed(rule) {
					j.fail(rule, in, errDeadline)
				}
			}
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}

// A userInput is what rules are asked about: one object, or all of a cluster.
type userInput struct {
	about    *indexed // nil when combined
	content  map[string]any
	combined ast.Value
	objects  int
}

// value converts what a rule asks for, and no more (see document.rendered). It
// is a new one for every question: a rule that was stopped and left behind may
// still read its own.
func (in userInput) value() ast.Value {
	if in.combined != nil {
		return in.combined
	}
	return ast.LazyObject(in.content)
}

func (u *userPolicies) inputs(d *document) ([]userInput, error) {
	if u.settings.Combine {
		return u.combined(d)
	}
	out := make([]userInput, 0, len(d.objects.list))
	for _, e := range d.objects.list {
		content, _ := spelled(e.object.Content(), false).(map[string]any)
		out = append(out, userInput{about: e, content: content, objects: 1})
	}
	return out, nil
}

// combined is conftest's --combine: a list of {path, contents}, by path.
func (u *userPolicies) combined(d *document) ([]userInput, error) {
	list := slices.Clone(d.objects.list)
	if len(list) == 0 {
		return nil, nil
	}
	slices.SortStableFunc(list, func(a, b *indexed) int {
		return diag.Position{File: a.object.Origin.Pos.File}.Compare(diag.Position{File: b.object.Origin.Pos.File})
	})
	all := make([]any, len(list))
	for i, e := range list {
		all[i] = map[string]any{"path": e.object.Origin.Pos.File, "contents": spelled(e.object.Content(), true)}
	}
	v, err := ast.InterfaceToValue(all)
	return []userInput{{combined: v, objects: len(list)}}, err
}

// judge asks all rules of the package at once. Where that fails, or a builtin
// did, they are asked one by one: only then it is known which of them it was.
func (j *judging) judge(ctx context.Context, in userInput) error {
	if !j.apart {
		a, err := j.ask(ctx, j.p.all, in)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && len(a.builtin) == 0 {
			for _, rule := range j.p.rules {
				if !j.failed(rule) {
					j.read(rule, in, a)
				}
			}
			return nil
		}
		if j.apart = errors.Is(err, errDeadline); j.apart && len(j.p.rules) == 1 {
			j.fail(j.p.rules[0], in, err)
			return nil
		}
	}
	for _, rule := range j.p.rules {
		if j.failed(rule) {
			continue
		}
		a, err := j.ask(ctx, rule.query, in)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			j.fail(rule, in, err)
			continue
		}
		for i := range a.builtin {
			w := j.u.unevaluable(rule, &a.builtin[i])
			w.Severity = diag.Warning
			j.odd(rule, in, w.Note("the policy goes on as if the call were undefined, as conftest does; policies: strict makes it an error"))
		}
		j.read(rule, in, a)
	}
	return nil
}

// userAnswer is what a query of an asker gave, by rule.
type userAnswer struct {
	rules   map[string]any
	builtin []topdown.Error
}

func (j *judging) ask(ctx context.Context, q rego.PreparedEvalQuery, in userInput) (*userAnswer, error) {
	return within(ctx, j.u.s.deadline(), func(ctx context.Context) (*userAnswer, error) {
		a := &userAnswer{}
		x, _, err := answer(ctx, q, in.value(), &a.builtin)
		a.rules, _ = x.(map[string]any)
		return a, err
	})
}

// read turns the answer of one rule into findings.
func (j *judging) read(rule *userRule, in userInput, a *userAnswer) {
	t := j.tallies[rule.code]
	var found []message
	if said, _ := a.rules[rule.name].([]any); len(said) > 0 {
		msgs, odd, err := messages(said[0])
		if err != nil {
			j.fail(rule, in, err)
			return
		}
		if odd != "" {
			d := j.u.settings.oddity(j.u.misshapen(rule, odd))
			if d.Severity == diag.Error {
				j.stop(rule, d.About(j.subject(in)))
				return
			}
			j.odd(rule, in, d)
		}
		found = msgs
	}
	t.Evaluated += in.objects
	excepted, _ := a.rules["exception"].([]any)
	if exceptions(excepted)[rule.suffix()] > 0 {
		t.Excepted += in.objects
		return
	}
	for i := range found {
		j.r.Findings.Add(j.u.finding(rule, j.d, in, &found[i]))
	}
}

func (j *judging) subject(in userInput) diag.Subject {
	s := diag.Subject{Cluster: j.d.linked.Name}
	if in.about != nil {
		s.Component, s.Object = in.about.component, in.about.key
	}
	return s
}

// odd keeps a warning about a line of a rule once, however many inputs show it.
func (j *judging) odd(rule *userRule, in userInput, d *diag.Diagnostic) {
	key := d.Code + rule.code + d.Primary().String()
	if o := j.oddities[key]; o != nil {
		o.more++
		return
	}
	j.oddities[key] = &oddity{Diagnostic: d.About(j.subject(in))}
}

func (j *judging) failed(rule *userRule) bool { return j.tallies[rule.code].Skipped != "" }

// fail ends a rule in this cluster: the other inputs would say the same.
func (j *judging) fail(rule *userRule, in userInput, err error) {
	var wrong *shapeError
	d := j.u.unevaluable(rule, err)
	switch {
	case errors.Is(err, errDeadline):
		d = diag.Errorf("GRD004", "%s did not finish within %s", rule.code, j.u.s.deadline()).At(rule.at, "").
			Fix("look for a product of large collections, or a generator such as numbers.range without a bound")
	case errors.As(err, &wrong):
		d = j.u.misshapen(rule, wrong.got).Note("conftest ends with an error here")
	}
	j.stop(rule, d.About(j.subject(in)))
}

func (j *judging) stop(rule *userRule, d *diag.Diagnostic) {
	j.r.diags.Add(d)
	*j.tallies[rule.code] = tally{Rule: rule.code, Skipped: "it failed: " + d.Code, Failed: true}
}

func (j *judging) finish() {
	for _, rule := range j.p.rules {
		j.r.Tallies = append(j.r.Tallies, *j.tallies[rule.code])
	}
	for _, k := range sortedKeys(j.oddities) {
		o := j.oddities[k]
		if o.more > 0 {
			o.Note("and on %s of the cluster", plural(o.more, "other input"))
		}
		j.r.diags.Add(o.Diagnostic)
	}
}

func (u *userPolicies) misshapen(rule *userRule, got string) *diag.Diagnostic {
	return diag.Errorf("GRD005", "%s must be a set of strings or of objects with msg: %s", rule.code, got).At(rule.at, "").
		Fix(`write it as %s contains msg if { … }`, rule.name)
}

// unevaluable reports an evaluation error at the line of the policy that raised it.
func (u *userPolicies) unevaluable(rule *userRule, err error) *diag.Diagnostic {
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

// finding is one message: where _loc says, else at the object.
func (u *userPolicies) finding(rule *userRule, d *document, in userInput, m *message) *diag.Diagnostic {
	f := &diag.Diagnostic{Code: rule.code, Severity: rule.severity, Message: m.text, Subject: diag.Subject{Cluster: d.linked.Name}}
	if m.at.File == "" && in.about != nil && m.at.Line > 0 {
		m.at.File = in.about.object.Origin.Pos.File
	}
	if m.at.File != "" {
		f.At(m.at, "")
	}
	if in.about != nil {
		f.Subject.Component, f.Subject.Object = in.about.component, in.about.key
		d.atObject(f, in.about, "")
	}
	f.Notes = append(f.Notes, m.details...)
	return f.At(rule.at, "the policy").Fix("change %s, or accept it with a waiver for rule %q", in.what(), rule.code)
}

func (in userInput) what() string {
	if in.about == nil {
		return "the objects"
	}
	return "the object"
}

func plural(n int, what string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}
