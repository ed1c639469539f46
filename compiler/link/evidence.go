package link

import (
	"cmp"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

// unrecorded is the closure of a record that states none. It equals no digest:
// what was tried is not known, so it is never what stands today (§5.7).
const unrecorded = "unrecorded"

// evidence links the records of drills and restore tests. A record is history
// and nobody rewrites it, so a name that has gone since is a warning, and what
// it measured no longer counts; it is never a broken fleet.
func (l *linker) evidence(m *plans.Model) {
	procs := map[string]*plans.Procedure{}
	for i := range l.procs {
		procs[l.procs[i].ID] = &l.procs[i]
	}
	var kept []*ir.Unit[spec.Evidence]
	for _, u := range l.units.Evidence {
		sc := scope{pos: u.Pos, out: &l.out}
		e, p := &u.Spec, procs[u.Spec.Procedure]
		for i, f := range e.FollowUps {
			l.owner(sc, f.Owner, ir.Pointer("followUps", index(i), "owner"))
		}
		if p == nil {
			l.gone(sc, u, "procedure", e.Procedure, "/procedure", sortedKeys(procs))
			continue
		}
		kept = append(kept, u)
		m.Evidence = append(m.Evidence, l.record(sc, u, p, m))
	}
	l.restoreTests(kept, procs)
}

// record resolves the names of one record.
func (l *linker) record(sc scope, u *ir.Unit[spec.Evidence], p *plans.Procedure, m *plans.Model) plans.Evidence {
	e := &u.Spec
	out := plans.Evidence{
		ID: u.Name, Procedure: p.ID, Scenario: e.Scenario, Closure: cmp.Or(e.Closure, unrecorded),
		Date: e.Date, Result: e.Result, RTO: e.RTO, RPO: e.RPO, At: sc.pos.At(""),
	}
	if e.Scenario != "" && !slices.ContainsFunc(m.Scenarios, func(s plans.Scenario) bool { return s.ID == e.Scenario }) {
		var known []string
		for _, s := range m.Scenarios {
			known = append(known, s.ID)
		}
		l.gone(sc, u, "scenario", e.Scenario, "/scenario", known)
	}
	for i, name := range e.Scope {
		out.Scope = append(out.Scope, l.inScope(sc, u, name, ir.Pointer("scope", index(i))))
	}
	var steps []string
	for _, s := range p.Steps {
		steps = append(steps, s.ID)
	}
	for _, id := range sortedKeys(e.Steps) {
		if !slices.Contains(steps, id) {
			l.gone(sc, u, "step", id, ir.Pointer("steps", id), steps)
			continue
		}
		if out.Steps == nil {
			out.Steps = map[string][]plans.Duration{}
		}
		out.Steps[id] = e.Steps[id]
	}
	if e.Closure == "" && e.Result == "passed" {
		l.out.diags.Add(diag.Notef("LNK023", "record %q does not say with which closure it was made, so it counts as stale", u.Name).
			AtAll(sc.pos.At(""), "no closure").About(diag.Subject{Node: p.ID}).
			Fix("write the closure of %q into the record when it is made: `darkstart plan recover --scenario %s -o json` prints it", p.ID, cmp.Or(e.Scenario, "S")))
	}
	return out
}

// inScope resolves what had failed: a domain before a node, since disasters
// take places. A name that has gone stays as it is: it equals nothing that may
// fail today.
func (l *linker) inScope(sc scope, u *ir.Unit[spec.Evidence], name, ptr string) string {
	if d := strings.TrimPrefix(name, "domain:"); l.domains.has(d) {
		return d
	}
	if s := l.names.find(sc, name); len(s) == 1 {
		return s[0].id
	}
	l.gone(sc, u, "domain or node", name, ptr, slices.Concat(sortedKeys(l.domains.up), sortedKeys(l.names.fleet)))
	return name
}

// gone reports a name of a record that means nothing today.
func (l *linker) gone(sc scope, u *ir.Unit[spec.Evidence], what, name, ptr string, known []string) {
	d := diag.Warningf("LNK021", "record %q is about %s %q, which does not exist", u.Name, what, name).AtAll(sc.pos.At(ptr), "no such %s", what)
	if near := diag.Nearest(name, known); near != "" {
		d.Fix("did you mean %q?", near)
	}
	l.out.diags.Add(d.Fix("correct the name; if the %s was removed, the record proves nothing about what is there now and can go", what))
}

// restoreTests lets the records say when a recovery point was last restored:
// by a passed run of a procedure with a step `from` it. A run that failed after
// the last one that passed leaves the point unproven, whatever was declared
// before it.
func (l *linker) restoreTests(records []*ir.Unit[spec.Evidence], procs map[string]*plans.Procedure) {
	passed, failed := map[string]string{}, map[string]*ir.Unit[spec.Evidence]{}
	for _, u := range records {
		for _, s := range procs[u.Spec.Procedure].Steps {
			switch {
			case s.From == "":
			case u.Spec.Result == "passed":
				passed[s.From] = max(passed[s.From], u.Spec.Date)
			case failed[s.From] == nil || failed[s.From].Spec.Date < u.Spec.Date:
				failed[s.From] = u
			}
		}
	}
	for i := range l.nodes {
		d := l.nodes[i].Data
		if d == nil {
			continue
		}
		for k := range d.Points {
			p := &d.Points[k]
			if p.Copy {
				continue // a promotion exercises a copy; only backups have restore tests
			}
			p.Tested = max(p.Tested, passed[p.Node])
			if u := failed[p.Node]; u != nil && u.Spec.Date > p.Tested {
				p.Tested = ""
				l.out.diags.Add(diag.Warningf("LNK022", "the last restore from %q failed, on %s", p.Node, u.Spec.Date).
					AtAll(u.Pos.At("/result"), "this run").AtAll(p.At, "this recovery point counts as untested since").
					About(diag.Subject{Node: p.Node}).Fix("repair what failed, restore again, and keep the record of the run that passes"))
			}
		}
	}
}
