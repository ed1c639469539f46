package solver

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/plans"
)

// closures digests, for every procedure, what its success depends on, as the
// solver sees it (§5.7): the procedure, the text of its steps, and the
// requirements, placement and capacity of all that it restores or needs.
// Image digests and patch versions are no part of the model, so a rebuild of
// an image does not make a drill stale.
func (g *graph) closures() map[string]digest.Digest {
	out := make(map[string]digest.Digest, len(g.procs))
	c := &closer{g: g, sums: make([][]byte, len(g.nodes)), seen: make([]int32, len(g.nodes))}
	for _, p := range g.procs {
		if !p.Derived {
			out[p.ID] = c.closure(p)
		}
	}
	return out
}

// closer digests each node once, however many procedures depend on it.
type closer struct {
	g    *graph
	sums [][]byte
	seen []int32 // the last procedure that visited, from 1
	list []int32
}

func (c *closer) visit(i, round int32) {
	if int(i) < len(c.seen) && c.seen[i] != round {
		c.seen[i] = round
		c.list = append(c.list, i)
	}
}

type closedNode struct {
	ID       string
	Replicas []plans.Replica
	Quorum   int
	Requires [2]string
	Capacity *plans.Capacity
	Data     *plans.Data
}

func (c *closer) closure(p *proc) digest.Digest {
	g, round := c.g, p.index+1
	c.list = c.list[:0]
	for s := p.first; s < p.last; s++ {
		for _, i := range g.steps[s].restores {
			c.visit(i, round)
		}
		g.back.each(int32(g.items)+s, func(e edge) { c.visit(e.to, round) })
	}
	for k := 0; k < len(c.list); k++ {
		g.run.each(c.list[k], func(e edge) { c.visit(e.to, round) })
		g.back.each(c.list[k], func(e edge) { c.visit(e.to, round) })
	}
	slices.Sort(c.list)
	b, _ := json.Marshal(g.closedProcedure(p.Procedure)) // plain data: cannot fail
	h := sha256.New()
	h.Write(b)
	for _, i := range c.list {
		if c.sums[i] == nil {
			b, _ := json.Marshal(g.closed(i))
			sum := sha256.Sum256(b)
			c.sums[i] = sum[:]
		}
		h.Write(c.sums[i])
	}
	return digest.Digest("sha256:" + hex.EncodeToString(h.Sum(nil)))
}

func (g *graph) closed(i int32) closedNode {
	n := g.nodes[i]
	c := closedNode{ID: n.ID, Quorum: n.Quorum, Capacity: n.Capacity}
	for _, r := range n.Replicas {
		r.Domains = sorted(r.Domains)
		c.Replicas = append(c.Replicas, r)
	}
	slices.SortFunc(c.Replicas, func(a, b plans.Replica) int {
		return cmp.Or(slices.Compare(a.Domains, b.Domains), cmp.Compare(a.In, b.In))
	})
	c.Requires[0], c.Requires[1] = formulaText(n.Requires.Run), formulaText(n.Requires.Start)
	if n.Data != nil {
		d := *n.Data
		d.Points = slices.Clone(d.Points)
		for k := range d.Points { // results of tests are evidence, not closure
			d.Points[k].Tested, d.Points[k].Partial, d.Points[k].Failing = "", false, false
		}
		slices.SortFunc(d.Points, func(a, b plans.Point) int { return cmp.Compare(a.Node, b.Node) })
		c.Data = &d
	}
	return c
}

// closedProcedure drops what is about the procedure rather than in it.
func (g *graph) closedProcedure(p *plans.Procedure) plans.Procedure {
	c := *p
	c.Drilled, c.Runbook, c.Review, c.Owner = "", "", "", ""
	c.Restores, c.Into, c.Alerts, c.Modes = sorted(p.Restores), sorted(p.Into), sorted(p.Alerts), sorted(p.Modes)
	c.Targets = map[string]string{}
	for k, v := range p.Targets {
		c.Targets[k] = minor(v)
	}
	c.Steps = slices.Clone(p.Steps)
	for i := range c.Steps {
		st := &c.Steps[i]
		st.After, st.Restores, st.Rebuilds = sorted(st.After), sorted(st.Restores), sorted(st.Rebuilds)
		st.Measured, st.Needs = nil, plans.Requirement{}
		c.Steps[i].Do = c.Steps[i].Do + "\x00" + formulaText(p.Steps[i].Needs)
	}
	slices.SortFunc(c.Steps, func(a, b plans.Step) int { return cmp.Compare(a.ID, b.ID) })
	return c
}

func sorted[S ~string](in []S) []S {
	out := slices.Clone(in)
	slices.Sort(out)
	return out
}

// formulaText writes a requirement without its reasons and positions.
func formulaText(r plans.Requirement) string {
	if r.Op == plans.Ref {
		return r.Node
	}
	var kids []string
	for _, k := range r.Of {
		kids = append(kids, formulaText(k))
	}
	slices.Sort(kids)
	return fmt.Sprintf("%s%d(%s)", r.Op, r.K, strings.Join(kids, ","))
}

