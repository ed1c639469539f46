package waive

import (
	"bytes"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// Cut returns the edit that removes the bytes from start to end of a file, with
// the lines that nothing else stands on, and one empty line above them. All
// other bytes stay as they are.
func Cut(name string, src []byte, start, end int) diag.Edit {
	t := newText(&File{Name: name, Source: src})
	first, last := t.lineOf(start), t.lineOf(max(start, end-1))
	from := t.starts[first-1]
	before, after := src[from:start], line(src[end:])
	alone := len(bytes.TrimSpace(before)) == 0 && len(bytes.TrimSpace(after)) == 0
	if !alone {
		return t.within(start, end)
	}
	if first > 1 && strings.TrimSpace(t.line(first-1)) == "" && strings.TrimSpace(t.line(last+1)) == "" {
		first-- // it separated what goes from what stays
	}
	if last == len(t.starts) { // the last line, without a newline
		return diag.Edit{File: name, Line: first, Column: 1, EndLine: last, EndColumn: len(t.line(last)) + 1}
	}
	return diag.Edit{File: name, Line: first, Column: 1, EndLine: last + 1, EndColumn: 1}
}

// within removes a part of a line: with the blanks before it at the end of the
// line, else with the comma or blanks after it.
func (t *text) within(start, end int) diag.Edit {
	if rest := line(t.Source[end:]); len(bytes.TrimSpace(rest)) == 0 {
		start = len(bytes.TrimRight(t.Source[:start], " \t"))
	} else {
		cut := bytes.TrimLeft(rest, " \t")
		cut = bytes.TrimPrefix(cut, []byte(","))
		cut = bytes.TrimLeft(cut, " \t")
		end += len(rest) - len(cut)
	}
	a, b := t.position(start, start), t.position(end, end)
	return diag.Edit{File: t.Name, Line: a.Line, Column: a.Column, EndLine: b.Line, EndColumn: b.Column}
}

// Beside returns the edit that puts a waiver above a line, indented as it is.
func Beside(f *File, n int, comment string) (diag.Edit, bool) {
	t := newText(f)
	if n < 1 || n > t.lines() || strings.TrimSpace(t.line(n)) == "" {
		return diag.Edit{}, false
	}
	blanks := t.line(n)[:len(t.line(n))-len(strings.TrimLeft(t.line(n), " \t"))]
	switch f.Language {
	case CUE:
		comment = "// " + comment
	case Template:
		comment = "{{- /* " + comment + " */}}"
	default:
		comment = "# " + comment
	}
	return diag.Edit{File: f.Name, Line: n, Column: 1, EndLine: n, EndColumn: 1, New: blanks + comment + "\n"}, true
}
