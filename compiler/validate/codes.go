package validate

import "github.com/darkstart-dev/darkstart/internal/diag"

// The codes of this stage.
const (
	codeVersion      = "OBJ001"
	codeRemoved      = "OBJ002"
	codeDeprecated   = "OBJ003"
	codeOff          = "OBJ004"
	codeNoKind       = "OBJ005"
	codeNoVersion    = "OBJ006"
	codeNotEvaluated = "OBJ007"
	codeUnknownField = "OBJ010"
	codeType         = "OBJ011"
	codeRequired     = "OBJ012"
	codeEnum         = "OBJ013"
	codeValue        = "OBJ014"
	codeDuplicate    = "OBJ015"
	codeRule         = "OBJ016"
	codeWorkload     = "OBJ017"
	codeMeta         = "OBJ020"
	codeNamespace    = "OBJ021"
	codeDefinition   = "OBJ030"
	codeNotServed    = "OBJ031"
)

// Codes documents every diagnostic of this stage for `darkstart explain`.
var Codes = []diag.Entry{
	{
		Code: codeVersion, Title: "the declared Kubernetes version cannot be used", Severity: diag.Error,
		Why: "Objects are judged with the schemas of the release that the cluster declares. A text that is no version is an error; " +
			"a release without embedded schemas is a warning, and every built-in kind then counts as *not evaluated*.",
		Fix:     "Declare the minor release that the cluster runs, from 1.33 to 1.37.",
		Example: `kubernetes: "latest"`,
	},
	{
		Code: codeRemoved, Title: "the API was removed", Severity: diag.Error,
		Why:     "The release that the cluster declares no longer serves this group and version, so the API server refuses the object. The table comes from the lifecycle marks in Kubernetes' own types.",
		Fix:     "Migrate to the successor that the help names. Fields may have moved: the schema check of the new version tells.",
		Example: "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget",
	},
	{
		Code: codeDeprecated, Title: "the API is deprecated", Severity: diag.Warning,
		Why:     "The release still serves the API, and a coming one will not (or, for a custom resource, its definition marks the version).",
		Fix:     "Migrate to the successor before the upgrade to the release that removes it.",
		Example: "apiVersion: v1\nkind: Endpoints",
	},
	{
		Code: codeOff, Title: "the API is off by default", Severity: diag.Warning,
		Why:     "Since Kubernetes 1.24 new alpha and beta APIs are served only by an API server that was told to. On a stock cluster the object is refused.",
		Fix:     "Use a stable version where there is one; otherwise enable the group and version with `--runtime-config`.",
		Example: "apiVersion: resource.k8s.io/v1beta1\nkind: ResourceClaim",
	},
	{
		Code: codeNoKind, Title: "the built-in group has no such kind", Severity: diag.Error,
		Why:     "The group belongs to Kubernetes itself, and this release has no kind of that name in it.",
		Fix:     "Correct the kind or the apiVersion; the help names the nearest.",
		Example: "apiVersion: apps/v1\nkind: Deploymnet",
	},
	{
		Code: codeNoVersion, Title: "the kind is not served in that version", Severity: diag.Error,
		Why:     "The release serves the kind in other versions only, or a later release brings the API.",
		Fix:     "Write the apiVersion that the help names, or upgrade the cluster.",
		Example: "apiVersion: apps/v2\nkind: Deployment",
	},
	{
		Code: codeNotEvaluated, Title: "objects of a kind without a schema", Severity: diag.Note,
		Why:     "Neither Kubernetes nor a CustomResourceDefinition of the cluster describes the kind, so nothing is known about these objects. They are counted, not passed.",
		Fix:     "Render the CustomResourceDefinition in the same cluster, from the component that provides the kind.",
		Example: "apiVersion: example.com/v1\nkind: Widget",
	},
	{
		Code: codeUnknownField, Title: "unknown field", Severity: diag.Error,
		Why:     "The API server refuses the field under strict field validation and server-side apply (as Flux does), and drops it silently otherwise: what was meant does not happen.",
		Fix:     "Correct the name, or move the field to where it belongs; the help names the nearest.",
		Example: "spec:\n  replica: 3",
	},
	{
		Code: codeType, Title: "value of the wrong type", Severity: diag.Error,
		Why:     "The API server cannot decode the object. YAML reads `8080`, `true` and `1.20` as a number, a boolean and a number.",
		Fix:     "Quote the value where text is wanted, or remove the quotes where a number is.",
		Example: "env:\n- name: PORT\n  value: 8080",
	},
	{
		Code: codeRequired, Title: "required field is absent", Severity: diag.Error,
		Why:     "The schema requires the field.",
		Fix:     "Add the field.",
		Example: "kind: Deployment\nspec:\n  replicas: 1   # no selector, no template",
	},
	{
		Code: codeEnum, Title: "value is not in the list of allowed ones", Severity: diag.Error,
		Why:     "The field takes one of a fixed list of values, with exact case.",
		Fix:     "Use one of the values that the help names.",
		Example: "imagePullPolicy: always",
	},
	{
		Code: codeValue, Title: "value is malformed or out of range", Severity: diag.Error,
		Why:     "A pattern, a format (quantity, time, base64), a length or a range is not kept.",
		Fix:     "Correct the value.",
		Example: "resources:\n  requests: {memory: 1 GB}",
	},
	{
		Code: codeDuplicate, Title: "two entries of a list have the same key", Severity: diag.Error,
		Why:     "The list is a map in disguise: entries are told apart by a key (a port by number and protocol, a variable by name). Server-side apply refuses duplicates, and the API server keeps only the last on merge.",
		Fix:     "Merge the entries, or give one another key.",
		Example: "env:\n- {name: A, value: x}\n- {name: A, value: y}",
	},
	{
		Code: codeRule, Title: "a validation rule of the schema is violated", Severity: diag.Error,
		Why:     "The schema carries CEL rules (`x-kubernetes-validations`), evaluated here as the API server does, with its cost limits.",
		Fix:     "Change the object so that the rule in the message holds.",
		Example: "x-kubernetes-validations: [{rule: self.min <= self.max}]",
	},
	{
		Code: codeWorkload, Title: "a workload contradicts itself", Severity: diag.Error,
		Why: "What the API server checks between the fields of a workload: its selector matches its own template's labels, every mounted volume is declared, " +
			"containers have an image, and the restart policy suits the kind. A schema cannot say these.",
		Fix:     "Make the two places agree.",
		Example: "spec:\n  selector: {matchLabels: {app: web}}\n  template: {metadata: {labels: {app: wbe}}}",
	},
	{
		Code: codeMeta, Title: "invalid name, label or annotation", Severity: diag.Error,
		Why:     "Names follow the rule of their kind (mostly DNS subdomains: lower case, digits, `-` and `.`), label keys and values have a syntax of their own, annotations have a size limit.",
		Fix:     "Correct the metadata.",
		Example: "metadata:\n  name: My_App",
	},
	{
		Code: codeNamespace, Title: "namespace absent, or present on a cluster-wide kind", Severity: diag.Warning,
		Why:     "Without a namespace the object lands wherever whoever applies it happens to be. On a cluster-wide kind the API server clears the namespace, and references by namespace and name miss the object.",
		Fix:     "Set the component's namespace, or remove it from the cluster-wide object.",
		Example: "kind: ClusterRole\nmetadata: {name: reader, namespace: prod}",
	},
	{
		Code: codeDefinition, Title: "invalid CustomResourceDefinition", Severity: diag.Error,
		Why:     "The API server's own validation refuses the definition: names, scope, structural schema, defaults, CEL rules and their cost. Every custom resource of the kind is then refused, too.",
		Fix:     "Correct the definition at the place that the message names.",
		Example: "spec: {names: {plural: widgets}, group: example.com}\nmetadata: {name: widget.example.com}",
	},
	{
		Code: codeNotServed, Title: "the definition does not serve that version", Severity: diag.Error,
		Why:     "The CustomResourceDefinition of the cluster has no such version, or has it with `served: false`.",
		Fix:     "Write an apiVersion that the definition serves, or install the definition that does.",
		Example: "apiVersion: example.com/v1alpha1 # the definition serves v1",
	},
}
