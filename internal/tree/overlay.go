package tree

import (
	"slices"
	"strings"
)

// With returns the tree with other content in one of its files; one that it
// does not have is added. The receiver is unchanged.
func (t *Tree) With(name string, content []byte) *Tree {
	e := Entry{Path: name, Mode: Regular, ID: BlobID(content), Size: int64(len(content))}
	out := &Tree{entries: slices.Clone(t.entries), notes: t.notes, base: t.base}
	i, ok := slices.BinarySearchFunc(out.entries, name, func(e Entry, n string) int { return strings.Compare(e.Path, n) })
	if ok {
		e.Mode = out.entries[i].Mode
		out.entries[i] = e
	} else {
		out.entries = slices.Insert(out.entries, i, e)
	}
	out.open = func(asked Entry) ([]byte, error) {
		if asked.Path == name {
			return content, nil
		}
		return t.open(asked)
	}
	return out
}
