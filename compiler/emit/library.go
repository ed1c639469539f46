package emit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/darkstart-dev/darkstart/compiler/emit/runbook"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

// Page is one compiled runbook and what it is about. The index has neither
// scenario nor cluster.
type Page struct {
	*runbook.Runbook
	Scenario string // scenario id
	Target   string // service or store; "" for a cluster's bootstrap
	Cluster  string // of a bootstrap
	Verdict  plans.Verdict
}

// Tally counts the objects that the commands of the runbooks name.
type Tally struct{ Present, Runtime, NotChecked, Contradicted int }

// Runbooks compiles every runbook of a fleet: one for each cluster's bootstrap,
// one for each scenario and each service or store with an objective that it
// takes down, and the index of all. Their order is that of clusters and plan.
// What commands name and no cluster can have is a warning (EMT003).
func Runbooks(f *ir.Fleet, p *plans.Plan) ([]Page, Tally, diag.List) {
	l := newLibrary(f, p)
	var out []Page
	for _, c := range f.Clusters {
		if o, ds := orderOf(c, p); !ds.HasErrors() && o.recovery != nil {
			out = append(out, l.bootstrap(c, o))
		}
	}
	l.recoveries(func(p *Page) { out = append(out, *p) })
	out = append(out, l.index(out))
	return out, l.tally(), l.findings()
}

// library holds what all runbooks of a fleet are compiled from.
type library struct {
	f       *ir.Fleet
	p       *plans.Plan
	nodes   map[string]*plans.Node
	domains map[string]*plans.Domain
	actors  map[string]*plans.Actor
	procs   map[string]*plans.Procedure
	steps   map[string]*plans.Step // by "procedure/step"

	shared shared

	mu        sync.Mutex        // of what follows
	inventory map[string]*known // by cluster, made when first needed
	// judged remembers what each command names, so that a step of a hundred
	// runbooks is read once. The key is the cluster and the command.
	judged map[string][]judged
	diags  map[string]*diag.Diagnostic
}

func newLibrary(f *ir.Fleet, p *plans.Plan) *library {
	l := &library{
		f: f, p: p, steps: map[string]*plans.Step{},
		nodes:     byID(f.Model.Nodes, func(n *plans.Node) string { return n.ID }),
		domains:   byID(f.Model.Domains, func(d *plans.Domain) string { return d.ID }),
		actors:    byID(f.Model.Actors, func(a *plans.Actor) string { return a.ID }),
		procs:     byID(f.Model.Procedures, func(p *plans.Procedure) string { return p.ID }),
		inventory: map[string]*known{}, judged: map[string][]judged{}, diags: map[string]*diag.Diagnostic{},
	}
	for _, proc := range l.procs {
		for j := range proc.Steps {
			l.steps[proc.ID+"/"+proc.Steps[j].ID] = &proc.Steps[j]
		}
	}
	return l
}

func byID[T any](list []T, id func(*T) string) map[string]*T {
	out := make(map[string]*T, len(list))
	for i := range list {
		out[id(&list[i])] = &list[i]
	}
	return out
}

// check returns what a command names in a cluster, with what is known of it.
func (l *library) check(command, cluster, about string, at []diag.Position) []judged {
	key := cluster + "\x00" + command
	if js, ok := l.judged[key]; ok {
		return js
	}
	js := []judged{}
	for _, t := range targets(command) {
		j := judged{target: t, cluster: cmp.Or(t.context, cluster)}
		switch c := l.f.Cluster(j.cluster); {
		case j.cluster == "":
			j.standing, j.why = unjudged, "the step names no cluster"
		case c == nil:
			j.standing, j.why = unjudged, "the cluster is not part of this fleet"
		default:
			if l.inventory[c.Name] == nil {
				l.inventory[c.Name] = newKnown(c)
			}
			j.standing, j.why, j.nearest = l.inventory[c.Name].judge(t)
		}
		if j.standing == contradicted {
			l.contradict(&j, about, at)
		}
		js = append(js, j)
	}
	l.judged[key] = js
	return js
}

func (l *library) contradict(j *judged, about string, at []diag.Position) {
	d := diag.Warningf("EMT003", "%s names %s, but %s", about, j, j.why).AtAll(at, "named here").About(diag.Subject{Cluster: j.cluster})
	switch {
	case j.nearest != "":
		d.Fix("did you mean %q? What exists only at run time is declared with `creates` in its component", j.nearest)
	default:
		d.Fix("correct the command, or declare with `creates` in its component what exists only at run time")
	}
	l.diags[d.Message] = d
}

func (l *library) findings() diag.List {
	var ds diag.List
	for _, d := range l.diags {
		ds.Add(d)
	}
	return ds.Sorted()
}

