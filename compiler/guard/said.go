package guard

import (
	"encoding/json"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/digest"
)

// statements are the parts that are plain values before they are OPA's terms: keys
// of the input, and what encodes as JSON. So they can be named without any rule
// being asked, and a rule that reads nothing else is asked once for all that say
// the same.
var statements = map[string]func(*session) map[string]any{
	"fleet":     (*session).fleet,
	"facts":     (*session).facts,
	"lock":      (*session).lock,
	"params":    (*session).params,
	"paradoxes": (*session).paradoxes,
	"cells":     (*session).cells,
	"defects":   (*session).defects,
	"losses":    (*session).losses,
	"evidence":  (*session).evidence,
}

// with adds statements to the parts of a scope.
func with(of map[string]part, names ...string) map[string]part {
	for _, name := range names {
		of[name] = said(name)
	}
	return of
}

// said makes the terms of a statement.
func said(name string) part {
	return func(d *document) (map[string]*ast.Term, error) {
		out := map[string]*ast.Term{}
		for key, v := range d.statement(name) {
			var err error
			switch v := v.(type) {
			case json.RawMessage:
				out[key], err = jsonTerm(v, nil)
			case *grid:
				out[key], err = v.term()
			default:
				out[key], err = jsonTerm(nil, v)
			}
			if err != nil {
				return nil, err
			}
		}
		delete(d.stated, name) // of a large fleet, a hundred megabytes
		return out, nil
	}
}

// statement is made once, for its name and for its terms.
func (d *document) statement(name string) map[string]any {
	v, ok := d.stated[name]
	if !ok {
		v = statements[name](d.s)
		d.stated[name] = v
	}
	return v
}

// sum names what a part says; "" when it is no statement.
func (d *document) sum(name string) (string, error) {
	if s, ok := d.sums[name]; ok || statements[name] == nil {
		return s, nil
	}
	w := digest.NewWriter()
	of := d.statement(name)
	for _, key := range sortedKeys(of) {
		if err := w.JSON(key); err != nil {
			return "", err
		}
		var err error
		if g, ok := of[key].(*grid); ok {
			err = g.write(w)
		} else {
			err = w.JSON(of[key])
		}
		if err != nil {
			return "", err
		}
	}
	d.sums[name] = string(w.Digest())
	return d.sums[name], nil
}

// names lists what the answer of a rule about the fleet depends on; nil when it
// reads what has no name here.
func (d *document) names(rule *compiled) ([]string, error) {
	if d.linked != nil || d.s.cfg.Cache == nil {
		return nil, nil
	}
	out := []string{rule.ID, string(d.s.digests.sum())}
	for _, name := range rule.Reads {
		sum, err := d.sum(name)
		if err != nil || sum == "" {
			return nil, err
		}
		out = append(out, name, sum)
	}
	return out, nil
}

// fleet is the three units that are not a cluster's; absent folders are null.
func (s *session) fleet() map[string]any {
	u := s.in.Fleet.Units
	out := map[string]any{"project": nil, "fleet": nil, "recovery": nil}
	if u.Project != nil {
		out["project"] = raw(u.Project)
	}
	if u.Fleet != nil {
		out["fleet"] = raw(u.Fleet)
	}
	if u.Recovery != nil {
		out["recovery"] = raw(u.Recovery)
	}
	return out
}

// raw is the canonical JSON of a unit, or its spec when it brings none.
func raw[T any](u *ir.Unit[T]) any {
	if len(u.JSON) == 0 {
		return &u.Spec
	}
	return json.RawMessage(u.JSON)
}

// facts is what the linker noticed, and how much it looked at.
func (s *session) facts() map[string]any {
	f := &s.in.Fleet.Facts
	edges, count := len(f.Dangling), 0
	if m := s.in.Fleet.Model; m != nil {
		for i := range m.Nodes {
			r := &m.Nodes[i].Requires
			edges += references(r.Run) + references(r.Start) + references(r.Operate) + references(r.Observe)
		}
	}
	for _, c := range s.in.Fleet.Clusters {
		count += len(c.Parts)
	}
	return map[string]any{"facts": map[string]any{
		"dangling": append([]ir.Dangling{}, f.Dangling...), "contradictions": append([]ir.Contradiction{}, f.Contradictions...),
		"edges": edges, "parts": count,
	}}
}

// lock is darkstart.lock, with image references taken apart; null without one.
func (s *session) lock() map[string]any {
	l := s.in.Lock
	if l == nil {
		return map[string]any{"lock": nil}
	}
	images := []any{}
	for _, ref := range sortedKeys(l.Images) {
		m := plainReference(ref)
		e := l.Images[ref]
		m["ref"], m["digest"], m["signed"], m["provenance"] = ref, string(e.Digest), e.Signed, e.Provenance
		m["at"] = places{}
		if !e.At.IsZero() {
			m["at"] = places{e.At}
		}
		images = append(images, m)
	}
	return map[string]any{"lock": map[string]any{"images": images, "charts": entries(l.Charts), "other": entries(l.Other)}}
}

// params is the typed guardrail parameters of darkstart.cue.
func (s *session) params() map[string]any {
	u := s.in.Fleet.Units
	if u.Project == nil {
		return map[string]any{"params": struct{}{}}
	}
	return map[string]any{"params": u.Project.Spec.Guardrails}
}

// evidence is the records of drills and restore tests. A stale one was made
// with another closure than the plan's.
func (s *session) evidence() map[string]any {
	out := []any{}
	for _, u := range s.in.Fleet.Units.Evidence {
		e, stale := &u.Spec, false
		if p := s.in.Plan; p != nil && e.Closure != "" {
			stale = e.Closure != string(p.Closures[e.Procedure])
		}
		out = append(out, map[string]any{
			"file": u.Pos.First("").File, "procedure": e.Procedure, "scenario": e.Scenario, "date": e.Date, "result": e.Result, "stale": stale,
		})
	}
	return map[string]any{"evidence": out}
}
