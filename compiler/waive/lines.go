package waive

import (
	"bytes"
	"sort"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// text is a file by lines, which count from 1.
type text struct {
	*File
	starts []int // offset of each line
}

func newText(f *File) *text {
	t := &text{File: f, starts: []int{0}}
	for i, c := range f.Source {
		if c == '\n' {
			t.starts = append(t.starts, i+1)
		}
	}
	return t
}

// lineOf returns the line of a byte.
func (t *text) lineOf(offset int) int {
	return sort.SearchInts(t.starts, offset+1)
}

func (t *text) line(n int) string {
	if n < 1 || n > len(t.starts) {
		return ""
	}
	return string(line(t.Source[t.starts[n-1]:]))
}

// lines is their number; what follows the last newline counts if it is there.
func (t *text) lines() int {
	if t.starts[len(t.starts)-1] == len(t.Source) {
		return len(t.starts) - 1
	}
	return len(t.starts)
}

func (t *text) position(from, to int) diag.Position {
	n := t.lineOf(from)
	p := diag.Position{File: t.Name, Line: n, Column: from - t.starts[n-1] + 1}
	if to > from && t.lineOf(to-1) == n {
		p.EndColumn = p.Column + to - from
	}
	return p
}

// beside returns what stands on the lines of a comment before and after it.
func (t *text) beside(c Comment) (before, after string) {
	from := t.starts[t.lineOf(c.Start)-1]
	return strings.TrimSpace(string(t.Source[from:c.Start])), strings.TrimSpace(string(line(t.Source[c.End:])))
}

// target returns the line that a comment speaks about: its own, or the one
// below, past other comments. 0 is none.
func (t *text) target(c Comment) int {
	before, after := t.beside(c)
	if before != "" {
		return t.lineOf(c.Start)
	}
	n := t.lineOf(max(c.Start, c.End-1))
	if after != "" {
		return n
	}
	for n++; n <= t.lines(); n++ {
		s := strings.TrimSpace(t.line(n))
		switch {
		case t.isComment(s):
			continue
		case s == "", s == "}", s == "]", separator(s):
			return 0
		}
		return n
	}
	return 0
}

// isComment reports whether a trimmed line is a comment and nothing else.
func (t *text) isComment(s string) bool {
	switch t.Language {
	case CUE:
		return strings.HasPrefix(s, "//")
	case Template:
		if strings.HasPrefix(s, "{{/*") || strings.HasPrefix(s, "{{- /*") {
			return strings.HasSuffix(s, "}}")
		}
	}
	return strings.HasPrefix(s, "#")
}

// separator reports a line that ends a YAML document.
func separator(s string) bool {
	return s == "---" || s == "..." || strings.HasPrefix(s, "--- ")
}

func (t *text) extent(first int) (last int, all bool) {
	if t.Extent != nil {
		return t.Extent(first)
	}
	return t.indented(first), false
}

// indented returns the last line of what begins on a line of YAML: what is
// indented more. A list may stand at the indentation of its key; the first line
// of a document begins the whole object.
func (t *text) indented(first int) int {
	last, depth := first, indent(t.line(first))
	item := isItem(t.line(first))
	whole := t.begins(first)
	for n := first + 1; n <= t.lines(); n++ {
		s := t.line(n)
		switch trimmed := strings.TrimSpace(s); {
		case separator(s):
			return last
		case trimmed == "", t.isComment(trimmed), t.action(trimmed):
			continue
		case whole, indent(s) > depth, indent(s) == depth && !item && isItem(s):
			last = n
		default:
			return last
		}
	}
	return last
}

// begins reports whether a line is the first of its document.
func (t *text) begins(n int) bool {
	for n--; n >= 1; n-- {
		s := t.line(n)
		trimmed := strings.TrimSpace(s)
		if separator(s) {
			return true
		}
		if trimmed != "" && !t.isComment(trimmed) && !t.action(trimmed) && !strings.HasPrefix(s, "%") {
			return false
		}
	}
	return true
}

// action reports a line of a template that prints nothing of its own.
func (t *text) action(trimmed string) bool {
	return t.Language == Template && strings.HasPrefix(trimmed, "{{") && strings.HasSuffix(trimmed, "}}")
}

func indent(s string) int { return len(s) - len(strings.TrimLeft(s, " ")) }

func isItem(s string) bool {
	s = strings.TrimLeft(s, " ")
	return s == "-" || strings.HasPrefix(s, "- ")
}

// inBlock reports whether a byte stands in a block scalar, by indentation. It
// is for templates, which are no YAML before they are executed.
func (t *text) inBlock(offset int) bool {
	want := t.lineOf(offset)
	for n := 1; n < want; n++ {
		s := t.line(n)
		if !opensBlock(s) {
			continue
		}
		depth := indent(s)
		for n++; n <= t.lines(); n++ {
			if s := t.line(n); strings.TrimSpace(s) != "" && indent(s) <= depth {
				break
			}
			if n == want {
				return true
			}
		}
		n--
	}
	return false
}

// opensBlock reports a line whose value is "|" or ">", with its indicators.
func opensBlock(s string) bool {
	b := bytes.TrimRight([]byte(s), " +-0123456789")
	if len(b) < 2 || b[len(b)-1] != '|' && b[len(b)-1] != '>' {
		return false
	}
	before := bytes.TrimRight(b[:len(b)-1], " ")
	return len(before) < len(b)-1 && len(before) > 0 && (before[len(before)-1] == ':' || before[len(before)-1] == '-')
}
