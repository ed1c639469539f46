package guard

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/darkstart-dev/darkstart/internal/digest"
)

// source is one Rego file.
type source struct {
	name string
	text []byte
}

func parse(s source, caps *ast.Capabilities) (*ast.Module, error) {
	return parseAs(s, caps, ast.RegoV1)
}

func parseAs(s source, caps *ast.Capabilities, v ast.RegoVersion) (*ast.Module, error) {
	return ast.ParseModuleWithOpts(s.name, string(s.text), ast.ParserOptions{
		Capabilities: caps, ProcessAnnotation: true, RegoVersion: v,
	})
}

// annotations reads the package metadata of a Rego file. It parses no further
// than the package clause: most rules are catalogued far more often than they
// are compiled.
func annotations(name string, src []byte, caps *ast.Capabilities) (*metadata, error) {
	m, err := parse(source{name, src[:len(packageClause.FindString(string(src)))]}, caps)
	if err != nil {
		return nil, err
	}
	for _, a := range m.Annotations {
		if a.Scope == "package" {
			return &metadata{packageName(m), a.Title, strings.TrimSpace(a.Description), a.Custom}, nil
		}
	}
	return nil, errors.New("no # METADATA on the package")
}

// packageClause is all up to the package clause.
var packageClause = regexp.MustCompile(`(?ms)\A.*?^package [^\n]*`)

// packageName returns the package as it is written, without "data.".
func packageName(m *ast.Module) string {
	return strings.TrimPrefix(m.Package.Path.String(), "data.")
}

// policyDigest collects what was evaluated, so that an attestation can name it.
type policyDigest struct{ lines []string }

func (d *policyDigest) add(owner string, files []source) {
	for _, f := range files {
		d.lines = append(d.lines, fmt.Sprintf("%s %s %s\n", owner, f.name, digest.Of(f.text)))
	}
}

func (d *policyDigest) sum() digest.Digest {
	return digest.Of([]byte(strings.Join(slices.Sorted(slices.Values(d.lines)), ""))) // scopes ask at once
}

// prepare makes a query that can be evaluated any number of times, at once too.
func prepare(ctx context.Context, c *ast.Compiler, query string, strict bool) (rego.PreparedEvalQuery, error) {
	return rego.New(rego.Query(query), rego.Compiler(c), rego.StrictBuiltinErrors(strict),
		rego.SetRegoVersion(ast.RegoV1)).PrepareForEval(ctx)
}

// answer evaluates a prepared query and returns what it bound to x, as JSON
// values; ok is false when the query is undefined. builtin receives the
// builtin errors of a query that is not strict.
func answer(ctx context.Context, q rego.PreparedEvalQuery, input ast.Value, builtin *[]topdown.Error) (x any, ok bool, err error) {
	opts := []rego.EvalOption{rego.EvalParsedInput(input)}
	if builtin != nil {
		opts = append(opts, rego.EvalBuiltinErrorList(builtin))
	}
	rs, err := q.Eval(ctx, opts...)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, false, errDeadline
	case ctx.Err() != nil:
		return nil, false, ctx.Err()
	case err != nil:
		return nil, false, err
	case len(rs) == 0:
		return nil, false, nil
	}
	return rs[0].Bindings["x"], true, nil
}
