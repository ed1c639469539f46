package object

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Encode writes the object as it stands in a bundle: JSON with sorted keys,
// two-space indentation, no HTML escaping and one final newline. That is a
// subset of YAML, so every reader of manifests accepts it.
func (o *Object) Encode() ([]byte, error) { return Encode(o.Content()) }

// Encode writes any value the way Object.Encode does.
func Encode(v any) ([]byte, error) {
	scratch := scratches.Get().(*[]byte)
	defer scratches.Put(scratch)
	b, err := AppendJSON((*scratch)[:0], v)
	if err != nil {
		return nil, err
	}
	*scratch = b
	return bytes.Clone(b), nil
}

// AppendJSON appends to b what Encode writes.
func AppendJSON(b []byte, v any) ([]byte, error) {
	b, err := AppendNested(b, v, 0)
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}

// AppendNested appends to b a value as it stands in a document, without the line
// end: its lines but the first are indented by depth more. The form is that of
// encoding/json, which writes what this package leaves to it.
func AppendNested(b []byte, v any, depth int) ([]byte, error) {
	if out, ok := appendValue(b, v, depth); ok {
		return out, nil
	}
	return appendStock(b, v, depth)
}

func appendStock(b []byte, v any, depth int) ([]byte, error) {
	out := bytes.NewBuffer(b)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent(strings.Repeat("  ", depth), "  ")
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// An Encoder writes objects as Object.Encode does, and keeps how it wrote the
// fields that they share by their bases. The zero value is ready to use, by
// several goroutines at once.
type Encoder struct{ fields sync.Map } // FieldID to *written

// written is a field as it stands in a document: from the second time on that
// it is asked for, since the most part of a fleet may be like nothing else. It
// holds on to the value, so that the identity it is found by stays the value's own.
type written struct {
	value any
	text  []byte // nil the first time
}

// Append appends to b a content that is o's, or was made of it.
func (e *Encoder) Append(b []byte, o *Object, content map[string]any) ([]byte, error) {
	before, ok := b, true
	b = append(b, '{')
	var room [keysAtOnce]string
	for i, k := range sortedKeys(room[:0], content) {
		if i > 0 {
			b = append(b, ',')
		}
		if b, ok = appendString(appendLine(b, 1), k); ok {
			b, ok = e.appendField(append(b, ": "...), o, k, content[k])
		}
		if !ok {
			return AppendJSON(before, content)
		}
	}
	if len(content) > 0 {
		b = appendLine(b, 0)
	}
	return append(b, '}', '\n'), nil
}

func (e *Encoder) appendField(b []byte, o *Object, name string, v any) (_ []byte, ok bool) {
	id, shared := o.Shares(name, v)
	if !shared {
		return appendValue(b, v, 1)
	}
	w, seen := e.fields.LoadOrStore(id, &written{value: v})
	if text := w.(*written).text; text != nil {
		return append(b, text...), true
	}
	start := len(b)
	if b, ok = appendValue(b, v, 1); ok && seen {
		e.fields.Store(id, &written{v, bytes.Clone(b[start:])})
	}
	return b, ok
}

// scratches are where documents are written before their size is known.
var scratches = sync.Pool{New: func() any { return new([]byte) }}

// appendValue writes a value of this package's types whose lines are indented by
// depth. It is what encoding/json does, without reflection and in one pass; not
// ok is what only encoding/json can tell how to write.
func appendValue(b []byte, v any, depth int) (_ []byte, ok bool) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), true
	case bool:
		return strconv.AppendBool(b, v), true
	case int64:
		return strconv.AppendInt(b, v, 10), true
	case float64:
		return appendFloat(b, v)
	case string:
		return appendString(b, v)
	case []any:
		return appendList(b, v, depth)
	case map[string]any:
		return appendMap(b, v, depth)
	}
	return appendGo(b, reflect.ValueOf(v), depth)
}

func appendList(b []byte, list []any, depth int) (_ []byte, ok bool) {
	if list == nil {
		return append(b, "null"...), true
	}
	b = append(b, '[')
	for i, e := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if b, ok = appendValue(appendLine(b, depth+1), e, depth+1); !ok {
			return b, false
		}
	}
	if len(list) > 0 {
		b = appendLine(b, depth)
	}
	return append(b, ']'), true
}

func appendMap(b []byte, m map[string]any, depth int) (_ []byte, ok bool) {
	if m == nil {
		return append(b, "null"...), true
	}
	b = append(b, '{')
	var room [keysAtOnce]string
	for i, k := range sortedKeys(room[:0], m) {
		if i > 0 {
			b = append(b, ',')
		}
		if b, ok = appendString(appendLine(b, depth+1), k); !ok {
			return b, false
		}
		if b, ok = appendValue(append(b, ": "...), m[k], depth+1); !ok {
			return b, false
		}
	}
	if len(m) > 0 {
		b = appendLine(b, depth)
	}
	return append(b, '}'), true
}

// keysAtOnce is how many keys are sorted without memory of their own: objects
// hardly have a map with more.
const keysAtOnce = 16

func sortedKeys(room []string, m map[string]any) []string {
	for k := range m {
		room = append(room, k)
	}
	slices.Sort(room)
	return room
}

// margin is the widest that is written at once.
const margin = "                                                                "

func appendLine(b []byte, depth int) []byte {
	b = append(b, '\n')
	for n := 2 * depth; n > 0; n -= len(margin) {
		b = append(b, margin[:min(n, len(margin))]...)
	}
	return b
}

// appendFloat writes the shortest digits that read back as f, as ECMAScript does.
func appendFloat(b []byte, f float64) (_ []byte, ok bool) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return b, false
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	b = strconv.AppendFloat(b, f, format, -1, 64)
	if n := len(b); format == 'e' && n >= 4 && b[n-4] == 'e' && b[n-3] == '-' && b[n-2] == '0' {
		b[n-2] = b[n-1] // e-09 is e-9
		b = b[:n-1]
	}
	return b, true
}

// appendString writes a quoted string. Text that is not UTF-8 is not ok.
func appendString(b []byte, s string) (_ []byte, ok bool) {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0 // of what can be written as it is
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(s[i:])
			switch {
			case r == utf8.RuneError && size == 1:
				return b, false
			case r == '\u2028' || r == '\u2029': // line ends in JavaScript
				b = append(append(b, s[start:i]...), '\\', 'u', '2', '0', '2', hex[r&0xf])
				start = i + size
			}
			i += size
			continue
		case c >= ' ' && c != '"' && c != '\\':
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, `\b`...)
		case '\f':
			b = append(b, `\f`...)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"'), true
}
