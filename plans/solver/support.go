package solver

import (
	"cmp"
	"slices"
)

// support picks, for a requirement that holds, the items that made it hold
// first: what a schedule has to wait for. Items that never fell are left out.
func (r *rise) support(f *formulas, owner int32) []int32 {
	if g := f.root[owner]; g >= 0 {
		out, _ := r.chosen(f, g)
		return out
	}
	return nil
}

// chosen returns the picks below a gate and the batch of the latest, -1 where
// the gate does not hold.
func (r *rise) chosen(f *formulas, g int32) ([]int32, int32) {
	type pick struct {
		items []int32
		batch int32
	}
	var out []int32
	latest := int32(0)
	if f.need[g] == f.full[g] {
		for _, k := range f.kids[g] {
			items, b := r.chosenKid(f, k)
			if b < 0 {
				return nil, b
			}
			out, latest = append(out, items...), max(latest, b)
		}
		return out, latest
	}
	var picks []pick
	for _, k := range f.kids[g] {
		if items, b := r.chosenKid(f, k); b >= 0 {
			picks = append(picks, pick{items, b})
		}
	}
	slices.SortStableFunc(picks, func(a, b pick) int { return cmp.Compare(a.batch, b.batch) })
	if len(picks) < int(f.need[g]) {
		return nil, -1
	}
	for _, p := range picks[:f.need[g]] {
		out, latest = append(out, p.items...), max(latest, p.batch)
	}
	return out, latest
}

func (r *rise) chosenKid(f *formulas, k edge) ([]int32, int32) {
	if k.to < 0 {
		return r.chosen(f, ^k.to)
	}
	switch {
	case !r.w.down[k.to]:
		return nil, 0
	case !r.in[k.to]:
		return nil, -1
	}
	return []int32{k.to}, r.batch[k.to]
}

// hosts lists the fallen items whose return gave item i its quorum back.
func (r *rise) hosts(i int32) []int32 {
	if r.by[i] != byKept || r.w.own[i] {
		return nil
	}
	var out []int32
	if r.w.g.points[i] != nil && len(r.w.over(i)) > 0 {
		for _, d := range r.w.over(i) {
			out = append(out, int32(len(r.w.g.nodes))+d)
		}
		return out
	}
	for _, rep := range r.w.g.replicasOf[i] {
		if h := r.w.g.replicas[rep].in; h >= 0 && r.w.down[h] && r.in[h] && r.w.returnsWithHost(rep) {
			out = append(out, h)
		}
	}
	slices.SortFunc(out, func(a, b int32) int { return cmp.Or(cmp.Compare(r.batch[a], r.batch[b]), cmp.Compare(a, b)) })
	return out[:min(len(out), int(r.w.g.quorum[i]-r.w.alive[i]))]
}

// awaits lists the items that item i had to wait for, apart from its steps.
func (r *rise) awaits(i int32) []int32 {
	if int(i) >= len(r.w.g.nodes) {
		return nil
	}
	out := append(r.hosts(i), r.support(r.w.g.run, i)...)
	if r.by[i] == byMoved {
		out = append(out, r.support(r.w.g.back, i)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
