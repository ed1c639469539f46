package emit

import (
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/plans"
)

// order is the bootstrap order of one cluster.
type order struct {
	recovery *plans.Recovery
	waves    []wave
	of       map[*ir.Part]int // wave number from 1
	phase    map[*ir.Part]string
}

// wave is the parts that may be applied at once.
type wave struct {
	number int
	parts  []*ir.Part // sorted by ID
}

// orderOf places every part of the cluster in the wave of the step that
// restores it. Waves that restore no part (machines, etcd) get no number, so
// the sync-waves of a bundle start at 1 without gaps.
func orderOf(c *ir.Linked, p *plans.Plan) (*order, diag.List) {
	o := &order{recovery: p.Recovery("bootstrap/" + c.Name), of: map[*ir.Part]int{}, phase: map[*ir.Part]string{}}
	byNode := make(map[string]*ir.Part, len(c.Parts))
	for _, part := range c.Parts {
		byNode[part.Node] = part
	}
	if o.recovery != nil {
		for _, pw := range o.recovery.Waves {
			o.add(pw, byNode)
		}
	}
	var diags diag.List
	for _, part := range c.Parts {
		if o.of[part] == 0 {
			diags.Add(diag.Errorf("EMT001", "the bootstrap of %s never reaches %s", c.Name, part.ID()).
				AtAll(c.Unit.Pos.At(ir.Pointer("components", part.Component)), "declared here").
				About(diag.Subject{Cluster: c.Name, Component: part.Component, Node: part.Node}).
				Fix("run `darkstart plan bootstrap %s` and break the cycle it shows", c.Name))
		}
	}
	diags.Add(fluxNameClashes(c)...)
	return o, diags
}

func (o *order) add(pw plans.Wave, byNode map[string]*ir.Part) {
	w := wave{number: len(o.waves) + 1}
	for _, s := range pw.Steps {
		for _, id := range s.Restores {
			if part := byNode[id]; part != nil && o.of[part] == 0 {
				o.of[part], o.phase[part] = w.number, s.Phase
				w.parts = append(w.parts, part)
			}
		}
	}
	if len(w.parts) > 0 {
		slices.SortFunc(w.parts, func(a, b *ir.Part) int { return strings.Compare(a.ID(), b.ID()) })
		o.waves = append(o.waves, w)
	}
}

// parts returns all parts in order.
func (o *order) parts() []*ir.Part {
	var out []*ir.Part
	for _, w := range o.waves {
		out = append(out, w.parts...)
	}
	return out
}

func fluxNameClashes(c *ir.Linked) diag.List {
	var diags diag.List
	seen := map[string]*ir.Part{}
	for _, part := range c.Parts {
		name := fluxName(part)
		if first := seen[name]; first != nil {
			diags.Add(diag.Errorf("EMT002", "%s and %s would both be the Flux Kustomization %q", first.ID(), part.ID(), name).
				AtAll(c.Unit.Pos.At(ir.Pointer("components", first.Component)), "%s", first.ID()).
				AtAll(c.Unit.Pos.At(ir.Pointer("components", part.Component)), "%s", part.ID()).
				About(diag.Subject{Cluster: c.Name, Component: part.Component}).
				Fix("rename component %q or %q", first.Component, part.Component))
		}
		seen[name] = part
	}
	return diags
}
