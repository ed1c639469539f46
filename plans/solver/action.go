package solver

import (
	"fmt"
	"slices"

	"github.com/darkstart-dev/darkstart/plans"
)

// fleet is the model with what its own queries need.
type fleet struct {
	g   *graph
	cfg *Config
	now string // RFC 3339 date, "" when unknown
}

// findings runs the queries that depend on no scenario.
func (f *fleet) findings() []plans.Finding {
	var out []plans.Finding
	for _, c := range catalogue() {
		if c.fleet == nil {
			continue
		}
		for _, x := range c.fleet(f) {
			x.Class, x.Rule = c.id, c.rule
			out = append(out, x)
		}
	}
	return out
}

func (f *fleet) action(a *plans.Action, format string, args ...any) plans.Finding {
	nodes := []string{}
	for _, t := range a.Targets {
		if i, ok := f.g.item(t); ok && int(i) < len(f.g.nodes) {
			nodes = append(nodes, t)
		}
	}
	slices.Sort(nodes)
	return plans.Finding{Nodes: nodes, Message: "action " + a.ID + " " + fmt.Sprintf(format, args...), At: a.At}
}

// unbounded: an action may reach all of its targets before a guard or its
// detection stops it, or enough of one to break an objective (§5.6).
func (f *fleet) unbounded() []plans.Finding {
	var out []plans.Finding
	for i := range f.g.model.Actions {
		a := &f.g.model.Actions[i]
		reach, total := f.reach(a)
		switch {
		case a.Guard != "":
		case reach >= total:
			out = append(out, f.action(a, "can reach all of its targets before anything stops it"))
		default:
			if broken, target := f.breaks(a, reach); broken != "" {
				out = append(out, f.action(a, "reaches %d replicas before it is stopped: enough to take %s below its quorum, and %s with it", reach, target, broken))
			}
		}
	}
	return out
}

// reach is the number of replicas an action touches before it is stopped, and
// the number of all. A stop condition without a detection time is checked
// before each step and so holds by itself.
func (f *fleet) reach(a *plans.Action) (reach, total int) {
	for _, t := range a.Targets {
		total++
		if i, ok := f.g.item(t); ok && int(i) < len(f.g.nodes) {
			total += max(0, len(f.g.replicasOf[i])-1)
		}
	}
	stops := a.Stop != "" || a.Detect > 0
	switch {
	case total == 0 || stops && a.Blast > 0 && a.Detect == 0:
		return 0, max(total, 1)
	case !stops || a.Blast <= 0 || a.Interval <= 0:
		return total, total
	}
	steps := 1 + min(a.Detect/a.Interval, plans.Duration(total))
	return min(total, min(a.Blast, total)*int(steps)), total
}

// breaks finds an objective that fails when an action takes n replicas of one
// of its targets.
func (f *fleet) breaks(a *plans.Action, n int) (objective, target string) {
	for _, t := range a.Targets {
		i, ok := f.g.item(t)
		if !ok || int(i) >= len(f.g.nodes) || n == 0 || max(1, len(f.g.replicasOf[i]))-n >= int(f.g.quorum[i]) {
			continue
		}
		w := newWorld(f.g, &plans.Scenario{Nodes: []string{t}, Mode: plans.BadChange}, false, nil)
		for _, u := range f.g.judged {
			if w.down[u] {
				return f.g.name(u), t
			}
		}
	}
	return "", ""
}

// unguarded: something irreversible happens with neither approval nor guard.
func (f *fleet) unguarded() []plans.Finding {
	var out []plans.Finding
	for i := range f.g.model.Actions {
		a := &f.g.model.Actions[i]
		delayed := a.Detect > 0 && a.Interval > a.Detect
		if a.Irreversible && a.Guard == "" && a.Approval == nil && !delayed {
			out = append(out, f.action(a, "cannot be undone, and nothing asks or checks before it"))
		}
	}
	for _, s := range f.g.steps {
		if s.Irreversible && !f.guarded(s) {
			out = append(out, plans.Finding{
				Nodes: f.g.names(s.restores), At: s.At,
				Message: fmt.Sprintf("step %s cannot be undone, and nothing asks or checks before it", s.id),
			})
		}
	}
	return out
}

