package emit

import (
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

// approvals returns the parts at which a release stops until a human lets it
// go on: of each phase that declares an approval, those of its first step. All
// that comes later waits for them, since each step depends on the one before.
// A seed phase is applied by hand, and its approval is that of its runbook.
func approvals(c *ir.Linked, o *order) map[*ir.Part]*plans.Approval {
	out := map[*ir.Part]*plans.Approval{}
	for _, ph := range approved(c) {
		for _, w := range o.waves {
			found := false
			for _, part := range w.parts {
				if o.phase[part] == ph.Name {
					out[part], found = ph.Approval, true
				}
			}
			if found {
				break
			}
		}
	}
	return out
}

// approved lists the phases that an engine applies and a human approves.
func approved(c *ir.Linked) []spec.Phase {
	var out []spec.Phase
	for _, ph := range c.Unit.Spec.Phases {
		seed := c.Unit.Spec.Delivery == nil || slices.Contains(c.Unit.Spec.Delivery.Seed, ph.Name)
		if ph.Approval != nil && !seed {
			out = append(out, ph)
		}
	}
	return out
}
