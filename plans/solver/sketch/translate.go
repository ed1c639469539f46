package sketch

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/darkstart-dev/darkstart/plans"
)

// ScenarioID is the id of the one scenario of a sketch.
const ScenarioID = "fail"

// assumedDrill stands for a drill that a sketch does not deny.
const assumedDrill = "2000-01-01"

// kinds maps the kinds that only sketches have to those of the model.
var kinds = map[string]plans.DomainKind{
	"platform": "site", "change": "config-push", "time": "window", "adminnet": "admin-network",
}

// translator carries the first error, so that the translation reads straight.
type translator struct {
	s    *Sketch
	m    *plans.Model
	dead map[string]bool // failed domains and what lies below
	mode plans.Mode
	// burnt: data was lost with its place, though the mode is deletion because
	// a copy takes deletions.
	burnt bool
	err   error
}

// Model translates a sketch.
func (s *Sketch) Model() (*plans.Model, error) {
	t := &translator{s: s, m: &plans.Model{}, dead: map[string]bool{}}
	t.scenario()
	for _, id := range keys(s.Domains) {
		t.domain(id, s.Domains[id])
	}
	for _, id := range keys(s.Nodes) {
		t.node(id, s.Nodes[id])
	}
	for _, id := range keys(s.Creds) {
		t.credential(id, s.Creds[id])
	}
	for _, id := range keys(s.People) {
		p := s.People[id]
		t.m.Actors = append(t.m.Actors, plans.Actor{ID: id, Shift: p.N, Need: p.Need, Needs: t.requirement(p.Needs, plans.All)})
		if _, taken := s.Nodes[id]; !taken { // steps may need people by name
			t.m.Nodes = append(t.m.Nodes, plans.Node{ID: id, Kind: plans.KindTeam, Requires: plans.Requires{Run: t.requirement(p.Needs, plans.All)}})
		}
	}
	for _, id := range keys(s.Procs) {
		t.procedure(id, s.Procs[id])
	}
	for _, id := range keys(s.Acts) {
		t.action(id, s.Acts[id])
	}
	for _, p := range s.Pins {
		t.m.Pins = append(t.m.Pins, plans.Pin{A: text(p["a"]), B: text(p["b"]), Skew: text(p["skew"]), Undeclared: text(p["undeclared"])})
	}
	return t.m, t.err
}

func (t *translator) fail(format string, args ...any) {
	if t.err == nil {
		t.err = fmt.Errorf(format, args...)
	}
}

// scenario reads the mode. Every mode of a sketch takes the replicas in F
// down, so overload, which takes only what has load, is read as a bad change:
// both leave the data and all recovery points. Data is lost by deletion where
// a copy takes deletions, else with its place.
func (t *translator) scenario() {
	f := t.s.Fail
	t.mode = plans.Mode(f.Mode)
	switch t.mode {
	case "":
		t.mode = plans.Down
	case plans.Overload:
		t.mode = plans.BadChange
	case plans.Lost:
		for _, n := range t.s.Nodes {
			for _, c := range n.Copies {
				if c == "deletes-too" {
					t.mode, t.burnt = plans.Deleted, true
				}
			}
		}
	}
	for _, d := range f.Domains {
		t.kill(d)
	}
	t.m.Scenarios = []plans.Scenario{{ID: ScenarioID, Domains: f.Domains, Nodes: f.Nodes, Mode: t.mode}}
}

func (t *translator) kill(d string) {
	if t.dead[d] {
		return
	}
	t.dead[d] = true
	for id, spec := range t.s.Domains {
		if slices.Contains(spec[min(1, len(spec)):], d) {
			t.kill(id)
		}
	}
}

func (t *translator) domain(id string, spec List) {
	if len(spec) == 0 {
		t.fail("domain %s has no kind", id)
		return
	}
	kind, ok := kinds[spec[0]]
	if !ok {
		kind = plans.DomainKind(spec[0])
	}
	if kind.Family() == "" {
		t.fail("domain %s has the unknown kind %s", id, spec[0])
	}
	t.m.Domains = append(t.m.Domains, plans.Domain{ID: id, Kind: kind, Parents: spec[1:]})
}

