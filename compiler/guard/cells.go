package guard

import (
	"cmp"
	"errors"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/plans"
)

// cell is a cell that nobody settled, for one of its two objectives.
type cell struct {
	// Scenario is of many cells: see shared.
	Scenario *disaster `json:"-"`
	Node     string    `json:"node"`
	Class    string    `json:"class"`
	Unknown  bool      `json:"unknown"`
	// Limit is the objective; Least and Most are what recovery takes or loses,
	// "forever" where nothing bounds it.
	Limit string `json:"limit"`
	Least string `json:"least"`
	Most  string `json:"most"`
	Point string `json:"point"`
	// Path and Decides say where the time goes.
	Path    []row  `json:"path"`
	Decides string `json:"decides"`
	// Unknowns name the declarations that would settle it: see shared.
	Unknowns []*unknown `json:"-"`
	// Because are the defects that the solver found behind the cell.
	Because []string `json:"because"`
	At      places   `json:"at"` // the objective
}

type row struct {
	Step     string `json:"step"`
	By       string `json:"by"`
	Duration string `json:"duration"`
	Waited   string `json:"waited"` // "" when nothing was waited for
	End      string `json:"end"`
	Known    bool   `json:"known"`
	// Measured is nil for an estimate.
	Measured *plans.Measured `json:"measured"`
}

type unknown struct {
	Node   string `json:"node"`
	What   string `json:"what"`
	Settle string `json:"settle"`
	At     places `json:"at"`
}

// accepted is a loss that somebody accepted, with all the cells it covers.
type accepted struct {
	plans.Accepted
	Nodes     []string `json:"nodes"`
	Scenarios []string `json:"scenarios"`
	At        places   `json:"at"`
}

// grid is the matrix of objectives and scenarios without what is settled.
type grid struct {
	Judged   map[string]int // "rto", "rpo": cells with that objective
	RTO, RPO []*cell
	Accepted []*accepted

	disasters map[string]*disaster   // by scenario
	unknowns  map[[2]string]*unknown // by node and what is not known: the last of each
}

// cells is `cells`: {judged, rto, rpo, accepted}. An unrecoverable cell is
// judged, and told by its paradox.
func (s *session) cells() map[string]any {
	g := &grid{Judged: map[string]int{"rto": 0, "rpo": 0}, RTO: []*cell{}, RPO: []*cell{}, Accepted: []*accepted{}, disasters: map[string]*disaster{}, unknowns: map[[2]string]*unknown{}}
	if p := s.in.Plan; p != nil {
		because := explanations(p)
		for _, rec := range byPriority(p) {
			for _, c := range rec.Cells {
				s.cell(g, rec, c, because)
			}
		}
	}
	return map[string]any{"cells": g}
}

// write writes all that term converts. What many cells have is written once, and
// then by its number.
func (g *grid) write(w *digest.Writer) error {
	if err := errors.Join(w.JSON(g.Judged), w.JSON(g.Accepted)); err != nil {
		return err
	}
	numbers := map[any]int{}
	for _, list := range [][]*cell{g.RTO, g.RPO} {
		if err := w.JSON(len(list)); err != nil {
			return err
		}
		for _, c := range list {
			var has []int
			for _, v := range c.shared() {
				n, known := numbers[v]
				if !known {
					n = len(numbers)
					numbers[v] = n
					if err := w.JSON(v); err != nil {
						return err
					}
				}
				has = append(has, n)
			}
			if err := errors.Join(w.JSON(c), w.JSON(has)); err != nil {
				return err
			}
		}
	}
	return nil
}

// shared is what other cells have too: the scenario, then the unknowns, since those
// of a region have what is unknown in its clusters, again and again. Equal pointers
// are equal values.
func (c *cell) shared() []any {
	out := []any{c.Scenario}
	for _, u := range c.Unknowns {
		out = append(out, u)
	}
	return out
}

// term converts cell by cell. What many cells have is converted once for all.
func (g *grid) term() (*ast.Term, error) {
	converted := map[any]*ast.Term{}
	rto, err := terms(g.RTO, converted)
	if err != nil {
		return nil, err
	}
	rpo, err := terms(g.RPO, converted)
	if err != nil {
		return nil, err
	}
	judged, err := jsonTerm(nil, g.Judged)
	if err != nil {
		return nil, err
	}
	accepted, err := jsonTerm(nil, g.Accepted)
	return ast.ObjectTerm(
		ast.Item(ast.StringTerm("judged"), judged), ast.Item(ast.StringTerm("rto"), rto),
		ast.Item(ast.StringTerm("rpo"), rpo), ast.Item(ast.StringTerm("accepted"), accepted),
	), err
}

func terms(cells []*cell, converted map[any]*ast.Term) (*ast.Term, error) {
	out := make([]*ast.Term, len(cells))
	for i, c := range cells {
		t, err := jsonTerm(nil, c)
		if err != nil {
			return nil, err
		}
		has := c.shared()
		of := make([]*ast.Term, len(has))
		for k, v := range has {
			if of[k] = converted[v]; of[k] == nil {
				if of[k], err = jsonTerm(nil, v); err != nil {
					return nil, err
				}
				converted[v] = of[k]
			}
		}
		t.Value.(ast.Object).Insert(ast.StringTerm("scenario"), of[0])
		t.Value.(ast.Object).Insert(ast.StringTerm("unknowns"), ast.ArrayTerm(of[1:]...))
		out[i] = t
	}
	return ast.ArrayTerm(out...), nil
}

