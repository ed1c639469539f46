package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/plans"
)

// Options of the text format. The zero value prints one screen without colours
// and without code frames.
type Options struct {
	// Color asks for ANSI colours. NO_COLOR and terminals are the caller's.
	Color bool
	// Width of the terminal in columns; 0 is 120.
	Width int
	// Lines is about one screen: what does not fit is one line a finding, then
	// a count. 0 is 40.
	Lines int
	// Verbose shows every finding, place, note and rule.
	Verbose bool
}

// printer writes into memory: output is all there or not at all.
type printer struct {
	Options
	bytes.Buffer
	gutter int
	files  map[string][]string
	hidden int // findings not shown in full
}

func (p *printer) print(s string)             { p.WriteString(s) }
func (p *printer) printf(f string, as ...any) { fmt.Fprintf(p, f, as...) }
func (p *printer) full() bool                 { return bytes.Count(p.Bytes(), []byte("\n")) >= p.Lines }

// Text writes a result for people: findings first, worst first, with code
// frames; then what was compiled and planned; the last line always says what
// was evaluated, waived, skipped and unknown.
func Text(w io.Writer, r *Result, o Options) error {
	p := newPrinter(o, r)
	p.findings(r.Diagnostics)
	p.waived(r.Diagnostics)
	p.change(r)
	p.rules(r.Rules)
	p.tests(r.Tests)
	p.totals(r)
	for _, c := range r.Changes {
		p.printf("%s\n", clean(c))
	}
	if r.Error != "" {
		p.printf("%s: %s\n", p.paint(red, "error"), strings.Join(paragraphs(r.Error), "\n  "))
	}
	p.last(r)
	_, err := w.Write(p.Bytes())
	return err
}

// Diagnostics writes the findings of a result and nothing else, for commands
// that evaluate no rules and end in a verdict of their own.
func Diagnostics(w io.Writer, r *Result, o Options) error {
	p := newPrinter(o, r)
	p.findings(r.Diagnostics)
	p.waived(r.Diagnostics)
	_, err := w.Write(p.Bytes())
	return err
}

func newPrinter(o Options, r *Result) *printer {
	if o.Width <= 0 {
		o.Width = 120
	}
	if o.Lines <= 0 {
		o.Lines = 40
	}
	return &printer{Options: o, files: r.lines()}
}

func (p *printer) findings(ds diag.List) {
	open := slices.DeleteFunc(slices.Clone(ds), func(d *diag.Diagnostic) bool { return d.Waived != nil || d.Old })
	gs := groups(open)
	if p.Verbose {
		gs = nil
		for _, d := range open {
			gs = append(gs, group{lead: d})
		}
	}
	left := p.inFull(gs)
	for i, g := range left {
		if !p.Verbose && i >= p.Lines/3 {
			n := 0
			for _, g := range left[i:] {
				n += 1 + len(g.more)
			}
			p.hidden += n
			p.printf("%s\n", p.paint(bold, fmt.Sprintf("and %s", count(n, "more finding"))))
			break
		}
		p.hidden += 1 + len(g.more)
		p.summary(g)
	}
	if p.hidden > 0 {
		p.print("all of them: --verbose\n")
	}
	if len(gs) > 0 {
		p.print("\n")
	}
}

// inFull prints groups until the screen is full, and returns the rest. The
// first is always printed; notes are one line each when something is worse.
func (p *printer) inFull(gs []group) []group {
	for i, g := range gs {
		quiet := g.lead.Severity == diag.Note && gs[0].lead.Severity > diag.Note
		if i > 0 && !p.Verbose && (p.full() || quiet) {
			p.print("\n")
			return gs[i:]
		}
		if i > 0 {
			p.print("\n")
		}
		p.diagnostic(g)
	}
	return nil
}

func (p *printer) head(d *diag.Diagnostic) string {
	word := d.Severity.String()
	if d.Code != "" {
		word += "[" + clean(d.Code) + "]"
	}
	lines := paragraphs(d.Message)
	return p.paint(severityStyle[d.Severity], word) + p.paint(bold, ": "+strings.Join(lines, "\n  "))
}