func (t *translator) node(id string, n Node) {
	out := plans.Node{
		ID: id, Kind: plans.KindNode, Quorum: n.Quorum, Singleton: n.Singleton, Replicas: replicas(n.At),
		Requires: plans.Requires{
			Run: t.requirement(n.Run, plans.All), Start: t.requirement(n.Start, plans.All),
			Operate: t.requirement(n.Access, plans.Any), Observe: t.requirement(n.Observe, plans.Any),
		},
	}
	out.Requires.DeclaredOperate = out.Requires.Operate
	if n.RTO != "" || n.RPO != "" {
		out.Objectives = []plans.Objective{{Class: "default", RTO: t.optional(n.RTO), RPO: t.optional(n.RPO)}}
	}
	if n.Load > 0 {
		out.Capacity = &plans.Capacity{Load: n.Load, Surge: n.Surge, PerDomain: n.Cap}
	}
	if n.Data || len(n.Copies)+len(n.Backups) > 0 {
		out.Data = &plans.Data{}
		for _, d := range keys(n.Copies) {
			t.copy(&out, d, n.Copies[d])
		}
		for _, b := range keys(n.Backups) {
			t.backup(&out, b, n.Backups[b])
		}
	}
	t.m.Nodes = append(t.m.Nodes, out)
}

func replicas(at *Places) []plans.Replica {
	if at == nil {
		return nil
	}
	var out []plans.Replica
	for _, r := range *at {
		out = append(out, plans.Replica{Domains: r})
	}
	return out
}

func (t *translator) copy(n *plans.Node, domain, how string) {
	p := plans.Point{Node: n.ID + "/" + domain, Copy: true, Realms: []string{domain}}
	switch how {
	case "sync":
		p.Sync = true
	case "deletes-too":
		p.Sync, p.Deletes = true, true
	default:
		p.Lag = t.duration(how)
	}
	t.point(n, p, []plans.Replica{{Domains: []string{domain}}})
}

func (t *translator) backup(n *plans.Node, id string, b Backup) {
	p := plans.Point{Node: n.ID + "/" + id, Every: t.duration(b.Every), Restore: plans.Exactly(t.duration(b.Restore))}
	p.Failing = b.OK != nil && !*b.OK
	switch b.Tested {
	case "", "never", "no", "false":
	case "partial":
		p.Tested, p.Partial = assumedDrill, true
	default:
		p.Tested = assumedDrill
	}
	for _, r := range b.At {
		p.Realms = append(p.Realms, r...)
	}
	t.point(n, p, replicas(&b.At))
}

// point adds a recovery point as a node. Where deletion stands for loss, what
// is in a failed domain goes with it all the same.
func (t *translator) point(n *plans.Node, p plans.Point, at []plans.Replica) {
	if t.burnt {
		p.Deletes = p.Deletes || slices.ContainsFunc(p.Realms, func(d string) bool { return t.dead[d] })
	}
	n.Data.Points = append(n.Data.Points, p)
	t.m.Nodes = append(t.m.Nodes, plans.Node{ID: p.Node, Kind: plans.KindPoint, Replicas: at})
}

func (t *translator) credential(id string, c Credential) {
	_, err := time.Parse(time.DateOnly, c.Expiry[:min(len(c.Expiry), len(time.DateOnly))])
	t.m.Nodes = append(t.m.Nodes, plans.Node{
		ID: id, Kind: plans.KindCredential, Replicas: replicas(c.At),
		Tracked: c.Expiry == "tracked" || err == nil,
	})
}

// procedure restores everything after its last step. A store with recovery
// points comes back from one of them: each is an alternative.
func (t *translator) procedure(id string, p Procedure) {
	out := plans.Procedure{ID: id, IntoKnown: true, Runbook: p.Runbook, Drilled: p.Drilled}
	if out.Drilled == "" {
		out.Drilled = assumedDrill
	}
	inner := map[string]bool{}
	for _, sid := range keys(p.Steps) {
		s := p.Steps[sid]
		out.Steps = append(out.Steps, t.step(sid, s))
		for _, a := range s.After {
			inner[a] = true
		}
	}
	var last []string
	for _, sid := range keys(p.Steps) {
		if !inner[sid] {
			last = append(last, sid)
		}
	}
	for _, r := range p.Restores {
		points := t.points(r)
		for _, q := range points {
			out.Steps = append(out.Steps, plans.Step{
				ID: "from " + q, Known: true, From: q, Restores: []string{r}, After: last,
			})
		}
		if len(points) == 0 {
			out.Steps = append(out.Steps, plans.Step{ID: "return " + r, Known: true, Restores: []string{r}, After: last})
		}
	}
	t.m.Procedures = append(t.m.Procedures, out)
}

