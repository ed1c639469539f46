package solver

import (
	"fmt"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/plans"
)

func (s *scene) tooSlow() []plans.Finding {
	var out []plans.Finding
	for _, c := range s.cells {
		i := s.g.ids[c.Node]
		o := s.opt.outcome(i)
		lb := o.lb
		if c.RTO == nil || !o.down || lb <= *c.RTO {
			continue
		}
		if _, way := s.opt.low.granted(i); !o.back && !way {
			continue
		}
		f := s.g.about(i, "%s needs at least %s to come back, its objective is %s", c.Node, lb, *c.RTO)
		if c.Decides != "" {
			f.Message += "; " + c.Decides + " decides"
		}
		out = append(out, f)
	}
	return out
}

func (s *scene) tooMuchLost() []plans.Finding {
	var out []plans.Finding
	for _, c := range s.cells {
		i := s.g.ids[c.Node]
		if o := s.opt.outcome(i); c.RPO != nil && o.down && o.loss > *c.RPO {
			what := "everything"
			if o.loss < plans.Forever {
				what = o.loss.String()
			}
			out = append(out, s.g.about(i, "%s loses %s at best, its objective is %s", c.Node, what, *c.RPO))
		}
	}
	return out
}

// lostTo reports whether the failed domains ds alone take i below its quorum.
func (s *scene) lostTo(i int32, ds []int32) bool {
	w, g := s.opt.w, s.g
	if w.own[i] || len(g.replicasOf[i]) == 0 || len(ds) == 0 {
		return false
	}
	alive := int32(0)
	for _, r := range g.replicasOf[i] {
		hit := slices.ContainsFunc(g.replicas[r].domains, func(d int32) bool {
			return slices.ContainsFunc(ds, func(f int32) bool { return w.covers(f, d) && !w.tolerated(g.nodes[i], f) })
		})
		if !hit {
			alive++
		}
	}
	return alive < g.quorum[i]
}

// ofChange tells change and time domains, which a rollout or a calendar
// shares, from places and trust.
func (g *graph) ofChange(d int32) bool {
	f := g.domains[d].Kind.Family()
	return f == plans.Change || f == plans.Time
}

func (s *scene) singleDomain() []plans.Finding {
	var out []plans.Finding
	places := slices.DeleteFunc(slices.Clone(s.opt.w.failed), s.g.ofChange)
	for _, u := range s.g.judged {
		k := slices.IndexFunc(places, func(f int32) bool { return s.lostTo(u, []int32{f}) })
		switch {
		case k >= 0:
			out = append(out, s.g.about(u, "the loss of %s alone takes %s below its quorum", s.g.domains[places[k]].ID, s.g.name(u)))
		case s.opt.w.down[u] && s.g.nodes[u].Singleton && len(s.g.run.users[u]) > 0 && len(places) == len(s.opt.w.failed):
			out = append(out, s.g.about(u, "%s is declared a singleton, and other things run on it", s.g.name(u)))
		}
	}
	return out
}

func (s *scene) sharedChange() []plans.Finding {
	shared := slices.DeleteFunc(slices.Clone(s.opt.w.failed), func(d int32) bool { return !s.g.ofChange(d) })
	var out []plans.Finding
	for _, u := range s.g.judged {
		if s.lostTo(u, shared) {
			out = append(out, s.g.about(u, "the replicas of %s are apart in space, but %s changes them together",
				s.g.name(u), strings.Join(s.domainNames(shared), ", ")))
		}
	}
	return out
}

func (s *scene) domainNames(ds []int32) []string {
	var out []string
	for _, d := range ds {
		out = append(out, s.g.domains[d].ID)
	}
	return out
}

func (s *scene) hiddenDependency() []plans.Finding {
	var out []plans.Finding
	for _, u := range s.g.judged {
		if !s.opt.w.down[u] || !s.opt.w.own[u] {
			continue
		}
		edges := s.fallsWith(u)
		f := s.g.about(u, "%s keeps its own replicas but runs on %s, which fails", s.g.name(u), edges[len(edges)-1].To)
		f.Edges = edges
		out = append(out, f)
	}
	return out
}

// fallsWith is the shortest path of run edges from u to what lost its own
// quorum.
func (s *scene) fallsWith(u int32) []plans.Edge {
	list, seen := []visit{{item: u, parent: -1}}, map[int32]bool{u: true}
	for k := 0; k < len(list); k++ {
		if !s.opt.w.own[list[k].item] {
			return s.opt.low.path(list, k)
		}
		s.g.run.each(list[k].item, func(e edge) {
			if s.opt.w.down[e.to] && !seen[e.to] {
				seen[e.to] = true
				list = append(list, visit{e.to, k, obstacle(e)})
			}
		})
	}
	return []plans.Edge{{From: s.g.name(u), To: s.g.name(u), Set: "run"}}
}

