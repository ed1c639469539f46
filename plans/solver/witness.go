package solver

import (
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/plans"
)

// obstacle is one reason why an item is not in R*: an unsatisfied need.
type obstacle struct {
	to  int32
	set uint8
	why *plans.Because
}

// obstacles lists the unsatisfied needs of a stuck item: of its run when it
// holds its own quorum, else of its start and of the steps that would restore
// it. None means that nothing restores it: a lost leaf.
func (r *rise) obstacles(i int32) []obstacle {
	if r.known == nil {
		r.known = map[int32][]obstacle{}
	}
	out, ok := r.known[i]
	if !ok {
		out = r.findObstacles(i)
		r.known[i] = out
	}
	return out
}

func (r *rise) findObstacles(i int32) []obstacle {
	g, w := r.w.g, r.w
	back := func(n int32) bool { return r.in[n] }
	var out []obstacle
	keep := func(e edge) { out = append(out, obstacle(e)) }
	if int(i) < len(g.nodes) && r.ownAt[i] >= 0 {
		g.run.missing(r.runs, i, back, keep)
		return out
	}
	alts := slices.DeleteFunc(slices.Clone(g.alts[i]), func(s int32) bool { return !w.enabled(i, s) })
	if len(alts) == 0 {
		return r.hostObstacles(i)
	}
	if int(i) < len(g.nodes) {
		g.back.missing(r.backs, i, back, keep)
	}
	for _, s := range alts {
		out = append(out, r.stepObstacles(s, i)...)
	}
	return out
}

// hostObstacles: a replica inside a fallen node returns with it.
func (r *rise) hostObstacles(i int32) []obstacle {
	if int(i) >= len(r.w.g.nodes) || r.w.struck[i] {
		return nil
	}
	var out []obstacle
	for _, rep := range r.w.g.replicasOf[i] {
		if h := r.w.g.replicas[rep].in; h >= 0 && !r.in[h] && r.w.returnsWithHost(rep) {
			out = append(out, obstacle{h, setRun, &plans.Because{Reason: r.w.g.name(i) + " is placed in " + r.w.g.name(h), At: r.w.g.nodes[i].At}})
		}
	}
	return out
}

// stepObstacles lists what keeps step s from ending: its own unsatisfied
// needs, and those of the steps before it. A step before it that restores
// something is blamed by that, so that the path names things, not steps.
func (r *rise) stepObstacles(s, item int32) []obstacle {
	g := r.w.g
	var out []obstacle
	st := g.steps[s]
	g.back.missing(r.backs, int32(g.items)+s, func(n int32) bool { return r.in[n] }, func(e edge) {
		why := e.why
		if why == nil {
			why = &plans.Because{Reason: "step " + st.id + " needs " + g.name(e.to), At: st.At}
		}
		out = append(out, obstacle{e.to, e.set, why})
	})
	for _, a := range st.after {
		if r.done[a] >= 0 {
			continue
		}
		before := g.steps[a]
		if k := slices.IndexFunc(before.restores, func(i int32) bool { return r.w.down[i] && !r.in[i] && i != item }); k >= 0 {
			out = append(out, obstacle{before.restores[k], setAfter, &plans.Because{Reason: st.id + " comes after " + before.id, At: st.At}})
			continue
		}
		out = append(out, r.stepObstacles(a, item)...)
	}
	return out
}

// visit is an item reached in a search through obstacles.
type visit struct {
	item   int32
	parent int // index into the list of visits, -1 at the start
	via    obstacle
}

// witness explains why target does not come back: one unsatisfied need after
// another, until it meets itself (a cycle) or something that nothing restores
// (a lost leaf). The nearest cycle is taken, else the nearest leaf.
func (r *rise) witness(target int32) plans.Witness {
	g := r.w.g
	out := plans.Witness{Target: g.name(target), Cycle: -1}
	r.findLoops()
	if !r.toLoop[target] {
		list := r.search(target, func(i int32) bool { return len(r.obstacles(i)) == 0 })
		out.Path, out.Leaf = r.path(list, len(list)-1), g.name(list[len(list)-1].item)
		return out
	}
	list := r.search(target, func(i int32) bool { return r.onLoop[i] })
	start := list[len(list)-1].item
	out.Path = r.path(list, len(list)-1)
	out.Cycle = len(out.Path)
	out.Path = append(out.Path, r.around(start)...)
	return out
}

// findLoops finds, once, which stuck items wait for themselves, and which wait
// for such an item.
func (r *rise) findLoops() {
	if r.onLoop != nil {
		return
	}
	r.onLoop, r.toLoop = map[int32]bool{}, map[int32]bool{}
	t := &tarjan{index: map[int32]int32{}, low: map[int32]int32{}, on: map[int32]bool{}}
	t.next = func(i int32) []int32 {
		var out []int32
		for _, o := range r.obstacles(i) {
			out = append(out, o.to)
		}
		return out
	}
	for _, i := range r.stuck() {
		if _, ok := t.index[i]; !ok {
			t.visit(i)
		}
	}
	for _, group := range t.out { // what they wait for comes first
		loop := len(group) > 1 || slices.Contains(t.next(group[0]), group[0])
		leads := loop
		for _, i := range group {
			leads = leads || slices.ContainsFunc(t.next(i), func(n int32) bool { return r.toLoop[n] })
		}
		for _, i := range group {
			r.onLoop[i], r.toLoop[i] = loop, leads
		}
	}
}

// around lists the shortest way from an item back to itself.
func (r *rise) around(start int32) []plans.Edge {
	list, seen := []visit{{item: start, parent: -1}}, map[int32]bool{start: true}
	for k := 0; k < len(list); k++ {
		for _, o := range r.obstacles(list[k].item) {
			if o.to == start {
				list = append(list, visit{o.to, k, o})
				return r.path(list, len(list)-1)
			}
			if !seen[o.to] && r.onLoop[o.to] {
				seen[o.to] = true
				list = append(list, visit{o.to, k, o})
			}
		}
	}
	return nil
}

// search visits what is behind start, nearest first, up to and including the
// first item that is wanted.
func (r *rise) search(start int32, wanted func(int32) bool) []visit {
	list, seen := []visit{{item: start, parent: -1}}, map[int32]bool{start: true}
	for k := 0; k < len(list); k++ {
		if wanted(list[k].item) {
			return list[:k+1]
		}
		for _, o := range r.obstacles(list[k].item) {
			if !seen[o.to] {
				seen[o.to] = true
				list = append(list, visit{o.to, k, o})
			}
		}
	}
	return list
}

// path lists the edges from the start of a search to its k-th visit.
func (r *rise) path(list []visit, k int) []plans.Edge {
	var out []plans.Edge
	for ; list[k].parent >= 0; k = list[k].parent {
		v := list[k]
		out = append(out, plans.Edge{
			From: r.w.g.name(list[v.parent].item), To: r.w.g.name(v.item), Set: setNames[v.via.set], Why: v.via.why,
		})
	}
	slices.Reverse(out)
	return out
}

// rootOf names where a witness ends: its leaf, or the members of its cycle.
func rootOf(w plans.Witness) string {
	if w.Cycle < 0 {
		return w.Leaf
	}
	var members []string
	for _, e := range w.Path[w.Cycle:] {
		members = append(members, e.From)
	}
	slices.Sort(members)
	return strings.Join(members, "\x00")
}
