package yaml

import (
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/yamlpos"
)

// problems maps what the reader refuses to a code and its fix.
var problems = map[yamlpos.Kind]struct{ code, fix string }{
	yamlpos.Syntax:    {"RND003", "correct the YAML at that line"},
	yamlpos.Encoding:  {"RND004", "save the file as UTF-8; put binary data into binaryData as base64"},
	yamlpos.Tab:       {"RND005", "indent with spaces: YAML allows no tabs there"},
	yamlpos.Size:      {"RND006", "split the file, or keep generated data out of it"},
	yamlpos.Documents: {"RND007", "split the file into several"},
	yamlpos.Depth:     {"RND008", "flatten the structure: no Kubernetes object is nested that deep"},
	yamlpos.Values:    {"RND009", "split the file into several"},
	yamlpos.Alias:     {"RND010", "write the repeated value out, or repeat it less"},
	yamlpos.Duplicate: {"RND011", "remove one of the two: readers disagree about which one counts"},
	yamlpos.KeyType:   {"RND012", "put the key in quotes"},
	yamlpos.Scalar:    {"RND013", "write a number that JSON can hold, or a quoted string"},
	yamlpos.Tag:       {"RND014", "remove the tag"},
}

// FromProblem makes the diagnostic of a text that was refused.
func FromProblem(file string, p *yamlpos.Problem) *diag.Diagnostic {
	known := problems[p.Kind]
	d := diag.Errorf(known.code, "%s", p.Message).
		At(diag.Position{File: file, Line: p.Line, Column: p.Column}, "").Fix("%s", known.fix)
	if p.Other > 0 {
		d.At(diag.Position{File: file, Line: p.Other}, "first here")
	}
	return d
}

// Codes documents the diagnostics of reading manifests.
var Codes = []diag.Entry{
	{
		Code: "RND001", Title: "a source does not exist", Severity: diag.Error,
		Why:     "A component's `source` names a file or folder that is not in the git tree. Only what git knows is seen: a file that was never added does not exist for the compiler.",
		Fix:     "Correct the path; it is relative to the fleet's root. `git add` new files.",
		Example: `source: yaml: "components/vualt"`,
	},
	{
		Code: "RND003", Title: "a manifest is not YAML", Severity: diag.Error,
		Why: "The text cannot be parsed, so nothing in the file can be trusted.",
		Fix: "Correct the syntax at the line that is shown.", Example: "metadata: {name: web",
	},
	{
		Code: "RND004", Title: "a manifest is not UTF-8", Severity: diag.Error,
		Why: "Kubernetes objects are JSON, which is UTF-8. Other encodings would be changed silently on their way to the cluster.",
		Fix: "Save the file as UTF-8. Binary data belongs into `binaryData`, in base64.",
	},
	{
		Code: "RND005", Title: "a tab in the indentation", Severity: diag.Error,
		Why: "YAML forbids tabs in indentation; readers that accept them disagree about the depth.",
		Fix: "Indent with spaces.",
	},
	{
		Code: "RND006", Title: "a manifest is too large", Severity: diag.Error,
		Why: "A single file above the limit (32 MiB; 128 MiB a component) is generated data or an attack on the compiler. It is refused before it is read.",
		Fix: "Split the file, or keep generated data out of the repository.",
	},
	{
		Code: "RND007", Title: "too many documents in one file", Severity: diag.Error,
		Why: "The number of documents is bounded so that a small file cannot cost unbounded time.", Fix: "Split the file.",
	},
	{
		Code: "RND008", Title: "nested too deeply", Severity: diag.Error,
		Why: "Readers recurse; depth is bounded so that no input can exhaust their stack.", Fix: "Flatten the structure.",
	},
	{
		Code: "RND009", Title: "too many values in one file", Severity: diag.Error,
		Why: "The number of values is bounded so that a small file cannot cost unbounded memory.", Fix: "Split the file.",
	},
	{
		Code: "RND010", Title: "aliases grow without bound", Severity: diag.Error,
		Why:     "Aliases of aliases multiply: nine lines can stand for a billion values (the \"billion laughs\"). An anchor that contains itself never ends.",
		Fix:     "Write the value out, or repeat it less.",
		Example: "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]",
	},
	{
		Code: "RND011", Title: "a key stands twice", Severity: diag.Error,
		Why: "Some readers take the first of two equal keys, some the last: what was reviewed may not be what is applied.",
		Fix: "Remove one of the two.", Example: "spec:\n  replicas: 1\n  replicas: 3",
	},
	{
		Code: "RND012", Title: "a key is not a string", Severity: diag.Error,
		Why: "`on:`, `y:` and `80:` are read as a boolean or a number; kubectl turns `on` into `\"true\"`, kustomize does not.",
		Fix: "Put the key in quotes.", Example: "data:\n  on: push",
	},
	{
		Code: "RND013", Title: "a value that JSON cannot hold", Severity: diag.Error,
		Why: "Kubernetes objects are JSON, which has no NaN, no infinity and no other bytes than base64 text.", Fix: "Write another number, or quote it.",
	},
	{
		Code: "RND014", Title: "an unknown YAML tag", Severity: diag.Error,
		Why: "A tag asks the reader for a type; Kubernetes knows only those of JSON, and readers treat others differently.", Fix: "Remove the tag.",
	},
	{
		Code: "RND015", Title: "a document is not an object", Severity: diag.Error,
		Why: "Every document must be a Kubernetes object. Build files of kustomize are not; name their folder with `source: kustomize`.", Fix: "Write an object, or remove the document.",
	},
	{
		Code: "RND016", Title: "an object without apiVersion, kind or metadata", Severity: diag.Error,
		Why: "Without them nobody can tell what the object is.", Fix: "Add the field.",
	},
	{
		Code: "RND017", Title: "an object without a name", Severity: diag.Error,
		Why: "An object without name (and without `generateName`, which rule BS008 judges) cannot be applied or found again.", Fix: "Add `metadata.name`.",
	},
	{
		Code: "RND018", Title: "a name that no API server accepts", Severity: diag.Error,
		Why: "Names are held to the rules of the kind: a DNS label for Namespaces and Services, any path segment for RBAC, else a DNS subdomain.", Fix: "Rename the object.",
	},
	{
		Code: "RND019", Title: "too many objects in one file", Severity: diag.Error,
		Why: "The number of objects is bounded so that one file cannot cost unbounded memory.", Fix: "Split the file.",
	},
}
