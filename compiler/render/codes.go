package render

import (
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/render/helm"
	"github.com/darkstart-dev/darkstart/compiler/render/kustomize"
	"github.com/darkstart-dev/darkstart/compiler/render/yaml"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// Codes documents every diagnostic of rendering.
var Codes = slices.Concat(own, yaml.Codes, kustomize.Codes, helm.Codes)

var own = []diag.Entry{
	{
		Code: "RND002", Title: "a source outside of the fleet", Severity: diag.Error,
		Why:     "A component's source is a path relative to the fleet's root; addresses, absolute paths and paths that leave the fleet are not read.",
		Fix:     "Move or vendor the source into the fleet.",
		Example: "source: kustomize: \"../other-repo/base\"",
	},
	{
		Code: "RND020", Title: "an object is written twice", Severity: diag.Error,
		Why: "Two components (or one, twice) write the same object in a cluster. The second would overwrite the first, and each sync would fight.",
		Fix: "Let one component own it and the other require that component.",
	},
	{
		Code: "RND021", Title: "a bad image reference", Severity: diag.Error,
		Why:     "The image of a container cannot be parsed, so it can be neither pinned nor pulled.",
		Fix:     "Write [registry/]repository[:tag][@sha256:…] in lower case.",
		Example: "image: Registry.example/App:latest tag",
	},
	{
		Code: "RND022", Title: "a source without objects", Severity: diag.Warning,
		Why: "A component that renders nothing protects nothing and deploys nothing.",
		Fix: "Check values and resource lists, or remove the component.",
	},
	{
		Code: "RND023", Title: "replicas for no workload", Severity: diag.Error,
		Why: "`set: replicas:` names a workload that the component does not render.",
		Fix: "Name a Deployment, StatefulSet or ReplicaSet as it is rendered.",
	},
	{
		Code: "RND024", Title: "an image override that matches nothing", Severity: diag.Warning,
		Why: "`images:` names an image that no container uses: a digest that nobody pins.",
		Fix: "Write the name as the manifest does, without tag and digest.",
	},
	{
		Code: "RND025", Title: "not exactly one source", Severity: diag.Error,
		Why: "A component is rendered from one of kustomize, helm and yaml.",
		Fix: "Name exactly one.",
	},
	{
		Code: "RND026", Title: "a patch that selects nothing", Severity: diag.Error,
		Why:     "An entry of `set: patches:` selects no object of the component. kustomize says nothing in that case; here it is taken for a typing error.",
		Fix:     "Name the object as it is rendered, or remove the patch.",
		Example: "set: patches: [{target: kind: \"Deploymnet\", patch: spec: minReadySeconds: 5}]",
	},
	{
		Code: "RND027", Title: "a patch that cannot be applied", Severity: diag.Error,
		Why:     "The patch cannot be read, its path is not in the object, or it would change the kind, name or namespace of an object, which others refer to.",
		Fix:     "Correct the patch. `set: namespace:` moves a component and its references; a name changes where it is written.",
		Example: "set: patches: [{target: kind: \"Deployment\", patch: [{op: \"remove\", path: \"/spec/paused\"}]}]",
	},
	{
		Code: "RND029", Title: "an unknown Kubernetes release", Severity: diag.Error,
		Why:     "Charts and validation need to know what the release serves; this compiler knows 1.33 to 1.37.",
		Fix:     "Declare one of the known releases.",
		Example: "kubernetes: \"1.19\"",
	},
}
