package ir

import "github.com/darkstart-dev/darkstart/internal/diag"

// RuleDoc is what there is to say about a guardrail or a diagnostic code:
// `explain`, `rules`, the pages and SARIF are made of it.
type RuleDoc struct {
	ID          string        `json:"id"`
	Title       string        `json:"title"` // one clause, lower case
	Severity    diag.Severity `json:"severity"`
	Description string        `json:"description,omitempty"` // Markdown
	Rationale   string        `json:"rationale,omitempty"`   // Markdown
	Remediation string        `json:"remediation,omitempty"` // Markdown
	Frameworks  []string      `json:"frameworks,omitempty"`
	Since       string        `json:"since,omitempty"`
	Applies     string        `json:"applies,omitempty"` // completes "judged …"
	Scope       string        `json:"scope,omitempty"`   // cluster or fleet
	Reads       []string      `json:"reads,omitempty"`
	// Guardrail is false for a code of the compiler.
	Guardrail bool `json:"guardrail"`
}
