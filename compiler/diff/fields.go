package diff

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// fields lists what differs between two versions of an object, by path.
func fields(before, after *object.Object) []ir.FieldChange {
	c := &comparison{kind: after, before: before}
	c.value(spot{}, before.Content(), after.Content())
	slices.SortStableFunc(c.out, func(a, b ir.FieldChange) int {
		return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Path, b.Path))
	})
	return c.out
}

type comparison struct {
	kind   *object.Object
	before *object.Object
	out    []ir.FieldChange
}

// spot is a place in both versions: items of a list may stand at other indexes.
type spot struct{ before, after, where string }

func (s spot) field(k string) spot {
	p := ir.Pointer(k)
	where := k
	if strings.ContainsAny(k, "./[]") {
		where = strconv.Quote(k)
	}
	if s.where != "" {
		where = s.where + "." + where
	}
	return spot{s.before + p, s.after + p, where}
}

func (s spot) item(before, after int, name string) spot {
	return spot{fmt.Sprintf("%s/%d", s.before, before), fmt.Sprintf("%s/%d", s.after, after), s.where + "[" + name + "]"}
}

// absent is what is not there, which null is not.
type absent struct{}

func (c *comparison) value(s spot, before, after any) {
	switch b := before.(type) {
	case map[string]any:
		if a, ok := after.(map[string]any); ok {
			c.object(s, b, a)
			return
		}
	case []any:
		if a, ok := after.([]any); ok {
			c.list(s, b, a)
			return
		}
	}
	if !reflect.DeepEqual(before, after) {
		c.add(s, before, after)
	}
}

func (c *comparison) object(s spot, before, after map[string]any) {
	for _, k := range slices.Sorted(maps.Keys(before)) {
		if a, ok := after[k]; ok {
			c.value(s.field(k), before[k], a)
		} else {
			c.gone(s.field(k), before[k])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(after)) {
		if _, ok := before[k]; !ok {
			c.new(s.field(k), after[k])
		}
	}
}

// gone and new compare labels and annotations with none, one by one: most of
// what is noise is among them.
func (c *comparison) gone(s spot, before any) {
	if m, ok := before.(map[string]any); ok && tagged(s.before) {
		c.object(s, m, nil)
		return
	}
	c.add(s, before, absent{})
}

func (c *comparison) new(s spot, after any) {
	if m, ok := after.(map[string]any); ok && tagged(s.after) {
		c.object(s, nil, m)
		return
	}
	c.add(s, absent{}, after)
}

func tagged(pointer string) bool {
	return strings.HasSuffix(pointer, "/metadata/labels") || strings.HasSuffix(pointer, "/metadata/annotations")
}

// list compares items by what identifies them where something does; another
// order is then a change only when nothing else is, and of the whole list. Other
// lists are compared as they stand: as a whole when they are scalars, such as
// arguments, else item by item.
func (c *comparison) list(s spot, before, after []any) {
	if reflect.DeepEqual(before, after) {
		return
	}
	if key := mergeKey(before, after); key != "" {
		c.keyed(s, key, before, after)
		return
	}
	if !objects(before) || !objects(after) {
		c.add(s, before, after)
		return
	}
	for i := range max(len(before), len(after)) {
		at := s.item(i, i, strconv.Itoa(i))
		switch {
		case i >= len(after):
			c.add(at, before[i], absent{})
		case i >= len(before):
			c.add(at, absent{}, after[i])
		default:
			c.value(at, before[i], after[i])
		}
	}
}

func (c *comparison) keyed(s spot, key string, before, after []any) {
	index := map[string]int{}
	for i, v := range after {
		index[identity(v, key)] = i
	}
	n := len(c.out)
	defer func() { c.order(s, key, before, after, len(c.out) > n) }()
	for i, v := range before {
		id := identity(v, key)
		j, ok := index[id]
		if !ok {
			c.add(s.item(i, i, key+"="+id), v, absent{})
			continue
		}
		delete(index, id)
		c.value(s.item(i, j, key+"="+id), v, after[j])
	}
	for j, v := range after {
		if id := identity(v, key); len(index) > 0 {
			if _, ok := index[id]; ok {
				c.add(s.item(j, j, key+"="+id), absent{}, v)
			}
		}
	}
}

// order reports items that both lists have and that stand in another order: as
// noise when nothing reads the order, and then only when nothing else differs.
func (c *comparison) order(s spot, key string, before, after []any, more bool) {
	if slices.Equal(common(key, before, after), common(key, after, before)) || more && c.loose(s, before, after) {
		return
	}
	c.add(s, before, after)
}

// common lists what identifies the items of a list that another one has too.
func common(key string, list, other []any) []string {
	in := map[string]bool{}
	for _, v := range other {
		in[identity(v, key)] = true
	}
	var out []string
	for _, v := range list {
		if id := identity(v, key); in[id] {
			out = append(out, id)
		}
	}
	return out
}

// mergeKeys identify the items of a list: what the API server merges lists by
// (the patchMergeKey and listMapKey markers of k8s.io/api), most usual first.
var mergeKeys = []string{"name", "key", "mountPath", "devicePath", "containerPort", "port", "ip", "topologyKey", "uid", "type", "host", "path"}

// mergeKey returns the field that every item of both lists has, with another
// value in each; "" when there is none.
func mergeKey(lists ...[]any) string {
	for _, key := range mergeKeys {
		if !slices.ContainsFunc(lists, func(l []any) bool { return !unique(l, key) }) {
			return key
		}
	}
	return ""
}

func unique(list []any, key string) bool {
	seen := map[string]bool{}
	for _, v := range list {
		id := identity(v, key)
		if id == "" || seen[id] {
			return false
		}
		seen[id] = true
	}
	return len(list) > 0
}

func identity(v any, key string) string {
	m, _ := v.(map[string]any)
	switch id := m[key].(type) {
	case string:
		return id
	case int64:
		return strconv.FormatInt(id, 10)
	}
	return ""
}

func objects(list []any) bool {
	return !slices.ContainsFunc(list, func(v any) bool { _, ok := v.(map[string]any); return !ok })
}

func (c *comparison) add(s spot, before, after any) {
	f := ir.FieldChange{Path: s.after, Where: s.where, Before: before, After: after}
	f.Noise = c.noise(s, before, after)
	if _, ok := after.(absent); ok {
		f.Path, f.After = s.before, nil
	}
	if _, ok := before.(absent); ok {
		f.Before = nil
	}
	f.Immutable = immutable(c.before, f.Path) || shrinks(c.before, f.Path, before, after)
	c.out = append(c.out, f)
}

// within reports whether a pointer is at or below another.
func within(pointer, at string) bool {
	return pointer == at || strings.HasPrefix(pointer, at+"/")
}

// leaves lists the scalars of a value by their pointer.
func leaves(v any, at string, out map[string]any) map[string]any {
	if out == nil {
		out = map[string]any{}
	}
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			leaves(e, at+ir.Pointer(k), out)
		}
	case []any:
		for i, e := range v {
			leaves(e, at+"/"+strconv.Itoa(i), out)
		}
	default:
		out[at] = v
	}
	return out
}
