package guard

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// Scopes of a rule.
const (
	// ScopeCluster rules run once for each cluster.
	ScopeCluster = "cluster"
	// ScopeFleet rules run once for the fleet.
	ScopeFleet = "fleet"
)

// Rule is the metadata of one guardrail: what `explain`, SARIF, the verdict
// and the docs say about it. All fields stand in the `# METADATA` of its
// rule.rego.
type Rule struct {
	ID          string
	Title       string // one clause, lower case
	Description string // Markdown: what exactly is judged, and what is not
	Severity    diag.Severity
	Rationale   string   // why it matters; Markdown
	Remediation string   // what to do; the help of findings that bring none
	Frameworks  []string // references such as "NIST SP 800-190 4.1.2"
	Since       string   // first version with the rule
	// Applies names the declaration from which on the rule is judged (D15).
	Applies string
	Scope   string   // ScopeCluster or ScopeFleet
	Reads   []string // the parts of the input it sees
	Dir     string   // folder in the policy file system
	// Fail and Pass are the fixtures: inputs that turn the rule red and green.
	Fail, Pass []byte
}

// Package is the Rego package of the rule.
func (r *Rule) Package() string { return "darkstart.rules." + strings.ToLower(r.ID) }

// Files of a rule's directory.
const (
	ruleFile = "rule.rego"
	testFile = "rule_test.rego"
	failFile = "fail.yaml"
	passFile = "pass.yaml"
)

var ruleID = regexp.MustCompile(`^(SC|BS|PS|DR|OP)[0-9]{3}$`)

// Catalogue reads the metadata of every rule in a policy file system, sorted
// by id. A directory with a rule.rego is a rule; incomplete metadata, a missing
// test or fixture, and two rules with one id are errors.
func Catalogue(fsys fs.FS) ([]Rule, error) {
	files, err := fs.Glob(fsys, "*/"+ruleFile)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, errors.New("no */rule.rego in the policy file system")
	}
	rules, caps := make([]Rule, 0, len(files)), capabilities()
	for _, f := range files {
		r, err := readRule(fsys, path.Dir(f), caps)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path.Dir(f), err)
		}
		rules = append(rules, r)
	}
	slices.SortFunc(rules, func(a, b Rule) int { return cmp.Compare(a.ID, b.ID) })
	for i := 1; i < len(rules); i++ {
		if rules[i].ID == rules[i-1].ID {
			return nil, fmt.Errorf("%s and %s are both %s", rules[i-1].Dir, rules[i].Dir, rules[i].ID)
		}
	}
	return rules, nil
}

func readRule(fsys fs.FS, dir string, caps *ast.Capabilities) (Rule, error) {
	src, err := fs.ReadFile(fsys, path.Join(dir, ruleFile))
	if err != nil {
		return Rule{}, err
	}
	m, err := annotations(path.Join(dir, ruleFile), src, caps)
	if err != nil {
		return Rule{}, err
	}
	r, err := m.rule(dir)
	if err != nil {
		return Rule{}, err
	}
	if _, err := fs.Stat(fsys, path.Join(dir, testFile)); err != nil {
		return Rule{}, err
	}
	if r.Fail, err = fs.ReadFile(fsys, path.Join(dir, failFile)); err != nil {
		return Rule{}, err
	}
	r.Pass, err = fs.ReadFile(fsys, path.Join(dir, passFile))
	return r, err
}

// metadata is the package annotation of a rule, as plain data.
type metadata struct {
	pkg, title, description string
	custom                  map[string]any
}

func (m *metadata) rule(dir string) (Rule, error) {
	r := Rule{
		ID: m.text("id"), Title: m.title, Description: m.description,
		Rationale: m.text("rationale"), Remediation: m.text("remediation"),
		Frameworks: m.list("frameworks"), Since: m.text("since"), Applies: m.text("applies"),
		Scope: m.text("scope"), Reads: m.list("reads"), Dir: dir,
	}
	if err := r.Severity.UnmarshalText([]byte(m.text("severity"))); err != nil {
		return r, err
	}
	return r, errors.Join(m.unknown(), r.complete(), r.consistent(m.pkg))
}

func (m *metadata) text(key string) string {
	s, _ := m.custom[key].(string)
	return strings.TrimSpace(s)
}

func (m *metadata) list(key string) []string {
	vs, _ := m.custom[key].([]any)
	out := make([]string, 0, len(vs))
	for _, v := range vs {
		s, _ := v.(string)
		out = append(out, s)
	}
	return out
}

var metadataKeys = []string{"applies", "frameworks", "id", "rationale", "reads", "remediation", "scope", "severity", "since"}

func (m *metadata) unknown() error {
	for _, k := range sortedKeys(m.custom) {
		if !slices.Contains(metadataKeys, k) {
			return fmt.Errorf("unknown metadata %q (want %s)", k, strings.Join(metadataKeys, ", "))
		}
	}
	return nil
}

func (r *Rule) complete() error {
	for _, f := range []struct{ name, value string }{
		{"title", r.Title},
		{"description", r.Description},
		{"rationale", r.Rationale},
		{"remediation", r.Remediation},
		{"since", r.Since},
		{"applies", r.Applies},
	} {
		if f.value == "" {
			return fmt.Errorf("metadata %q is missing", f.name)
		}
	}
	if len(r.Frameworks) == 0 || slices.Contains(r.Frameworks, "") {
		return errors.New(`metadata "frameworks" is missing`)
	}
	return nil
}

func (r *Rule) consistent(pkg string) error {
	switch {
	case !ruleID.MatchString(r.ID):
		return fmt.Errorf("metadata id %q is not a rule id such as SC001", r.ID)
	case pkg != r.Package():
		return fmt.Errorf("package is %s, want %s", pkg, r.Package())
	case path.Base(r.Dir) != strings.ToLower(r.ID):
		return fmt.Errorf("directory is %s, want %s", r.Dir, strings.ToLower(r.ID))
	case r.Scope != ScopeCluster && r.Scope != ScopeFleet:
		return fmt.Errorf("metadata scope is %q, want cluster or fleet", r.Scope)
	}
	if _, ok := conditions[r.Applies]; !ok {
		return fmt.Errorf("metadata applies is %q, want one of %s", r.Applies, strings.Join(sortedKeys(conditions), ", "))
	}
	for _, p := range r.Reads {
		if parts[r.Scope][p] == nil {
			return fmt.Errorf("metadata reads %q: a %s rule can read %s", p, r.Scope, strings.Join(sortedKeys(parts[r.Scope]), ", "))
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
