package guard

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// Limits of what users may bring: a policy is a text that people read, data is
// a table that people keep.
const (
	maxPolicySize = 1 << 20
	maxDataSize   = 8 << 20
)

var userRuleName = regexp.MustCompile(`^(deny|violation|warn)(_[a-zA-Z0-9]+)*$`)

// userPackage is one namespace.
type userPackage struct {
	name  string
	rules []*userRule // sorted by code
	all   rego.PreparedEvalQuery
}

// userRule is one rule of one package, in however many files it stands.
type userRule struct {
	code     string // "main.deny_latest"
	name     string
	title    string
	severity diag.Severity
	at       diag.Position
	query    rego.PreparedEvalQuery // this rule alone
}

func newUserRule(ns, name string, at diag.Position) *userRule {
	r := &userRule{code: ns + "." + name, name: name, severity: diag.Error, at: at}
	if strings.HasPrefix(name, "warn") {
		r.severity = diag.Warning
	}
	r.title = fmt.Sprintf("%s in %s", name, at.File)
	return r
}

// suffix is what an exception names: "latest" for deny_latest, "" for deny.
// Prefixes are cut off one after the other, as conftest does.
func (r *userRule) suffix() string {
	s := r.name
	if s == "deny" || s == "violation" || s == "warn" {
		return ""
	}
	for _, p := range []string{"violation_", "deny_", "warn_"} {
		s = strings.TrimPrefix(s, p)
	}
	return s
}

// read finds the policies. Their tests are for `darkstart test`: they judge
// policies, not objects.
func (u *userPolicies) read() (diag.List, error) {
	if u.s.in.Tree == nil {
		return nil, nil
	}
	rego, others, ds, err := regoFiles(u.s.in.Tree, userDir, func(name string) bool { return !isTest(name) })
	u.rego, u.files = rego, others
	return ds, err
}

func isTest(name string) bool { return strings.HasSuffix(name, "_test.rego") }

// regoFiles reads the Rego below a folder that keep wants, and counts the other
// files.
func regoFiles(t *tree.Tree, dir string, keep func(string) bool) (rego []source, others int, ds diag.List, err error) {
	for _, e := range t.Files(dir) {
		if !strings.HasSuffix(e.Path, ".rego") || !keep(e.Path) {
			others++
			continue
		}
		b, err := t.ReadFile(e.Path)
		if err != nil {
			return nil, 0, nil, err
		}
		if len(b) > maxPolicySize {
			ds.Add(diag.Errorf("GRD001", "policy is larger than %d bytes", maxPolicySize).
				At(diag.Position{File: e.Path}, "").Fix("split it"))
			b = nil
		}
		rego = append(rego, source{e.Path, b})
	}
	return rego, others, ds, nil
}

// compile returns the compiled policies and the store of their data, and finds
// the rules. Without a compiler the set is broken.
func (u *userPolicies) compile() (*ast.Compiler, storage.Store, diag.List, error) {
	modules, ds := parseUser(u.rego, u.settings.regoVersion())
	store, more, err := u.data()
	if ds.Add(more...); err != nil || ds.HasErrors() {
		return nil, nil, ds, err
	}
	c := ast.NewCompiler().WithCapabilities(capabilities())
	if c.Compile(modules); c.Failed() {
		ds.Add(regoErrors("", c.Errors)...)
		return nil, nil, ds, nil
	}
	ds.Add(needsContains(modules)...)
	ds.Add(readsCheckout(c)...)
	ds.Add(u.functions(modules)...)
	if ds.HasErrors() {
		return nil, nil, ds, nil
	}
	ds.Add(u.find(modules)...)
	return c, store, ds, nil
}

// parseUser parses users' policies, which stay out of the built-in ones.
func parseUser(files []source, v ast.RegoVersion) (map[string]*ast.Module, diag.List) {
	modules, ds := parseFiles(files, v)
	for _, name := range sortedKeys(modules) {
		if ns := packageName(modules[name]); ns == "darkstart" || strings.HasPrefix(ns, "darkstart.") {
			ds.Add(diag.Errorf("GRD002", "package %s is reserved for the built-in rules", ns).
				At(position(name, modules[name].Package.Location), "").Fix("use another package, main for example"))
		}
	}
	return modules, ds
}

// parseFiles parses Rego. A file without text was too large, which has been said.
func parseFiles(files []source, v ast.RegoVersion) (map[string]*ast.Module, diag.List) {
	caps, modules := capabilities(), map[string]*ast.Module{}
	var ds diag.List
	for _, f := range files {
		if f.text == nil {
			continue
		}
		m, err := parseAs(f, caps, v)
		ds.Add(regoErrors(f.name, err)...)
		if m != nil && err == nil {
			modules[f.name] = m
		}
	}
	return modules, ds
}

