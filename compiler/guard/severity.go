package guard

import (
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// override is a severity that darkstart.cue gives to a rule.
type override struct {
	severity diag.Severity
	off      bool
	at       diag.Position
}

// severities reads guardrails.severity of the project. A rule that does not
// exist and a severity that is none are errors: a silent typo would leave the
// user believing that a rule is on.
func severities(u *ir.Units, rules []Rule) (map[string]override, diag.List) {
	out, diags := map[string]override{}, diag.List{}
	if u == nil || u.Project == nil {
		return out, nil
	}
	ids := make([]string, len(rules))
	for i, r := range rules {
		ids[i] = r.ID
	}
	for _, id := range sortedKeys(u.Project.Spec.Guardrails.Severity) {
		value := u.Project.Spec.Guardrails.Severity[id]
		at := u.Project.Pos.First(ir.Pointer("guardrails", "severity", id))
		if !slices.Contains(ids, id) {
			d := diag.Errorf("GRD008", "guardrails: severity names %q, which is no rule", id).At(at, "")
			diags.Add(suggest(d, id, ids))
			continue
		}
		o := override{off: value == "off", at: at}
		if !o.off && o.severity.UnmarshalText([]byte(value)) != nil {
			diags.Add(diag.Errorf("GRD008", "severity %q of rule %s is none", value, id).At(at, "").
				Fix("write error, warning, note or off"))
			continue
		}
		out[id] = o
	}
	return out, diags
}

// suggest adds the nearest rule to a diagnostic, or how to list them.
func suggest(d *diag.Diagnostic, id string, ids []string) *diag.Diagnostic {
	if near := diag.Nearest(id, ids); near != "" {
		return d.Fix("did you mean %q?", near)
	}
	return d.Fix("remove it; docs/rules.md lists the rules")
}

// severity of a finding: the project's override, else the rule's; an unknown
// verdict is a warning, but an error for tiers in strictUnknown (DESIGN §5.8).
func (s *session) severity(rule *compiled, subject diag.Subject, f *ruleFinding) diag.Severity {
	sev := rule.Severity
	if o, ok := s.severities[rule.ID]; ok {
		sev = o.severity
	}
	if f.Warning {
		return min(sev, diag.Warning)
	}
	if !f.Unknown || s.strictTier(subject) {
		return sev
	}
	return min(sev, diag.Warning)
}

func (s *session) strictTier(subject diag.Subject) bool {
	u := s.in.Fleet.Units
	if u.Project == nil {
		return false
	}
	tier := s.tier(subject)
	return tier != "" && slices.Contains(u.Project.Spec.Guardrails.StrictUnknown, tier)
}

// tier of what a finding is about: its node's, its component's, its cluster's.
func (s *session) tier(subject diag.Subject) string {
	if n := s.nodes()[subject.Node]; n != nil && n.Tier != "" {
		return n.Tier
	}
	c := s.in.Fleet.Units.Cluster(subject.Cluster)
	if c == nil {
		return ""
	}
	if comp, ok := c.Spec.Components[subject.Component]; ok && comp.Tier != "" {
		return comp.Tier
	}
	return c.Spec.Tier
}
