package compiler

import (
	"sync"

	"github.com/darkstart-dev/darkstart/compiler/guard"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/policies"
)

// builtin are the guardrails of this program. Reading them parses every policy,
// and they do not change while it runs.
var builtin = sync.OnceValues(func() ([]guard.Rule, error) { return guard.Catalogue(policies.FS) })

// Rules returns the metadata of the built-in guardrails, sorted by id.
func Rules() ([]ir.RuleDoc, error) {
	rules, err := builtin()
	if err != nil {
		return nil, err
	}
	out := make([]ir.RuleDoc, len(rules))
	for i := range rules {
		out[i] = rules[i].Doc()
	}
	return out, nil
}

// RulesPage is the reference page of the built-in guardrails, in Markdown.
func RulesPage() ([]byte, error) {
	rules, err := builtin()
	if err != nil {
		return nil, err
	}
	return guard.Docs(rules), nil
}

// Docs returns the documentation of every code that can be printed, those of the
// guardrails with all their metadata, sorted by code.
func Docs() ([]ir.RuleDoc, error) {
	entries, err := Catalogue()
	if err != nil {
		return nil, err
	}
	rules, err := Rules()
	if err != nil {
		return nil, err
	}
	byID := map[string]ir.RuleDoc{}
	for _, r := range rules {
		byID[r.ID] = r
	}
	out := make([]ir.RuleDoc, 0, len(entries))
	for _, e := range entries {
		d, ok := byID[e.Code]
		if !ok {
			d = ir.RuleDoc{ID: e.Code, Title: e.Title, Severity: e.Severity, Description: e.Why, Remediation: e.Fix}
		}
		out = append(out, d)
	}
	return out, nil
}
