package object

import (
	"cmp"
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// appendGo writes Go's own values, structs above all, as appendValue writes those
// of this package: what encoding/json does, whose text would be indented in a
// second one as large. What is rare is left to it: not ok, or for what writes
// itself its text.
func appendGo(b []byte, v reflect.Value, depth int) (_ []byte, ok bool) {
	return appendOf(b, v, depth, writerOf(v.Type()))
}

// appendOf is appendGo for a value of whose type it is known who writes it.
func appendOf(b []byte, v reflect.Value, depth int, who writer) (_ []byte, ok bool) {
	switch who {
	case byValue:
		if v.Kind() == reflect.Pointer && v.IsNil() {
			return append(b, "null"...), true
		}
		m := v.Interface().(json.Marshaler)
		if text, err := m.MarshalJSON(); err == nil && plainString(text) {
			return append(b, text...), true
		}
		b, err := appendStock(b, m, depth)
		return b, err == nil
	case byText:
		if v.Kind() == reflect.Pointer && v.IsNil() {
			return append(b, "null"...), true
		}
		text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
		if err != nil {
			return b, false
		}
		return appendString(b, string(text))
	case notHere:
		return b, false
	}
	if depth > deepest {
		return b, false
	}
	switch v.Kind() {
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool()), true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(b, v.Int(), 10), true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.AppendUint(b, v.Uint(), 10), true
	case reflect.Float64:
		return appendFloat(b, v.Float())
	case reflect.String:
		return appendString(b, v.String())
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return append(b, "null"...), true
		}
		return appendGo(b, v.Elem(), depth)
	case reflect.Slice:
		return appendSlice(b, v, depth)
	case reflect.Map:
		return appendGoMap(b, v, depth)
	case reflect.Struct:
		return appendStruct(b, v, depth)
	}
	return b, false
}

// plainString reports whether JSON is a string in which nothing is escaped and
// nothing could be: what durations are.
func plainString(text []byte) bool {
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return false
	}
	for _, c := range text[1 : len(text)-1] {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// deepest is where encoding/json begins to ask whether a value holds itself.
const deepest = 1000

func appendSlice(b []byte, v reflect.Value, depth int) (_ []byte, ok bool) {
	if v.IsNil() {
		return append(b, "null"...), true
	}
	b = append(b, '[')
	who := writerOf(v.Type().Elem())
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		if b, ok = appendOf(appendLine(b, depth+1), v.Index(i), depth+1, who); !ok {
			return b, false
		}
	}
	if v.Len() > 0 {
		b = appendLine(b, depth)
	}
	return append(b, ']'), true
}

func appendGoMap(b []byte, v reflect.Value, depth int) (_ []byte, ok bool) {
	if v.IsNil() {
		return append(b, "null"...), true
	}
	b = append(b, '{')
	keys, who := v.MapKeys(), writerOf(v.Type().Elem())
	slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		if b, ok = appendString(appendLine(b, depth+1), k.String()); !ok {
			return b, false
		}
		if b, ok = appendOf(append(b, ": "...), v.MapIndex(k), depth+1, who); !ok {
			return b, false
		}
	}
	if len(keys) > 0 {
		b = appendLine(b, depth)
	}
	return append(b, '}'), true
}

func appendStruct(b []byte, v reflect.Value, depth int) (_ []byte, ok bool) {
	fields, ok := fieldsOf(v.Type())
	if !ok {
		return b, false
	}
	b = append(b, '{')
	some := false
	for i := range fields {
		f := v
		for _, k := range fields[i].index { // FieldByIndex looks for pointers on the way
			f = f.Field(k)
		}
		if fields[i].omitEmpty && empty(f) {
			continue
		}
		if some {
			b = append(b, ',')
		}
		some = true
		b = append(appendLine(b, depth+1), fields[i].name...)
		if b, ok = appendOf(b, f, depth+1, fields[i].who); !ok {
			return b, false
		}
	}
	if some {
		b = appendLine(b, depth)
	}
	return append(b, '}'), true
}

// empty is what `omitempty` leaves out.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.String, reflect.Array:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// field is a field of a struct as it is written.
type field struct {
	name      string // quoted, with what follows it
	index     []int
	omitEmpty bool
	who       writer
}

type fields struct {
	list []field
	ok   bool
}

var known sync.Map // reflect.Type to fields

// fieldsOf lists the fields of a struct in their order; not ok for one whose tags
// or names only encoding/json knows how to read.
func fieldsOf(t reflect.Type) ([]field, bool) {
	if f, ok := known.Load(t); ok {
		return f.(fields).list, f.(fields).ok
	}
	var out fields
	out.list, out.ok = addFields(nil, t, nil)
	names := map[string]bool{}
	for _, f := range out.list {
		out.ok = out.ok && !names[f.name] // one hides the other
		names[f.name] = true
	}
	known.Store(t, out)
	return out.list, out.ok
}

func addFields(out []field, t reflect.Type, index []int) ([]field, bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(slices.Clip(index), i)
		tag := f.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		ok := true
		switch {
		case tag == "-":
			continue
		case f.Anonymous && tag == "":
			if f.Type.Kind() != reflect.Struct || writerOf(f.Type) != here {
				return nil, false
			}
			if out, ok = addFields(out, f.Type, at); !ok {
				return nil, false
			}
			continue
		case !f.IsExported() && !f.Anonymous:
			continue
		case f.Anonymous || name == "-" || options != "" && options != "omitempty":
			return nil, false
		}
		quoted, ok := appendString(nil, cmp.Or(name, f.Name))
		if !ok {
			return nil, false
		}
		out = append(out, field{string(quoted) + ": ", at, options != "", writerOf(f.Type)})
	}
	return out, true
}

// writer is who writes a value of a type.
type writer int

const (
	here    writer = iota
	byValue        // the value itself
	byText         // it too, as a text
	notHere        // encoding/json, with all around it
)

var (
	marshaler     = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	writers       sync.Map // reflect.Type to writer
)

func writerOf(t reflect.Type) writer {
	if w, ok := writers.Load(t); ok {
		return w.(writer)
	}
	w := here
	switch p := reflect.PointerTo(t); {
	case t.Kind() == reflect.Interface: // its value knows
	case t.Implements(marshaler):
		w = byValue
	case t.Implements(textMarshaler):
		w = byText
	case p.Implements(marshaler) || p.Implements(textMarshaler): // or not: that depends on whether it has an address
		w = notHere
	case t == reflect.TypeFor[json.Number](): // a number in a text
		w = notHere
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8: // base64
		w = notHere
	case t.Kind() == reflect.Map && (t.Key().Kind() != reflect.String || writerOf(t.Key()) != here): // keys that are made
		w = notHere
	}
	writers.Store(t, w)
	return w
}
