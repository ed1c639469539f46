package guard

import (
	"context"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/darkstart-dev/darkstart/compiler/ir"
)

// Alone returns what OPA alone does of Guard(ctx, in, cfg): the same prepared
// queries of the built-in rules and of the user's policies on the same input,
// which is parsed already. Config.Prepared is required. It is the floor that
// the whole of Guard is measured against (internal/bench), and judges nothing.
func Alone(ctx context.Context, in *Input, cfg *Config) (func() error, error) {
	s := newSession(in, cfg, cfg.Prepared)
	users, ds, err := s.loadUser(ctx)
	if err != nil || ds.HasErrors() {
		return nil, fmt.Errorf("%w%s", err, ds)
	}
	type evaluation struct {
		query rego.PreparedEvalQuery
		input ast.Value
	}
	var all []evaluation
	for _, c := range append([]*ir.Linked{nil}, in.Fleet.Clusters...) {
		d := s.document(c)
		for _, rule := range s.rules {
			if rule.Scope != d.scope || s.skip(rule, d) != "" {
				continue
			}
			input, err := d.input(rule.Reads)
			if err != nil {
				return nil, err
			}
			all = append(all, evaluation{rule.query, input})
		}
		if c == nil {
			continue
		}
		inputs, err := users.inputs(d)
		if err != nil {
			return nil, err
		}
		for _, p := range users.packages {
			for _, in := range inputs {
				v, err := ast.InterfaceToValue(in.content)
				if err != nil {
					return nil, err
				}
				all = append(all, evaluation{p.all, v})
			}
		}
	}
	return func() error {
		for _, e := range all {
			if _, _, err := answer(ctx, e.query, e.input, nil); err != nil {
				return err
			}
		}
		return nil
	}, nil
}
