package yamlpos

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Comments returns the byte offsets at which word stands in a comment of the
// text, ascending. The library tells comments without their lines, and loses
// some; so the question is turned around: each occurrence is marked, and what
// turns up in no value, key, tag or anchor of the parsed text is in a comment.
// A block scalar that quotes the word is a value like any other. A text that
// does not parse has no comments.
//
// Word must have more than five bytes and no meaning in YAML.
func Comments(source []byte, word string) []int {
	const digits = 5
	stem := word[:len(word)-digits]
	marked := bytes.Clone(source)
	var at []int
	for from := 0; len(at) < 1e5; {
		i := bytes.Index(source[from:], []byte(word))
		if i < 0 {
			break
		}
		copy(marked[from+i:], fmt.Sprintf("%s%0*d", stem, digits, len(at)))
		at = append(at, from+i)
		from += i + len(word)
	}
	if len(at) == 0 {
		return nil
	}
	f, problem := Parse(marked, Limits{})
	if problem != nil {
		return nil
	}
	content := map[string]bool{}
	for _, d := range f.Documents {
		marks(d.root, stem, len(word), content)
	}
	var out []int
	for i, offset := range at {
		if !content[fmt.Sprintf("%s%0*d", stem, digits, i)] {
			out = append(out, offset)
		}
	}
	return out
}

// marks collects the marked words in what a node says.
func marks(n *yaml.Node, stem string, size int, out map[string]bool) {
	for _, s := range []string{n.Value, n.Anchor, n.Tag} {
		for {
			i := strings.Index(s, stem)
			if i < 0 || i+size > len(s) {
				break
			}
			out[s[i:i+size]] = true
			s = s[i+size:]
		}
	}
	for _, c := range n.Content {
		marks(c, stem, size, out)
	}
}
