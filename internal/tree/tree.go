// Package tree holds a fleet's input as an immutable set of files addressed by
// git object id.
//
// A Tree is what a git revision, the index or a working tree looks like from
// inside the compiler (D2): stages never see a disk, a clock or a network.
// Content is loaded on first use, so a file that nobody asks for is not read.
package tree

import (
	"crypto/sha1" //nolint:gosec // git's object id, an address and not a signature
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"
)

// Mode is a git file mode as far as input may have one.
type Mode uint32

const (
	// Regular is a plain file (git 100644).
	Regular Mode = 0o100644
	// Executable is a plain file with the executable bit (git 100755).
	Executable Mode = 0o100755
	// Symlink is a link whose content is its target (git 120000). Source
	// resolves links that stay inside and refuses the rest; stages see none.
	Symlink Mode = 0o120000
)

// ID is a git blob id in hex: 40 digits, SHA-1 over "blob <len>\0" + content.
type ID string

// BlobID computes the id git gives to content.
func BlobID(content []byte) ID {
	h := sha1.New() //nolint:gosec // git's object id
	fmt.Fprintf(h, "blob %d\x00", len(content))
	h.Write(content)
	return ID(hex.EncodeToString(h.Sum(nil)))
}

// Entry is one file. Path is slash-separated, clean and relative to the root.
type Entry struct {
	Path string
	Mode Mode
	ID   ID
	Size int64 // bytes; -1 when not known without reading
}

// Opener loads the content of one entry. It must be safe for concurrent use
// and return the same bytes every time.
type Opener func(Entry) ([]byte, error)

// Tree is an immutable, sorted set of files. The zero value is empty.
type Tree struct {
	entries []Entry
	open    Opener
	// notes is told what the tree is asked, nil for a tree that nobody records;
	// its names are below base (see Record).
	notes *Recording
	base  string
}

// New makes a tree over entries, which it sorts. Duplicate or unclean paths
// are a programming error of the source and are reported as such.
func New(entries []Entry, open Opener) (*Tree, error) {
	es := slices.Clone(entries)
	slices.SortFunc(es, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
	for i, e := range es {
		if !fs.ValidPath(e.Path) || e.Path == "." {
			return nil, fmt.Errorf("tree: invalid path %q", e.Path)
		}
		if i > 0 && es[i-1].Path == e.Path {
			return nil, fmt.Errorf("tree: duplicate path %q", e.Path)
		}
	}
	return &Tree{entries: es, open: open}, nil
}

// FromMap makes an in-memory tree of regular files; for tests and scaffolds.
// It panics on an invalid path.
func FromMap(files map[string]string) *Tree {
	es := make([]Entry, 0, len(files))
	for p, c := range files {
		es = append(es, Entry{Path: p, Mode: Regular, ID: BlobID([]byte(c)), Size: int64(len(c))})
	}
	t, err := New(es, func(e Entry) ([]byte, error) { return []byte(files[e.Path]), nil })
	if err != nil {
		panic(err)
	}
	return t
}

// Entries returns all files, sorted by path. The slice must not be changed.
func (t *Tree) Entries() []Entry { return t.Files(".") }

// Lookup returns the entry of a file.
func (t *Tree) Lookup(name string) (Entry, bool) {
	t.note(AskFile, name)
	return t.lookup(name)
}

func (t *Tree) lookup(name string) (Entry, bool) {
	i, ok := slices.BinarySearchFunc(t.entries, name, func(e Entry, n string) int { return strings.Compare(e.Path, n) })
	if !ok {
		return Entry{}, false
	}
	return t.entries[i], true
}

// ReadFile returns the content of a file, or an error that wraps
// fs.ErrNotExist.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	e, ok := t.Lookup(name)
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return t.open(e)
}

// Glob returns the paths that match a path.Match pattern, sorted.
func (t *Tree) Glob(pattern string) ([]string, error) {
	t.note(AskFiles, ".")
	var out []string
	for _, e := range t.entries {
		ok, err := path.Match(pattern, e.Path)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, e.Path)
		}
	}
	return out, nil
}

// under returns the half-open range of entries below dir ("." is all).
func (t *Tree) under(dir string) (int, int) {
	if dir == "." || dir == "" {
		return 0, len(t.entries)
	}
	lo := sort.Search(len(t.entries), func(i int) bool { return t.entries[i].Path >= dir+"/" })
	hi := sort.Search(len(t.entries), func(i int) bool { return t.entries[i].Path >= dir+"0" }) // '0' follows '/'
	return lo, hi
}

// Sub returns the tree below dir, with paths relative to it. It is empty when
// dir does not exist.
func (t *Tree) Sub(dir string) *Tree {
	if dir == "." || dir == "" {
		return t
	}
	lo, hi := t.under(dir)
	es := make([]Entry, 0, hi-lo)
	for _, e := range t.entries[lo:hi] {
		e.Path = e.Path[len(dir)+1:]
		es = append(es, e)
	}
	parent := t.open
	return &Tree{entries: es, notes: t.notes, base: path.Join(t.base, dir), open: func(e Entry) ([]byte, error) {
		e.Path = dir + "/" + e.Path
		return parent(e)
	}}
}

// Files returns the entries below dir at any depth, with their full paths.
func (t *Tree) Files(dir string) []Entry {
	t.note(AskFiles, dir)
	return t.files(dir)
}

func (t *Tree) files(dir string) []Entry {
	lo, hi := t.under(dir)
	return t.entries[lo:hi]
}

// direct returns the files directly below dir.
func (t *Tree) direct(dir string) []Entry {
	skip := 0
	if dir != "." && dir != "" {
		skip = len(dir) + 1
	}
	var out []Entry
	for _, e := range t.files(dir) {
		if !strings.Contains(e.Path[skip:], "/") {
			out = append(out, e)
		}
	}
	return out
}

// HasDir reports whether any file lies below dir.
func (t *Tree) HasDir(dir string) bool {
	t.note(AskDir, dir)
	return t.hasDir(dir)
}

func (t *Tree) hasDir(dir string) bool {
	lo, hi := t.under(dir)
	return hi > lo
}

// Dirs returns the names of the directories directly below dir, sorted.
func (t *Tree) Dirs(dir string) []string {
	t.note(AskDirs, dir)
	return t.dirs(dir)
}

func (t *Tree) dirs(dir string) []string {
	lo, hi := t.under(dir)
	skip := 0
	if dir != "." && dir != "" {
		skip = len(dir) + 1
	}
	var out []string
	for _, e := range t.entries[lo:hi] {
		name, _, deeper := strings.Cut(e.Path[skip:], "/")
		if deeper && (len(out) == 0 || out[len(out)-1] != name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
