package guard

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// A message is one thing that a rule said, as conftest reads it.
type message struct {
	text    string
	at      diag.Position // of _loc; zero without one
	details []string      // the other keys of an object, "key: JSON", sorted
}

// shapeError is an answer at which conftest gives up: an object without msg.
type shapeError struct{ got string }

func (e *shapeError) Error() string { return e.got }

// messages reads an answer. odd is what conftest passes over in silence.
func messages(answer any) (out []message, odd string, err error) {
	list, ok := answer.([]any)
	if !ok {
		return nil, "it is " + kindOf(answer), nil
	}
	for _, v := range list {
		m := message{}
		switch v := v.(type) {
		case string:
			m.text = v
		case map[string]any:
			if m, err = readObject(v); err != nil {
				return nil, "", err
			}
		default:
			odd = "it holds " + kindOf(v)
			continue
		}
		if m.text == "" {
			odd = "it holds an empty message"
			continue
		}
		out = append(out, m)
	}
	return out, odd, nil
}

func readObject(v map[string]any) (message, error) {
	m := message{}
	x, ok := v["msg"]
	if !ok {
		return m, &shapeError{"an object has no msg"}
	}
	if m.text, ok = x.(string); !ok {
		return m, &shapeError{"the msg of an object is " + kindOf(x)}
	}
	for _, k := range sortedKeys(v) {
		switch k {
		case "msg":
		case "_loc":
			m.at = location(v[k])
		default:
			m.details = append(m.details, k+": "+compact(v[k]))
		}
	}
	return m, nil
}

// location reads {file, line}; either may be missing.
func location(v any) diag.Position {
	loc, _ := v.(map[string]any)
	var p diag.Position
	if f, ok := loc["file"].(string); ok {
		p.File = strings.TrimPrefix(f, "./")
	}
	if n, ok := loc["line"].(json.Number); ok {
		if line, err := strconv.Atoi(n.String()); err == nil && line > 0 {
			p.Line = line
		}
	}
	return p
}

func compact(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

func kindOf(x any) string {
	switch x := x.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "one string"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case json.Number:
		return "the number " + x.String()
	}
	return "a number"
}

// exceptions counts, by name, what `exception[_][_]` gives: whatever stands two
// levels down, in sets, lists or objects.
func exceptions(answer []any) map[string]int {
	out := map[string]int{}
	each := func(v any, f func(any)) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				f(e)
			}
		case map[string]any:
			for _, k := range sortedKeys(v) {
				f(v[k])
			}
		}
	}
	for _, v := range answer {
		each(v, func(v any) {
			each(v, func(v any) {
				if s, ok := v.(string); ok {
					out[s]++
				}
			})
		})
	}
	return out
}

// spelled returns a value with its numbers as conftest hands them to Rego: as
// floats, of which large ones have an exponent (1e+06) unless the input is
// combined. Messages show it, so a verdict depends on it. A value without such
// numbers, which is nearly every one, is returned as it is.
func spelled(v any, combined bool) any {
	if !respelled(v, combined) {
		return v
	}
	switch x := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(x))
		for k, e := range x { // a copy: its order is nobody's
			m[k] = spelled(e, combined)
		}
		return m
	case []any:
		l := make([]any, len(x))
		for i, e := range x {
			l[i] = spelled(e, combined)
		}
		return l
	case int64:
		return json.Number(spell(float64(x), combined))
	case float64:
		return json.Number(spell(x, combined))
	}
	return v
}

// respelled reports whether a value holds a number that is written otherwise.
func respelled(v any, combined bool) bool {
	switch x := v.(type) {
	case map[string]any:
		for _, e := range x {
			if respelled(e, combined) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(x, func(e any) bool { return respelled(e, combined) })
	case int64:
		return (x >= 1e6 || x <= -1e6) && spell(float64(x), combined) != strconv.FormatInt(x, 10)
	case float64:
		return true // a lazy object would write it as Go does
	}
	return false
}

func spell(f float64, combined bool) string {
	if combined {
		if b, err := json.Marshal(f); err == nil {
			return string(b)
		}
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}
