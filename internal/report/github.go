package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// GitHub shows ten annotations of each sort for a step, and drops the rest
// without a word; see the limits of workflow commands in its documentation.
const maxAnnotations = 10

// GitHub writes the findings as workflow commands, which GitHub Actions shows
// beside the lines of a pull request: the worst first, as many as it shows, and
// a last line that says what was left out. Waived and old ones are not shown.
func GitHub(w io.Writer, r *Result) error {
	var b bytes.Buffer
	shown, left := map[diag.Severity]int{}, 0
	for _, d := range r.Diagnostics {
		if d.Waived != nil || d.Old {
			continue
		}
		if shown[d.Severity] == maxAnnotations {
			left++
			continue
		}
		shown[d.Severity]++
		annotation(&b, r, d)
	}
	if r.Error != "" {
		fmt.Fprintf(&b, "::error title=darkstart::%s\n", commandData(r.Error))
	}
	if left > 0 {
		fmt.Fprintf(&b, "::notice title=darkstart::%s not shown here: GitHub shows %d of each severity. The summary or -o sarif has all.\n", count(left, "more finding"), maxAnnotations)
	}
	_, err := w.Write(b.Bytes())
	return err
}

var commands = [...]string{diag.Note: "notice", diag.Warning: "warning", diag.Error: "error"}

func annotation(b *bytes.Buffer, r *Result, d *diag.Diagnostic) {
	b.WriteString("::" + commands[d.Severity] + " ")
	at := d.Primary()
	if at.File != "" {
		fmt.Fprintf(b, "file=%s,", commandProperty(r.Path(at.File)))
	}
	if at.Line > 0 {
		fmt.Fprintf(b, "line=%d,", at.Line)
	}
	if at.Column > 0 {
		fmt.Fprintf(b, "col=%d,", at.Column)
	}
	if at.EndColumn > at.Column {
		fmt.Fprintf(b, "endColumn=%d,", at.EndColumn)
	}
	lines := []string{d.Message}
	if s := subject(d.Subject); s != "" {
		lines = append(lines, "in: "+s)
	}
	for _, n := range d.Notes {
		lines = append(lines, "note: "+n)
	}
	for _, h := range d.Help {
		lines = append(lines, "help: "+h)
	}
	fmt.Fprintf(b, "title=%s::%s\n", commandProperty(d.Code), commandData(strings.Join(lines, "\n")))
}

// The escapes of workflow commands, as actions/toolkit writes them.
var (
	dataEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func commandData(s string) string     { return dataEscapes.Replace(printable(s)) }
func commandProperty(s string) string { return propertyEscapes.Replace(printable(s)) }

// printable cleans line by line: line breaks are escaped, the rest is shown.
func printable(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r", ""), "\n")
	for i, l := range lines {
		lines[i] = clean(l)
	}
	return strings.Join(lines, "\n")
}
