package solver

import (
	"cmp"
	"slices"

	"github.com/darkstart-dev/darkstart/plans"
)

// formulas is a forest of threshold gates: `all` needs every kid, `any` one,
// `atLeast k` k of them. A gate holds when enough kids hold; a node that
// changes touches only the gates that list it, so propagation is linear in
// what actually changes. One forest holds the run requirements, another all
// that has to hold before something can come back.
type formulas struct {
	need  []int32 // by gate: kids that must hold
	up    []int32 // by gate: the enclosing gate, -1 for a root
	owner []int32 // by root gate: what it decides; -1 inside a formula
	kids  [][]edge
	root  []int32   // by owner: its root gate, -1 when nothing is required
	users [][]int32 // by node: the gates that list it, once for each mention
	full  []int32   // by gate: number of kids, the count when all hold
}

// edge is one kid of a gate: a node, or ^gate for a nested gate.
type edge struct {
	to  int32
	set uint8
	why *plans.Because
}

// Requirement sets, as edges name them.
const (
	setRun uint8 = iota
	setStart
	setNeed
	setActor
	setCredential
	setPoint
	setOperate
	setObserve
	setAfter
)

var setNames = [...]string{"run", "start", "need", "actor", "credential", "point", "operate", "observe", "after"}

func newFormulas(nodes, owners int) *formulas {
	f := &formulas{root: make([]int32, owners), users: make([][]int32, nodes)}
	for i := range f.root {
		f.root[i] = -1
	}
	return f
}

// open adds an empty gate below up.
func (f *formulas) open(up int32) int32 {
	g := int32(len(f.need))
	f.need, f.up, f.owner = append(f.need, 0), append(f.up, up), append(f.owner, -1)
	f.kids, f.full = append(f.kids, nil), append(f.full, 0)
	if up >= 0 {
		f.kids[up] = append(f.kids[up], edge{to: ^g})
	}
	return g
}

// term is one conjunct of an owner's requirement.
type term struct {
	req plans.Requirement
	set uint8
}

// define sets what owner requires: the conjunction of the terms. Unknown
// names have been refused before.
func (f *formulas) define(owner int32, ids map[string]int32, terms ...term) {
	g := int32(-1)
	for _, t := range terms {
		if trivial(t.req) {
			continue
		}
		if g < 0 {
			g = f.open(-1)
			f.owner[g], f.root[owner] = owner, g
		}
		if t.req.Op == plans.All || t.req.Op == "" {
			for _, r := range ordered(t.req.Of) {
				f.add(g, r, t.set, ids)
			}
		} else {
			f.add(g, t.req, t.set, ids)
		}
	}
	if g >= 0 {
		f.need[g] = int32(len(f.kids[g]))
		f.full[g] = f.need[g]
	}
}

// ordered sorts the kids of a requirement, so that no choice between them
// depends on how somebody listed them.
func ordered(kids []plans.Requirement) []plans.Requirement {
	compare := func(a, b plans.Requirement) int {
		if a.Op == plans.Ref && b.Op == plans.Ref {
			return cmp.Or(cmp.Compare(a.Node, b.Node), compareWhy(a.Why, b.Why))
		}
		return cmp.Compare(formulaText(a), formulaText(b))
	}
	if slices.IsSortedFunc(kids, compare) {
		return kids
	}
	out := slices.Clone(kids)
	slices.SortStableFunc(out, compare)
	return out
}

// trivial requirements ask for nothing: an empty list, of whatever kind, is
// an absent one.
func trivial(r plans.Requirement) bool {
	return r.Op != plans.Ref && len(r.Of) == 0
}

func (f *formulas) add(g int32, r plans.Requirement, set uint8, ids map[string]int32) {
	if r.Op == plans.Ref {
		n := ids[r.Node]
		f.kids[g] = append(f.kids[g], edge{n, set, r.Why})
		f.users[n] = append(f.users[n], g)
		return
	}
	c := f.open(g)
	for _, kid := range ordered(r.Of) {
		f.add(c, kid, set, ids)
	}
	f.full[c] = int32(len(f.kids[c]))
	switch r.Op {
	case plans.Any:
		f.need[c] = min(1, f.full[c])
	case plans.AtLeast:
		f.need[c] = int32(r.K)
	default:
		f.need[c] = f.full[c]
	}
}

// drop makes node n false and appends the owners whose requirement thereby
// stops to hold.
func (f *formulas) drop(count []int32, n int32, out []int32) []int32 {
	for _, g := range f.users[n] {
		out = f.dropGate(count, g, out)
	}
	return out
}

// dropGate makes one kid of a gate false.
func (f *formulas) dropGate(count []int32, g int32, out []int32) []int32 {
	for {
		count[g]--
		if count[g] != f.need[g]-1 {
			return out
		}
		if f.up[g] < 0 {
			return append(out, f.owner[g])
		}
		g = f.up[g]
	}
}

// raiseGate makes one more kid of a gate true.
func (f *formulas) raiseGate(count []int32, g int32, out []int32) []int32 {
	for {
		count[g]++
		if count[g] != f.need[g] {
			return out
		}
		if f.up[g] < 0 {
			return append(out, f.owner[g])
		}
		g = f.up[g]
	}
}

// holds reports whether the requirement of owner is true.
func (f *formulas) holds(count []int32, owner int32) bool {
	g := f.root[owner]
	return g < 0 || count[g] >= f.need[g]
}

// each calls fn for every node that the requirement of owner mentions.
func (f *formulas) each(owner int32, fn func(edge)) {
	if g := f.root[owner]; g >= 0 {
		f.walk(g, fn)
	}
}

func (f *formulas) walk(g int32, fn func(edge)) {
	for _, k := range f.kids[g] {
		if k.to < 0 {
			f.walk(^k.to, fn)
		} else {
			fn(k)
		}
	}
}

// missing calls fn for the nodes of owner's requirement that are false and
// whose being false matters: those below gates that do not hold.
func (f *formulas) missing(count []int32, owner int32, is func(int32) bool, fn func(edge)) {
	var down func(g int32)
	down = func(g int32) {
		if count[g] >= f.need[g] {
			return
		}
		for _, k := range f.kids[g] {
			if k.to < 0 {
				down(^k.to)
			} else if !is(k.to) {
				fn(k)
			}
		}
	}
	if g := f.root[owner]; g >= 0 {
		down(g)
	}
}
