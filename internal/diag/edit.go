package diag

import (
	"bytes"
	"fmt"
	"slices"
)

// Apply makes the edits of one file in its text. Edits that overlap, or name a
// place that the text does not have, are refused: they were made for another
// text. Equal edits count once, so that two findings may share a fix.
func Apply(text []byte, edits []Edit) ([]byte, error) {
	edits = slices.Clone(edits)
	slices.SortFunc(edits, Edit.Compare)
	edits = slices.Compact(edits)
	var out bytes.Buffer
	done := 0
	for _, e := range edits {
		from, ok := offset(text, e.Line, e.Column)
		to, also := offset(text, e.EndLine, e.EndColumn)
		switch {
		case !ok || !also || to < from:
			return nil, fmt.Errorf("%s has no line %d, column %d", e.File, e.Line, e.Column)
		case from < done:
			return nil, fmt.Errorf("two changes of %s overlap in line %d", e.File, e.Line)
		}
		out.Write(text[done:from])
		out.WriteString(e.New)
		done = to
	}
	out.Write(text[done:])
	return out.Bytes(), nil
}

// offset finds the byte of a line and column; a column may be one past the
// last byte of the line.
func offset(text []byte, line, column int) (int, bool) {
	start := 0
	for range line - 1 {
		i := bytes.IndexByte(text[start:], '\n')
		if i < 0 {
			return 0, false
		}
		start += i + 1
	}
	length := bytes.IndexByte(text[start:], '\n')
	if length < 0 {
		length = len(text) - start
	}
	return start + column - 1, line >= 1 && column >= 1 && column <= length+1
}