func (p *printer) diagnostic(g group) {
	d := g.lead
	p.print(p.head(d) + "\n")
	p.gutter = 1
	p.frames(d)
	if s := subject(d.Subject); s != "" {
		p.aside("in", s)
	}
	for _, n := range d.Notes {
		p.aside("note", n)
	}
	if d.Unknown {
		p.aside("unknown", "neither proven nor refuted; the help names what would settle it")
	}
	if d.ValidUntil != "" {
		p.aside("valid until", d.ValidUntil)
	}
	for _, h := range d.Help {
		p.aside("help", h)
	}
	if d.Code != "" && !strings.Contains(d.Code, ".") { // main.deny_x: a user's rule has its text in its policy
		p.aside("explain", "darkstart explain "+d.Code)
	}
	if n := len(g.more); n > 0 {
		at := places(g.more, 3)
		if at != "" {
			at = ": " + at
		}
		p.printf("%s %s and %d more like this%s\n", strings.Repeat(" ", p.gutter), p.paint(gutter, "="), n, at)
		p.hidden += n
	}
}

// places lists the first n places, then dots.
func places(ds []*diag.Diagnostic, n int) string {
	var out []string
	for _, d := range ds {
		if w := where(d); w != "" && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	if len(out) > n {
		return strings.Join(out[:n], ", ") + ", …"
	}
	return strings.Join(out, ", ")
}

// aside prints one fact below a frame; more lines of it are indented alike.
func (p *printer) aside(kind, text string) {
	pad := strings.Repeat(" ", p.gutter)
	for i, l := range paragraphs(text) {
		if i == 0 {
			p.printf("%s %s %s: %s\n", pad, p.paint(gutter, "="), p.paint(bold, kind), l)
			continue
		}
		p.printf("%s   %s  %s\n", pad, strings.Repeat(" ", len(kind)), l)
	}
}

// summary prints a group in one line.
func (p *printer) summary(g group) {
	p.print(p.head(g.lead))
	all := append([]*diag.Diagnostic{g.lead}, g.more...)
	if w := places(all, 2); w != "" {
		p.printf(" (%s)", w)
	}
	p.print("\n")
}

// waived lists what somebody accepted: never green, never hidden (D10).
func (p *printer) waived(ds diag.List) {
	byID := map[string][]*diag.Diagnostic{}
	var ids []string
	for _, d := range ds {
		if d.Waived == nil {
			continue
		}
		id := d.Code + "\x00" + d.Waived.ID
		if byID[id] == nil {
			ids = append(ids, id)
		}
		byID[id] = append(byID[id], d)
	}
	for _, id := range ids {
		all := byID[id]
		d, w := all[0], all[0].Waived
		p.printf("%s%s\n", p.paint(green, "waived["+clean(d.Code)+"]"), p.paint(bold, ": "+clean(oneLine(d.Message))))
		if n := len(all) - 1; n > 0 {
			p.printf("  = and %d more under the same waiver: %s\n", n, places(all[1:], 3))
		}
		p.printf("  = by %s until %s: %s", clean(w.Owner), clean(w.Expires), clean(oneLine(w.Reason)))
		if at := w.At.String(); at != "" {
			p.printf(" (%s)", clean(at))
		}
		p.print("\n")
	}
	if len(ids) > 0 {
		p.print("\n")
	}
}

func oneLine(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\r' || r == '\n' }), " ")
}

// rules prints the table of rules, when asked for.
func (p *printer) rules(r *Rules) {
	if r == nil || !p.Verbose || len(r.Results) == 0 {
		return
	}
	for _, x := range r.Results {
		what := fmt.Sprintf("%d evaluated, %s, %d waived", x.Evaluated, count(x.Findings, "finding"), x.Waived)
		if x.Excepted > 0 {
			what += fmt.Sprintf(", %d excepted", x.Excepted)
		}
		if x.Skipped != "" {
			what = "skipped: " + clean(oneLine(x.Skipped))
		} else if x.Evaluated == 0 {
			what = "skipped: nothing to evaluate"
		}
		p.printf("%-6s %s\n", clean(x.ID), what)
	}
	p.print("\n")
}

func (p *printer) totals(r *Result) {
	if f := r.Fleet; f != nil {
		p.printf("%s, %s, %s", count(len(f.Clusters), "cluster"), count(f.Components, "component"), count(f.Objects, "object"))
		n := 0
		for _, u := range f.NotValidated {
			n += u.Objects
		}
		if n > 0 {
			p.printf("; %s without a schema, not validated: %s", count(n, "object"), kinds(f, 3))
		}
		if n := len(f.Skipped); n > 5 && !p.Verbose {
			p.printf("; not compiled: %s and %s", clean(strings.Join(f.Skipped[:4], ", ")), count(n-4, "other"))
		} else if n > 0 {
			p.printf("; not compiled: %s", clean(strings.Join(f.Skipped, ", ")))
		}
		p.print("\n")
	}
	if pl := r.Plan; pl != nil {
		p.printf("%s, %s: %s\n", count(pl.Scenarios, "scenario"), count(pl.Coverage.Objectives, "objective"), verdicts(pl))
	}
	p.artifacts(r.Artifacts)
	if s := r.Shard; s != nil {
		p.printf("shard %d/%d: %s in %s@%s\n", s.Index, s.Count, count(s.Results, "result"), clean(s.Reference), s.Digest)
	}
}

// artifacts names each bundle by its manifest digest: that is what clusters
// pin and what a signature is about. The content digest, which stays the same
// from release to release of unchanged content, is labelled.
func (p *printer) artifacts(as []Artifact) {
	if len(as) == 0 {
		return
	}
	p.print("\n")
	names, states := 0, 0
	for _, a := range as {
		names, states = max(names, len(clean(a.Name))), max(states, len(state(a)))
	}
	where := ""
	for _, a := range as {
		id := string(a.Manifest)
		if id == "" {
			id = "not sealed"
		}
		p.printf("%-*s  %-*s  %s  content %s\n", names, clean(a.Name), states, state(a), id, a.Content.Short())
		if a.Path != "" {
			where = a.Path
		}
		if strings.HasPrefix(where, "oci://") { // a repository for each bundle
			where = strings.TrimSuffix(where, "/"+a.Name)
		}
	}
	if where != "" {
		p.printf("in %s\n", clean(where))
	}
	p.print("\n")
}

func state(a Artifact) string {
	if a.Serial == 0 {
		return "candidate"
	}
	return fmt.Sprintf("serial %d", a.Serial)
}

func kinds(f *Fleet, n int) string {
	var out []string
	for _, u := range f.NotValidated {
		out = append(out, clean(u.Kind))
	}
	if len(out) > n {
		return strings.Join(out[:n], ", ") + ", …"
	}
	return strings.Join(out, ", ")
}

// verdicts prints counts from the best to the worst; none is left out.
func verdicts(pl *Plan) string {
	m := pl.Verdicts
	var out []string
	for _, v := range []plans.Verdict{plans.Proven, plans.Unaffected, plans.AcceptedV, plans.UnknownV, plans.Violated, plans.Unrecoverable} {
		if n := m[v]; n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, v))
		}
	}
	if len(out) == 0 {
		return "recovery was not judged"
	}
	if n := pl.Coverage.NotEvaluated; n > 0 {
		out = append(out, fmt.Sprintf("%d not evaluated", n))
	}
	return strings.Join(out, ", ")
}

// last prints the line that a log reader greps for.
func (p *printer) last(r *Result) {
	if r.Tests != nil {
		p.lastTests(r)
		return
	}
	s, x := r.Summary, r.Rules
	verdict := count(s.Errors, "error") + ", " + count(s.Warnings, "warning")
	st := green
	switch {
	case r.ExitCode != 0 || s.Errors > 0 || r.Error != "":
		st = red
	case s.Warnings > 0:
		st = yellow
	}
	rules := "no rules evaluated"
	if x != nil {
		rules = fmt.Sprintf("%s evaluated, %d skipped", count(x.Evaluated, "rule"), x.Skipped)
	}
	p.printf("%s; %s; %s waived, %d unknown\n", p.paint(st, verdict), rules, count(s.Waived, "finding"), s.Unknown)
}

// count prints "1 rule" or "2 rules".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
