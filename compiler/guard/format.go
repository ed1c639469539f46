package guard

import (
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// Format writes a Rego file as `opa fmt` does. A file of Rego v0 stays one: what
// does not parse as v1 is tried as v0.
func Format(name string, src []byte) ([]byte, diag.List) {
	out, err := format.SourceWithOpts(name, src, format.Opts{RegoVersion: ast.RegoV1, ParserOptions: &ast.ParserOptions{RegoVersion: ast.RegoV1}})
	if err == nil {
		return out, nil
	}
	if old, e := format.SourceWithOpts(name, src, format.Opts{RegoVersion: ast.RegoV0, ParserOptions: &ast.ParserOptions{RegoVersion: ast.RegoV0}}); e == nil {
		return old, nil
	}
	return nil, regoErrors(name, err)
}
