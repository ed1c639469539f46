package guard

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/darkstart-dev/darkstart/compiler/ir"
)

// Prepared is a built-in rule set, read and compiled, together with the secret
// detectors: all that is the same for every fleet, and most of the work on a
// small one. Nothing of it changes after Prepare, so any number of Guard calls
// may share it, at the same time too.
type Prepared struct {
	rules     []*compiled // sorted by id
	sources   []source    // what the policy digest is taken of
	detectors detectors
}

// compiled is a built-in rule, ready to be evaluated any number of times.
type compiled struct {
	Rule
	query rego.PreparedEvalQuery
}

// Prepare compiles a policy file system for several calls of Guard. The verdicts
// are those of PrepareFor. An error is a defect of the rules: Catalogue
// refuses them, or they do not compile.
func Prepare(ctx context.Context, policies fs.FS) (*Prepared, error) {
	return prepareRules(ctx, policies, func([]Rule) map[string]bool { return nil })
}

// PrepareFor compiles what one fleet is judged by. It needs no more than the units,
// so it can be done beside what comes before judging.
func PrepareFor(ctx context.Context, policies fs.FS, u *ir.Units) (*Prepared, error) {
	return prepareRules(ctx, policies, func(rules []Rule) map[string]bool { return idle(u, rules) })
}

func prepareRules(ctx context.Context, policies fs.FS, idle func([]Rule) map[string]bool) (*Prepared, error) {
	rules, err := Catalogue(policies)
	if err != nil {
		return nil, fmt.Errorf("guard: built-in policies: %w", err)
	}
	p := &Prepared{}
	if err := p.compile(ctx, policies, rules, idle(rules)); err != nil {
		return nil, fmt.Errorf("guard: built-in policies: %w", err)
	}
	return p, nil
}

// compile compiles the rules together and prepares one query for each that is
// not in an idle directory.
func (p *Prepared) compile(ctx context.Context, policies fs.FS, rules []Rule, idle map[string]bool) (err error) {
	if p.sources, err = builtinSources(policies); err != nil {
		return err
	}
	caps, modules := capabilities(), map[string]*ast.Module{}
	for _, src := range p.sources {
		if idle[path.Dir(src.name)] {
			continue
		}
		if modules[src.name], err = parse(src, caps); err != nil {
			return err
		}
	}
	c := ast.NewCompiler().WithCapabilities(caps).WithStrict(true)
	if c.Compile(modules); c.Failed() {
		return c.Errors
	}
	for _, r := range rules {
		rule := &compiled{Rule: r}
		p.rules = append(p.rules, rule)
		if idle[r.Dir] {
			continue
		}
		if rule.query, err = prepare(ctx, c, fmt.Sprintf("x := {\"deny\": data.%[1]s.deny, \"evaluated\": data.%[1]s.evaluated}", r.Package()), true); err != nil {
			return fmt.Errorf("%s: %w", r.ID, err)
		}
	}
	return nil
}

// idle are the directories of rules that nothing of a fleet is judged by (D15):
// they are counted and their digest is taken, but compiling them would be most
// of the work of checking a small fleet.
func idle(u *ir.Units, rules []Rule) map[string]bool {
	overrides, _ := severities(u, rules)
	out := map[string]bool{}
	for _, r := range rules {
		if !conditions[r.Applies].holds(u, nil) || overrides[r.ID].off {
			out[r.Dir] = true
		}
	}
	return out
}

// catalogue is the metadata of the rules, sorted by id.
func (p *Prepared) catalogue() []Rule {
	out := make([]Rule, len(p.rules))
	for i, r := range p.rules {
		out[i] = r.Rule
	}
	return out
}

// builtinSources returns the production Rego of a policy file system: lib/ and
// every rule, without tests.
func builtinSources(fsys fs.FS) ([]source, error) {
	files, err := fs.Glob(fsys, "*/*.rego")
	if err != nil {
		return nil, err
	}
	var out []source
	for _, f := range files {
		if strings.HasSuffix(f, "_test.rego") {
			continue
		}
		text, err := fs.ReadFile(fsys, f)
		if err != nil {
			return nil, err
		}
		out = append(out, source{path.Clean(f), text})
	}
	return out, nil
}
