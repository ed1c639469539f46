package ir

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"unique"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// Positions maps a JSON pointer (RFC 6901) into a unit to every place that set
// the value there, most specific first. The zero value maps nothing.
//
// A thousand clusters have some hundred thousand places, and a compile holds
// them until its end because any of them may be pointed at: here they are
// numbers, which the collector passes over, and units of one shape share the
// text of their pointers.
type Positions struct {
	files    []string
	pointers unique.Handle[string] // all of them, one after the other
	entries  []entry               // sorted by pointer
	places   []place
}

// entry is where a pointer ends in the text of all, and where its places end.
type entry struct{ text, places uint32 }

type place struct{ file, line, column, end uint32 }

// PositionsOf returns the map as Positions.
func PositionsOf(m map[string][]diag.Position) Positions {
	p := Positions{entries: make([]entry, 0, len(m))}
	var text strings.Builder
	n := 0
	for _, at := range m {
		n += len(at)
	}
	p.places = make([]place, 0, n)
	files := map[string]uint32{}
	for _, pointer := range slices.Sorted(maps.Keys(m)) {
		text.WriteString(pointer)
		for _, q := range m[pointer] {
			i, known := files[q.File]
			if !known {
				i = uint32(len(files))
				files[q.File] = i
				p.files = append(p.files, unique.Make(q.File).Value())
			}
			p.places = append(p.places, place{i, uint32(q.Line), uint32(q.Column), uint32(q.EndColumn)})
		}
		p.entries = append(p.entries, entry{uint32(text.Len()), uint32(len(p.places))})
	}
	p.pointers = unique.Make(text.String())
	return p
}

// Moved returns the positions in files of other names.
func (p Positions) Moved(name func(file string) string) Positions {
	p.files = slices.Clone(p.files)
	for i, f := range p.files {
		p.files[i] = name(f)
	}
	return p
}

// All returns every pointer with its places, sorted by pointer.
func (p Positions) All() iter.Seq2[string, []diag.Position] {
	return func(yield func(string, []diag.Position) bool) {
		for i := range p.entries {
			if !yield(p.pointer(i), p.at(p.of(i))) {
				return
			}
		}
	}
}

// Exactly returns the places that set pointer itself.
func (p Positions) Exactly(pointer string) []diag.Position { return p.at(p.find(pointer)) }

// At returns the places that set pointer, or those of its nearest ancestor
// that has any: a value that was computed has the place of what holds it.
func (p Positions) At(pointer string) []diag.Position { return p.at(p.nearest(pointer)) }

// First returns the first of At, or the zero Position.
func (p Positions) First(pointer string) diag.Position {
	if ps := p.nearest(pointer); len(ps) > 0 {
		return p.position(ps[0])
	}
	return diag.Position{}
}

func (p Positions) nearest(pointer string) []place {
	for at := range Holders(pointer) {
		if ps := p.find(at); len(ps) > 0 {
			return ps
		}
	}
	return nil
}

// Holders returns a pointer, and those of what holds it from the inside out.
func Holders(pointer string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for yield(pointer) {
			i := strings.LastIndexByte(pointer, '/')
			if i < 0 {
				return
			}
			pointer = pointer[:i]
		}
	}
}

func (p Positions) find(pointer string) []place {
	lo, hi := 0, len(p.entries)
	for lo < hi {
		if mid := (lo + hi) / 2; p.pointer(mid) < pointer {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == len(p.entries) || p.pointer(lo) != pointer {
		return nil
	}
	return p.of(lo)
}

func (p Positions) pointer(i int) string {
	var start uint32
	if i > 0 {
		start = p.entries[i-1].text
	}
	return p.pointers.Value()[start:p.entries[i].text]
}

func (p Positions) of(i int) []place {
	var start uint32
	if i > 0 {
		start = p.entries[i-1].places
	}
	return p.places[start:p.entries[i].places]
}

func (p Positions) at(ps []place) []diag.Position {
	if len(ps) == 0 {
		return nil
	}
	out := make([]diag.Position, len(ps))
	for i, x := range ps {
		out[i] = p.position(x)
	}
	return out
}

func (p Positions) position(x place) diag.Position {
	return diag.Position{File: p.files[x.file], Line: int(x.line), Column: int(x.column), EndColumn: int(x.end)}
}
