package guard

import (
	"errors"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// position converts a place in a Rego file.
func position(file string, l *ast.Location) diag.Position {
	if l == nil {
		return diag.Position{File: file}
	}
	if l.File != "" {
		file = l.File
	}
	return diag.Position{File: file, Line: l.Row, Column: l.Col}
}

// regoErrors turns what OPA says about a user's policy into diagnostics.
func regoErrors(file string, err error) diag.List {
	if err == nil {
		return nil
	}
	var list ast.Errors
	if !errors.As(err, &list) {
		return diag.List{diag.Errorf("GRD001", "policy does not parse: %v", err).At(diag.Position{File: file}, "").
			Fix("correct the syntax; opa parse FILE shows more")}
	}
	var ds diag.List
	for _, e := range list {
		ds.Add(regoError(file, e))
	}
	return ds
}

func regoError(file string, e *ast.Error) *diag.Diagnostic {
	at := position(file, e.Location)
	if name, ok := strings.CutPrefix(e.Message, "undefined function "); ok {
		return undefined(name, at)
	}
	if e.Code == ast.ParseErr {
		d := diag.Errorf("GRD001", "policy does not parse: %s", e.Message).At(at, "")
		if strings.Contains(e.Message, "`if`") || strings.Contains(e.Message, "`contains`") {
			return d.Fix("policies are Rego v1: write rules as deny contains msg if { … }; opa fmt --v0-v1 rewrites old ones, and policies: regoVersion: \"v0\" reads them as they are")
		}
		return d.Fix("correct the syntax; opa parse FILE shows more")
	}
	d := diag.Errorf("GRD002", "policy does not compile: %s", e.Message).At(at, "").
		Fix("correct the policy; opa check FILE shows more")
	if e.Details != nil {
		for _, l := range e.Details.Lines() { // the types that do not match, for example
			if l = strings.TrimSpace(l); l != "" {
				d.Note("%s", l)
			}
		}
	}
	return d
}

// undefined tells a forbidden builtin from a misspelt one.
func undefined(name string, at diag.Position) *diag.Diagnostic {
	allowed, refused := builtinNames()
	if why, ok := refused[name]; ok {
		d := diag.Errorf("GRD003", "builtin %s is not allowed", name).At(at, "").
			Note("it depends on %s; a verdict is a function of the git tree alone (D2)", why)
		if strings.HasPrefix(name, "parse_") {
			return d.Fix("yaml.unmarshal and json.unmarshal read text; a file is read through policies: data")
		}
		return d.Fix("decide from the input; darkstart's `lock` and `evidence` bring facts from outside into git")
	}
	d := diag.Errorf("GRD002", "undefined function %s", name).At(at, "")
	if near := diag.Nearest(name, sortedKeys(allowed)); near != "" {
		return d.Fix("did you mean %s?", near)
	}
	return d.Fix("define it, or import the package that does")
}
