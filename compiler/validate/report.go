package validate

import (
	"cmp"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/yamlpos"
)

// maxLabels bounds the positions that one diagnostic shows.
const maxLabels = 5

// group is equal problems: the same slip in three containers, or in every
// object of a component, is one thing to fix.
type group struct {
	diagnostic *diag.Diagnostic
	places     int
	declared   bool
}

// part is what is said about one component. It can be kept, so its fields are
// exported.
type part struct {
	Evaluated int
	Diags     diag.List
	Uncovered []uncovered // sorted by kind
}

// uncovered is the objects of a kind without a schema.
type uncovered struct {
	Kind    string
	Objects int
	Labels  []diag.Label // of the first
}

// report joins the verdicts on one component, in input order, into counts and
// diagnostics.
func (v *run) report(items []item, verdicts []verdict) part {
	var out part
	kinds, groups := map[string]*uncovered{}, map[string]*group{}
	for i, it := range items {
		if !verdicts[i].evaluated {
			kind := it.object.APIVersion + " " + it.object.Kind
			if kinds[kind] == nil {
				kinds[kind] = &uncovered{Kind: kind}
			}
			kinds[kind].add(1, diag.Label{Position: it.object.Origin.Pos, Text: it.object.Key().String()})
			continue
		}
		out.Evaluated++
		slices.SortStableFunc(verdicts[i].problems, comparePlaces) // validators walk maps
		for _, p := range verdicts[i].problems {
			v.group(groups, it, p)
		}
	}
	for _, key := range sortedKeys(groups) {
		g := groups[key]
		if g.places > 1 {
			g.diagnostic.Note("%d places have this problem", g.places)
		}
		if g.declared {
			g.diagnostic.At(v.declared, "the version is declared here")
		}
		out.Diags.Add(g.diagnostic)
	}
	for _, kind := range sortedKeys(kinds) {
		out.Uncovered = append(out.Uncovered, *kinds[kind])
	}
	return out
}

func (u *uncovered) add(objects int, labels ...diag.Label) {
	u.Objects += objects
	u.Labels = append(u.Labels, labels[:min(len(labels), maxLabels-len(u.Labels))]...)
}

// join adds up what is said about the components of a cluster.
func (v *run) join(r *ir.Rendered, parts []part, list *diag.List) *ir.Validation {
	out := &ir.Validation{}
	kinds, first := map[string]*uncovered{}, map[string]string{}
	for i, p := range parts {
		out.Evaluated += p.Evaluated
		list.Add(p.Diags...)
		for _, u := range p.Uncovered {
			if kinds[u.Kind] == nil {
				kinds[u.Kind], first[u.Kind] = &uncovered{Kind: u.Kind}, r.Components[i].Name
			}
			kinds[u.Kind].add(u.Objects, u.Labels...)
		}
	}
	for _, kind := range sortedKeys(kinds) {
		u := kinds[kind]
		out.NotEvaluated = append(out.NotEvaluated, ir.Uncovered{Kind: kind, Objects: u.Objects})
		list.Add(v.notEvaluated(u).About(diag.Subject{Cluster: r.Cluster, Component: first[kind]}))
	}
	return out
}

// comparePlaces orders problems by path, list indexes by number.
func comparePlaces(a, b *problem) int {
	return slices.CompareFunc(a.path, b.path, func(x, y string) int {
		i, errX := strconv.Atoi(x)
		j, errY := strconv.Atoi(y)
		if errX == nil && errY == nil {
			return cmp.Compare(i, j)
		}
		return strings.Compare(x, y)
	})
}

// group adds a problem to the group of its equals.
func (v *run) group(groups map[string]*group, it item, p *problem) {
	key := groupKey(it, p)
	g := groups[key]
	if g == nil {
		d := &diag.Diagnostic{Code: p.code, Severity: p.severity, Message: p.message, Notes: p.notes, Help: p.help}
		d.About(diag.Subject{
			Cluster: it.cluster, Component: it.component,
			Object: it.object.Key().String(), Path: ir.Pointer(p.path...),
		})
		g = &group{diagnostic: d, declared: p.declared}
		groups[key] = g
	}
	if g.places++; g.places <= maxLabels {
		g.diagnostic.At(v.lines.at(it.object, p.path), "%s", it.object.Key())
	}
}

// groupKey is equal for problems that one edit, or one repeated edit, fixes:
// of one component, with one message but for list indexes.
func groupKey(it item, p *problem) string {
	path := make([]string, len(p.path))
	for i, t := range p.path {
		if _, err := strconv.Atoi(t); err == nil {
			t = "*"
		}
		path[i] = t
	}
	message := strings.ReplaceAll(p.message, dotted(p.path), "")
	if len(p.path) > 1 {
		message = strings.ReplaceAll(message, dotted(p.path[:len(p.path)-1]), "")
	}
	return strings.Join([]string{p.code, it.component, it.object.APIVersion, it.object.Kind, ir.Pointer(path...), message}, "\x00")
}

// notEvaluated tells of the objects of a kind without a schema.
func (v *run) notEvaluated(u *uncovered) *diag.Diagnostic {
	noun := "objects"
	if u.Objects == 1 {
		noun = "object"
	}
	d := diag.Notef(codeNotEvaluated, "%d %s of %s not evaluated: no schema", u.Objects, noun, u.Kind)
	for _, l := range u.Labels {
		d.At(l.Position, "%s", l.Text)
	}
	if v.release == nil {
		return d.Fix("declare a supported Kubernetes version")
	}
	return d.Fix("render the CustomResourceDefinition of the kind in this cluster: vendor it into the component that provides it")
}

// Lines finds the line of a field in the fleet's files, each of which it parses
// once, when something is wrong with what it says. It is safe for concurrent use.
type Lines struct {
	files fs.FS

	mu     sync.Mutex
	parsed map[string]*yamlpos.File
}

// NewLines reads the sources of a fleet, by the paths that origins name.
func NewLines(files fs.FS) *Lines { return &Lines{files: files, parsed: map[string]*yamlpos.File{}} }

// at returns the place of a field: its own where the file says what was
// applied, else that of the object's first line. What is absent has the place
// of what should hold it.
func (l *Lines) at(o *object.Object, path []string) diag.Position {
	pos := o.Origin.Pos
	if l == nil || !o.Origin.Exact || len(path) == 0 {
		return pos
	}
	file := l.file(pos.File)
	if file == nil {
		return pos
	}
	place, _ := file.Locate(o.Origin.Document, path)
	if place.Line == 0 {
		return pos
	}
	return diag.Position{File: pos.File, Line: place.Line, Column: place.Column, EndColumn: place.EndColumn}
}

// file parses a file once; one that cannot be read has no lines to show.
func (l *Lines) file(name string) *yamlpos.File {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, ok := l.parsed[name]
	if ok {
		return f
	}
	if text, err := fs.ReadFile(l.files, name); err == nil {
		if parsed, problem := yamlpos.Parse(text, yamlpos.Limits{}); problem == nil {
			f = parsed
		}
	}
	l.parsed[name] = f
	return f
}
