package helm

import "github.com/darkstart-dev/darkstart/internal/diag"

// Codes documents the diagnostics of charts.
var Codes = []diag.Entry{
	{
		Code: "RND050", Title: "a chart cannot be loaded", Severity: diag.Error,
		Why: "Chart.yaml, values.yaml or a dependency's is malformed, or the values of chart and spec do not merge.",
		Fix: "Correct the chart; `helm lint` shows the same.",
	},
	{
		Code: "RND051", Title: "values do not fit the chart's schema", Severity: diag.Error,
		Why: "The chart ships a JSON schema of its values, and the merged values violate it.",
		Fix: "Correct `source: helm: values:`.",
	},
	{
		Code: "RND052", Title: "a dependency is not vendored", Severity: diag.Error,
		Why: "A dependency in Chart.yaml has no chart below charts/. A compile downloads nothing.",
		Fix: "`helm dependency build`, and commit the charts folder.",
	},
	{
		Code: "RND053", Title: "the chart is for another Kubernetes", Severity: diag.Error,
		Why: "The chart's kubeVersion excludes the release that the cluster declares.",
		Fix: "Vendor another version of the chart, or declare the cluster's patch version.",
	},
	{
		Code: "RND054", Title: "a template asks a cluster or the network", Severity: diag.Error,
		Why: "`lookup` and `getHostByName` have no answer in a compile, and a wrong one would be silent.",
		Fix: "Set the value, so that the branch is not taken.",
	},
	{
		Code: "RND055", Title: "a random value reaches the objects", Severity: diag.Error,
		Why:     "Rendered twice, the chart gives two results: a release could never be built again, and each sync would rotate a key.",
		Fix:     "Set the value that is made up, or keep it in a secret store.",
		Example: "password: {{ randAlphaNum 32 }}",
	},
	{
		Code: "RND056", Title: "the clock reaches the objects", Severity: diag.Error,
		Why:     "The rendered objects contain the time of rendering.",
		Fix:     "Remove the function from the template, or set the value.",
		Example: "date: {{ now }}",
	},
	{
		Code: "RND057", Title: "two renderings differ", Severity: diag.Error,
		Why: "The chart gives two results, and no single call is to blame.",
		Fix: "Replace the functions that the note lists.",
	},
	{
		Code: "RND058", Title: "a template failed", Severity: diag.Error,
		Why: "The template cannot be parsed or executed with these values.",
		Fix: "Correct the template, or the values that lead there.",
	},
	{
		Code: "RND059", Title: "the chart refuses its values", Severity: diag.Error,
		Why: "The chart called `fail` or `required`.",
		Fix: "Set the value that it asks for.",
	},
	{
		Code: "RND060", Title: "a hook on deletion or rollback", Severity: diag.Error,
		Why: "An engine that applies manifests has no such moments, so the hook would silently never run.",
		Fix: "Disable it in the values, and describe what it does as a rollback or a procedure.",
	},
	{
		Code: "RND061", Title: "a part of a hook is left out", Severity: diag.Warning,
		Why: "The hook also runs at installation, which is kept; its delete and rollback events are not.",
		Fix: "Describe what it does there as a rollback or a procedure.",
	},
	{
		Code: "RND062", Title: "an unknown hook", Severity: diag.Error,
		Why: "The annotation helm.sh/hook holds an event that Helm does not have. `crd-install` went away with Helm 3.",
		Fix: "Correct the annotation; CRDs belong into the crds folder.",
	},
	{
		Code: "RND063", Title: "a chart archive cannot be unpacked", Severity: diag.Error,
		Why: "The archive is damaged, larger unpacked than the limit, or holds links or paths that leave the chart.",
		Fix: "Package the chart again, or vendor it as a folder.",
	},
	{
		Code: "RND064", Title: "a schema that refers elsewhere", Severity: diag.Error,
		Why: "values.schema.json refers to a file or an address; validating would read it.",
		Fix: "Copy what it refers to below $defs.",
	},
	{
		Code: "RND065", Title: "a library chart", Severity: diag.Error,
		Why: "A library chart only defines templates for others; it renders nothing.",
		Fix: "Name the chart that uses it.",
	},
	{
		Code: "RND066", Title: "an unusable release name", Severity: diag.Error,
		Why: "Helm limits release names to 53 characters of a DNS name, because charts add to them.",
		Fix: "Set `source: helm: release:`.",
	},
}
