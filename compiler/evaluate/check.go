package evaluate

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

// check judges what a closed CUE struct cannot say in words that help: the
// order of an interval's ends, and alternatives of which exactly one is set.
func check(v any, pos ir.Positions, f *folder) diag.List {
	c := &checker{pos: pos, folder: f}
	c.walk(reflect.ValueOf(v), "")
	return c.diags
}

type checker struct {
	pos    ir.Positions
	folder *folder
	diags  diag.List
}

// walk visits every value by the names it has in JSON, in a fixed order.
func (c *checker) walk(v reflect.Value, pointer string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			c.walk(v.Elem(), pointer)
		}
	case reflect.Struct:
		c.value(v.Interface(), pointer)
		c.fields(v, pointer)
	case reflect.Map:
		for _, k := range mapKeys(v) {
			c.walk(v.MapIndex(k), pointer+ir.Pointer(k.String()))
		}
	case reflect.Slice:
		for i := range v.Len() {
			c.walk(v.Index(i), pointer+"/"+strconv.Itoa(i))
		}
	}
}

func (c *checker) fields(v reflect.Value, pointer string) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous:
			c.fields(v.Field(i), pointer)
		case name != "" && name != "-":
			c.walk(v.Field(i), pointer+ir.Pointer(name))
		}
	}
}

func mapKeys(v reflect.Value) []reflect.Value {
	byName := map[string]reflect.Value{}
	for _, k := range v.MapKeys() {
		byName[k.String()] = k
	}
	var out []reflect.Value
	for _, n := range sortedKeys(byName) {
		out = append(out, byName[n])
	}
	return out
}

func (c *checker) value(v any, p string) {
	switch x := v.(type) {
	case plans.Interval:
		if x.Lo > x.Hi {
			c.add(p, "EVL026", "%s begins with %s, which is longer than its end %s", x.Lo, x.Hi).
				Fix("write the shorter duration first: [%q, %q]", x.Hi.String(), x.Lo.String())
		}
	case spec.Rates:
		if t, err := x.Time(1 << 20); err == nil && t.Lo > t.Hi {
			c.add(p, "EVL026", "%s begins with %s, which is faster than its end %s", x.Slow, x.Fast).
				Fix("write the slower rate first: [%q, %q]", string(x.Fast), string(x.Slow))
		}
	case spec.Source:
		c.oneOf(p, map[string]bool{"kustomize": x.Kustomize != "", "helm": x.Helm != nil, "yaml": x.YAML != ""})
	case spec.ControlPlane:
		c.oneOf(p, map[string]bool{"managed": x.Managed != "", "self": x.Self != nil})
	case spec.Requires:
		if len(x.Not) > 0 && x.Because == "" {
			c.add(p+"/not", "EVL027", "%s overrides derived edges without a reason").
				Fix("say why they do not hold, for example: because: \"preloaded on every node\"")
		}
	case spec.Objective:
		if x.Accepted != nil && (x.RTO != nil || x.RPO != nil) {
			c.add(p, "EVL027", "%s has both accepted and a target").
				Fix("keep rto and rpo, or accept the loss; not both")
		}
	case spec.Etcd:
		if (x.Init == "restore") != (x.From != "") {
			c.add(p, "EVL027", "%s must name a snapshot in from exactly when init is \"restore\"").
				Fix("for example: {init: \"restore\", from: \"etcd-snapshots\"}")
		}
	case spec.Cluster:
		c.phases(x, p)
	case spec.Step:
		c.formula(x, p)
	case spec.Trust:
		if len(x.Release) == 0 {
			c.add(p+"/release", "EVL027", "%s names nobody, so no release can ever be verified").
				Fix("name the public key that releases are signed with: release: main: key: \"keys/release.pub\"")
		}
	case spec.Signatory:
		c.oneOf(p, map[string]bool{"key": x.Key != "", "identity": x.Identity != nil})
		if x.Streams != nil && len(x.Streams) == 0 {
			c.add(p+"/streams", "EVL027", "%s is empty, so the signatory counts for nothing").
				Fix("list the streams that it counts for, or leave the field out for all")
		}
	case spec.TrustedIdentity:
		c.oneOf(p, map[string]bool{"subject": x.Subject != "", "subjectPattern": x.SubjectPattern != ""})
		c.oneOf(p, map[string]bool{"issuer": x.Issuer != "", "issuerPattern": x.IssuerPattern != ""})
	case spec.Evidence:
		if x.Scenario == "" && len(x.Scope) == 0 {
			c.add(p, "EVL027", "%s says neither which scenario it exercised nor what had failed").
				Fix("add the scenario, or the scope: the domains and nodes that were taken away")
		}
	}
}

