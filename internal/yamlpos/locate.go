package yamlpos

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Place is a position in a text. Line and Column count from 1, columns in
// bytes; EndColumn is one past the last byte, 0 when the value does not end on
// that line.
type Place struct {
	Line, Column, EndColumn int
}

// Locate returns the place of the value at path in a document: the scalar
// itself, or the key that holds a mapping or list. When the path leads nowhere
// ok is false and the place is that of the nearest ancestor, 0 when there is
// none. Path holds reference tokens: keys, and indexes in decimal.
//
// It parses source anew; use File.Locate for several paths.
func Locate(source []byte, document int, path []string) (line, col, endcol int, ok bool) {
	f, p := Parse(source, Limits{})
	if p != nil {
		return 0, 0, 0, false
	}
	at, ok := f.Locate(document, path)
	return at.Line, at.Column, at.EndColumn, ok
}

// Tokens splits a JSON pointer (RFC 6901) into the tokens that Locate takes.
func Tokens(pointer string) []string {
	if pointer == "" {
		return nil
	}
	ts := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, t := range ts {
		ts[i] = strings.ReplaceAll(strings.ReplaceAll(t, "~1", "/"), "~0", "~")
	}
	return ts
}

// Locate is the function of that name on a text that is already parsed.
func (f *File) Locate(document int, path []string) (Place, bool) {
	for _, d := range f.Documents {
		if d.Index == document {
			return f.locate(d.root, path)
		}
	}
	return Place{}, false
}

func (f *File) locate(n *yaml.Node, path []string) (Place, bool) {
	at := f.place(n)
	for _, token := range path {
		key, value := child(n, token, 0)
		if value == nil {
			return at, false
		}
		n = value
		switch {
		case value.Kind == yaml.ScalarNode || key == nil:
			at = f.place(value)
		default:
			at = f.place(key)
		}
	}
	return at, true
}

// child finds a field or item, through aliases and merge keys. The key is nil
// for an item of a list. Merges nest at most a few levels; the bound keeps an
// anchor that merges itself from looping.
func child(n *yaml.Node, token string, merges int) (key, value *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch n.Kind {
	case yaml.SequenceNode:
		i, err := strconv.Atoi(token)
		if err != nil || i < 0 || i >= len(n.Content) {
			return nil, nil
		}
		return nil, n.Content[i]
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if k := n.Content[i]; k.Value == token && !isMerge(k) {
				return k, n.Content[i+1]
			}
		}
		return merged(n, token, merges+1)
	}
	return nil, nil
}

func merged(n *yaml.Node, token string, merges int) (key, value *yaml.Node) {
	if merges > 16 {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !isMerge(n.Content[i]) {
			continue
		}
		from := []*yaml.Node{n.Content[i+1]}
		if from[0].Kind == yaml.SequenceNode {
			from = from[0].Content
		}
		for _, m := range from {
			if k, v := child(m, token, merges); v != nil {
				return k, v
			}
		}
	}
	return nil, nil
}

// place measures a node in the text. The library counts columns in
// characters; everything here counts bytes.
func (f *File) place(n *yaml.Node) Place {
	p := Place{Line: n.Line, Column: n.Column}
	line := f.line(n.Line)
	if b := byteColumn(line, n.Column); b > 0 {
		p.Column = b
	}
	if n.Kind != yaml.ScalarNode || n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return p
	}
	rest := line[min(p.Column-1, len(line)):]
	if end := scalarEnd(rest, n); end > 0 {
		p.EndColumn = p.Column + end
	}
	return p
}

func byteColumn(line []byte, chars int) int {
	at := 0
	for range chars - 1 {
		if at >= len(line) {
			return 0
		}
		_, n := utf8.DecodeRune(line[at:])
		at += n
	}
	return at + 1
}

// scalarEnd returns the length of a scalar's text at the start of rest, 0 when
// it does not end there.
func scalarEnd(rest []byte, n *yaml.Node) int {
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		for i := 1; i < len(rest); i++ {
			switch rest[i] {
			case '\\':
				i++
			case '"':
				return i + 1
			}
		}
	case n.Style&yaml.SingleQuotedStyle != 0:
		for i := 1; i < len(rest); i++ {
			if rest[i] != '\'' {
				continue
			}
			if i+1 < len(rest) && rest[i+1] == '\'' {
				i++
				continue
			}
			return i + 1
		}
	case bytes.HasPrefix(rest, []byte(n.Value)):
		return len(n.Value)
	}
	return 0
}