// circular: a stuck node whose unsatisfied need is itself stuck. Points and
// credentials have classes of their own; run edges lead nowhere by themselves.
func (s *scene) circular() []plans.Finding {
	low := s.opt.low
	var out []plans.Finding
	for _, i := range low.stuck() {
		if int(i) >= len(s.g.nodes) || low.ownAt[i] >= 0 || !s.hasWay(i) {
			continue
		}
		k := slices.IndexFunc(low.obstacles(i), func(o obstacle) bool { return o.set != setRun && s.isSystem(o.to) })
		if k < 0 {
			continue
		}
		w := low.witness(i)
		f := s.g.about(i, "%s cannot come back: it needs %s, which is down until something restores it", s.g.name(i), s.g.name(low.obstacles(i)[k].to))
		if w.Cycle >= 0 {
			f.Message = fmt.Sprintf("recovery of %s waits for itself: %s", s.g.name(i), describe(w.Path))
		}
		f.Edges = w.Path
		out = append(out, f)
	}
	return out
}

func describe(path []plans.Edge) string {
	var b strings.Builder
	for _, e := range path {
		b.WriteString(e.From + " → ")
	}
	if len(path) > 0 {
		b.WriteString(path[len(path)-1].To)
	}
	return b.String()
}

func (s *scene) hasWay(i int32) bool {
	return slices.ContainsFunc(s.g.alts[i], func(a int32) bool { return s.opt.w.enabled(i, a) })
}

// isSystem: neither a recovery point nor a credential nor a domain.
func (s *scene) isSystem(i int32) bool {
	return int(i) < len(s.g.nodes) && s.g.points[i] == nil && s.g.nodes[i].Kind != plans.KindCredential
}

func (s *scene) credentialLost() []plans.Finding {
	low := s.opt.low
	var out []plans.Finding
	for _, i := range low.stuck() {
		if int(i) >= len(s.g.nodes) || low.ownAt[i] >= 0 {
			continue
		}
		for _, o := range low.obstacles(i) {
			if int(o.to) < len(s.g.nodes) && s.g.nodes[o.to].Kind == plans.KindCredential {
				out = append(out, s.g.about(i, "%s comes back only with %s, which is lost in the same disaster", s.g.name(i), s.g.name(o.to)))
				break
			}
		}
	}
	return out
}

// lockedOut: no declared way to operate n while n is down, in R* computed
// without n's own procedures.
func (s *scene) lockedOut() []plans.Finding {
	var out []plans.Finding
	for _, i := range s.opt.w.fallen {
		if int(i) >= len(s.g.nodes) || s.g.hand.root[i] < 0 {
			continue
		}
		if s.stands(s.g.hand, i, func(n int32) bool { return !s.opt.w.down[n] }) {
			continue
		}
		// What is locked out even with its own procedures is so without them.
		back := s.opt.low.in
		if s.stands(s.g.hand, i, func(n int32) bool { return back[n] }) {
			back = newRise(s.opt.w, false, riseOptions{barred: func(item, _ int32) bool { return item == i }}).in
		}
		if !s.stands(s.g.hand, i, func(n int32) bool { return back[n] }) {
			out = append(out, s.g.about(i, "every declared way to operate %s is inside its own failure", s.g.name(i)))
		}
	}
	return out
}

func (s *scene) blind() []plans.Finding {
	var out []plans.Finding
	for i := range s.g.nodes {
		if s.g.see.root[i] >= 0 && !s.stands(s.g.see, int32(i), func(n int32) bool { return !s.opt.w.down[n] }) {
			out = append(out, s.g.about(int32(i), "whatever observes %s is inside the failure", s.g.nodes[i].ID))
		}
	}
	return out
}

// stands evaluates a requirement over a set of items.
func (s *scene) stands(f *formulas, owner int32, is func(int32) bool) bool {
	var gate func(g int32) bool
	gate = func(g int32) bool {
		n := int32(0)
		for _, k := range f.kids[g] {
			if k.to < 0 && gate(^k.to) || k.to >= 0 && is(k.to) {
				n++
			}
		}
		return n >= f.need[g]
	}
	return f.root[owner] < 0 || gate(f.root[owner])
}

func (s *scene) backupLost() []plans.Finding {
	switch s.sc.Mode {
	case plans.Lost, plans.Deleted, plans.Compromised:
	default:
		return nil
	}
	var out []plans.Finding
	for _, i := range s.opt.w.fallen {
		if int(i) >= len(s.g.nodes) || s.g.nodes[i].Data == nil || s.opt.w.own[i] {
			continue
		}
		if s.sc.Class != "" && len(s.g.nodes[i].Data.Points) == 0 {
			continue // a bootstrap lists what starts empty
		}
		if !slices.ContainsFunc(s.g.nodes[i].Data.Points, func(p plans.Point) bool { return s.opt.w.own[s.g.ids[p.Node]] }) {
			out = append(out, s.g.about(i, "no copy or backup of %s survives", s.g.name(i)))
		}
	}
	return out
}

// quorumLost: a quorum greater than one is not reached by the survivors.
func (s *scene) quorumLost() []plans.Finding {
	var out []plans.Finding
	for _, i := range s.opt.w.fallen {
		if int(i) < len(s.g.nodes) && !s.opt.w.own[i] && !s.opt.w.struck[i] && s.g.quorum[i] > 1 {
			out = append(out, s.g.about(i, "%d of %d replicas of %s survive, its quorum is %d",
				s.opt.w.alive[i], len(s.g.replicasOf[i]), s.g.name(i), s.g.quorum[i]))
		}
	}
	return out
}
