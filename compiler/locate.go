package compiler

import (
	"context"

	"github.com/darkstart-dev/darkstart/compiler/guard"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/render"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// locate makes what answers the guardrails which places set a field of an
// object. Nothing is looked up before a finding asks; the trials of all
// clusters share one tracer.
func (r *run) locate(ctx context.Context) func() guard.Locator {
	rendered := map[string]*ir.Rendered{}
	for _, c := range r.res.Rendered {
		if c != nil {
			rendered[c.Cluster] = c
		}
	}
	tracer := render.NewTracer(r.Tree, &render.Config{Cache: r.sources})
	return func() guard.Locator {
		asker := tracer.Asker()
		return func(cluster string, o *object.Object, pointer string) object.Trace {
			u, c := r.res.Units.Cluster(cluster), rendered[cluster]
			if u == nil || c == nil {
				return object.Trace{}
			}
			return asker.Trace(ctx, u, c, o, pointer)
		}
	}
}