// formula refuses two ways to say how long one step takes.
func (c *checker) formula(s spec.Step, p string) {
	if s.Rate != nil && s.Duration != nil {
		c.add(p+"/rate", "EVL027", "%s stands beside a duration: each says how long the step takes").
			Fix("keep rate when the work is limited by a rate, and duration when each unit takes a time of its own")
	}
	if s.Bytes != "" && s.Link == "" {
		c.add(p+"/bytes", "EVL027", "%s are moved over no link, so they take no known time").
			Fix("name the link that they are moved over, or write a duration instead")
	}
}

// phases refuses two phases of one name and a component in a phase that the
// cluster does not list.
func (c *checker) phases(cl spec.Cluster, p string) {
	var names []string
	seen := map[string]bool{}
	for i, ph := range cl.Phases {
		if seen[ph.Name] {
			c.add(p+"/phases/"+strconv.Itoa(i)+"/name", "EVL027", "%s: phase %q is listed twice", ph.Name).Fix("give each phase its own name")
			continue
		}
		seen[ph.Name] = true
		names = append(names, ph.Name)
	}
	if len(names) == 0 {
		names, seen["all"] = []string{"all"}, true
	}
	for _, n := range sortedKeys(cl.Components) {
		if ph := cl.Components[n].Phase; ph != "" && !seen[ph] {
			d := c.add(p+ir.Pointer("components", n, "phase"), "EVL027", "%s: the cluster has no phase %q", ph)
			if near := diag.Nearest(ph, names); near != "" {
				d.Fix("did you mean %q", near)
			}
			d.Fix("phases of the cluster: %s", strings.Join(names, ", "))
		}
	}
}

func (c *checker) oneOf(p string, set map[string]bool) {
	names := sortedKeys(set)
	var have []string
	for _, n := range names {
		if set[n] {
			have = append(have, n)
		}
	}
	if len(have) == 1 {
		return
	}
	got := "none"
	if len(have) > 1 {
		got = strings.Join(have, " and ")
	}
	d := c.add(p, "EVL027", "%s needs exactly one of %s, and has %s", strings.Join(names, ", "), got)
	for _, n := range have {
		d.AtAll(c.pos.At(p + "/" + n)[:min(1, len(c.pos.At(p+"/"+n)))], "%s", n)
	}
	d.Fix("keep one of %s", strings.Join(names, ", "))
}

// add makes a diagnostic whose message begins with the dotted path.
func (c *checker) add(p, code, format string, args ...any) *diag.Diagnostic {
	e := &evaluation{folder: c.folder}
	data := tokens(p)
	d := diag.Errorf(code, format, append([]any{dotted(data)}, args...)...).About(e.subject(data))
	d.AtAll(c.pos.At(p), "here")
	if len(d.Labels) == 0 {
		d.At(diag.Position{File: c.folder.dir}, "")
	}
	c.diags.Add(d)
	return d
}

// tokens takes a JSON pointer apart.
func tokens(p string) []string {
	if p == "" {
		return nil
	}
	out := strings.Split(p[1:], "/")
	for i, t := range out {
		out[i] = strings.ReplaceAll(strings.ReplaceAll(t, "~1", "/"), "~0", "~")
	}
	return out
}
