package guard

import "github.com/darkstart-dev/darkstart/internal/diag"

// ruleFix is a change that a rule knows and a program can make. The rule says
// what to write; where it is written, and whether the text there is what the
// rule read, is for the façade to know.
type ruleFix struct {
	Title string `json:"title"`
	// Set replaces the value at the subject's path, which is Was, by another.
	Set string `json:"set"`
	Was string `json:"was"`
	// Add gives the struct at the subject's path one more field.
	Add *addField `json:"add"`
}

type addField struct {
	Field string `json:"field"`
	Value string `json:"value"`
}

// fix turns what a rule proposes into edits. It offers none when the line is
// not known, or does not hold what the rule read: a wrong change is worse than
// none.
func (s *session) fix(d *diag.Diagnostic, f *ruleFinding) {
	if f.Fix == nil || len(d.Labels) == 0 {
		return
	}
	at := d.Labels[0].Position
	var edits []diag.Edit
	switch {
	case f.Fix.Add != nil && s.cfg.AddField != nil:
		edits = s.cfg.AddField(at, f.Subject.Path, f.Fix.Add.Field, f.Fix.Add.Value)
	case f.Fix.Set != "" && s.cfg.Replace != nil:
		edits = s.cfg.Replace(at, f.Fix.Was, f.Fix.Set)
	}
	if len(edits) > 0 {
		d.Fixes = append(d.Fixes, diag.Fix{Title: f.Fix.Title, Edits: edits})
	}
}