// needsContains refuses deny[msg] if { … }, as conftest does: it is a table of
// booleans, and would be taken for a set of messages.
func needsContains(modules map[string]*ast.Module) diag.List {
	var ds diag.List
	for _, name := range sortedKeys(modules) {
		for _, r := range modules[name].Rules {
			h := r.Head
			if h.Name != "" || h.Value == nil || h.Value.String() != "true" || len(h.Reference) == 0 {
				continue
			}
			if rule := h.Reference[0].Value.String(); userRuleName.MatchString(rule) {
				ds.Add(diag.Errorf("GRD002", "%s has if without contains: it is a table of booleans, and no set of messages", rule).
					At(position(name, h.Location), "").Fix("write it as %s contains msg if { … }", rule))
			}
		}
	}
	return ds
}

// readsCheckout refuses what only conftest can answer: where the input stands
// on the machine's disk.
func readsCheckout(c *ast.Compiler) diag.List {
	var ds diag.List
	checkout := ast.MustParseRef("data.conftest")
	for _, name := range sortedKeys(c.Modules) {
		ast.WalkRefs(c.Modules[name], func(r ast.Ref) bool {
			if r.HasPrefix(checkout) {
				ds.Add(diag.Errorf("GRD003", "data.conftest is not there").At(position(name, r[0].Location), "").
					Note("it names the folder of the checkout and the file of the input: a rendered object has none, and a verdict is a function of the git tree alone (D2)").
					Fix("decide from the object, its metadata.name for example; under policies: combine each input has a path"))
			}
			return false
		})
	}
	return ds
}

// functions refuses a function that has the name of a rule.
func (u *userPolicies) functions(modules map[string]*ast.Module) diag.List {
	var ds diag.List
	for _, name := range sortedKeys(modules) {
		ns := packageName(modules[name])
		for _, r := range modules[name].Rules {
			if head := string(r.Head.Name); u.settings.asked(ns) && userRuleName.MatchString(head) && len(r.Head.Args) > 0 {
				ds.Add(diag.Errorf("GRD002", "%s.%s is a function, and is asked for messages", ns, head).At(position(name, r.Location), "").
					Fix("rename it: what is called deny, violation or warn, with or without a suffix, is a rule"))
			}
		}
	}
	return ds
}

// find collects the rules of the packages that were asked for.
func (u *userPolicies) find(modules map[string]*ast.Module) diag.List {
	packages, seen := map[string]*userPackage{}, map[string]bool{}
	var ds diag.List
	for _, name := range sortedKeys(modules) {
		ns := packageName(modules[name])
		asked := u.settings.asked(ns)
		for _, r := range modules[name].Rules {
			head := string(r.Head.Name)
			switch named := userRuleName.MatchString(head); {
			case named && !asked:
				u.others = append(u.others, ns)
				continue
			case !named && asked:
				ds.Add(u.passedOver(ns, name, r))
				continue
			case !named:
				continue
			}
			if code := ns + "." + head; !seen[code] {
				seen[code] = true
				if packages[ns] == nil {
					packages[ns] = &userPackage{name: ns}
				}
				packages[ns].rules = append(packages[ns].rules, newUserRule(ns, head, position(name, r.Location)))
			}
		}
	}
	for _, ns := range sortedKeys(packages) {
		p := packages[ns]
		slices.SortFunc(p.rules, func(a, b *userRule) int { return strings.Compare(a.code, b.code) })
		u.packages = append(u.packages, p)
	}
	return ds
}

// passedOver warns of a rule that looks like one and is none: deny.x is not
// asked by conftest, and so not here. It is nil for other rules.
func (u *userPolicies) passedOver(ns, file string, r *ast.Rule) *diag.Diagnostic {
	ref := r.Head.Ref()
	if len(ref) < 2 || !userRuleName.MatchString(ref[0].Value.String()) {
		return nil
	}
	return u.settings.oddity(diag.Warningf("GRD005", "%s.%s is never asked for its messages", ns, ref).
		At(position(file, r.Location), "").Fix("rules are called deny, violation or warn, with or without a suffix: write %s_NAME contains msg if { … }", ref[0].Value))
}

// oddity is a warning that strict policies raise to an error.
func (u *userSettings) oddity(d *diag.Diagnostic) *diag.Diagnostic {
	if u.Strict {
		d.Severity = diag.Error
		return d
	}
	d.Severity = diag.Warning
	return d.Note("conftest passes over it, and so does this verdict; policies: strict makes it an error")
}

// asker prepares queries over compiled policies.
type asker struct {
	c      *ast.Compiler
	store  storage.Store
	strict bool
}

// about prepares one query for rules and the exceptions of their package: one
// evaluation costs much less than one a rule. An undefined rule is an empty
// list, so that it takes no other one with it.
func (a *asker) about(ctx context.Context, ns string, rules ...*userRule) (rego.PreparedEvalQuery, error) {
	ask := func(name string) string { return fmt.Sprintf("%q: [v | v := data.%s.%s]", name, ns, name) }
	asks := []string{ask("exception")}
	for _, r := range rules {
		asks = append(asks, ask(r.name))
	}
	q, err := rego.New(rego.Query("x := {"+strings.Join(asks, ", ")+"}"), rego.Compiler(a.c), rego.Store(a.store),
		rego.StrictBuiltinErrors(a.strict), rego.SetRegoVersion(ast.RegoV1)).PrepareForEval(ctx)
	if err != nil {
		return q, fmt.Errorf("guard: package %s: %w", ns, err)
	}
	return q, nil
}
