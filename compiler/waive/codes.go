package waive

import "github.com/darkstart-dev/darkstart/internal/diag"

// Codes documents what is wrong with how a comment is written. What is wrong
// with what it says is judged with all other waivers.
var Codes = []diag.Entry{
	{
		Code: "GRD018", Title: "a waiver comment is malformed", Severity: diag.Error,
		Why:     "It cannot be read, so it accepts nothing.",
		Fix:     "Write the rule and then `key=value` pairs: reason, owner, expires, and ticket, cluster, component, object, path or node; text with spaces goes in double quotes.",
		Example: "# darkstart:waive PS001 owner=platform expires=2027-02-01 reason=moves with OPS-412",
	},
	{
		Code: "GRD019", Title: "a waiver comment stands beside nothing", Severity: diag.Error,
		Why:     "A comment speaks about its own line, or about the line below it. Here there is none, so it accepts nothing.",
		Fix:     "Put it at the end of the line, or directly above it, without an empty line between.",
		Example: "# darkstart:waive PS001 owner=platform expires=2027-02-01 reason=\"…\" # at the end of a file",
	},
}
