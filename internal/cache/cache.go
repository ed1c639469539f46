// Package cache keeps the results of pure work on disk, named by what they were
// made from (DESIGN §10).
//
// A result is found again only by a key, and a key is a digest over everything
// that the work depends on. What that is cannot always be said beforehand: a
// CUE package imports others, a kustomization names bases. So the usual entry
// is found in two steps (see Memo): the key of the work names what it asked the
// tree last time, with the answers it had; if the tree gives the same answers
// today, the result is the same too.
//
// An entry is one file, written beside its place and renamed into it: a process
// that is killed leaves the entry whole or absent, and processes that write the
// same entry write the same bytes. Each is checked against its digest when it
// is read; one that does not hold is no entry, is removed, and is reported. So
// the worst that a bad disk can do is to cost time. Who can write to the folder
// can write false results; `--verify-cache` does the work all the same and
// compares.
package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Version of the layout on disk. Another one has another folder.
const Version = "v1"

// Key names a result.
type Key [sha256.Size]byte

// String returns the key in hexadecimal digits.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// keyOf makes a key of texts. No two lists of texts have the same: "ab", "c" is
// not "a", "bc".
func keyOf(texts ...string) Key {
	h := sha256.New()
	for _, t := range texts {
		fmt.Fprintf(h, "%d:%s", len(t), t)
	}
	return Key(h.Sum(nil))
}

// Store is a cache in a folder. A nil Store has nothing and keeps nothing. It
// is safe for concurrent use, by any number of processes.
type Store struct {
	*folder
	notes *notes // nil when nobody asked for them
}

// folder is what all views of a store share.
type folder struct {
	dir   string
	maker string
	check bool
	now   func() time.Time

	hits, misses, writes atomic.Int64
	mu                   sync.Mutex
	problems             []Problem
	tallies              map[string]Tally
}

// Problem is an entry that did not hold, or that could not be written.
type Problem struct {
	Path string
	Err  error
}

// Config of Open.
type Config struct {
	// Dir holds the cache. It need not exist: nothing is made before the first
	// entry is.
	Dir string
	// Maker identifies the program: entries of one are none of another.
	Maker string
	// Now tells when results are used, which decides what Prune removes: never
	// what a result is. Nil notes no use.
	Now func() time.Time
	// Check does all work although its result is there, and fails when they
	// differ: for who does not trust the cache.
	Check bool
	// Note remembers which entries are used, for Export.
	Note bool
}

// Open returns the cache in a folder.
func Open(c Config) *Store {
	s := &Store{folder: &folder{dir: filepath.Join(c.Dir, Version), maker: c.Maker, check: c.Check, now: c.Now}}
	if c.Note {
		s.notes = &notes{used: map[Key][]trace{}}
	}
	return s
}

// Maker returns what identifies the program.
func (s *Store) Maker() string { return s.maker }

func (s *Store) key(kind string, inputs []string) Key {
	return keyOf(append([]string{s.maker, kind}, inputs...)...)
}

// Dir returns the folder that holds the entries.
func (s *Store) Dir() string { return s.dir }

// ErrDamaged says that an entry is not what was written.
var ErrDamaged = errors.New("its content is not what its digest says")

// magic begins every entry, then come the digest of the rest and the rest.
var magic = []byte("darkstart cache entry v1\n")

// head is the length of what stands before the content of an entry.
func head() int { return len(magic) + sha256.Size }

// Get returns the content of an entry that is there and holds.
func (s *Store) Get(k Key) ([]byte, bool) {
	if s == nil {
		return nil, false
	}
	name := s.path(k)
	b, err := os.ReadFile(name)
	if err == nil {
		b, err = content(b)
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.problem(name, err)
			os.Remove(name) //nolint:errcheck // it is written again, or reported again
		}
		s.misses.Add(1)
		return nil, false
	}
	s.hits.Add(1)
	s.touch(name)
	return b, true
}

func content(entry []byte) ([]byte, error) {
	rest, ok := bytes.CutPrefix(entry, magic)
	if !ok || len(rest) < sha256.Size {
		return nil, ErrDamaged
	}
	sum, rest := rest[:sha256.Size], rest[sha256.Size:]
	if got := sha256.Sum256(rest); !bytes.Equal(got[:], sum) {
		return nil, ErrDamaged
	}
	return rest, nil
}

// Put keeps content under a key. A cache that cannot be written costs time and
// nothing else, so a failure is a Problem and no error.
func (s *Store) Put(k Key, b []byte) {
	if s == nil {
		return
	}
	name := s.path(k)
	if err := s.write(name, b); err != nil {
		s.problem(name, err)
		return
	}
	s.writes.Add(1)
}

func (s *Store) write(name string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), temporary+"*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it has been renamed
	sum := sha256.Sum256(b)
	_, err = f.Write(slices.Concat(magic, sum[:]))
	if err == nil {
		_, err = f.Write(b)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// temporary begins the names of files that are being written.
const temporary = ".new-"

func (s *Store) path(k Key) string {
	hex := k.String()
	return filepath.Join(s.dir, hex[:2], hex[2:])
}

func (s *Store) problem(path string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.ContainsFunc(s.problems, func(p Problem) bool { return p.Path == path }) {
		s.problems = append(s.problems, Problem{path, err})
	}
}

// used is how old the mark of the last use may become: to write it with each
// use would be to write as often as to read.
const used = time.Hour

// clock is the zero time when nobody tells the time: nothing is old then.
func (s *Store) clock() time.Time {
	if s.now == nil {
		return time.Time{}
	}
	return s.now()
}

func (s *Store) touch(name string) {
	now := s.clock()
	if fi, err := os.Stat(name); err == nil && now.Sub(fi.ModTime()) > used {
		os.Chtimes(name, now, now) //nolint:errcheck // it is pruned sooner, that is all
	}
}

// Tally counts results of one kind: those that were there, and those that were
// not.
type Tally struct{ Hits, Misses int }

func (s *Store) count(kind string, hit bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tallies[kind]
	if hit {
		t.Hits++
	} else {
		t.Misses++
	}
	if s.tallies == nil {
		s.tallies = map[string]Tally{}
	}
	s.tallies[kind] = t
}

// Run is what happened since Open.
type Run struct {
	Hits, Misses, Writes int64            // of entries
	Tallies              map[string]Tally // of results, by their kind
	Problems             []Problem        // by path
}

// Run returns what happened since Open.
func (s *Store) Run() Run {
	if s == nil {
		return Run{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	problems := slices.SortedFunc(slices.Values(s.problems), func(a, b Problem) int { return strings.Compare(a.Path, b.Path) })
	return Run{s.hits.Load(), s.misses.Load(), s.writes.Load(), maps.Clone(s.tallies), problems}
}
