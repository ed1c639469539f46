package yamlpos

import (
	"bytes"
	"sync"

	"go.yaml.in/yaml/v3"
)

// Text is a source, and where its lines begin, for all that is read of it. It is
// safe for concurrent use.
type Text struct {
	source []byte

	index  sync.Once
	starts []int // offsets of the lines; most texts are never asked
}

// NewText returns a text. Nobody may change source afterwards.
func NewText(source []byte) *Text { return &Text{source: source} }

// Document reads one document of a text that Parse takes under the same limits:
// the one with that index, whose first value begins at a line and column. It is
// as Parse reads it, and the others are not read: who asks about few documents of
// a large text has them sooner. It is not ok where only the whole text tells:
// when the document has an alias to an anchor before it, when the text has
// directives, when no value begins there.
func (t *Text) Document(index, line, column int, limits Limits) (*File, bool) {
	if bytes.HasPrefix(t.source, []byte("%")) || bytes.Contains(t.source, []byte("\n%")) {
		return nil, false
	}
	from, to := t.around(line)
	dec := yaml.NewDecoder(bytes.NewReader(t.source[t.offset(from):t.offset(to)]))
	w := &walker{limits: limits.withDefaults()}
	for {
		var doc yaml.Node
		if err := dec.Decode(&doc); err != nil {
			return nil, false
		}
		move(&doc, from-1)
		d, p := w.document(index, &doc)
		if p != nil {
			return nil, false
		}
		if d != nil && d.Line == line && d.Column == column {
			return &File{Documents: []Document{*d}, Text: t}, true
		}
	}
}

// around returns the lines, the second exclusive, between which the document at
// a line stands: no scalar and no comment has a line that begins with a marker.
func (t *Text) around(line int) (from, to int) {
	t.offset(line) // makes the index
	for from = min(line, len(t.starts)); from > 1 && !marker(t.line(from)); from-- {
	}
	for to = line + 1; to <= len(t.starts) && !marker(t.line(to)); to++ {
	}
	return max(from, 1), to
}

// marker reports whether a line begins a document.
func marker(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("---"))
	return ok && (len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t')
}

// move puts nodes so many lines further down.
func move(n *yaml.Node, lines int) {
	n.Line += lines
	for _, c := range n.Content {
		move(c, lines)
	}
}

func (t *Text) line(n int) []byte {
	line, _, _ := bytes.Cut(t.source[t.offset(n):], []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r"))
}

// offset returns where a line begins, the length of the text past its end.
func (t *Text) offset(n int) int {
	t.index.Do(func() {
		t.starts = append(t.starts, 0)
		for i, c := range t.source {
			if c == '\n' {
				t.starts = append(t.starts, i+1)
			}
		}
	})
	switch {
	case n < 1:
		return 0
	case n > len(t.starts):
		return len(t.source)
	}
	return t.starts[n-1]
}
