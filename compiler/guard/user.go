package guard

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/spec"
)

// Users' policies follow conftest's conventions and give conftest's verdicts
// (D9): packages named by policies.namespaces ("main" by default), rules deny,
// violation and warn with or without a suffix, each a set of strings or of
// objects with msg, and exception. Each rendered object is one input, or all of
// a cluster are one under policies.combine. A test holds the verdicts to those
// of stock conftest.
//
//	userload.go    files of the tree → compiled packages and their data
//	userjudge.go   packages × inputs → answers, under deadlines
//	useranswer.go  an answer → what conftest reads in it
//
// Where conftest passes in silence over what cannot have been meant (a rule
// that answers with a boolean, a builtin that failed), the verdict is the same
// and a warning says so; under policies.strict it is an error.

const userDir = "policies"

// userPolicies is the compiled policy folder of the fleet.
type userPolicies struct {
	s        *session
	settings userSettings
	packages []*userPackage // those asked for that have rules, sorted by name
	others   []string       // packages with rules that were not asked for
	// rego holds the folder's policies. There are files but no policy, or
	// policies but no rule: then the set evaluates nothing.
	rego   []source
	files  int
	broken bool
}

// userSettings is policies: of darkstart.cue, and what the command line says
// instead.
type userSettings struct {
	spec.PolicySettings
	named bool // the user chose the namespaces
	at    ir.Positions
}

func (s *session) userSettings() userSettings {
	var u userSettings
	if p := s.in.Fleet.Units.Project; p != nil {
		u.PolicySettings, u.at = p.Spec.Policies, p.Pos
	}
	if len(s.cfg.Namespaces) > 0 {
		u.Namespaces, u.AllNamespaces = s.cfg.Namespaces, false
	}
	u.named = len(u.Namespaces) > 0 || u.AllNamespaces
	if len(u.Namespaces) == 0 {
		u.Namespaces = []string{"main"}
	}
	return u
}

// asked reports whether the verdicts of a package count.
func (u *userSettings) asked(pkg string) bool {
	return u.AllNamespaces || slices.ContainsFunc(u.Namespaces, func(p string) bool { return namespaceMatches(p, pkg) })
}

// namespaceMatches reads a namespace as conftest does: literally, unless it has
// a wildcard.
func namespaceMatches(pattern, pkg string) bool {
	if pattern == pkg {
		return true
	}
	ok, err := path.Match(pattern, pkg)
	return err == nil && ok
}

func (u *userSettings) regoVersion() ast.RegoVersion {
	if u.RegoVersion == "v0" {
		return ast.RegoV0
	}
	return ast.RegoV1
}

// position of a setting in darkstart.cue.
func (u *userSettings) position(names ...string) diag.Position {
	return u.at.First(ir.Pointer(append([]string{"policies"}, names...)...))
}

// loadUser compiles the policies of the tree. What is wrong with them is a
// diagnostic at their line; nothing of the set is then evaluated, since a rule
// may depend on any file.
func (s *session) loadUser(ctx context.Context) (*userPolicies, diag.List, error) {
	u := &userPolicies{s: s, settings: s.userSettings()}
	ds, err := u.read()
	if err != nil || len(u.rego) == 0 {
		return u, ds, err
	}
	s.digests.add("user", u.rego)
	if ds.HasErrors() {
		u.broken = true
		return u, ds, nil
	}
	c, store, more, err := u.compile()
	if ds.Add(more...); err != nil {
		return nil, nil, err
	}
	if u.broken = c == nil; u.broken {
		return u, ds, nil
	}
	return u, ds, u.prepare(ctx, c, store)
}

