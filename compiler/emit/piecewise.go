package emit

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/object"
)

// piecewise writes a value as object.Encode does, without the line end, and some
// of its lists element by element: of those no more than one element is in memory
// as text. It remembers the first error.
type piecewise struct {
	to    io.Writer
	piece []byte
	err   error
}

// hole is a field of a value whose list is written by each, in place of what
// stands in the value.
type hole struct {
	field string // "": none, the value stands as it is
	list  any    // in the value
	each  func(element func(v any, holes ...hole))
}

// holeOf takes a list out of a value; of, which may be nil, takes lists out of
// each element. An empty list stays: it may be null there, or left out.
func holeOf[T any](field string, list *[]T, of func(*T) []hole) hole {
	all := *list
	if len(all) == 0 {
		return hole{}
	}
	*list = make([]T, 1)
	return hole{field, *list, func(element func(any, ...hole)) {
		for _, x := range all {
			var holes []hole
			if of != nil {
				holes = of(&x)
			}
			element(&x, holes...)
		}
	}}
}

// value writes a value whose lines but the first are indented by depth. Its holes
// come in the order of its fields.
func (w *piecewise) value(v any, depth int, holes ...hole) {
	text, err := object.AppendNested(w.piece[:0], v, depth)
	if err != nil {
		w.fail(err)
		return
	}
	w.piece = nil // until the text is written
	for _, h := range holes {
		if h.field == "" {
			continue
		}
		// No other line begins like this one: those of what the value holds are
		// indented by more, and a string has no line ends.
		field := line(depth+1) + fmt.Sprintf("%q: ", h.field)
		whole, err := object.AppendNested([]byte(field), h.list, depth+1)
		if err != nil {
			w.fail(err)
			return
		}
		before, after, ok := bytes.Cut(text, whole)
		if !ok {
			w.fail(fmt.Errorf("a %T is written without its %s", v, h.field))
			return
		}
		w.write(before)
		w.text(field + "[")
		comma := ""
		h.each(func(v any, holes ...hole) {
			w.text(comma + line(depth+2))
			w.value(v, depth+2, holes...)
			comma = ","
		})
		if comma != "" {
			w.text(line(depth + 1))
		}
		w.text("]")
		text = after
	}
	w.write(text)
	w.piece = text[:0]
}

func line(depth int) string { return "\n" + strings.Repeat("  ", depth) }

func (w *piecewise) text(s string) { w.write([]byte(s)) }

func (w *piecewise) write(b []byte) {
	if w.err == nil {
		_, w.err = w.to.Write(b)
	}
}

func (w *piecewise) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}
