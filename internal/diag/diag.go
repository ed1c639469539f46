// Package diag is the one shape of everything Darkstart tells a user.
//
// A problem of the user's input is a Diagnostic: a stable code, every position
// that contributed, the subject it is about, and the fix. A problem of the
// environment (a disk, a network, a bug) is an ordinary error. The split is
// decision D5; exit codes and pull-request annotations depend on it.
//
// A guardrail's finding is a Diagnostic too: its code is the rule's id. So one
// renderer, one sort order and one JSON schema serve every stage.
package diag

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says what a diagnostic does to the exit code. The order is
// ascending: a threshold is a comparison.
type Severity int

const (
	// Note informs; it never fails a run.
	Note Severity = iota
	// Warning fails a run under --fail-on warning.
	Warning
	// Error fails a run by default.
	Error
)

var severityNames = [...]string{"note", "warning", "error"}

// String returns "note", "warning" or "error".
func (s Severity) String() string {
	if s < Note || s > Error {
		return fmt.Sprintf("severity(%d)", int(s))
	}
	return severityNames[s]
}

// MarshalText encodes the severity by its name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText decodes a severity from its name; any other text is an error.
func (s *Severity) UnmarshalText(b []byte) error {
	i := slices.Index(severityNames[:], string(b))
	if i < 0 {
		return fmt.Errorf("unknown severity %q (want note, warning or error)", b)
	}
	*s = Severity(i)
	return nil
}

// Position is a place in a file of the fleet. Lines and columns count from 1;
// columns count bytes; 0 means unknown. File is slash-separated and relative
// to the fleet's root.
type Position struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	// EndColumn is one past the last byte on the same line, 0 when unknown.
	EndColumn int `json:"endColumn,omitempty"`
}

// String returns file:line:column, leaving out what is unknown.
func (p Position) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// IsZero reports whether nothing is known about the place.
func (p Position) IsZero() bool { return p == Position{} }

// Compare orders positions by file, line and column.
func (p Position) Compare(q Position) int {
	return cmp.Or(
		cmp.Compare(p.File, q.File),
		cmp.Compare(p.Line, q.Line),
		cmp.Compare(p.Column, q.Column),
		cmp.Compare(p.EndColumn, q.EndColumn),
	)
}

// Label is a position and what it contributes to the problem.
type Label struct {
	Position
	Text string `json:"text,omitempty"`
}

// Subject names what a diagnostic is about. Empty fields do not apply.
type Subject struct {
	Cluster   string `json:"cluster,omitempty"`
	Component string `json:"component,omitempty"`
	// Object is group/kind/namespace/name, as object.Key prints it.
	Object string `json:"object,omitempty"`
	// Node is the id of a node of the fleet graph.
	Node string `json:"node,omitempty"`
	// Path is a JSON pointer (RFC 6901) into the object or the spec.
	Path string `json:"path,omitempty"`
}

// Waived says who accepted a finding, why, and until when.
type Waived struct {
	ID      string   `json:"id"`
	Reason  string   `json:"reason"`
	Owner   string   `json:"owner"`
	Ticket  string   `json:"ticket,omitempty"`
	Expires string   `json:"expires"`
	At      Position `json:"at"`
}

