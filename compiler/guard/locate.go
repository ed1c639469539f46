package guard

import (
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// moduleFile is the file that makes a folder a fleet.
const moduleFile = "cue.mod/module.cue"

// finding turns what a rule said into a diagnostic: severity, help and the
// positions of its subject.
func (s *session) finding(rule *compiled, d *document, f *ruleFinding) *diag.Diagnostic {
	subject := f.Subject
	if d.linked != nil && subject.Cluster == "" {
		subject.Cluster = d.linked.Name
	}
	s.place(&subject)
	e := d.in(subject.Cluster).find(subject.Object)
	if e != nil && subject.Component == "" {
		subject.Component = e.component
	}
	out := &diag.Diagnostic{
		Code: rule.ID, Severity: s.severity(rule, subject, f), Message: f.Msg,
		Subject: subject, Notes: f.Notes, Help: f.Help, Unknown: f.Unknown,
	}
	for _, p := range f.At {
		out.At(p.Position, "%s", p.Text)
	}
	switch {
	case e != nil:
		d.atObject(out, e, subject.Path)
	case f.Subject.Node != "" && len(f.At) > 0: // the rule knows better than the declaration
	default:
		out.AtAll(s.atSpec(subject), "")
	}
	if len(out.Labels) == 0 { // what it is about is no longer there
		out.At(diag.Position{File: moduleFile}, "")
	}
	if len(out.Help) == 0 {
		out.Fix("%s", rule.Remediation)
	}
	s.fix(out, f)
	return out
}

// place fills in the cluster and component of a node, so that a waiver can be
// scoped by either.
func (s *session) place(subject *diag.Subject) {
	if subject.Node == "" || subject.Cluster != "" {
		return
	}
	cluster, name, _ := strings.Cut(subject.Node, "/")
	if c := s.in.Fleet.Units.Cluster(cluster); c != nil {
		subject.Cluster = cluster
		if component, _, _ := strings.Cut(name, "@"); component != "" {
			subject.Component = component
		}
	}
}

// atObject labels what set an object's field: the cluster's own value, a patch,
// a key of values, the line of a manifest. What it shows is proven (see
// render.Tracer). Else the finding says where the object was declared, and that
// it is not the line (DESIGN §6).
func (d *document) atObject(out *diag.Diagnostic, e *indexed, pointer string) {
	origin := e.object.Origin
	if t := d.trace(out.Subject.Cluster, e.object, pointer); len(t.Places) > 0 {
		out.Labels = append(out.Labels, t.Places...)
		if t.Path != pointer {
			out.Note("%s is not set; the line is that of %s", pointer, t.Path)
		}
		return
	}
	if origin.Pos.IsZero() {
		return
	}
	out.At(origin.Pos, "%s is declared here", e.key)
	switch {
	case pointer == "":
	case !origin.Exact:
		out.Note("what sets %s is not proven: only the object's origin is known, %s", pointer, origin.Pos)
	default:
		out.Note("the line of %s is not known; the object starts at %s", pointer, origin.Pos)
	}
}

func (d *document) trace(cluster string, o *object.Object, pointer string) object.Trace {
	if d.s.cfg.Locate == nil {
		return object.Trace{}
	}
	if d.locate == nil {
		d.locate = d.s.cfg.Locate()
	}
	return d.locate(cluster, o, pointer)
}

// atSpec returns the places that set a path of the spec. In a cluster it is
// that unit's; else the unit that knows the path best.
func (s *session) atSpec(subject diag.Subject) []diag.Position {
	u := s.in.Fleet.Units
	if subject.Path == "" {
		if c := u.Cluster(subject.Cluster); c != nil && subject.Component != "" {
			return c.Pos.At(ir.Pointer("components", subject.Component))
		}
		return nil
	}
	if subject.Cluster != "" {
		if c := u.Cluster(subject.Cluster); c != nil {
			return c.Pos.At(subject.Path)
		}
		return nil
	}
	return nearest(subject.Path, u)
}

// nearest asks the units that are not a cluster's: an exact position wins, then
// the deepest ancestor.
func nearest(pointer string, u *ir.Units) []diag.Position {
	var units []ir.Positions
	if u.Fleet != nil {
		units = append(units, u.Fleet.Pos)
	}
	if u.Recovery != nil {
		units = append(units, u.Recovery.Pos)
	}
	if u.Project != nil {
		units = append(units, u.Project.Pos)
	}
	for pointer := range ir.Holders(pointer) {
		for _, p := range units {
			if at := p.Exactly(pointer); len(at) > 0 {
				return at
			}
		}
	}
	return nil
}
