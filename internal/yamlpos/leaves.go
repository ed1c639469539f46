package yamlpos

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Leaf is one scalar of a text, and where it stands.
type Leaf struct {
	Document int      // Document.Index of its document
	Path     []string // reference tokens
	Value    any
	Place    Place

	node *yaml.Node
}

// Leaves returns the scalars of a text in its order, those that are written
// there: an alias stands for a scalar elsewhere, and keys are not values.
func (f *File) Leaves() []Leaf {
	var out []Leaf
	for _, d := range f.Documents {
		f.scalars(d.Index, d.root, nil, &out)
	}
	return out
}

func (f *File) scalars(document int, n *yaml.Node, path []string, out *[]Leaf) {
	below := func(token string, c *yaml.Node) {
		f.scalars(document, c, append(path[:len(path):len(path)], token), out)
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if k := n.Content[i]; !isMerge(k) {
				below(k.Value, n.Content[i+1])
			}
		}
	case yaml.SequenceNode:
		for i, c := range n.Content {
			below(strconv.Itoa(i), c)
		}
	case yaml.ScalarNode:
		if v, p := scalar(n); p == nil {
			*out = append(*out, Leaf{document, path, v, f.place(n), n})
		}
	}
}

// word is what stands for itself in every style of YAML.
var word = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._/:@+-]*[A-Za-z0-9])?$`)

// Edit says what to write where, so that the scalar becomes text. The style is
// kept. Text that continues the old value is put behind it; else it must be a
// word that needs no quotes. It is not ok for what cannot be changed within
// one line.
func (f *File) Edit(s Leaf, text string) (at Place, write string, ok bool) {
	old, isText := s.Value.(string)
	behind, grows := strings.CutPrefix(text, old)
	grows = grows && isText && old != ""
	if s.Place.EndColumn == 0 {
		return f.editBlock(s, behind, grows)
	}
	quotes := 0
	if s.node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		quotes = 1
	}
	at = s.Place
	switch {
	case grows:
		at.EndColumn -= quotes
		at.Column = at.EndColumn
		return at, behind, word.MatchString("x" + behind)
	default:
		at.Column += quotes
		at.EndColumn -= quotes
		return at, text, word.MatchString(text)
	}
}

// editBlock puts text behind the first line of a literal block.
func (f *File) editBlock(s Leaf, behind string, grows bool) (Place, string, bool) {
	from, to, ok := f.block(s)
	if !ok || !grows || from != to || !word.MatchString("x"+behind) {
		return Place{}, "", false
	}
	end := len(f.line(from)) + 1
	return Place{from, end, end}, behind, true
}

// block returns the lines of a literal block scalar, both inclusive.
func (f *File) block(s Leaf) (from, to int, ok bool) {
	old, isText := s.Value.(string)
	if !isText || s.node.Style&yaml.LiteralStyle == 0 {
		return 0, 0, false
	}
	return s.Place.Line + 1, s.Place.Line + strings.Count(strings.TrimRight(old, "\n"), "\n") + 1, true
}

// Nested reads a string that holds YAML of its own: a literal block, or text
// on one line that needs no escapes. Places in it are places in this text.
func (f *File) Nested(s Leaf, limits Limits) (*File, bool) {
	text, isText := s.Value.(string)
	if !isText || !strings.ContainsAny(text, ":[{") {
		return nil, false
	}
	var padded []byte
	if from, to, ok := f.block(s); ok {
		padded = append(bytes.Repeat([]byte("\n"), from-1), f.source[f.offset(from):f.offset(to+1)]...)
	} else if line := f.line(s.Place.Line); s.Place.EndColumn > 0 {
		at := bytes.Index(line[s.Place.Column-1:], []byte(text))
		if at < 0 || at > 1 {
			return nil, false
		}
		padded = append(bytes.Repeat([]byte("\n"), s.Place.Line-1), bytes.Repeat([]byte(" "), s.Place.Column-1+at)...)
		padded = append(padded, text...)
	}
	inner, p := Parse(padded, limits)
	if p != nil || len(inner.Documents) == 0 {
		return nil, false
	}
	for _, d := range inner.Documents {
		if d.root.Kind == yaml.ScalarNode {
			return nil, false
		}
	}
	return inner, true
}
