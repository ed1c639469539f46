package solver

import (
	"cmp"
	"slices"

	"github.com/darkstart-dev/darkstart/plans"
)

// waves turns a schedule into the plan that people follow: steps by level,
// each with every edge that puts it after another.
func (s *schedule) waves(low *rise) []plans.Wave {
	var out []plans.Wave
	for _, o := range s.jobs() {
		level := int(s.ops[o].level)
		for len(out) < level {
			out = append(out, plans.Wave{Number: len(out) + 1})
		}
		w := &out[level-1]
		w.Steps = append(w.Steps, s.planned(o, low))
	}
	out = slices.DeleteFunc(out, func(w plans.Wave) bool { return len(w.Steps) == 0 })
	for i := range out {
		w := &out[i]
		w.Number, w.Steps = i+1, slices.Clone(w.Steps) // they stay: without room to grow
		slices.SortFunc(w.Steps, func(a, b plans.PlannedStep) int { return cmp.Compare(a.ID, b.ID) })
		w.Phase = w.Steps[0].Phase
		if slices.ContainsFunc(w.Steps, func(p plans.PlannedStep) bool { return p.Phase != w.Phase }) {
			w.Phase = ""
		}
	}
	return slices.Clone(out)
}

// jobs lists the ops of steps that are really executed, in the order of ids.
func (s *schedule) jobs() []int32 {
	var out []int32
	for step, o := range s.jobOf {
		if st := s.r.w.g.steps[step]; !st.hidden && !s.r.w.idle(step) {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(a, b int32) int { return cmp.Compare(s.ops[a].step, s.ops[b].step) })
	return out
}

func (s *schedule) planned(at int32, low *rise) plans.PlannedStep {
	g, o := s.r.w.g, &s.ops[at]
	st := g.steps[o.step]
	p := plans.PlannedStep{
		ID: st.id, Procedure: st.proc.ID, Do: st.Do, Phase: st.Phase, By: st.By,
		Duration: st.time, Known: st.known, Measured: st.measured,
		Start: plans.Interval{Lo: max(0, low.ready[o.step]), Hi: o.start}, End: plans.Interval{Lo: max(0, low.done[o.step]), Hi: o.end},
		Manual: st.actor != nil || st.Approval != nil, Approval: st.Approval,
	}
	for _, i := range s.restoring(o.step) {
		if s.r.w.down[i] && s.r.by[i] == o.step {
			p.Restores = append(p.Restores, g.name(i))
		}
	}
	slices.Sort(p.Restores)
	p.Because = s.because(o.step)
	return p
}

// restoring lists what a step restores, with what the hidden step after it
// stands for.
func (s *schedule) restoring(step int32) []int32 {
	st := s.r.w.g.steps[step]
	out := slices.Clone(st.restores)
	for _, n := range st.next {
		if s.r.w.g.steps[n].hidden {
			for _, i := range s.r.w.g.steps[n].restores {
				if s.r.by[i] == n {
					out = append(out, i)
				}
			}
		}
	}
	return out
}

// because lists the edges that put a step after others: what it comes after,
// and what it and the things that it restores need, as far as that fell.
func (s *schedule) because(step int32) []plans.Edge {
	g, w := s.r.w.g, s.r.w
	st := g.steps[step]
	from := st.id
	if len(st.restores) == 1 {
		from = g.name(st.restores[0])
	}
	var out []plans.Edge
	emit := func(from string) func(edge) {
		return func(e edge) {
			if w.down[e.to] && g.name(e.to) != from {
				out = append(out, plans.Edge{From: from, To: g.name(e.to), Set: setNames[e.set], Why: e.why})
			}
		}
	}
	for _, i := range st.restores {
		if w.down[i] && s.r.by[i] == step {
			g.back.each(i, emit(g.name(i)))
		}
	}
	g.back.each(int32(g.items)+step, emit(from))
	for _, a := range st.after {
		if !w.idle(a) && !g.steps[a].hidden {
			to := g.steps[a].id
			if rs := g.steps[a].restores; len(rs) == 1 {
				to = g.name(rs[0])
			}
			out = append(out, plans.Edge{From: from, To: to, Set: setNames[setAfter], Why: &plans.Because{
				Reason: st.id + " comes after " + g.steps[a].id, At: st.At,
			}})
		}
	}
	return tidy(out)
}

// tidy sorts edges and keeps one of each pair of ends: the best explained.
func tidy(es []plans.Edge) []plans.Edge {
	rank := func(e plans.Edge) int { return slices.Index(setNames[:], e.Set) }
	slices.SortStableFunc(es, func(a, b plans.Edge) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(rank(a), rank(b)), compareWhy(a.Why, b.Why))
	})
	return slices.CompactFunc(es, func(a, b plans.Edge) bool { return a.From == b.From && a.To == b.To })
}

func compareWhy(a, b *plans.Because) int {
	if a == nil || b == nil {
		switch {
		case a == b:
			return 0
		case a == nil:
			return 1
		}
		return -1
	}
	return cmp.Compare(a.Reason, b.Reason)
}
