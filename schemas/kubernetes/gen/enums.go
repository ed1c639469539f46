package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
)

// The published OpenAPI documents leave out the lists of values, which the API
// server adds when it runs. They stand in the Go code that the same tool
// generates from the same types, so they are read from there.

// fewestEnums is a guard against a change of the generated code's form.
const fewestEnums = 80

// addEnums fills the lists of values into the definitions of k8s.io/api.
func addEnums(dir string, definitions map[string]*schema) error {
	file := filepath.Join(dir, "pkg", "generated", "openapi", "zz_generated.openapi.go")
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	functions := map[string]ast.Node{}
	for _, d := range parsed.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
			functions[f.Name.Name] = f.Body
		}
	}
	found := 0
	for name, s := range definitions {
		path, ok := strings.CutPrefix(name, "io.k8s.api.")
		body := functions["schema_k8sio_api_"+strings.ReplaceAll(path, ".", "_")]
		if !ok || body == nil {
			continue
		}
		ast.Inspect(body, func(n ast.Node) bool {
			if lit, ok := n.(*ast.CompositeLit); ok {
				found += fill(lit, s)
				return false
			}
			return true
		})
	}
	if found < fewestEnums {
		return fmt.Errorf("found %d lists of values in %s, expected at least %d", found, file, fewestEnums)
	}
	return nil
}

// fill walks a literal of the generated code beside the schema that it stands
// for, and returns how many lists it took over.
func fill(e ast.Expr, s *schema) (found int) {
	if u, ok := e.(*ast.UnaryExpr); ok {
		e = u.X
	}
	lit, ok := e.(*ast.CompositeLit)
	if !ok || s == nil {
		return 0
	}
	for _, element := range lit.Elts {
		kv, ok := element.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		key, _ := kv.Key.(*ast.Ident)
		switch {
		case key == nil:
		case key.Name == "Enum":
			s.Enum = literals(kv.Value)
			found++
		case key.Name == "Properties":
			found += fillProperties(kv.Value, s)
		case key.Name == "Items":
			found += fill(kv.Value, s.Items)
		case key.Name == "AdditionalProperties":
			found += fill(kv.Value, s.AdditionalProperties)
		default:
			found += fill(kv.Value, s)
		}
	}
	return found
}

func fillProperties(e ast.Expr, s *schema) (found int) {
	lit, ok := e.(*ast.CompositeLit)
	if !ok {
		return 0
	}
	for _, element := range lit.Elts {
		if kv, ok := element.(*ast.KeyValueExpr); ok {
			if key, ok := kv.Key.(*ast.BasicLit); ok {
				name, _ := strconv.Unquote(key.Value)
				found += fill(kv.Value, s.Properties[name])
			}
		}
	}
	return found
}

// literals reads a list of string literals as JSON.
func literals(e ast.Expr) []json.RawMessage {
	var out []json.RawMessage
	for _, element := range e.(*ast.CompositeLit).Elts {
		if lit, ok := element.(*ast.BasicLit); ok {
			s, _ := strconv.Unquote(lit.Value)
			quoted, _ := json.Marshal(s)
			out = append(out, quoted)
		}
	}
	return out
}
