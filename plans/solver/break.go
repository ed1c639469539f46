package solver

import "github.com/darkstart-dev/darkstart/plans"

// Limits of the search for ways out. Pairs are tried exhaustively as long as
// there are no more single changes than maxPaired.
const (
	maxPaired = 48
	maxBreaks = 12
	// effort is the number of trials in a scenario times the number of items:
	// a trial recomputes recovery. A fleet of 200 nodes has 2,000 of them.
	effort      = 400_000
	leastTrials = 20
)

// change is one thing that could be done about a paradox: drop an edge, or
// keep one more copy of something outside F.
type change struct {
	edge *plans.Edge
	cuts []mention
	to   int32 // the item that the edge points at
	copy int32 // the item that gets a copy; -1 for an edge
	name string
}

// mention is one place where a formula lists an item.
type mention struct {
	run  bool
	gate int32
}

// breaks lists inclusion-minimal sets of changes after which target returns,
// exhaustively to size two. A set is called smallest only where every smaller
// one was tried.
func (r *rise) breaks(target int32) []plans.Break {
	all := r.changes(target)
	var out []plans.Break
	var rest []change
	complete := true
	for _, c := range all {
		if complete = complete && r.mayTry(); !complete {
			break
		}
		if r.returns(target, c) {
			out = append(out, asBreak(true, c))
		} else {
			rest = append(rest, c)
		}
	}
	smallest := complete && len(rest) <= maxPaired && len(out) == 0
	rest = rest[:min(len(rest), maxPaired)]
	for i, a := range rest {
		for _, b := range rest[i+1:] {
			if len(out) >= maxBreaks || !r.mayTry() {
				return out
			}
			if r.returns(target, a, b) {
				out = append(out, asBreak(smallest, a, b))
			}
		}
	}
	return out[:min(len(out), maxBreaks)]
}

// mayTry counts a trial against the effort of the scenario.
func (r *rise) mayTry() bool {
	r.trials++
	return r.trials <= max(leastTrials, effort/max(1, r.w.g.items))
}

func asBreak(smallest bool, cs ...change) plans.Break {
	b := plans.Break{Smallest: smallest}
	for _, c := range cs {
		if c.edge != nil {
			b.Edges = append(b.Edges, *c.edge)
		} else {
			b.Replicas = append(b.Replicas, c.name)
		}
	}
	return b
}

// changes lists the candidates behind target: every unsatisfied edge, and a
// copy of everything that lost its quorum. Edges come first.
func (r *rise) changes(target int32) []change {
	g := r.w.g
	var edges, copies []change
	for _, v := range r.search(target, func(int32) bool { return false }) {
		from, seen := v.item, map[int32]bool{}
		for _, o := range r.obstacles(from) {
			if o.set == setAfter || o.set == setPoint || seen[o.to] {
				continue
			}
			seen[o.to] = true
			e := plans.Edge{From: g.name(from), To: g.name(o.to), Set: setNames[o.set], Why: o.why}
			if cuts := r.mentions(from, o.to); len(cuts) > 0 {
				edges = append(edges, change{edge: &e, cuts: cuts, to: o.to, copy: -1})
			}
		}
		if int(from) < len(g.nodes) && r.ownAt[from] < 0 {
			copies = append(copies, change{copy: from, name: g.name(from)})
		}
	}
	return append(edges, copies...)
}

// mentions finds where the recovery of one item lists another.
func (r *rise) mentions(from, to int32) []mention {
	g := r.w.g
	owners := map[int32]bool{from: true}
	for _, s := range g.alts[from] {
		for _, c := range g.closureOf(s) {
			owners[int32(g.items)+c] = true
		}
	}
	var out []mention
	find := func(f *formulas, run bool) {
		for _, gate := range f.users[to] {
			root := gate
			for f.up[root] >= 0 {
				root = f.up[root]
			}
			if o := f.owner[root]; owners[o] && (!run || o == from) {
				out = append(out, mention{run, gate})
			}
		}
	}
	find(g.run, true)
	find(g.back, false)
	return out
}

// returns reports whether target is in R* after some changes.
func (r *rise) returns(target int32, cs ...change) bool {
	opts := riseOptions{copied: map[int32]bool{}, cuts: map[int32][]mention{}, barred: r.opts.barred}
	for _, c := range cs {
		if c.edge == nil {
			opts.copied[c.copy] = true
		} else {
			opts.cuts[c.to] = append(opts.cuts[c.to], c.cuts...)
		}
	}
	return newRise(r.w, false, opts).in[target]
}
