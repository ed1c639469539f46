package yaml

import (
	"regexp"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// Check says what keeps a mapping from being a Kubernetes object: no
// apiVersion, kind or name, or a name that no API server takes. It returns nil
// for a good one. An object with metadata.generateName may have no name; rule
// BS008 judges it.
func Check(o *object.Object) *diag.Diagnostic {
	for _, field := range []string{"apiVersion", "kind"} {
		if s, ok := o.Content()[field].(string); !ok || s == "" {
			return lacks(o, field)
		}
	}
	if strings.HasPrefix(o.APIVersion, "kustomize.config.k8s.io/") {
		return diag.Errorf("RND015", "%s is a build file of kustomize, not an object", o.Kind).
			At(o.Origin.Pos, "").
			Fix("name the folder with `source: kustomize:` instead of `source: yaml:`")
	}
	if metadata, ok := o.Content()["metadata"].(map[string]any); !ok {
		return lacks(o, "metadata")
	} else if name, has := metadata["name"]; has && name != nil {
		if _, ok := name.(string); !ok {
			return badName(o, "metadata.name is read as "+describe(name), "put the name in quotes")
		}
	} else if object.String(metadata, "generateName") != "" {
		return nil
	}
	if o.Name == "" {
		return diag.Errorf("RND017", "%s has no metadata.name", o.Kind).
			At(o.Origin.Pos, "this object").About(subject(o)).
			Fix("give it a name: a release must be able to find the object again")
	}
	return checkNames(o)
}

func subject(o *object.Object) diag.Subject { return diag.Subject{Object: o.Key().String()} }

func lacks(o *object.Object, field string) *diag.Diagnostic {
	return diag.Errorf("RND016", "the document has no %s", field).
		At(o.Origin.Pos, "not a Kubernetes object").
		Fix("add %s, or remove the document", field)
}

func badName(o *object.Object, what, fix string) *diag.Diagnostic {
	return diag.Errorf("RND018", "%s: %s", o.Kind, what).
		At(o.Origin.Pos, "this object").About(subject(o)).Fix("%s", fix)
}

var (
	label     = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	subdomain = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
)

// checkNames holds names to what the API server asks of the kind: RBAC takes
// any path segment, Namespaces and Services a label, the rest a subdomain.
func checkNames(o *object.Object) *diag.Diagnostic {
	switch {
	case o.Group() == "rbac.authorization.k8s.io" || o.Kind == "IPAddress":
		if o.Name == "." || o.Name == ".." || strings.ContainsAny(o.Name, "/%") {
			return badName(o, "name "+quote(o.Name)+" is no path segment", "leave out / and %")
		}
	case o.Group() == "" && (o.Kind == "Namespace" || o.Kind == "Service"):
		if len(o.Name) > 63 || !label.MatchString(o.Name) {
			return badName(o, "name "+quote(o.Name)+" is no DNS label", "use at most 63 lower-case letters, digits and inner hyphens")
		}
	default:
		if len(o.Name) > 253 || !subdomain.MatchString(o.Name) {
			return badName(o, "name "+quote(o.Name)+" is no DNS subdomain", "use lower-case letters, digits, inner hyphens and dots, at most 253")
		}
	}
	ns := o.Get("metadata", "namespace")
	if ns == nil || ns == "" {
		return nil
	}
	if _, ok := ns.(string); !ok {
		return badName(o, "metadata.namespace is read as "+describe(ns), "put the namespace in quotes")
	}
	if s, _ := ns.(string); len(s) > 63 || !label.MatchString(s) {
		return badName(o, "metadata.namespace is no DNS label", "use at most 63 lower-case letters, digits and inner hyphens")
	}
	return nil
}

func quote(s string) string {
	if len(s) > 80 {
		s = s[:77] + "..."
	}
	return `"` + s + `"`
}