func (u *userPolicies) prepare(ctx context.Context, c *ast.Compiler, store storage.Store) (err error) {
	for _, p := range u.packages {
		ask := &asker{c, store, u.settings.Strict}
		if p.all, err = ask.about(ctx, p.name, p.rules...); err != nil {
			return err
		}
		for _, r := range p.rules {
			if r.query, err = ask.about(ctx, p.name, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// rules returns the rules of all packages, sorted by code.
func (u *userPolicies) rules() []*userRule {
	var out []*userRule
	for _, p := range u.packages {
		out = append(out, p.rules...)
	}
	slices.SortFunc(out, func(a, b *userRule) int { return strings.Compare(a.code, b.code) })
	return out
}

// unevaluated reports policies that judged nothing: they must never look like
// ones that passed (D6, DESIGN §11).
func (u *userPolicies) unevaluated(v *ir.Verdict) diag.List {
	switch {
	case u.broken:
		return nil
	case len(u.rego) == 0:
		return u.noPolicies()
	}
	if ds := u.withoutRules(); len(ds) > 0 || len(u.packages) == 0 {
		return ds
	}
	rules := u.rules()
	for _, r := range v.Rules {
		if r.Evaluated > 0 && slices.ContainsFunc(rules, func(x *userRule) bool { return x.code == r.ID }) {
			return nil
		}
	}
	if slices.ContainsFunc(u.s.in.Rendered, func(r *ir.Rendered) bool {
		return slices.ContainsFunc(r.Components, func(c ir.RenderedComponent) bool { return len(c.Objects) > 0 })
	}) {
		return nil // its rules failed, each with a diagnostic of its own
	}
	return diag.List{diag.Errorf("GRD007", "%s/ was not evaluated: no object was rendered", userDir).At(diag.Position{File: u.rego[0].name}, "").
		Fix("add a component to a cluster, or remove the policies")}
}

// noPolicies speaks of a folder without policies, and of namespaces that were
// named where there are none.
func (u *userPolicies) noPolicies() diag.List {
	switch {
	case u.files > 0:
		return diag.List{diag.Errorf("GRD007", "%s/ was not evaluated: it holds no policy, only %s", userDir, plural(u.files, "other file")).
			At(diag.Position{File: u.s.in.Tree.Files(userDir)[0].Path}, "").
			Fix("add a .rego file with a deny, violation or warn rule, or remove the folder")}
	case u.settings.named:
		return diag.List{diag.Errorf("GRD007", "%s was not evaluated: there is no %s/ folder", u.settings.what(), userDir).
			At(u.settings.position("namespaces"), "").Fix("add the policies, or do not name their namespaces")}
	}
	return nil
}

// withoutRules speaks of every namespace that was asked for and has no rule.
func (u *userPolicies) withoutRules() diag.List {
	var ds diag.List
	wanted := u.settings.Namespaces
	if u.settings.AllNamespaces {
		wanted = []string{"*"}
	}
	for _, n := range wanted {
		if slices.ContainsFunc(u.packages, func(p *userPackage) bool { return namespaceMatches(n, p.name) }) {
			continue
		}
		what, at := userDir+"/", diag.Position{File: u.rego[0].name}
		if u.settings.named {
			what, at = "namespace "+n, diag.Position{}
		}
		if len(u.s.cfg.Namespaces) == 0 && u.settings.named {
			at = u.settings.position("namespaces")
		}
		d := diag.Errorf("GRD007", "%s was not evaluated: no package %s has a deny, violation or warn rule", what, n).At(at, "")
		ds.Add(u.elsewhere(d, n))
	}
	return ds
}

// elsewhere adds where there are rules.
func (u *userPolicies) elsewhere(d *diag.Diagnostic, wanted string) *diag.Diagnostic {
	others := slices.Compact(slices.Sorted(slices.Values(u.others)))
	if len(others) == 0 {
		return d.Fix("write package main, with rules such as deny contains msg if { … }")
	}
	d.Note("packages that have rules and are not asked: %s", strings.Join(others, ", "))
	if near := diag.Nearest(wanted, others); near != "" {
		return d.Fix("did you mean %s?", near)
	}
	return d.Fix("name them under policies: namespaces in darkstart.cue, or with --namespace")
}

func (u *userSettings) what() string {
	if u.AllNamespaces {
		return "every namespace"
	}
	return "namespace " + strings.Join(u.Namespaces, ", ")
}
