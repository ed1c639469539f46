package solver

import (
	"fmt"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/plans"
)

func (c *checker) objectives(n *plans.Node) {
	if n.Kind == plans.KindService && len(n.Objectives) > 0 && len(n.Instances) == 0 && len(n.Replicas) == 0 && trivial(n.Requires.Run) {
		c.list.Add(diag.Errorf("PLN008", "%q has an objective but nothing that serves it", n.ID).
			AtAll(n.At, "declared here").About(diag.Subject{Node: n.ID}).Fix("list its instances, as cluster/component"))
	}
	for _, o := range n.Objectives {
		for _, d := range []*plans.Duration{o.RTO, o.RPO} {
			if d != nil {
				c.interval(plans.Exactly(*d), "an objective", n.ID, o.At)
			}
		}
	}
}

func (c *checker) point(n *plans.Node, p *plans.Point) {
	c.unknown(n.ID, "a recovery point", p.Node, p.At, c.nodes)
	if p.Key != "" {
		c.unknown(n.ID, "the key of a recovery point", p.Key, p.At, c.nodes)
	}
	for _, d := range []plans.Duration{p.Lag, p.Every, p.Takes, p.Keep} {
		c.interval(plans.Exactly(d), "a recovery point's schedule", p.Node, p.At)
	}
	c.interval(p.Restore, "the restore time", p.Node, p.At)
}

func (c *checker) procedure(p *plans.Procedure) {
	c.interval(p.Detect, "detection time", p.ID, p.At)
	c.domainRefs(p.Into, p.ID, "into", p.At)
	restores := len(p.Restores)
	c.restored(p.ID, p.Restores, p.At)
	steps, after := map[string]bool{}, map[string][]string{}
	for i := range p.Steps {
		s := &p.Steps[i]
		if steps[s.ID] {
			c.list.Add(diag.Errorf("PLN009", "procedure %q has two steps called %q", p.ID, s.ID).AtAll(s.At, "declared here").
				About(diag.Subject{Node: p.ID}).Fix("rename one of them"))
		}
		steps[s.ID], after[s.ID] = true, s.After
		restores += len(s.Restores)
	}
	for i := range p.Steps {
		c.step(p, &p.Steps[i], steps)
	}
	if restores == 0 {
		c.list.Add(diag.Errorf("PLN007", "procedure %q restores nothing", p.ID).AtAll(p.At, "declared here").
			About(diag.Subject{Node: p.ID}).Fix("list what it brings back under restores"))
	}
	if cyc := findCycle(after); cyc != nil {
		c.list.Add(diag.Errorf("PLN004", "steps of procedure %q wait for each other: %s", p.ID, strings.Join(cyc, " → ")).
			AtAll(p.At, "declared here").About(diag.Subject{Node: p.ID}).Fix("remove one of these after entries"))
	}
}

func (c *checker) restored(who string, ids []string, at plans.Source) {
	for _, id := range ids {
		if d, ok := strings.CutPrefix(id, "domain:"); ok {
			c.unknown(who, "restores", d, at, c.domains)
		} else {
			c.unknown(who, "restores", id, at, c.nodes)
		}
	}
}

func (c *checker) step(p *plans.Procedure, s *plans.Step, steps map[string]bool) {
	who := p.ID + "/" + s.ID
	c.interval(s.Duration, "the duration", who, s.At)
	if s.Approval != nil {
		c.interval(s.Approval.Wait, "the approval wait", who, s.At)
	}
	c.requirement(s.Needs, who, "needs", s.At)
	c.restored(who, s.Restores, s.At)
	if s.From != "" {
		c.unknown(who, "from", s.From, s.At, c.nodes)
	}
	for _, a := range s.After {
		c.unknown(who, "after", a, s.At, steps)
	}
	if s.Units < 0 || s.Parallel < 0 || s.Bytes < 0 {
		c.list.Add(diag.Errorf("PLN003", "%q counts a negative number of units, lanes or bytes", who).AtAll(s.At, "declared here").
			About(diag.Subject{Node: who}).Fix("write 0 or more"))
	}
}

func (c *checker) scenario(s *plans.Scenario) {
	for _, n := range s.Nodes {
		c.unknown(s.ID, "fails", n, s.At, c.nodes)
	}
	c.domainRefs(s.Domains, s.ID, "fails", s.At)
	c.domainRefs(s.Into, s.ID, "into", s.At)
	if len(s.Nodes)+len(s.Domains) == 0 {
		c.list.Add(diag.Errorf("PLN006", "scenario %q fails nothing", s.ID).AtAll(s.At, "declared here").
			About(diag.Subject{Node: s.ID}).Fix("name the domains or nodes that it takes"))
	}
	if !slices.Contains(plans.Modes, s.Mode) {
		c.list.Add(diag.Errorf("PLN012", "scenario %q has the unknown mode %q", s.ID, s.Mode).AtAll(s.At, "declared here").
			About(diag.Subject{Node: s.ID}).Fix("use one of %s", fmt.Sprint(plans.Modes)))
	}
}

// references checks what is neither a requirement nor a placement.
func (c *checker) references() {
	for i := range c.m.Groups {
		for _, s := range c.m.Groups[i].Stores {
			c.unknown(c.m.Groups[i].ID, "a consistency group", s, c.m.Groups[i].At, c.nodes)
		}
	}
	for i := range c.m.Actions {
		a := &c.m.Actions[i]
		c.interval(plans.Exactly(a.Interval), "the interval", a.ID, a.At)
		c.interval(plans.Exactly(a.Detect), "the detection time", a.ID, a.At)
		c.restored(c.m.Actions[i].ID, c.m.Actions[i].Targets, c.m.Actions[i].At)
	}
}

// findCycle returns a cycle of the graph, first name repeated at the end, or
// nil. It starts at the smallest name, so that the answer is stable.
func findCycle(next map[string][]string) []string {
	names := make([]string, 0, len(next))
	for n := range next {
		names = append(names, n)
	}
	slices.Sort(names)
	state, path := map[string]int8{}, []string{}
	var visit func(string) []string
	visit = func(n string) []string {
		state[n] = 1
		path = append(path, n)
		for _, m := range next[n] {
			if state[m] == 1 {
				return append(slices.Clone(path[slices.Index(path, m):]), m)
			}
			if state[m] == 0 {
				if c := visit(m); c != nil {
					return c
				}
			}
		}
		state[n] = 2
		path = path[:len(path)-1]
		return nil
	}
	for _, n := range names {
		if state[n] == 0 {
			if c := visit(n); c != nil {
				return c
			}
		}
	}
	return nil
}
