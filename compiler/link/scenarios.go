package link

import (
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

// scenario resolves a declared scenario; none when all its names were unknown.
func (l *linker) scenario(sc scope, id string, s *spec.Scenario) []plans.Scenario {
	ptr := ir.Pointer("scenarios", id)
	out := plans.Scenario{
		ID: id, Mode: s.Mode, During: s.During, At: sc.pos.At(ptr),
		Domains: l.resolveDomains(sc, s.Fails.Domains, ptr+"/fails/domains"),
	}
	for i, n := range s.Fails.Nodes {
		if sym, ok := l.resolve(sc, id, "fails", n, ptr+"/fails/nodes/"+index(i)); ok {
			out.Nodes = append(out.Nodes, sym.id)
		}
	}
	if d := s.During; d != "" {
		if _, ok := l.units.Recovery.Spec.Actions[d]; !ok {
			if _, ok := l.units.Recovery.Spec.Procedures[d]; !ok {
				l.unknownName(sc.out, "LNK018", "action", d, sc.pos.At(ptr+"/during"), sortedKeys(l.units.Recovery.Spec.Actions))
			}
		}
	}
	if len(out.Domains)+len(out.Nodes) == 0 && len(s.Fails.Domains)+len(s.Fails.Nodes) > 0 {
		return nil // its names were reported; one that names nothing is PLN006
	}
	return []plans.Scenario{out}
}

// assumed generates one scenario for each domain of a kind (DESIGN §4).
func (l *linker) assumed() []plans.Scenario {
	if l.units.Project == nil {
		return nil
	}
	assume := l.units.Project.Spec.Assume
	var out []plans.Scenario
	for _, d := range l.domains.list {
		if mode, ok := assume[d.Kind]; ok && !d.Implied {
			out = append(out, plans.Scenario{
				ID: string(d.Kind) + "-" + string(mode) + "/" + d.ID, Domains: []string{d.ID}, Mode: mode, Generated: true,
				At: l.units.Project.Pos.At(ir.Pointer("assume", string(d.Kind))),
			})
		}
	}
	return out
}

// builtIn makes bootstrap/C for each cluster, and darkstart for all at once
// (D1). Machines are given unless a procedure restores them.
func (l *linker) builtIn() []plans.Scenario {
	if len(l.clusters) == 0 {
		return nil
	}
	restored := map[string]bool{}
	for _, p := range l.procs {
		for _, id := range p.Restores {
			restored[id] = true
		}
	}
	dark := plans.Scenario{ID: "darkstart", Class: "darkstart", Mode: plans.Lost}
	var out []plans.Scenario
	for _, c := range l.clusters {
		s := plans.Scenario{ID: "bootstrap/" + c.name, Class: "bootstrap", Mode: plans.Lost, Into: c.into(), At: c.at("")}
		for _, n := range c.nodes {
			switch {
			case n.Kind == plans.KindMachines && !restored[n.ID], n.Kind == plans.KindExternal, n.Kind == plans.KindPoint:
			default:
				s.Nodes = append(s.Nodes, n.ID)
			}
		}
		dark.Nodes = append(dark.Nodes, s.Nodes...)
		s.Nodes = append(s.Nodes, l.lostWith(c)...)
		slices.Sort(s.Nodes)
		out = append(out, s)
		dark.Into = append(dark.Into, s.Into...)
	}
	dark.Nodes = append(dark.Nodes, l.lostWith(l.clusters...)...)
	slices.Sort(dark.Nodes)
	slices.Sort(dark.Into)
	dark.Into = slices.Compact(dark.Into)
	return append(out, dark)
}

// checkProject resolves the cluster names of streams and rings.
func (l *linker) checkProject() {
	p := l.units.Project
	if p == nil {
		return
	}
	check := func(names []string, ptr string) {
		for i, n := range names {
			if l.names.cluster[n] == nil {
				l.unknownName(&l.out, "LNK010", "cluster", n, p.Pos.At(ptr+"/"+index(i)), sortedKeys(l.names.cluster))
			}
		}
	}
	for _, s := range sortedKeys(p.Spec.Streams) {
		check(p.Spec.Streams[s], ir.Pointer("streams", s))
	}
	for i, r := range p.Spec.Rings {
		check(r, ir.Pointer("rings", index(i)))
	}
}
