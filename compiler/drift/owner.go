package drift

import (
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/object"
)

// ours says what shows that an object came from a bundle of this cluster, "" if
// nothing does. What a controller made for another object carries copies of its
// labels, and is no business of ours.
func ours(o *object.Object, parts []string) string {
	if len(object.Slice(o.Get("metadata", "ownerReferences"))) > 0 {
		return ""
	}
	label := func(name string) string { return object.String(o.Get("metadata", "labels", name)) }
	note := func(name string) string { return object.String(o.Get("metadata", "annotations", name)) }
	name := label("kustomize.toolkit.fluxcd.io/name")
	isPart := func(p string) bool { return name == strings.ReplaceAll(p, "/", "-") }
	switch {
	case name != "" && slices.ContainsFunc(parts, isPart):
		return "Flux applied it with the part " + name
	case label("app.kubernetes.io/managed-by") == "darkstart":
		return "it carries the label app.kubernetes.io/managed-by: darkstart"
	case note("argocd.argoproj.io/sync-wave") != "" && note("kustomize.toolkit.fluxcd.io/substitute") == "disabled":
		return "it carries the annotations that every object of a bundle has"
	}
	return ""
}
