package link

import (
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

// recovery adds the recovery folder and the scenarios that come with a fleet.
func (l *linker) recovery(m *plans.Model) {
	if u := l.units.Recovery; u != nil {
		sc := scope{pos: u.Pos, out: &l.out}
		for _, id := range sortedKeys(u.Spec.Procedures) {
			p := u.Spec.Procedures[id]
			l.procs = append(l.procs, l.procedure(sc, id, &p))
		}
		for _, id := range sortedKeys(u.Spec.Scenarios) {
			s := u.Spec.Scenarios[id]
			m.Scenarios = append(m.Scenarios, l.scenario(sc, id, &s)...)
		}
		for _, id := range sortedKeys(u.Spec.Actions) {
			a := u.Spec.Actions[id]
			m.Actions = append(m.Actions, l.action(sc, id, &a))
		}
		l.drills(sc, m)
		for _, id := range sortedKeys(u.Spec.Pins) {
			p := u.Spec.Pins[id]
			m.Pins = append(m.Pins, plans.Pin{A: p.A, B: p.B, Skew: p.Skew, At: sc.pos.At(ir.Pointer("pins", id))})
		}
		l.checkAlerts(sc)
	}
	m.Scenarios = append(m.Scenarios, l.assumed()...)
	m.Scenarios = append(m.Scenarios, l.builtIn()...)
	l.declareActors()
	l.people()
	l.checkProject()
}

// target resolves a node, or "domain:<id>".
func (l *linker) target(sc scope, who, set, name, ptr string) (string, bool) {
	if d, ok := strings.CutPrefix(name, "domain:"); ok {
		return name, len(l.resolveDomains(sc, []string{d}, ptr)) == 1
	}
	s, ok := l.resolve(sc, who, set, name, ptr)
	return s.id, ok
}

func (l *linker) targets(sc scope, who, set string, names []string, ptr string) []string {
	var out []string
	for i, n := range names {
		if id, ok := l.target(sc, who, set, n, ptr+"/"+index(i)); ok && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

func (l *linker) procedure(sc scope, id string, p *spec.Procedure) plans.Procedure {
	ptr := ir.Pointer("procedures", id)
	l.owner(sc, p.Owner, ptr+"/owner")
	out := plans.Procedure{
		ID: id, Restores: l.targets(sc, id, "restores", p.Restores, ptr+"/restores"), Into: l.resolveDomains(sc, p.Into, ptr+"/into"),
		IntoKnown: len(p.Into) > 0, Modes: p.Modes, Detect: p.Detect, Alerts: p.Triggers.Alerts, Targets: p.Targets,
		Review: p.Review, Owner: p.Owner, At: sc.pos.At(ptr),
	}
	for _, sid := range sortedKeys(p.Steps) {
		s := p.Steps[sid]
		out.Steps = append(out.Steps, l.step(sc, id, sid, p, &s, ptr+ir.Pointer("steps", sid)))
	}
	l.stepCircle(sc, &out)
	l.regimes(&out)
	return out
}

func (l *linker) step(sc scope, proc, id string, p *spec.Procedure, s *spec.Step, ptr string) plans.Step {
	who := proc + "/" + id
	out := plans.Step{
		ID: id, Do: s.Do, Command: s.Run, On: s.On, Units: s.Units, Parallel: s.Parallel, Bytes: l.bytes(sc, s.Bytes, ptr+"/bytes"),
		By: l.actor(sc, s.By, ptr+"/by"), Needs: l.require(sc, who, "needs", s.Needs, ptr+"/needs"),
		Restores:     l.targets(sc, who, "restores", s.Restores, ptr+"/restores"),
		Rebuilds:     l.targets(sc, who, "rebuilds", s.Rebuilds, ptr+"/rebuilds"),
		Irreversible: s.Irreversible, Approval: s.Approval, Verify: s.Verify, Rollback: s.Rollback, At: sc.pos.At(ptr),
	}
	if s.Duration != nil {
		out.Duration, out.Known = *s.Duration, true
	}
	l.stepRefs(sc, who, p, s, &out, ptr)
	l.stepFormula(sc, s, &out, ptr)
	return out
}

// stepFormula is the duration of a step that declares none: its units at their
// rate, or the bytes of what it restores from over its link (DESIGN §4). A rate
// is that of all lanes together, so the step is one unit of that length.
func (l *linker) stepFormula(sc scope, s *spec.Step, out *plans.Step, ptr string) {
	if s.Rate != nil {
		d, err := s.Rate.Time(max(1, s.Units))
		if err != nil {
			sc.out.diags.Add(diag.Errorf("LNK008", "%s", err).AtAll(sc.pos.At(ptr+"/rate"), "this value").Fix(`write units and a span of time, as in "40/m"`))
			return
		}
		out.Duration, out.Known, out.Units, out.Parallel = d, true, 1, 1
	}
	store, _, isPoint := strings.Cut(out.From, "/")
	if out.Link != "" && out.Bytes == 0 && isPoint && l.units.Fleet != nil {
		if st, ok := l.units.Fleet.Spec.Stores[store]; ok {
			out.Bytes = l.bytes(l.fleetScope(), st.Size, ir.Pointer("stores", store, "size"))
		}
	}
}

func (l *linker) stepRefs(sc scope, who string, p *spec.Procedure, s *spec.Step, out *plans.Step, ptr string) {
	if s.From != "" {
		out.From, _ = l.resolveKind(sc, who, "from", s.From, ptr+"/from", plans.KindPoint)
	}
	if s.On != "" && l.names.cluster[s.On] == nil {
		l.unknownName(sc.out, "LNK010", "cluster", s.On, sc.pos.At(ptr+"/on"), sortedKeys(l.names.cluster))
		out.On = ""
	}
	if s.Link != "" {
		if l.units.Fleet != nil {
			if _, ok := l.units.Fleet.Spec.Links[s.Link]; ok {
				out.Link = s.Link
			}
		}
		if out.Link == "" {
			l.unknownName(sc.out, "LNK015", "link", s.Link, sc.pos.At(ptr+"/link"), l.linkNames())
		}
	}
	if s.Approval != nil {
		l.actor(sc, s.Approval.Role, ptr+"/approval/role")
	}
	for i, a := range s.After {
		if _, ok := p.Steps[a]; ok {
			out.After = append(out.After, a)
			continue
		}
		l.unknownName(sc.out, "LNK016", "step", a, sc.pos.At(ptr+"/after/"+index(i)), sortedKeys(p.Steps))
	}
	if out.On != "" { // a command needs the cluster it talks to
		out.Needs = all(out.Needs, l.commandNeeds(sc, who, out, ptr))
	}
}

// commandNeeds: a command on a cluster needs its API server, unless the step
// is what brings that up.
func (l *linker) commandNeeds(sc scope, who string, s *plans.Step, ptr string) plans.Requirement {
	api := s.On + "/@api"
	if slices.Contains(s.Restores, api) {
		return plans.Requirement{}
	}
	return ref(api, &plans.Because{Reason: who + " runs a command on " + s.On, Derived: true, At: sc.pos.At(ptr + "/on")})
}

func (l *linker) linkNames() []string {
	if l.units.Fleet == nil {
		return nil
	}
	return sortedKeys(l.units.Fleet.Spec.Links)
}

// stepCircle drops and reports `after` edges that form a circle.
func (l *linker) stepCircle(sc scope, p *plans.Procedure) {
	by := map[string]*plans.Step{}
	for i := range p.Steps {
		by[p.Steps[i].ID] = &p.Steps[i]
	}
	state := map[string]int{}
	var visit func(s *plans.Step)
	visit = func(s *plans.Step) {
		state[s.ID] = 1
		s.After = slices.DeleteFunc(s.After, func(a string) bool {
			if state[a] == 0 {
				visit(by[a])
			}
			if state[a] == 1 {
				sc.out.diags.Add(diag.Errorf("LNK017", "steps of procedure %q wait for each other: %s and %s", p.ID, s.ID, a).
					AtAll(s.At, "%s comes after %s", s.ID, a).AtAll(by[a].At, "%s comes after %s, perhaps over others", a, s.ID).
					About(diag.Subject{Node: p.ID}).Fix("remove one `after` on the way from %q back to itself", s.ID))
				return true
			}
			return false
		})
		state[s.ID] = 2
	}
	for i := range p.Steps {
		if state[p.Steps[i].ID] == 0 {
			visit(&p.Steps[i])
		}
	}
}

func (l *linker) action(sc scope, id string, a *spec.Action) plans.Action {
	ptr := ir.Pointer("actions", id)
	l.owner(sc, a.Owner, ptr+"/owner")
	out := plans.Action{
		ID: id, Targets: l.targets(sc, id, "targets", a.Targets, ptr+"/targets"), Blast: a.Blast, Interval: a.Interval, Detect: a.Detect,
		Guard: a.Guard, Stop: a.Stop, Auto: a.Auto, Approval: a.Approval, Irreversible: a.Irreversible, At: sc.pos.At(ptr),
		NoReverse: a.Reverse == "" || a.Reverse == "none", Inverse: a.Inverse,
	}
	if !out.NoReverse {
		out.Reverse = l.procedureName(sc, a.Reverse, ptr+"/reverse")
	}
	if a.Approval != nil {
		l.actor(sc, a.Approval.Role, ptr+"/approval/role")
	}
	if a.Promotes != "" {
		out.Promotes, _ = l.resolveKind(sc, id, "promotes", a.Promotes, ptr+"/promotes", plans.KindPoint)
	}
	return out
}

// procedureName resolves a procedure, "" after reporting an unknown one.
func (l *linker) procedureName(sc scope, name, ptr string) string {
	if _, ok := l.units.Recovery.Spec.Procedures[name]; ok {
		return name
	}
	if c, ok := strings.CutPrefix(name, "bootstrap/"); ok && l.names.cluster[c] != nil {
		return name
	}
	l.unknownName(sc.out, "LNK019", "procedure", name, sc.pos.At(ptr), sortedKeys(l.units.Recovery.Spec.Procedures))
	return ""
}

func (l *linker) drills(sc scope, m *plans.Model) {
	r := &l.units.Recovery.Spec
	for _, id := range sortedKeys(r.Drills) {
		d, ptr := r.Drills[id], ir.Pointer("drills", id)
		l.owner(sc, d.Owner, ptr+"/owner")
		if d.Scenario != "" && !l.knownScenario(d.Scenario) {
			l.unknownName(sc.out, "LNK018", "scenario", d.Scenario, sc.pos.At(ptr+"/scenario"), sortedKeys(r.Scenarios))
		}
		proc := ""
		if d.Procedure != "" {
			proc = l.procedureName(sc, d.Procedure, ptr+"/procedure")
		}
		if d.Calendar != "" {
			l.calendar(sc, d.Calendar, ptr+"/calendar")
		}
		m.Drills = append(m.Drills, plans.Drill{ID: id, Scenario: d.Scenario, Procedure: proc, Schedule: d.Schedule, At: sc.pos.At(ptr)})
	}
}

func (l *linker) calendar(sc scope, name, ptr string) {
	var known []string
	if l.units.Project != nil {
		known = sortedKeys(l.units.Project.Spec.Calendars)
	}
	if !slices.Contains(known, name) {
		l.unknownName(sc.out, "LNK018", "calendar", name, sc.pos.At(ptr), known)
	}
}

func (l *linker) knownScenario(name string) bool {
	if _, ok := l.units.Recovery.Spec.Scenarios[name]; ok || name == "darkstart" {
		return true
	}
	if c, ok := strings.CutPrefix(name, "bootstrap/"); ok {
		return l.names.cluster[c] != nil
	}
	return slices.ContainsFunc(slices.Concat(l.assumed(), l.badReleases(l.rings())), func(s plans.Scenario) bool { return s.ID == name })
}

// checkAlerts warns about triggers that no rendered rule or service defines.
// Without any alert in sight nothing is said: they may live elsewhere.
func (l *linker) checkAlerts(sc scope) {
	known := l.alerts()
	if len(known) == 0 {
		return
	}
	ps := l.units.Recovery.Spec.Procedures
	for _, id := range sortedKeys(ps) {
		for i, a := range ps[id].Triggers.Alerts {
			if _, ok := slices.BinarySearch(known, a); ok {
				continue
			}
			d := diag.Warningf("LNK020", "procedure %q is triggered by alert %q, which no rule defines", id, a).
				AtAll(sc.pos.At(ir.Pointer("procedures", id, "triggers", "alerts", index(i))), "no such alert").About(diag.Subject{Node: id})
			if near := diag.Nearest(a, known); near != "" {
				d.Fix("did you mean %q?", near)
			}
			l.out.diags.Add(d.Fix("add the alert to a rule of the fleet, or list it under the service's alerts"))
		}
	}
}

// alerts lists, sorted, the alerts of rendered rules and of services.
func (l *linker) alerts() []string {
	seen := map[string]bool{}
	if l.units.Fleet != nil {
		for _, s := range l.units.Fleet.Spec.Services {
			for _, a := range s.Alerts {
				seen[a] = true
			}
		}
	}
	for _, c := range l.clusters {
		for _, comp := range c.comps {
			for _, o := range comp.objects {
				if o.Kind != "PrometheusRule" && o.Kind != "VMRule" {
					continue
				}
				for _, g := range mapsOf(object.Slice(o.Get("spec", "groups"))) {
					for _, r := range mapsOf(object.Slice(g, "rules")) {
						if a := object.String(r, "alert"); a != "" {
							seen[a] = true
						}
					}
				}
			}
		}
	}
	return sortedKeys(seen)
}
