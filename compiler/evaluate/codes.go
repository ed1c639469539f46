package evaluate

import "github.com/darkstart-dev/darkstart/internal/diag"

// Codes documents the diagnostics of this package for `darkstart explain`.
var Codes = []diag.Entry{
	{
		Code: "EVL001", Title: "the fleet has no module file", Severity: diag.Error,
		Why: "`cue.mod/module.cue` marks the root of a fleet and gives its packages their import path.",
		Fix: "Run `darkstart init`, or name the fleet's folder with `-C`.",
	},
	{
		Code: "EVL002", Title: "the module file is not valid", Severity: diag.Error,
		Why: "The file decides what imports mean. Local replacements (`cue.mod/local-module.cue`, `replaceWith`) would make the result depend on one machine.",
		Fix: "Keep module, language version and dependencies; vendor other modules under `cue.mod/pkg`.",
	},
	{
		Code: "EVL003", Title: "a file has no package clause", Severity: diag.Error,
		Why: "CUE joins the files of a folder by their package. A file without one would silently not count.",
		Fix: "Begin the file with the package of its folder: `fleet`, `clusters`, `recovery`, `waivers`, or `darkstart` for darkstart.cue.",
	},
	{
		Code: "EVL004", Title: "a file is of another package than its folder", Severity: diag.Error,
		Why: "The folder says what a file is; a file of another package would silently not count.",
		Fix: "Change the clause, or move the file.",
	},
	{
		Code: "EVL005", Title: "a cluster is missing or empty", Severity: diag.Error,
		Why: "A fleet without a cluster, or a cluster folder without CUE files, evaluates nothing; nothing evaluated is never passed (D6).",
		Fix: "Write clusters/<name>/cluster.cue.",
	},
	{
		Code: "EVL006", Title: "a file is not evaluated", Severity: diag.Warning,
		Why: "CUE leaves out hidden, test and tool files, and files with build attributes.",
		Fix: "Rename the file or remove the attribute if it should count.",
	},
	{
		Code: "EVL007", Title: "there is no cluster of this name", Severity: diag.Error,
		Why: "A cluster is the folder clusters/<name>; its name is used in bundles, paths and node ids.",
		Fix: "Use lower case letters, digits, `-` and `.`.",
	},
	{
		Code: "EVL010", Title: "syntax error", Severity: diag.Error,
		Why: "The file is not CUE.", Fix: "Correct the syntax at the place shown.", Example: "kubernetes: \"1.36",
	},
	{
		Code: "EVL011", Title: "a name is not defined", Severity: diag.Error,
		Why: "A bare word is a reference in CUE; text stands in quotes.", Fix: "Quote text, or define or import the name.", Example: "owner: platform",
	},
	{
		Code: "EVL012", Title: "an import cannot be resolved, or is not used", Severity: diag.Error,
		Why:     "Evaluation reads the tree alone (D12): packages of the fleet, the schema, and what is vendored under `cue.mod/pkg`.",
		Fix:     "Correct the path, or vendor the package. Quote a label that has the name of an imported package.",
		Example: "components: vault: vault.component // the label hides the import",
	},
	{
		Code: "EVL013", Title: "packages import each other", Severity: diag.Error,
		Why: "An import cycle has no order of evaluation.", Fix: "Move what both need into a third package.",
	},
	{
		Code: "EVL014", Title: "a file cannot be embedded", Severity: diag.Error,
		Why: "`@embed` reads files of the fleet only.", Fix: "Use a relative path below the folder of the CUE file.",
	},
	{
		Code: "EVL020", Title: "files give one value different values", Severity: diag.Error,
		Why: "CUE unifies what all files say; two different literals cannot both hold. Every place is shown.",
		Fix: "Keep one, or make one a default with `*value | _`.", Example: "owner: \"platform\"\nowner: \"shop\"",
	},
	{
		Code: "EVL021", Title: "unknown field", Severity: diag.Error,
		Why: "Definitions are closed, so that a slip of the pen is not a silently ignored setting.",
		Fix: "Use the field that is proposed; `darkstart schema` lists all.", Example: "components: web: sorce: yaml: \"web\"",
	},
	{
		Code: "EVL022", Title: "a required field is missing", Severity: diag.Error,
		Why: "The value means nothing without it.", Fix: "Add the field.",
	},
	{
		Code: "EVL023", Title: "a value is not allowed", Severity: diag.Error,
		Why: "The schema admits other values here; the message says which.", Fix: "Change the value.", Example: "kubernetes: \"1.12\"",
	},
	{
		Code: "EVL024", Title: "a value is not concrete", Severity: diag.Error,
		Why: "Some file constrains the value, and none says which one it is.", Fix: "Write the value.",
	},
	{
		Code: "EVL025", Title: "a name has a form that is not allowed", Severity: diag.Error,
		Why: "Names become paths, node ids and object names.", Fix: "Use lower case letters, digits, `-` and `.`.",
	},
	{
		Code: "EVL026", Title: "an interval is reversed", Severity: diag.Error,
		Why: "An interval is the shortest and the longest time.", Fix: "Write the shorter duration first.", Example: "duration: [\"5m\", \"1m\"]",
	},
	{
		Code: "EVL027", Title: "fields of a value contradict each other", Severity: diag.Error,
		Why: "Some fields exclude or need each other.", Fix: "Keep what the message says.", Example: "source: {yaml: \"a\", kustomize: \"b\"}",
	},
	{
		Code: "EVL028", Title: "an expression cannot be evaluated", Severity: diag.Error,
		Why: "A computation failed, a value refers to itself, or a number is out of range.", Fix: "Correct the expression.",
	},
	{
		Code: "EVL029", Title: "the evaluator failed", Severity: diag.Error,
		Why: "The CUE evaluator has a defect that this input meets.", Fix: "Reduce the file until it passes, and report it.",
	},
	{
		Code: "EVL030", Title: "a file is too large", Severity: diag.Error,
		Why: "Files of the spec are small; the limit keeps hostile input from exhausting the machine.", Fix: "Move data to components/.",
	},
	{
		Code: "EVL031", Title: "an expression is nested too deep", Severity: diag.Error,
		Why: "Parsers recurse; the limit keeps hostile input from exhausting the stack.", Fix: "Split the expression.",
	},
	{
		Code: "EVL032", Title: "evaluation takes too long", Severity: diag.Error,
		Why: "A comprehension can multiply without bound.", Fix: "Generate less.",
	},
	{
		Code: "EVL033", Title: "evaluation needs too much memory", Severity: diag.Error,
		Why: "A comprehension can multiply without bound.", Fix: "Generate less.",
	},
	{
		Code: "EVL040", Title: "the vendored schema is out of date", Severity: diag.Warning,
		Why: "Editors and `cue vet` judge by the vendored schema, Darkstart by its own.", Fix: "Run `darkstart schema vendor`.",
	},
}