func (s *session) cell(g *grid, rec *plans.Recovery, c *plans.Cell, because map[[2]string][]string) {
	if c.Verdict == plans.AcceptedV {
		g.accept(rec.Scenario.ID, c, s.objective(c))
		return
	}
	if c.RTO != nil {
		g.Judged["rto"]++
	}
	if c.RPO != nil {
		g.Judged["rpo"]++
	}
	if c.Verdict != plans.Violated && c.Verdict != plans.UnknownV {
		return
	}
	x := s.newCell(g, rec, c)
	x.Because = append(x.Because, because[[2]string{rec.Scenario.ID, c.Node}]...)
	late, lossy := exceeded(c)
	if c.RPO != nil && s.untested(x) {
		// One restore test settles both objectives; it is about the data.
		late, lossy = false, true
	}
	if lossy {
		y := *x
		y.Limit, y.Least, y.Most = c.RPO.String(), c.Loss.Lo.String(), c.Loss.Hi.String()
		g.RPO = append(g.RPO, &y)
	}
	if late || !lossy {
		x.Limit, x.Least, x.Most = "", c.LB.String(), c.UB.String()
		if c.RTO != nil {
			x.Limit = c.RTO.String()
		}
		g.RTO = append(g.RTO, x)
	}
}

// exceeded says which objective fails: in a violated cell even at best, in an
// unknown one at worst.
func exceeded(c *plans.Cell) (late, lossy bool) {
	took, lost := c.LB, plans.Interval{}
	if c.Loss != nil {
		lost = *c.Loss
	}
	loss := lost.Lo
	if c.Verdict == plans.UnknownV {
		took, loss = c.UB, lost.Hi
	}
	return c.RTO != nil && took > *c.RTO || took >= plans.Forever, c.RPO != nil && loss > *c.RPO
}

// untested reports whether a cell is unknown only because of recovery points
// that nobody has restored.
func (s *session) untested(x *cell) bool {
	return x.Unknown && len(x.Unknowns) > 0 && !slices.ContainsFunc(x.Unknowns, func(u *unknown) bool {
		n := s.nodes()[u.Node]
		return n == nil || n.Kind != plans.KindPoint
	})
}

func (g *grid) disaster(sc *plans.Scenario) *disaster {
	d := g.disasters[sc.ID]
	if d == nil {
		x := newDisaster(sc)
		d = &x
		g.disasters[sc.ID] = d
	}
	return d
}

// unknown is one for all cells that have it.
func (g *grid) unknown(u *plans.Unknown) *unknown {
	k := [2]string{u.Node, u.What}
	if have := g.unknowns[k]; have != nil && have.Settle == u.Settle && slices.Equal(have.At, u.At) {
		return have
	}
	g.unknowns[k] = &unknown{u.Node, u.What, u.Settle, append(places{}, u.At...)}
	return g.unknowns[k]
}

func (s *session) newCell(g *grid, rec *plans.Recovery, c *plans.Cell) *cell {
	x := &cell{
		Scenario: g.disaster(&rec.Scenario), Node: c.Node, Class: c.Class, Unknown: c.Verdict == plans.UnknownV,
		Point: c.Point, Decides: c.Decides, Path: []row{}, Unknowns: []*unknown{}, Because: []string{}, At: places{},
	}
	if o := s.objective(c); o != nil {
		x.At = append(x.At, o.At...)
	}
	if n := s.nodes()[c.Node]; len(x.At) == 0 && n != nil {
		x.At = append(x.At, n.At...)
	}
	for _, p := range c.Path {
		r := row{Step: p.Step, By: p.By, Duration: finite(p.Duration), End: finite(p.End), Known: p.Known, Measured: p.Measured}
		if p.Waited > 0 {
			r.Waited = finite(p.Waited)
		}
		x.Path = append(x.Path, r)
	}
	for i := range c.Unknowns {
		if u := &c.Unknowns[i]; u.Set != "capacity" { // changes no verdict of a cell
			x.Unknowns = append(x.Unknowns, g.unknown(u))
		}
	}
	return x
}

// finite prints a duration of the table; a part of forever is unknown as well.
func finite(d plans.Duration) string {
	if d >= plans.Forever/2 {
		return "?"
	}
	return d.String()
}

func (s *session) objective(c *plans.Cell) *plans.Objective {
	if n := s.nodes()[c.Node]; n != nil {
		for i := range n.Objectives {
			if n.Objectives[i].Class == c.Class {
				return &n.Objectives[i]
			}
		}
	}
	return nil
}

// explanations are the messages of the defects behind a cell, by scenario and
// node; those that only restate the verdict are left out.
func explanations(p *plans.Plan) map[[2]string][]string {
	out := map[[2]string][]string{}
	for i := range p.Findings {
		f := &p.Findings[i]
		if f.Scenario == "" || f.Class == "rto-unreachable" || f.Class == "rpo-unreachable" {
			continue
		}
		for _, n := range f.Nodes {
			k := [2]string{f.Scenario, n}
			out[k] = append(out[k], f.Message)
		}
	}
	return out
}

func (g *grid) accept(scenario string, c *plans.Cell, o *plans.Objective) {
	if o == nil || o.Accepted == nil {
		return
	}
	i := slices.IndexFunc(g.Accepted, func(a *accepted) bool { return a.Accepted == *o.Accepted })
	if i < 0 {
		i = len(g.Accepted)
		g.Accepted = append(g.Accepted, &accepted{Accepted: *o.Accepted, At: append(places{}, o.At...)})
	}
	a := g.Accepted[i]
	a.Nodes, a.Scenarios = addOnce(a.Nodes, c.Node), addOnce(a.Scenarios, scenario)
}

// addOnce keeps a small list sorted and without repetition.
func addOnce(list []string, s string) []string {
	i, ok := slices.BinarySearchFunc(list, s, cmp.Compare[string])
	if ok {
		return list
	}
	return slices.Insert(list, i, s)
}