func (l *library) tally() Tally {
	var t Tally
	for _, js := range l.judged {
		for _, j := range js {
			switch j.standing {
			case present:
				t.Present++
			case runtime:
				t.Runtime++
			case contradicted:
				t.Contradicted++
			default:
				t.NotChecked++
			}
		}
	}
	return t
}

// runbookPath is the place of a runbook without its extension. It is a function
// of the two ids alone, so that a page keeps its address when others come and
// go: "/" becomes ".", "/@" becomes "_", and where that could meet another id,
// or be too long, a digest of the ids joins it.
func runbookPath(scenario, target string) string {
	slug := func(id string) string {
		return strings.ReplaceAll(strings.ReplaceAll(id, "/@", "_"), "/", ".")
	}
	odd := strings.ContainsFunc(scenario+target, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '/' || r == '@')
	}) || strings.Contains(strings.ReplaceAll(target, "/@", ""), "@") || strings.Contains(scenario, "@")
	dir, name := slug(scenario), slug(target)
	const limit = maxPath - len("runbooks//.html")
	if !odd && len(dir)+len(name) <= limit {
		return "runbooks/" + dir + "/" + name
	}
	safe := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
				return r
			}
			return '-'
		}, strings.ToLower(s))
	}
	sum := digest.Of([]byte(scenario + "\x00" + target)).Short()
	room := (limit - len(sum) - 1) / 2
	dir, name = safe(dir), safe(name)
	return "runbooks/" + dir[:min(len(dir), room)] + "/" + name[:min(len(name), room)] + "-" + sum
}

// team returns a team of the fleet.
func (l *library) team(name string) (spec.Team, bool) {
	if l.f.Units.Fleet == nil {
		return spec.Team{}, false
	}
	t, ok := l.f.Units.Fleet.Spec.Teams[name]
	return t, ok
}

// contact is who to call and how, in one line.
func (l *library) contact(name string) runbook.Text {
	if name == "" {
		return nil
	}
	out := runbook.B(name)
	if t, ok := l.team(name); ok && t.Contact != "" {
		out = append(out, runbook.T(" "+t.Contact)...)
	}
	return out
}

// duration prints an interval and where it comes from (D7).
func duration(i plans.Interval, known bool, m *plans.Measured) string {
	if !known {
		return "not declared"
	}
	return span(i) + " (" + provenance(known, m) + ")"
}

func provenance(known bool, m *plans.Measured) string {
	switch {
	case m != nil:
		return fmt.Sprintf("measured, n=%d, p90 %s, %s", m.N, short(m.P90), m.Age)
	case known:
		return "estimated"
	}
	return "not declared"
}

// span prints an interval for people.
func span(i plans.Interval) string {
	if short(i.Lo) == short(i.Hi) {
		return short(i.Lo)
	}
	return short(i.Lo) + "…" + short(i.Hi)
}

// short rounds up to what a person acts on: seconds, and minutes above ten of
// them.
func short(d plans.Duration) string {
	if d >= plans.Forever {
		return "no end"
	}
	unit := plans.Millisecond
	switch {
	case d >= 10*plans.Minute:
		unit = plans.Minute
	case d >= 10*plans.Second:
		unit = plans.Second
	}
	return ((d + unit - 1) / unit * unit).String()
}

// leaves lists the nodes that a requirement names, sorted.
func leaves(r plans.Requirement) []string {
	var out []string
	var walk func(plans.Requirement)
	walk = func(r plans.Requirement) {
		if r.Op == plans.Ref {
			out = append(out, r.Node)
		}
		for _, k := range r.Of {
			walk(k)
		}
	}
	walk(r)
	slices.Sort(out)
	return slices.Compact(out)
}

// places says where a node stands.
func (l *library) places(n *plans.Node) string {
	if n.Cluster != "" && (n.Kind == plans.KindComponent || n.Kind == plans.KindPart || n.Kind == plans.KindAPI) {
		return "cluster " + n.Cluster
	}
	var out []string
	for _, r := range n.Replicas {
		switch {
		case r.In != "":
			out = append(out, "in "+r.In)
		case len(r.Domains) > 0:
			out = append(out, strings.Join(r.Domains, " + "))
		}
	}
	if n.Quorum > 1 {
		return fmt.Sprintf("%d of: %s", n.Quorum, strings.Join(out, ", "))
	}
	return strings.Join(slices.Compact(out), ", ")
}

// listed prints up to max names and counts the rest.
func listed(names []string, max int) runbook.Text {
	if len(names) <= max {
		return runbook.Codes(names)
	}
	return runbook.Join(runbook.Codes(names[:max]), runbook.T(fmt.Sprintf(" and %d more", len(names)-max)))
}

// count prints a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if s, ok := strings.CutSuffix(noun, "y"); ok {
		return fmt.Sprintf("%d %sies", n, s)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
