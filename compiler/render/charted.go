package render

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/yamlpos"
)

// charted finds what wrote a field of a chart's object: a key of the values,
// the fleet's or the chart's own, and the line of a template.
func (q *question) charted() []diag.Label {
	chart := path.Clean(q.component.Source.Helm.Chart)
	if len(q.leaf) > len(q.path) {
		if line, ok := q.template(chart); ok {
			return []diag.Label{line}
		}
		return nil
	}
	var cs []candidate
	for _, v := range leavesOf(q.component.Source.Helm.Values, nil) {
		c := q.declared(v.value, append([]string{"source", "helm", "values"}, v.path...)...)
		c.at.Text = "the fleet sets " + strings.Join(v.path, ".")
		cs = append(cs, c)
	}
	for _, name := range q.defaults(chart) {
		for _, c := range q.scalars(name) {
			c.at.Text = "the chart's default of " + strings.Join(c.path, ".")
			cs = append(cs, c)
		}
	}
	switches := q.switches(cs)
	out := q.prove(cs)
	if len(out) == 0 {
		out = q.decided(switches)
	}
	if line, ok := q.template(chart); ok {
		out = append(out, line)
	}
	return out
}

// leaf is a scalar of plain values.
type leaf struct {
	path  []string
	value any
}

func leavesOf(v any, at []string) []leaf {
	below := func(k string) []string { return append(slices.Clone(at), k) }
	var out []leaf
	switch x := v.(type) {
	case map[string]any:
		for _, k := range sorted(x) {
			out = append(out, leavesOf(x[k], below(k))...)
		}
	case []any:
		for i, e := range x {
			out = append(out, leavesOf(e, below(strconv.Itoa(i)))...)
		}
	case nil:
	default:
		out = append(out, leaf{at, object.Normalize(v)})
	}
	return out
}

// defaults lists the values files of a chart and its subcharts. A chart that is
// an archive has none with lines.
func (q *question) defaults(chart string) []string {
	return q.source("values "+chart, func() []string {
		return q.chartFiles(chart, func(name string) bool {
			return path.Base(name) == "values.yaml" && !strings.Contains(name, "/templates/")
		})
	})
}

func (q *question) chartFiles(chart string, want func(string) bool) []string {
	var out []string
	for _, e := range q.tree.Files(chart) {
		if want(e.Path) {
			out = append(out, e.Path)
		}
	}
	return out
}

// maxSwitches bounds the values that are tried because of their names alone.
const maxSwitches = 4

// switches are the boolean values that share a word with the field's path: of
// a field that no value reaches, one may decide whether it is there.
func (q *question) switches(cs []candidate) []candidate {
	var out []candidate
	for _, c := range cs {
		if _, isBool := c.value.(bool); isBool && len(out) < maxSwitches && shares(c.path, q.leaf) {
			out = append(out, c)
		}
	}
	return out
}

func shares(a, b []string) bool {
	return slices.ContainsFunc(a, func(t string) bool { return len(t) > 3 && slices.Contains(b, t) })
}

// decided returns the switch that makes the field another or none.
func (q *question) decided(cs []candidate) []diag.Label {
	q.left = max(q.left, maxSwitches)
	for _, c := range cs {
		for _, to := range others(c.value) {
			ch, ok := c.edit(to)
			if !ok {
				continue
			}
			o := q.try(ch)
			if o == nil {
				continue
			}
			if v, depth := object.At(o.Content(), q.leaf); depth < len(q.leaf) || text(v) != text(q.value) {
				c.at.Text += ", which decides it"
				return []diag.Label{c.at}
			}
		}
	}
	return nil
}

// maxLines bounds the lines of templates that are tried for one field.
const maxLines = 6

// template finds the line of a template that writes the field: what follows its
// key there is replaced by a text, and the field becomes that text.
func (q *question) template(chart string) (diag.Label, bool) {
	key := q.leaf[len(q.leaf)-1]
	if _, err := strconv.Atoi(key); err == nil {
		return diag.Label{}, false
	}
	keyed := regexp.MustCompile(`^\s*(?:- )?["']?` + regexp.QuoteMeta(key) + `["']?:[ \t]+(\S.*?)\s*$`)
	tried := 0
	for _, name := range q.templates(chart) {
		for _, at := range q.lines(name, keyed) {
			if tried++; tried > maxLines {
				return diag.Label{}, false
			}
			q.left = max(q.left, 1)
			o := q.try(change{file: name, at: at, write: `"` + marker + `"`})
			if o == nil {
				continue
			}
			if v, depth := object.At(o.Content(), q.leaf); depth == len(q.leaf) && v == marker {
				return label(name, at, "the template writes it here"), true
			}
		}
	}
	return diag.Label{}, false
}

// templates lists the templates of a chart: that of the object first, then
// those that others include.
func (q *question) templates(chart string) []string {
	own := q.object.Origin.Pos.File
	helpers := q.source("helpers "+chart, func() []string {
		return q.chartFiles(chart, func(name string) bool { return path.Ext(name) == ".tpl" })
	})
	if _, isFile := q.tree.Lookup(chart); isFile {
		return nil
	}
	return append([]string{own}, helpers...)
}

// lines returns what follows a key on the lines of a template. Those below the
// line that names the object's kind come first.
func (q *question) lines(name string, keyed *regexp.Regexp) []yamlpos.Place {
	b, err := q.tree.ReadFile(name)
	if err != nil {
		return nil
	}
	var below, above []yamlpos.Place
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		m := keyed.FindStringSubmatchIndex(strings.TrimRight(line, "\r\n"))
		if m == nil {
			continue
		}
		at := yamlpos.Place{Line: n, Column: m[2] + 1, EndColumn: m[3] + 1}
		if q.object.Origin.Pos.File == name && n < q.object.Origin.Pos.Line {
			above = append(above, at)
		} else {
			below = append(below, at)
		}
	}
	return append(below, above...)
}
