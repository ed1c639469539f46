package cache

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Stats is what a cache holds.
type Stats struct {
	Entries int
	Bytes   int64     // of the entries, as files
	Oldest  time.Time // the last use of the entry that was not used for longest; zero without entries
}

// Stats counts the entries.
func (s *Store) Stats() (Stats, error) {
	all, err := s.entries()
	var out Stats
	for _, e := range all {
		if e.temporary {
			continue
		}
		out.Entries++
		out.Bytes += e.size
		if out.Oldest.IsZero() || e.used.Before(out.Oldest) {
			out.Oldest = e.used
		}
	}
	return out, err
}

// left is how old a file must be that somebody began to write before it counts
// as left behind.
const left = time.Hour

// Prune removes what was not used for longest until at most max bytes are left,
// and what killed processes left behind. It returns what is there afterwards and
// what was removed. Others may use the cache meanwhile: to them an entry is there
// or it is not.
func (s *Store) Prune(max int64) (after, removed Stats, err error) {
	all, err := s.entries()
	if err != nil {
		return after, removed, err
	}
	s.mark()
	slices.SortFunc(all, func(a, b file) int { return b.used.Compare(a.used) }) // newest first
	for _, e := range all {
		if e.temporary {
			if s.clock().Sub(e.used) > left {
				err = errors.Join(err, gone(os.Remove(e.path)))
			}
			continue
		}
		to := &after
		if after.Bytes+e.size > max {
			to, max = &removed, 0 // nothing older stays, so that the order is that of use
			err = errors.Join(err, gone(os.Remove(e.path)))
		}
		to.Entries++
		to.Bytes += e.size
		to.Oldest = e.used
	}
	return after, removed, err
}

// pruned is the file whose age says when Prune was last called.
const pruned = "pruned"

// Due reports whether nobody has pruned for so long; a cache that nobody has
// pruned yet is due from then on.
func (s *Store) Due(since time.Duration) bool {
	fi, err := os.Stat(filepath.Join(s.dir, pruned))
	if errors.Is(err, fs.ErrNotExist) {
		s.mark()
		return false
	}
	return err == nil && s.clock().Sub(fi.ModTime()) > since
}

func (s *Store) mark() {
	name := filepath.Join(s.dir, pruned)
	if err := os.WriteFile(name, nil, 0o600); err == nil {
		os.Chtimes(name, s.clock(), s.clock()) //nolint:errcheck // it is pruned sooner
	}
}

// gone lets another process have removed it first.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

type file struct {
	path      string
	size      int64
	used      time.Time
	temporary bool
}

// entries lists the files of the cache; what is not its own is left alone.
func (s *Store) entries() ([]file, error) {
	var out []file
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return gone(err)
		}
		name := d.Name()
		tmp := strings.HasPrefix(name, temporary)
		if !tmp && (len(name) != 2*len(Key{})-2 || strings.Trim(name, "0123456789abcdef") != "") {
			return nil
		}
		fi, err := d.Info()
		if err != nil {
			return gone(err)
		}
		out = append(out, file{path, fi.Size(), fi.ModTime(), tmp})
		return nil
	})
	return out, err
}