func (t *translator) points(node string) []string {
	n := t.s.Nodes[node]
	var out []string
	for _, d := range keys(n.Copies) {
		out = append(out, node+"/"+d)
	}
	for _, b := range keys(n.Backups) {
		out = append(out, node+"/"+b)
	}
	return out
}

func (t *translator) step(id string, s Step) plans.Step {
	out := plans.Step{
		ID: id, Known: true, Duration: plans.Exactly(t.duration(s.T)), Units: s.Units, Parallel: s.Parallel, By: s.By,
		Needs: t.requirement(s.Needs, plans.All), After: s.After, Irreversible: s.Irreversible, Guard: said(s.Guard),
	}
	if said(s.Approval) != "" {
		out.Approval = &plans.Approval{Role: s.Approval}
	}
	return out
}

func (t *translator) action(id string, a Action) {
	out := plans.Action{ID: id, Auto: a.Auto, Guard: said(a.Guard), Irreversible: a.Irreversible, NoReverse: a.Rollback == "none"}
	for _, x := range a.Targets {
		if _, ok := t.s.Domains[x]; ok && !t.isNode(x) {
			x = "domain:" + x
		}
		out.Targets = append(out.Targets, x)
	}
	if a.Scope != "all" {
		out.Blast, out.Stop = 1, a.Scope
		if out.Stop == "" {
			out.Stop = "unsaid"
		}
	}
	if said(a.Approval) != "" {
		out.Approval = &plans.Approval{Role: a.Approval}
	}
	if _, ok := t.s.Procs[a.Rollback]; ok {
		out.Reverse, out.Inverse = a.Rollback, true
	}
	if a.Crosses == "async-copy" {
		out.Promotes = t.asyncCopy(a.Targets)
	}
	t.m.Actions = append(t.m.Actions, out)
}

func (t *translator) isNode(id string) bool {
	_, node := t.s.Nodes[id]
	_, cred := t.s.Creds[id]
	return node || cred
}

// said drops the words for nothing.
func said(s string) string {
	switch s {
	case "none", "no", "false", "never":
		return ""
	}
	return s
}

// asyncCopy names the asynchronous copy of an action's targets.
func (t *translator) asyncCopy(targets []string) string {
	for _, x := range targets {
		for _, d := range keys(t.s.Nodes[x].Copies) {
			if t.s.Nodes[x].Copies[d] != "sync" {
				return x + "/" + d
			}
		}
	}
	return strings.Join(targets, ", ")
}

// requirement reads a name, a list (bare means op), or {any|all|atLeast}.
func (t *translator) requirement(v any, bare plans.Op) plans.Requirement {
	switch v := v.(type) {
	case nil:
		return plans.Requirement{}
	case string:
		return plans.Requirement{Op: bare, Of: []plans.Requirement{{Op: plans.Ref, Node: v}}}
	case []any:
		out := plans.Requirement{Op: bare}
		for _, x := range v {
			if name, ok := x.(string); ok {
				out.Of = append(out.Of, plans.Requirement{Op: plans.Ref, Node: name})
			} else {
				out.Of = append(out.Of, t.requirement(x, bare))
			}
		}
		return out
	case map[string]any:
		if k, ok := v["atLeast"].(int); ok {
			r := t.requirement(v["of"], plans.AtLeast)
			r.K = k
			return r
		}
		for _, op := range []plans.Op{plans.All, plans.Any} {
			if of, ok := v[string(op)]; ok {
				return t.requirement(of, op)
			}
		}
	}
	t.fail("cannot read the requirement %v", v)
	return plans.Requirement{}
}

func (t *translator) duration(s string) plans.Duration {
	if s == "" {
		return 0
	}
	d, err := plans.ParseDuration(s)
	if err != nil {
		t.fail("%v", err)
	}
	return d
}

func (t *translator) optional(s string) *plans.Duration {
	if s == "" {
		return nil
	}
	d := t.duration(s)
	return &d
}

func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}