// guarded: the step, or one that always comes before it, is approved or
// guarded.
func (f *fleet) guarded(s *step) bool {
	return slices.ContainsFunc(f.g.closureOf(s.index), func(c int32) bool {
		st := f.g.steps[c]
		return st.Guard != "" || st.Approval != nil
	})
}

// noWayBack: no reverse, one that is not the inverse, or one that takes
// longer than an objective of what the action touches allows.
func (f *fleet) noWayBack() []plans.Finding {
	var out []plans.Finding
	for i := range f.g.model.Actions {
		a := &f.g.model.Actions[i]
		switch {
		case a.NoReverse:
			out = append(out, f.action(a, "has no reverse"))
		case a.Reverse == "":
		case !a.Inverse:
			out = append(out, f.action(a, "is reversed by %s, which does not restore the former state", a.Reverse))
		default:
			if lb, rto := f.reverseTime(a), f.tightest(a); lb > rto {
				out = append(out, f.action(a, "is reversed by %s in %s at least, the objective is %s", a.Reverse, lb, rto))
			}
		}
	}
	return out
}

// reverseTime is the shortest time of a reverse procedure on its own steps.
func (f *fleet) reverseTime(a *plans.Action) plans.Duration {
	k := slices.IndexFunc(f.g.procs, func(p *proc) bool { return p.ID == a.Reverse })
	if k < 0 {
		return 0
	}
	w := newWorld(f.g, &plans.Scenario{Mode: plans.BadChange}, false, nil)
	r := newRise(w, false, riseOptions{})
	longest := plans.Duration(0)
	ends := map[int32]plans.Duration{}
	for s := f.g.procs[k].first; s < f.g.procs[k].last; s++ {
		_, end := r.grantedStep(s, ends)
		longest = max(longest, end)
	}
	return longest
}

// tightest is the shortest RTO among what falls with an action's targets.
func (f *fleet) tightest(a *plans.Action) plans.Duration {
	sc := &plans.Scenario{Mode: plans.BadChange}
	for _, t := range a.Targets {
		if i, ok := f.g.item(t); ok && int(i) < len(f.g.nodes) {
			sc.Nodes = append(sc.Nodes, t)
		} else if ok {
			sc.Domains = append(sc.Domains, f.g.domains[int(i)-len(f.g.nodes)].ID)
		}
	}
	w, best := newWorld(f.g, sc, false, nil), plans.Forever
	for _, u := range f.g.judged {
		if o := f.g.objective(u, sc); w.down[u] && o != nil && o.RTO != nil {
			best = min(best, *o.RTO)
		}
	}
	return best
}

// forks: automatic promotion across an asynchronous copy, unless an RPO
// accepts its lag.
func (f *fleet) forks() []plans.Finding {
	var out []plans.Finding
	for i := range f.g.model.Actions {
		a := &f.g.model.Actions[i]
		if !a.Auto || a.Promotes == "" {
			continue
		}
		lag, rpo := f.lag(a)
		if lag > 0 && lag > rpo {
			out = append(out, f.action(a, "promotes %s by itself, which is behind: both sides may take writes", a.Promotes))
		}
	}
	return out
}

// lag of the copy that an action promotes (unknown: forever), and the loss
// that its store accepts, 0 when none is declared.
func (f *fleet) lag(a *plans.Action) (lag, rpo plans.Duration) {
	store, lag := int32(-1), plans.Forever
	if q, ok := f.g.ids[a.Promotes]; ok {
		if p := f.g.points[q]; p != nil {
			store, lag = p.store, p.Lag
			if p.Sync {
				lag = 0
			}
		}
	}
	if store < 0 {
		return lag, 0
	}
	for _, o := range f.g.nodes[store].Objectives {
		if o.RPO != nil && (rpo == 0 || *o.RPO < rpo) {
			rpo = *o.RPO
		}
	}
	return lag, rpo
}