// Diagnostic is one thing to tell the user.
type Diagnostic struct {
	// Code is stable API: a compiler code ("EVL002") or a rule id ("SC001").
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	// Message is one sentence: lower case, no full stop.
	Message string `json:"message"`
	// Labels hold every contributing position; the first is the primary one.
	Labels  []Label `json:"labels,omitempty"`
	Subject Subject `json:"subject,omitzero"`
	// Notes are facts that explain the problem, one a line.
	Notes []string `json:"notes,omitempty"`
	// Help says what to do, most useful first. Never empty for an Error.
	Help []string `json:"help,omitempty"`
	// Unknown marks a verdict that could not be reached (D6): Help names the
	// declaration that would settle it.
	Unknown bool `json:"unknown,omitempty"`
	// Waived is set when a waiver accepts the finding; it then fails nothing.
	Waived *Waived `json:"waived,omitempty"`
	// ValidUntil is the RFC 3339 time after which a time-dependent verdict no
	// longer holds (D13); empty when it does not depend on time.
	ValidUntil string `json:"validUntil,omitempty"`
	// Fixes are mechanical changes, each of which settles the diagnostic by
	// itself; `check --fix` makes the first.
	Fixes []Fix `json:"fixes,omitempty"`
	// Fingerprint names the finding across revisions: it depends on what the
	// finding is about and not on the lines it stands in. It is set when a
	// report is finished.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Old marks a finding that the base revision has too (check --base): it is
	// listed apart and fails nothing.
	Old bool `json:"old,omitempty"`
}

// Fix is one change that a program can make: its edits belong together.
type Fix struct {
	// Title says what it does: one clause, lower case, no full stop.
	Title string `json:"title"`
	Edits []Edit `json:"edits"`
}

// Edit replaces what stands from (Line, Column) up to (EndLine, EndColumn) by
// New. Lines and columns count from 1, columns in bytes; an empty range
// inserts. A file that does not exist is made by an edit at line 1, column 1.
type Edit struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	EndLine   int    `json:"endLine"`
	EndColumn int    `json:"endColumn"`
	New       string `json:"new"`
}

// Compare orders edits by file and place.
func (e Edit) Compare(f Edit) int {
	return cmp.Or(
		cmp.Compare(e.File, f.File),
		cmp.Compare(e.Line, f.Line),
		cmp.Compare(e.Column, f.Column),
		cmp.Compare(e.EndLine, f.EndLine),
		cmp.Compare(e.EndColumn, f.EndColumn),
		cmp.Compare(e.New, f.New),
	)
}

// Errorf makes an Error with a formatted message.
func Errorf(code, format string, args ...any) *Diagnostic {
	return &Diagnostic{Code: code, Severity: Error, Message: fmt.Sprintf(format, args...)}
}

// Warningf makes a Warning with a formatted message.
func Warningf(code, format string, args ...any) *Diagnostic {
	return &Diagnostic{Code: code, Severity: Warning, Message: fmt.Sprintf(format, args...)}
}

// Notef makes a Note with a formatted message.
func Notef(code, format string, args ...any) *Diagnostic {
	return &Diagnostic{Code: code, Severity: Note, Message: fmt.Sprintf(format, args...)}
}

// At appends a contributing position. Unknown positions are dropped, so
// callers need not check.
func (d *Diagnostic) At(p Position, format string, args ...any) *Diagnostic {
	if !p.IsZero() {
		d.Labels = append(d.Labels, Label{Position: p, Text: fmt.Sprintf(format, args...)})
	}
	return d
}

// AtAll appends one label with the same text for each position.
func (d *Diagnostic) AtAll(ps []Position, format string, args ...any) *Diagnostic {
	for _, p := range ps {
		d.At(p, format, args...)
	}
	return d
}

// About sets the subject.
func (d *Diagnostic) About(s Subject) *Diagnostic {
	d.Subject = s
	return d
}

// Note appends an explaining fact.
func (d *Diagnostic) Note(format string, args ...any) *Diagnostic {
	d.Notes = append(d.Notes, fmt.Sprintf(format, args...))
	return d
}

// Fix appends a line of help.
func (d *Diagnostic) Fix(format string, args ...any) *Diagnostic {
	d.Help = append(d.Help, fmt.Sprintf(format, args...))
	return d
}

// Primary returns the first position, or the zero Position.
func (d *Diagnostic) Primary() Position {
	if len(d.Labels) == 0 {
		return Position{}
	}
	return d.Labels[0].Position
}

