package guard

import (
	"strconv"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// alerts are the alert rules that any cluster renders.
func (d *document) alerts() (map[string]*ast.Term, error) {
	out, shared := []*ast.Term{}, map[object.FieldID][]alert{}
	for _, c := range d.s.in.Fleet.Clusters {
		r := d.s.rendered[c.Name]
		if r == nil {
			continue
		}
		cluster := ast.Item(ast.StringTerm("cluster"), ast.StringTerm(c.Name))
		for i := range r.Components {
			for _, o := range r.Components[i].Objects {
				if o.Kind == "PrometheusRule" {
					out = append(out, alertTerms(cluster, r.Components[i].Name, o, shared)...)
				}
			}
		}
	}
	return one("alerts", ast.ArrayTerm(out...), nil)
}

// alert is what an alert rule says, as the rest of an object whose first fields
// say where it is.
type alert [][2]*ast.Term

// alertTerms are the alerts of one object. What they say is converted once for all
// clusters that have them: a monitoring stack has a hundred and more.
func alertTerms(cluster [2]*ast.Term, component string, o *object.Object, shared map[object.FieldID][]alert) []*ast.Term {
	spec := o.Get("spec")
	id, has := o.Shares("spec", spec)
	alerts, known := shared[id]
	if !known || !has {
		alerts = alertsOf(spec)
	}
	if has {
		shared[id] = alerts
	}
	where := [][2]*ast.Term{
		cluster,
		ast.Item(ast.StringTerm("component"), ast.StringTerm(component)),
		ast.Item(ast.StringTerm("object"), ast.StringTerm(o.Key().String())),
	}
	out := make([]*ast.Term, len(alerts))
	for i, a := range alerts {
		out[i] = ast.ObjectTerm(append(where[:len(where):len(where)], a...)...)
	}
	return out
}

func alertsOf(spec any) []alert {
	var out []alert
	for i, g := range object.Slice(spec, "groups") {
		for k, r := range object.Slice(g, "rules") {
			name := object.String(r, "alert")
			if name == "" {
				continue
			}
			out = append(out, alert{
				ast.Item(ast.StringTerm("alert"), ast.StringTerm(name)),
				ast.Item(ast.StringTerm("path"), ast.StringTerm(ir.Pointer("spec", "groups", strconv.Itoa(i), "rules", strconv.Itoa(k)))),
				ast.Item(ast.StringTerm("severity"), ast.StringTerm(object.String(r, "labels", "severity"))),
				ast.Item(ast.StringTerm("runbook"), ast.StringTerm(object.String(r, "annotations", "runbook_url"))),
			})
		}
	}
	return out
}
