package guard

import (
	"context"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/darkstart-dev/darkstart/compiler/ir"
)

// Alone returns what OPA alone does of Guard(ctx, in, cfg): the same prepared
// queries of the built-in rules on the same input, which is parsed already. It
// is the floor that the whole of Guard is measured against.
func Alone(ctx context.Context, in *Input, cfg *Config) (func() error, error) {
	s := newSession(in, cfg, cfg.Prepared)
	type evaluation struct {
		rule  *compiled
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
			all = append(all, evaluation{rule, input})
		}
	}
	return func() error {
		for _, e := range all {
			if _, _, err := answer(ctx, e.rule.query, e.input, nil); err != nil {
				return err
			}
		}
		return nil
	}, nil
}
