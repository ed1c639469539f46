package helm

import (
	"regexp"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/render/yaml"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// separator is Helm's own: wider than YAML's, and charts rely on that.
var separator = regexp.MustCompile(`(?:^|\s*\n)---\s*`)

// decode turns the output of one template into objects. Their place is the
// line of the template that names their kind: the output has no lines that
// the user could look at.
func (r *renderer) decode(out *output, t text) {
	file := r.source.locate(t.template)
	var objects []*object.Object
	for i, doc := range separator.Split(t.body, -1) {
		if strings.TrimSpace(doc) == "" {
			continue
		}
		os, ds := yaml.Decode(file, []byte(doc), r.limits)
		for _, o := range os {
			o.Origin.Document = i
		}
		for _, d := range ds {
			r.relocate(d, file, t, i)
		}
		objects = append(objects, os...)
		out.diags.Add(ds...)
	}
	lines := r.kindLines(t.template)
	used := map[string]int{}
	for _, o := range objects {
		at := diag.Position{File: file}
		if !r.source.archive {
			at.Line = pick(lines[o.Kind], used[o.Kind])
		}
		used[o.Kind]++
		o.Origin.Pos, o.Origin.Exact, o.Origin.Within = at, false, ""
	}
	out.objects = append(out.objects, objects...)
}

// relocate moves a diagnostic from the output to the template.
func (r *renderer) relocate(d *diag.Diagnostic, file string, t text, document int) {
	line := d.Primary().Line
	at := diag.Position{File: file}
	if !r.source.archive {
		at.Line = 1
	}
	d.Labels = []diag.Label{{Position: at, Text: "rendered from this template"}}
	d.Note("in document %d of its output, line %d", document, line)
	if docs := separator.Split(t.body, -1); document < len(docs) {
		if lines := strings.Split(docs[document], "\n"); line >= 1 && line <= len(lines) {
			d.Note("the line reads: %s", strings.TrimSpace(lines[line-1]))
		}
	}
}

var kindLine = regexp.MustCompile(`^kind:\s*["']?([A-Za-z]+)`)

// kindLines maps each kind to the lines of a template that name it.
func (r *renderer) kindLines(template string) map[string][]int {
	out := map[string][]int{}
	n := 0
	for line := range strings.Lines(string(r.source.byName[r.source.inside(template)])) {
		n++
		if m := kindLine.FindStringSubmatch(line); m != nil {
			out[m[1]] = append(out[m[1]], n)
		}
	}
	return out
}

// pick returns the i-th line, or the last one: a loop names a kind once and
// prints it often. A kind that is computed has no line, so the first.
func pick(lines []int, i int) int {
	if len(lines) == 0 {
		return 1
	}
	return lines[min(i, len(lines)-1)]
}
