package guard

import "github.com/darkstart-dev/darkstart/compiler/ir"

// plainReference returns an image reference as Rego reads it.
func plainReference(s string) map[string]any {
	r := ir.ParseReference(s)
	return map[string]any{"registry": r.Registry, "repository": r.Repository, "tag": r.Tag, "digest": r.Digest}
}
