// Package waive reads waivers that are written beside the line that they are
// about, and makes the edits that add and remove one.
//
//	hostNetwork: true # darkstart:waive PS001 owner=platform expires=2027-02-01 ticket=OPS-412 reason="…"
//
// A comment says what an entry of waivers/*.cue says, and becomes the same
// ir.Waiver: whether it is honoured is judged in one place (compiler/guard),
// with one set of checks. Its scope is its line and what begins there.
//
// What is a comment is the business of whoever knows the language: YAML asks
// the parser of package yamlpos, templates ask Go's, and CUE's comments are
// handed in by their owner. A block scalar that quotes a waiver is none.
package waive

import (
	"bytes"
	"fmt"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/yamlpos"
)

// Language of a file.
type Language int

// Languages in which a waiver can stand beside a line.
const (
	YAML     Language = iota
	Template          // of a Helm chart
	CUE
)

// Comment is one comment that holds a waiver.
type Comment struct {
	// Start and End are the bytes of the whole comment, delimiters included;
	// Text is where Marker begins and TextEnd where what it says ends.
	Start, End, Text, TextEnd int
}

// File is one file with comments. Comments are ascending.
type File struct {
	Name     string
	Source   []byte
	Language Language
	Comments []Comment
	// Extent returns the last line of what begins on a line, and whether that
	// is the whole file. Nil reads the indentation, as YAML does.
	Extent func(line int) (last int, all bool)
}

// Position is the place of what a comment says: that of its waiver.
func (f *File) Position(c Comment) diag.Position { return newText(f).position(c.Text, c.TextEnd) }

// Find returns the comments of a YAML file or a template that are waivers.
func Find(src []byte, l Language) []Comment {
	if !bytes.Contains(src, []byte(Marker)) {
		return nil
	}
	if l == Template {
		return templateComments(src)
	}
	var out []Comment
	for _, at := range yamlpos.Comments(src, Marker) {
		if c, ok := hash(src, at); ok {
			out = append(out, c)
		}
	}
	return out
}

// hash returns the comment that begins with "#" just before at. Prose that
// names the marker further in is no waiver.
func hash(src []byte, at int) (Comment, bool) {
	before := bytes.TrimRight(src[:at], " \t")
	if len(before) == 0 || before[len(before)-1] != '#' || !ends(src, at+len(Marker)) {
		return Comment{}, false
	}
	start := len(before) - 1
	if start > 0 && !bytes.ContainsRune([]byte(" \t\n"), rune(src[start-1])) {
		return Comment{}, false
	}
	end := at + len(line(src[at:]))
	return Comment{start, end, at, end}, true
}

// ends reports whether a word ends at a byte.
func ends(src []byte, at int) bool {
	return at >= len(src) || bytes.ContainsRune([]byte(" \t\r\n"), rune(src[at])) || bytes.HasPrefix(src[at:], []byte("*/"))
}

// line returns the text up to the end of the line.
func line(b []byte) []byte {
	b, _, _ = bytes.Cut(b, []byte("\n"))
	return bytes.TrimSuffix(b, []byte("\r"))
}

// Read turns the comments of a file into waivers. One that cannot be read is
// reported and accepts nothing.
func Read(f *File) ([]ir.Waiver, diag.List) {
	var out []ir.Waiver
	var diags diag.List
	t := newText(f)
	for _, c := range f.Comments {
		w, bad := readText(string(f.Source[c.Text:c.TextEnd]))
		at := t.position(c.Text, c.TextEnd)
		if bad != nil {
			diags.Add(diag.Errorf("GRD018", "a waiver comment cannot be read: %s", bad.message).
				At(t.position(c.Text+bad.at, c.Text+bad.end), "").Fix("%s", bad.help))
			continue
		}
		first := t.target(c)
		if first == 0 {
			diags.Add(diag.Errorf("GRD019", "a waiver comment for %s stands beside nothing", w.Rule).At(at, "").
				Fix("put it at the end of the line that it is about, or directly above that line"))
			continue
		}
		last, all := t.extent(first)
		out = append(out, ir.Waiver{
			Waiver: w, ID: fmt.Sprintf("%s:%d", f.Name, at.Line), At: at,
			Beside: &ir.Lines{First: first, Last: max(first, last), All: all},
		})
	}
	return out, diags
}
