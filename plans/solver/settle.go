package solver

import "slices"

// settle lets everything rise that holds its own quorum and whose run is true
// of R and of what rises with it. Candidates are the fresh items and what
// waits for nothing but them. A replica placed in another node returns with
// it, so that counts like running on it.
func (r *rise) settle() {
	for len(r.fresh) > 0 {
		risen := r.prune(r.reach())
		if len(risen) == 0 {
			return
		}
		r.batches++
		slices.Sort(risen)
		for _, i := range risen {
			r.at[i], r.batch[i] = r.clock, r.batches
			if r.ownAt[i] < 0 {
				r.ownAt[i] = r.clock
			}
		}
		r.order = append(r.order, risen...)
		for _, i := range risen {
			r.rose(i)
		}
	}
}

// reach collects the fresh items and, transitively, what waits on them, and
// counts them as if they all rose.
func (r *rise) reach() []int32 {
	g, out := r.w.g, r.fresh
	r.fresh = nil
	for _, i := range out {
		r.in[i] = true
	}
	for k := 0; k < len(out); k++ {
		if int(out[k]) >= len(g.nodes) {
			continue
		}
		r.raise(true, out[k], nil)
		for _, gate := range g.run.users[out[k]] {
			for g.run.up[gate] >= 0 {
				gate = g.run.up[gate]
			}
			if o := g.run.owner[gate]; !r.in[o] && (r.ownAt[o] >= 0 || r.guest(o)) {
				r.in[o] = true
				out = append(out, o)
			}
		}
		for _, rep := range g.hosted[out[k]] {
			n := g.replicas[rep].node
			if !r.w.returnsWithHost(rep) {
				continue
			}
			if r.alive[n]++; !r.in[n] && r.ownAt[n] < 0 && r.guest(n) {
				r.in[n] = true
				out = append(out, n)
			}
		}
	}
	return out
}

// guest reports whether an item that fell can get its quorum back by the
// return of other nodes, in which it is placed.
func (r *rise) guest(i int32) bool {
	return r.w.down[i] && !r.w.struck[i] && slices.ContainsFunc(r.w.g.replicasOf[i], func(rep int32) bool {
		return r.w.g.replicas[rep].in >= 0 && r.w.returnsWithHost(rep)
	})
}

// prune removes candidates that do not hold after all, until the rest does.
func (r *rise) prune(cand []int32) []int32 {
	g := r.w.g
	var out, lost []int32
	remove := func(i int32) {
		r.in[i] = false
		out = append(out, i)
	}
	for _, i := range cand {
		if !r.runsOK(i) || r.ownAt[i] < 0 && r.alive[i] < g.quorum[i] {
			remove(i)
		}
	}
	for k := 0; k < len(out); k++ {
		if int(out[k]) >= len(g.nodes) {
			continue
		}
		lost = r.drop(out[k], lost[:0])
		for _, o := range lost {
			if r.candidate(o) {
				remove(o)
			}
		}
		for _, rep := range g.hosted[out[k]] {
			n := g.replicas[rep].node
			if !r.w.returnsWithHost(rep) {
				continue
			}
			if r.alive[n]--; r.alive[n] < g.quorum[n] && r.ownAt[n] < 0 && r.candidate(n) {
				remove(n)
			}
		}
	}
	for _, i := range out { // a host that stays gives its guest a quorum, which then waits
		if int(i) < len(g.nodes) && r.ownAt[i] < 0 && r.alive[i] >= g.quorum[i] {
			r.ownAt[i] = r.clock
		}
	}
	return slices.DeleteFunc(cand, func(i int32) bool { return !r.in[i] })
}

// candidate: counted as risen, but not settled yet.
func (r *rise) candidate(i int32) bool { return r.in[i] && r.w.down[i] && r.batch[i] == 0 }

func (r *rise) runsOK(i int32) bool {
	if int(i) >= len(r.w.g.nodes) {
		return true
	}
	return r.w.g.run.holds(r.runs, i) && !r.w.blockedRun(i)
}
