package kustomize

import "github.com/darkstart-dev/darkstart/internal/diag"

// Codes documents the diagnostics of kustomizations.
var Codes = []diag.Entry{
	{
		Code: "RND030", Title: "no usable build file", Severity: diag.Error,
		Why: "A folder that is built must hold exactly one of kustomization.yaml, kustomization.yml and Kustomization.",
		Fix: "Add one, keep one, or name the folder with `source: yaml`.",
	},
	{
		Code: "RND031", Title: "a remote reference", Severity: diag.Error,
		Why:     "A URL or git address in a kustomization would be fetched while compiling: the result would depend on a network and on what stands there today.",
		Fix:     "Vendor the base into the repository and refer to its folder.",
		Example: "resources:\n- https://github.com/org/repo//base?ref=v1",
	},
	{
		Code: "RND032", Title: "helm inside kustomize", Severity: diag.Error,
		Why: "`helmCharts` and its kin run the helm program and download charts.",
		Fix: "Make the chart a component of its own with `source: helm`.",
	},
	{
		Code: "RND033", Title: "a plugin that runs a program", Severity: diag.Error,
		Why: "Generators and transformers other than kustomize's own run programs or containers: whatever they do is outside of the repository.",
		Fix: "Use the builtin fields, or render the plugin's output into the repository.",
	},
	{
		Code: "RND034", Title: "an absolute path", Severity: diag.Error,
		Why: "An absolute path means another file on every machine.",
		Fix: "Write the path relative to the kustomization.",
	},
	{
		Code: "RND035", Title: "a path outside of where it may point", Severity: diag.Error,
		Why:     "Files must lie below their kustomization, as kustomize asks (LoadRestrictionsRootOnly); folders with a kustomization may lie anywhere in the fleet.",
		Fix:     "Move the file, or make its folder a kustomization and refer to that.",
		Example: "patches:\n- path: ../../secrets/patch.yaml",
	},
	{
		Code: "RND036", Title: "a reference to nothing", Severity: diag.Error,
		Why: "The file or folder is not in the git tree. Only what git knows is seen.",
		Fix: "Add it to git, or remove the reference.",
	},
	{
		Code: "RND037", Title: "kustomizations include each other", Severity: diag.Error,
		Why: "A cycle of bases has no result.",
		Fix: "Remove one of the references.",
	},
	{
		Code: "RND038", Title: "kustomize cannot build", Severity: diag.Error,
		Why: "The references are fine, but kustomize refuses what it was asked to do, for example a patch without a target.",
		Fix: "Correct what the note names.",
	},
	{
		Code: "RND039", Title: "a build file that is none", Severity: diag.Error,
		Why:     "A build file is one mapping with the fields that kustomize knows.",
		Fix:     "Correct the field; the nearest one is proposed.",
		Example: "resorces:\n- deploy.yaml",
	},
}
