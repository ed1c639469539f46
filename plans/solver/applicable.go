package solver

import (
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/plans"
)

// applicable lists the steps of the procedures that apply to the scenario and
// restore something that fell, sorted.
func (w *world) applicable() []int32 {
	if w.active != nil {
		return w.active
	}
	w.active, w.usable = []int32{}, map[int32]bool{}
	seen := map[int32]bool{}
	for _, i := range w.fallen {
		for _, s := range w.g.alts[i] {
			p := w.g.steps[s].proc
			if seen[p.index] || w.own[i] {
				continue
			}
			seen[p.index] = true
			if w.applies(p) {
				w.usable[p.index] = true
				for s := p.first; s < p.last; s++ {
					w.active = append(w.active, s)
				}
			}
		}
	}
	slices.Sort(w.active)
	return w.active
}

// applies judges mode and place of a procedure, apart from domains that it
// restores itself.
func (w *world) applies(p *proc) bool {
	mode := slices.Index(plans.Modes, w.sc.Mode)
	if mode >= 0 && p.modes&(1<<mode) == 0 {
		return false
	}
	if !w.needsInto() {
		return true
	}
	if w.lacksInto(p) {
		return !w.pess
	}
	return len(w.inside(p)) == 0 || w.sc.Mode == plans.Down || w.sc.Mode == plans.Compromised
}

// needsInto reports whether recovery has to say where it goes.
func (w *world) needsInto() bool {
	if len(w.failed) == 0 {
		return false
	}
	switch w.sc.Mode {
	case plans.Down, plans.Lost, plans.Compromised, plans.Partition:
		return true
	}
	return false
}

// lacksInto reports whether it does not say so though it has to: unknown.
func (w *world) lacksInto(p *proc) bool {
	return w.needsInto() && len(p.into) == 0 && !p.IntoKnown && !w.restoresOnlyDomains(p)
}

// restoresOnlyDomains: what restores a domain does so where the domain is.
func (w *world) restoresOnlyDomains(p *proc) bool {
	for _, id := range p.Restores {
		if !strings.HasPrefix(id, "domain:") {
			return false
		}
	}
	return len(p.Restores) > 0
}

// inside lists the failed domains over the place into which p recovers.
func (w *world) inside(p *proc) []int32 {
	var out []int32
	if !w.needsInto() {
		return nil
	}
	for _, d := range p.into {
		w.g.above(d, func(a int32) bool {
			if slices.Contains(w.failed, a) && !slices.Contains(out, a) {
				out = append(out, a)
			}
			return true
		})
	}
	return out
}

// enabled reports whether step s may bring item i back: a place inside F
// counts only after a step of the procedure that restores (down) or rebuilds
// (compromised) its domains.
func (w *world) enabled(i, s int32) bool {
	st := w.g.steps[s]
	if w.applicable(); !w.usable[st.proc.index] || !w.canUse(st) {
		return false
	}
	if int(i) >= len(w.g.nodes) {
		return w.sc.Mode == plans.Down
	}
	missing := w.inside(st.proc)
	if len(missing) == 0 {
		return true
	}
	for _, b := range w.g.closureOf(s) {
		missing = slices.DeleteFunc(missing, func(d int32) bool { return w.brings(w.g.steps[b], d) })
	}
	return len(missing) == 0
}

func (w *world) brings(s *step, d int32) bool {
	if w.sc.Mode == plans.Down {
		return slices.Contains(s.restores, int32(len(w.g.nodes))+d)
	}
	id := w.g.domains[d].ID
	return slices.Contains(s.Rebuilds, id) || slices.Contains(s.Rebuilds, "domain:"+id)
}

// over lists the failed domains over a point's replicas.
func (w *world) over(q int32) []int32 {
	var out []int32
	for _, r := range w.g.replicasOf[q] {
		for _, d := range w.g.replicas[r].domains {
			w.g.above(d, func(a int32) bool {
				if slices.Contains(w.failed, a) && !slices.Contains(out, a) {
					out = append(out, a)
				}
				return true
			})
		}
	}
	return out
}

// idle reports whether a derived procedure has nothing to do in step s: the
// parts it would restore stand.
func (w *world) idle(s int32) bool {
	st := w.g.steps[s]
	if !st.proc.Derived || len(st.restores) == 0 {
		return false
	}
	return !slices.ContainsFunc(st.restores, func(i int32) bool { return w.down[i] && !w.own[i] })
}

// rescheduleTime is what Kubernetes takes, by its defaults, to notice a lost
// machine (40 s), evict (5 min) and start a Pod elsewhere; an estimate.
var rescheduleTime = plans.Interval{Lo: 0, Hi: 10 * plans.Minute}

// reschedules reports whether a stateless node returns by itself in another
// surviving domain (§4, Replicas and zones).
func (w *world) reschedules(i int32, high bool) (plans.Duration, bool) {
	if int(i) >= len(w.g.nodes) || w.struck[i] || w.own[i] || !w.g.nodes[i].Stateless {
		return 0, false
	}
	for _, d := range w.g.domainList(w.g.nodes[i].Elsewhere) {
		if !w.dead[d] {
			if high {
				return rescheduleTime.Hi, true
			}
			return rescheduleTime.Lo, true
		}
	}
	return 0, false
}

// blocked: something that start names exists nowhere, in the pessimistic
// reading.
func (w *world) blocked(i int32) bool {
	return w.pess && int(i) < len(w.g.nodes) && slices.ContainsFunc(w.g.open[i], func(u plans.Unknown) bool {
		return u.Set == "" || u.Set == "start"
	})
}

func (w *world) blockedRun(i int32) bool {
	return w.pess && slices.ContainsFunc(w.g.open[i], func(u plans.Unknown) bool { return u.Set == "run" })
}

// workload is a lower bound of the end of step s that holds for any schedule:
// what one team or link has to do up to there, divided by its capacity.
func (w *world) workload(s int32, high bool) plans.Duration {
	if high || !w.g.steps[s].proc.limited {
		return 0 // the upper end is scheduled, not bounded
	}
	if w.work == nil {
		w.work = map[int32]plans.Duration{}
	}
	d, ok := w.work[s]
	if !ok {
		d = w.workOf(s)
		w.work[s] = d
	}
	return d
}

func (w *world) workOf(s int32) plans.Duration {
	type load struct {
		base plans.Duration
		work plans.Duration
	}
	teams, links := map[string]load{}, map[string]plans.Duration{}
	best := plans.Duration(0)
	for _, c := range w.g.closureOf(s) {
		st := w.g.steps[c]
		if w.idle(c) {
			continue
		}
		if st.actor != nil {
			l, ok := teams[st.actor.ID]
			if !ok {
				l.base = st.base.Lo
			}
			l.work = add(l.work, times(st.time.Lo, st.people))
			teams[st.actor.ID] = l
			shift := plans.Duration(max(1, st.actor.Shift))
			best = max(best, add(l.base, (l.work+shift-1)/shift))
		}
		if st.Link != "" && st.Bytes > 0 {
			links[st.Link] = add(links[st.Link], st.time.Lo)
			best = max(best, links[st.Link])
		}
	}
	return best
}