// minor cuts a version to major and minor: "v1.36.4+k3s1" to "v1.36".
func minor(v string) string {
	parts := strings.SplitN(v, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// evidenceFor lists the passed runs of a procedure that its closure matches,
// and says whether there are others.
func (f *fleet) evidenceFor(p *proc) (fresh []*plans.Evidence, stale bool) {
	for i := range f.g.model.Evidence {
		e := &f.g.model.Evidence[i]
		if e.Procedure != p.ID || e.Result != "passed" {
			continue
		}
		if e.Closure != "" && e.Closure != string(f.g.digests[p.ID]) {
			stale = true
			continue
		}
		fresh = append(fresh, e)
	}
	return fresh, stale
}

// undrilled: no evidence covers the procedure at all, whatever the scenario.
func (f *fleet) undrilled() []plans.Finding {
	var out []plans.Finding
	for _, p := range f.g.procs {
		if p.Derived {
			continue
		}
		fresh, stale := f.evidenceFor(p)
		switch {
		case p.Drilled == "never" || p.Drilled == "" && len(fresh) == 0 && !stale:
			out = append(out, f.procedure(p, "was never run as a drill"))
		case p.Drilled == "partial":
			out = append(out, f.procedure(p, "was drilled only in a smaller scope"))
		case p.Drilled == "" && len(fresh) == 0:
			d := f.procedure(p, "was drilled only before it, or what it depends on, changed")
			d.Stale = true
			out = append(out, d)
		default:
			out = append(out, f.overdue(p, fresh)...)
		}
	}
	return out
}

func (f *fleet) procedure(p *proc, what string) plans.Finding {
	return plans.Finding{Nodes: f.g.names(f.restored(p)), Message: "procedure " + p.ID + " " + what, At: p.At}
}

func (f *fleet) restored(p *proc) []int32 {
	var out []int32
	for _, s := range f.g.steps[p.first:p.last] {
		out = append(out, s.restores...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// overdue: the last drill is older than the shortest cadence among the tiers
// of what the procedure restores. It depends on now (D13).
func (f *fleet) overdue(p *proc, fresh []*plans.Evidence) []plans.Finding {
	last := p.Drilled
	for _, e := range fresh {
		last = max(last, e.Date)
	}
	cadence := f.cadence(f.restored(p), func(t *plans.Tier) plans.Duration { return t.DrillCadence })
	until, ok := after(last, cadence)
	if !ok || f.now == "" || until >= f.now {
		return nil
	}
	x := f.procedure(p, fmt.Sprintf("was last drilled on %s, its tier asks for every %s", last, cadence))
	x.Timed = true
	return []plans.Finding{x}
}

// cadence is the shortest that a tier of the nodes asks for; 0 is none.
func (f *fleet) cadence(items []int32, of func(*plans.Tier) plans.Duration) plans.Duration {
	best := plans.Duration(0)
	for _, i := range items {
		if int(i) >= len(f.g.nodes) {
			continue
		}
		if t := f.g.tiers[f.g.nodes[i].Tier]; t != nil && of(t) > 0 && (best == 0 || of(t) < best) {
			best = of(t)
		}
	}
	return best
}

// after adds a cadence to an RFC 3339 date.
func after(date string, d plans.Duration) (string, bool) {
	t, err := time.Parse(time.DateOnly, day(date))
	if err != nil || d <= 0 || d >= plans.Forever {
		return "", false
	}
	return t.Add(time.Duration(min(int64(d), 1<<43)) * time.Millisecond).Format(time.DateOnly), true
}

// day cuts an RFC 3339 time to its date.
func day(s string) string { return s[:min(len(s), len(time.DateOnly))] }

// smallerDrills: drills of a procedure exist, but none covers all that the
// scenario fails.
func (s *scene) smallerDrills() []plans.Finding {
	f := &fleet{g: s.g}
	s.opt.w.applicable()
	var out []plans.Finding
	for _, p := range s.g.procs {
		if !s.opt.w.usable[p.index] || p.Derived || p.Drilled != "" {
			continue
		}
		fresh, _ := f.evidenceFor(p)
		if len(fresh) > 0 && !slices.ContainsFunc(fresh, s.coveredBy) {
			out = append(out, f.procedure(p, "was drilled only in a smaller scope than "+s.sc.ID))
		}
	}
	return out
}

// coveredBy: the scope of the evidence includes F, by itself or by a domain
// above, or it was a run of this scenario without a stated scope.
func (s *scene) coveredBy(e *plans.Evidence) bool {
	if len(e.Scope) == 0 {
		return e.Scenario == "" || e.Scenario == s.sc.ID
	}
	for _, f := range s.opt.w.failed {
		if s.g.above(f, func(a int32) bool { return !slices.Contains(e.Scope, s.g.domains[a].ID) }) {
			return false
		}
	}
	for _, n := range s.sc.Nodes {
		if !slices.Contains(e.Scope, n) {
			return false
		}
	}
	return true
}
