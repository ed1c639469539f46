package object

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
)

// Edit is one thing that an object has otherwise than its Base.
type Edit struct {
	// Path leads there, one token a step; the steps into a list are indices.
	Path []string
	// Value stands there instead. With Merge it is a map[string]any whose fields
	// join those that are there.
	Value any
	Merge bool
}

// Content returns what the object says. It is for reading: what it shares with
// Base and with other calls is everything that no edit leads through.
func (o *Object) Content() map[string]any {
	if len(o.Edits) == 0 {
		return o.Base
	}
	c := copier{own: map[uintptr]bool{}}
	content := c.object(o.Base)
	for i := range o.Edits {
		content, _ = c.apply(content, o.Edits[i].Path, &o.Edits[i]).(map[string]any)
	}
	return content
}

// Get returns what Content has at path, one field a step, without making the
// rest of it; nil when a step is absent.
func (o *Object) Get(path ...string) any {
	n := 0
	for i := range o.Edits {
		if meet(o.Edits[i].Path, path) {
			n++
		}
	}
	if n == 0 {
		return Get(o.Base, path...)
	}
	there := Object{Source: o.Source, Edits: make([]Edit, 0, n)}
	for i := range o.Edits {
		if meet(o.Edits[i].Path, path) {
			there.Edits = append(there.Edits, o.Edits[i])
		}
	}
	return Get(there.Content(), path...)
}

// meet reports whether one of two paths leads through the other.
func meet(a, b []string) bool {
	n := min(len(a), len(b))
	return slices.Equal(a[:n], b[:n])
}

// With returns a copy of the object with more edits. It does not read identity
// from them: who edits a name or a namespace sets the field too.
func (o *Object) With(edits ...Edit) *Object {
	out := *o
	out.Edits = slices.Concat(o.Edits, edits)
	return &out
}

// FieldID tells the values of fields that objects share apart, as long as
// somebody holds on to the value.
type FieldID struct {
	address uintptr
	items   int
}

// Shares reports whether a value is that of a field of Base itself, which other
// objects have too: what is made of it can be kept.
func (o *Object) Shares(field string, v any) (id FieldID, ok bool) {
	if o.Sole {
		return FieldID{}, false
	}
	id = idOf(v)
	return id, id.items > 0 && id == idOf(o.Base[field])
}

// idOf returns the identity of a map or list, and none for what is neither.
func idOf(v any) FieldID {
	switch v := v.(type) {
	case map[string]any:
		return FieldID{reflect.ValueOf(v).Pointer(), len(v)}
	case []any:
		return FieldID{reflect.ValueOf(v).Pointer(), len(v)}
	}
	return FieldID{}
}

// copier copies maps and lists on the way to what changes, each of them once.
type copier struct{ own map[uintptr]bool }

// apply returns v with the edit done at path below it. A step that finds no map
// makes one, as kustomize does; one into a list that has no such item does nothing.
func (c *copier) apply(v any, path []string, e *Edit) any {
	if len(path) == 0 {
		if !e.Merge {
			return e.Value
		}
		m := c.object(v)
		maps.Copy(m, e.Value.(map[string]any))
		return m
	}
	if list, ok := v.([]any); ok {
		i, err := strconv.Atoi(path[0])
		if err != nil || i < 0 || i >= len(list) {
			return v
		}
		list = c.list(list)
		list[i] = c.apply(list[i], path[1:], e)
		return list
	}
	m := c.object(v)
	m[path[0]] = c.apply(m[path[0]], path[1:], e)
	return m
}

// object returns a map that may be changed and says what v says.
func (c *copier) object(v any) map[string]any {
	m, _ := v.(map[string]any)
	if m == nil {
		m = map[string]any{}
	} else if c.own[reflect.ValueOf(m).Pointer()] {
		return m
	} else {
		m = maps.Clone(m)
	}
	c.own[reflect.ValueOf(m).Pointer()] = true
	return m
}

func (c *copier) list(l []any) []any {
	if p := reflect.ValueOf(l).Pointer(); c.own[p] {
		return l
	}
	l = slices.Clone(l)
	c.own[reflect.ValueOf(l).Pointer()] = true
	return l
}
