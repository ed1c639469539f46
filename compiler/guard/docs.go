package guard

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
)

// families are the first two letters of a rule's id.
var families = []struct{ prefix, title string }{
	{"SC", "Supply chain"}, {"BS", "Bootstrap"}, {"PS", "Platform security"}, {"DR", "Recovery"}, {"OP", "Operations"},
}

// Docs writes the reference page of the rules as Markdown, sorted as given. It
// is generated from the metadata and nothing else, so that `explain`, SARIF and
// the page cannot disagree.
func Docs(rules []Rule) []byte {
	var b bytes.Buffer
	b.WriteString("# Guardrails\n\n<!-- Generated from policies/ by `make docs`. Do not edit. -->\n\n")
	b.WriteString("An error fails the run, a warning is shown; `guardrails: severity` in darkstart.cue changes either, or switches a rule off.\n")
	b.WriteString("A rule that found nothing to judge is reported as *not evaluated*, never as passed.\n\n")
	b.WriteString("| rule | severity | statement | judged |\n|---|---|---|---|\n")
	for _, r := range rules {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s |\n", r.ID, strings.ToLower(r.ID), r.Severity, r.Title, conditions[r.Applies].when)
	}
	for _, f := range families {
		wrote := false
		for _, r := range rules {
			if !strings.HasPrefix(r.ID, f.prefix) {
				continue
			}
			if !wrote {
				fmt.Fprintf(&b, "\n## %s\n", f.title)
				wrote = true
			}
			section(&b, &r)
		}
	}
	return b.Bytes()
}

func section(b *bytes.Buffer, r *Rule) {
	fmt.Fprintf(b, "\n### %s\n\n**%s** · %s · judged %s · since %s\n\n", r.ID, capital(r.Title), r.Severity, conditions[r.Applies].when, r.Since)
	fmt.Fprintf(b, "%s\n\n**Why.** %s\n\n**Fix.** %s.\n\n", r.Description, r.Rationale, capital(strings.TrimSuffix(r.Remediation, ".")))
	fmt.Fprintf(b, "**References.** %s. Reads: %s.\n\n", strings.Join(r.Frameworks, " · "), "`"+strings.Join(r.Reads, "`, `")+"`")
	fence(b, "This turns it red:", r.Fail)
	fence(b, "This turns it green:", r.Pass)
}

func fence(b *bytes.Buffer, title string, yaml []byte) {
	fmt.Fprintf(b, "<details><summary>%s</summary>\n\n```yaml\n%s\n```\n\n</details>\n\n", title, strings.TrimSpace(string(yaml)))
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// Doc is the rule's metadata as the other programs of the compiler read it.
func (r *Rule) Doc() ir.RuleDoc {
	return ir.RuleDoc{
		ID: r.ID, Title: r.Title, Severity: r.Severity, Description: r.Description, Rationale: r.Rationale,
		Remediation: r.Remediation, Frameworks: r.Frameworks, Since: r.Since, Applies: conditions[r.Applies].when,
		Scope: r.Scope, Reads: r.Reads, Guardrail: true,
	}
}