// Compare is the total order of diagnostics: most severe first, then by place,
// code, subject and message. Output order depends on nothing else, and only
// equal diagnostics compare as equal.
func (d *Diagnostic) Compare(e *Diagnostic) int {
	return cmp.Or(
		cmp.Compare(e.Severity, d.Severity),
		d.Primary().Compare(e.Primary()),
		cmp.Compare(d.Code, e.Code),
		d.Subject.compare(e.Subject),
		cmp.Compare(d.Message, e.Message),
		slices.Compare(d.Notes, e.Notes),
		slices.CompareFunc(d.Labels, e.Labels, func(a, b Label) int {
			return cmp.Or(a.Position.Compare(b.Position), cmp.Compare(a.Text, b.Text))
		}),
		slices.Compare(d.Help, e.Help),
		d.Waived.compare(e.Waived),
		cmp.Compare(d.ValidUntil, e.ValidUntil),
		boolean(d.Unknown, e.Unknown),
		slices.CompareFunc(d.Fixes, e.Fixes, func(a, b Fix) int {
			return cmp.Or(cmp.Compare(a.Title, b.Title), slices.CompareFunc(a.Edits, b.Edits, Edit.Compare))
		}),
		cmp.Compare(d.Fingerprint, e.Fingerprint),
		boolean(d.Old, e.Old),
	)
}

func (s Subject) compare(t Subject) int {
	return cmp.Or(
		cmp.Compare(s.Cluster, t.Cluster),
		cmp.Compare(s.Component, t.Component),
		cmp.Compare(s.Object, t.Object),
		cmp.Compare(s.Node, t.Node),
		cmp.Compare(s.Path, t.Path),
	)
}

// compare puts what is not waived first.
func (w *Waived) compare(v *Waived) int {
	if w == nil || v == nil {
		return boolean(w != nil, v != nil)
	}
	return cmp.Or(
		cmp.Compare(w.ID, v.ID),
		cmp.Compare(w.Reason, v.Reason),
		cmp.Compare(w.Owner, v.Owner),
		cmp.Compare(w.Ticket, v.Ticket),
		cmp.Compare(w.Expires, v.Expires),
		w.At.Compare(v.At),
	)
}

// boolean orders false before true.
func boolean(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// List is a set of diagnostics. The zero value is empty and ready to use.
type List []*Diagnostic

// Add appends diagnostics; nil ones are dropped.
func (l *List) Add(ds ...*Diagnostic) {
	for _, d := range ds {
		if d != nil {
			*l = append(*l, d)
		}
	}
}

// Sorted returns a new list in the total order with exact duplicates removed.
func (l List) Sorted() List {
	out := slices.Clone(l)
	slices.SortStableFunc(out, (*Diagnostic).Compare)
	return slices.CompactFunc(out, func(a, b *Diagnostic) bool { return a.Compare(b) == 0 })
}

// Max returns the highest severity of what is neither waived nor old, and false
// when there is nothing.
func (l List) Max() (Severity, bool) {
	sev, any := Note, false
	for _, d := range l {
		if d.Waived == nil && !d.Old {
			sev, any = max(sev, d.Severity), true
		}
	}
	return sev, any
}

// HasErrors reports whether an unwaived Error is present. A stage with errors
// stops the pipeline after itself.
func (l List) HasErrors() bool {
	s, ok := l.Max()
	return ok && s == Error
}

// String joins the one-line forms; for tests and logs, not for users.
func (l List) String() string {
	var b strings.Builder
	for _, d := range l {
		fmt.Fprintf(&b, "%s[%s]: %s", d.Severity, d.Code, d.Message)
		if p := d.Primary(); !p.IsZero() {
			fmt.Fprintf(&b, " (%s)", p)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Entry documents one compiler code for `darkstart explain` and the reference
// page. Guardrail rules document themselves in their Rego metadata.
type Entry struct {
	Code     string   `json:"code"`
	Title    string   `json:"title"` // one line, lower case
	Severity Severity `json:"severity"`
	Why      string   `json:"why"`               // what it means and why it matters; Markdown
	Fix      string   `json:"fix"`               // what to do; Markdown
	Example  string   `json:"example,omitempty"` // the input that triggers it, optional
}
