package link

import (
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

// rename notes the objects that are applied under another name than they are
// written with: Jobs, whose names carry a hash of their content (DESIGN §7).
// Users name what they wrote, in gates and holds.
func (comp *component) rename(rs []ir.Rename) {
	if len(rs) == 0 {
		return
	}
	comp.written = make(map[object.Key]object.Key, len(rs))
	for _, r := range rs {
		comp.written[r.To] = r.From
	}
}

// is reports whether a pattern names the object, by the name that it is applied
// or written with.
func (comp *component) is(pattern string, o *object.Object) bool {
	if matchRef(pattern, o.Kind, o.Namespace, o.Name) {
		return true
	}
	from, ok := comp.written[o.Key()]
	return ok && matchRef(pattern, from.Kind, from.Namespace, from.Name)
}

// gated returns the object of the component that a gate waits for, and the part
// it is in.
func (comp *component) gated(name string) (*part, *object.Object) {
	for _, p := range comp.parts {
		for _, o := range p.objects {
			if comp.is(name, o) {
				return p, o
			}
		}
	}
	return nil, nil
}

// partIn returns the part that holds a gated object; gates on objects made at
// run time belong to run.
func (comp *component) partIn(object string) *part {
	if p, _ := comp.gated(object); p != nil {
		return p
	}
	return comp.run
}

// gates returns the gates of one part, under the names that objects are applied
// with.
func (comp *component) gates(p *part) []spec.Gate {
	var out []spec.Gate
	for _, g := range comp.spec.Gates {
		in, o := comp.gated(g.Object)
		if o != nil {
			g.Object = ref3(o)
		} else {
			in = comp.run
		}
		if in == p {
			out = append(out, g)
		}
	}
	return out
}

// durations come from gates.expected (D7: estimated). Gates are awaited
// together, so a part takes as long as its slowest. When a component has
// expectations at all, a part without a gate of its own takes no time of its
// own; with none, nothing is known.
func (comp *component) durations() map[ir.PartName]plans.Interval {
	out := map[ir.PartName]plans.Interval{}
	known := false
	for _, g := range comp.spec.Gates {
		if g.Expected == (plans.Interval{}) {
			continue
		}
		known = true
		name := comp.partIn(g.Object).name
		d := out[name]
		out[name] = plans.Interval{Lo: max(d.Lo, g.Expected.Lo), Hi: max(d.Hi, g.Expected.Hi)}
	}
	if !known {
		return nil
	}
	for _, p := range comp.parts {
		if _, ok := out[p.name]; !ok {
			out[p.name] = plans.Interval{}
		}
	}
	return out
}
