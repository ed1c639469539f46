package cache

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/darkstart-dev/darkstart/internal/tree"
)

// Entry is what one store gives to another, in which the same program finds it
// as if it had done the work there.
type Entry struct {
	Key Key
	// Inputs says that Content is no result but what work asked its tree, and
	// where the result for those answers is (see Memo).
	Inputs  bool
	Content []byte
}

// ParseKey accepts what Key.String returns.
func ParseKey(s string) (Key, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(Key{}) {
		return Key{}, fmt.Errorf("%q is no key of a cache entry", s)
	}
	return Key(b), nil
}

// notes are the entries that a run used, and of work on a tree the inputs by
// which they were found.
type notes struct {
	mu   sync.Mutex
	used map[Key][]trace
}

func (s *Store) note(k Key, by ...trace) {
	n := s.notes
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.used[k] = append(n.used[k], without(by, n.used[k])...)
}

// Silent returns the same store for work whose results are not to be exported.
func (s *Store) Silent() *Store {
	if s == nil || s.notes == nil {
		return s
	}
	return &Store{folder: s.folder}
}

// without returns those of ts that ask other questions than each of known, or
// had other answers.
func without(ts, known []trace) []trace {
	return slices.DeleteFunc(slices.Clone(ts), func(tr trace) bool {
		return slices.ContainsFunc(known, func(o trace) bool { return slices.Equal(o.Asked, tr.Asked) })
	})
}

func (tr trace) compare(o trace) int {
	return cmp.Or(strings.Compare(string(tr.Result), string(o.Result)), slices.CompareFunc(tr.Asked, o.Asked, func(a, b tree.Asked) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(string(a.Ask), string(b.Ask)), strings.Compare(a.Answer, b.Answer))
	}))
}

// Export yields what was used since Open, by key, and of the inputs of work
// only those that were: what a folder happens to hold besides says nothing about
// this run. An entry that somebody removed meanwhile is left out, to be computed
// again by who misses it. The store must have been opened with Note.
func (s *Store) Export() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if s.notes == nil {
			return
		}
		s.notes.mu.Lock()
		used := maps.Clone(s.notes.used)
		s.notes.mu.Unlock()
		for _, k := range slices.SortedFunc(maps.Keys(used), func(a, b Key) int { return bytes.Compare(a[:], b[:]) }) {
			e, err := s.export(k, used[k])
			if errors.Is(err, os.ErrNotExist) || errors.Is(err, ErrDamaged) {
				continue
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

func (s *Store) export(k Key, by []trace) (Entry, error) {
	if by != nil { // in an order that does not depend on who was first
		b, err := encode(slices.SortedFunc(slices.Values(by), trace.compare))
		return Entry{k, true, b}, err
	}
	b, err := os.ReadFile(s.path(k))
	if err == nil {
		b, err = content(b)
	}
	return Entry{k, false, b}, err
}

// Import puts an entry of another store into this one. A result that is here
// stays as it is. The error wraps ErrDamaged when the entry is none.
func (s *Store) Import(e Entry) error {
	if !e.Inputs {
		if _, err := os.Stat(s.path(e.Key)); err != nil {
			s.Put(e.Key, e.Content)
		}
		return nil
	}
	var theirs []trace
	if err := decode(e.Content, &theirs); err != nil {
		return fmt.Errorf("entry %s: %w: %w", e.Key, ErrDamaged, err)
	}
	known := s.traces(e.Key)
	if fresh := without(theirs, known); len(fresh) > 0 {
		s.keep(e.Key, append(fresh, known...))
	}
	return nil
}
