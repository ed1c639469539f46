package object

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// Trace says which places made a field of a rendered object what it is.
//
// Two kinds of place are in it. Where nothing stands between the file and the
// object, the field's own line is known. Everywhere else a place is proven:
// somebody changed the value there, rendered again, and the field changed with
// it.
type Trace struct {
	// Path is the JSON pointer that the places are about: what was asked, or the
	// nearest of its ancestors that the object has.
	Path string
	// Places begin with the one to edit; empty when nothing is known.
	Places []diag.Label
}

// Tokens splits a JSON pointer (RFC 6901).
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

// At walks maps by field and lists by index, as far as path leads. It returns
// the value there and how many tokens led to it.
func At(v any, path []string) (value any, depth int) {
	for i, t := range path {
		switch x := v.(type) {
		case map[string]any:
			next, ok := x[t]
			if !ok {
				return v, i
			}
			v = next
		case []any:
			n, err := strconv.Atoi(t)
			if err != nil || n < 0 || n >= len(x) {
				return v, i
			}
			v = x[n]
		default:
			return v, i
		}
	}
	return v, len(path)
}

// identities are the fields that tell the items of a list apart, and so stand
// for an item as a whole.
var identities = []string{"name", "key", "mountPath", "containerPort", "port", "host", "path", "ip", "topologyKey", "image"}

// Leaf returns the path below v to a scalar that stands for it: the name where
// it has one, since a name belongs to one thing. It is nil where v is a scalar,
// and ok is false where v holds none.
func Leaf(v any) (path []string, ok bool) {
	switch x := v.(type) {
	case map[string]any:
		for _, k := range leafOrder(x) {
			if below, ok := Leaf(x[k]); ok {
				return append([]string{k}, below...), true
			}
		}
		return nil, false
	case []any:
		for i, e := range x {
			if below, ok := Leaf(e); ok {
				return append([]string{strconv.Itoa(i)}, below...), true
			}
		}
		return nil, false
	}
	return nil, v != nil
}

// leafOrder puts what identifies a value before its other fields.
func leafOrder(m map[string]any) []string {
	keys := slices.Sorted(maps.Keys(m))
	rank := func(k string) int {
		if i := slices.Index(identities, k); i >= 0 {
			return i
		}
		return len(identities)
	}
	slices.SortStableFunc(keys, func(a, b string) int { return rank(a) - rank(b) })
	return keys
}
