package git

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // the checksum of the index format
	"errors"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/index"
)

// indexData is the index, sorted by path, with the time it was written.
type indexData struct {
	entries []*index.Entry
	written time.Time
}

// readIndex decodes the index; a repository without one has an empty index.
func (r *Repo) readIndex() (*indexData, *diag.Diagnostic, error) {
	fi, err := os.Stat(r.index)
	if os.IsNotExist(err) {
		return &indexData{}, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	b, err := os.ReadFile(r.index)
	if err != nil {
		return nil, nil, err
	}
	var idx index.Index
	err = index.NewDecoder(bytes.NewReader(sealed(b))).Decode(&idx)
	if errors.Is(err, index.ErrUnknownExtension) {
		return nil, diag.Errorf("SRC014", "the index is split or sparse, which cannot be read").
			Fix("write it whole: git update-index --no-split-index; git sparse-checkout reapply --no-sparse-index").
			Fix("or compile a commit"), nil
	}
	if err != nil {
		return nil, diag.Errorf("SRC006", "the index %s is damaged: %v", r.index, err).
			Fix("rebuild it: rm the file, then git reset"), nil
	}
	slices.SortFunc(idx.Entries, func(a, b *index.Entry) int { return strings.Compare(a.Name, b.Name) })
	return &indexData{entries: idx.Entries, written: fi.ModTime()}, nil, nil
}

// sealed fills in the checksum that git leaves out under index.skipHash; the
// decoder insists on it.
func sealed(b []byte) []byte {
	if n := len(b) - sha1.Size; n > 0 && bytes.Equal(b[n:], make([]byte, sha1.Size)) {
		sum := sha1.Sum(b[:n]) //nolint:gosec // as above
		return append(slices.Clone(b[:n]), sum[:]...)
	}
	return b
}

// below returns the entries under dir, with their names from the root.
func (x *indexData) below(dir string) []*index.Entry {
	if dir == "" {
		return x.entries
	}
	find := func(p string) int {
		i, _ := slices.BinarySearchFunc(x.entries, p, func(e *index.Entry, p string) int { return strings.Compare(e.Name, p) })
		return i
	}
	return x.entries[find(dir+"/"):find(dir+"0")] // '0' follows '/'
}

// fleets lists the folders in the index that look like a fleet.
func (x *indexData) fleets() []string {
	var out []string
	for _, e := range x.entries {
		if dir, ok := strings.CutSuffix(e.Name, "/darkstart.cue"); ok {
			out = append(out, dir)
		} else if e.Name == "darkstart.cue" {
			out = append(out, "")
		}
	}
	return out
}

// fromIndex lists what `git write-tree` would write.
func (l *listing) fromIndex() (*diag.Diagnostic, error) {
	x, d, err := l.repo.readIndex()
	if d != nil || err != nil {
		return d, err
	}
	below := x.below(l.dir)
	if len(below) == 0 && l.dir != "" {
		return noFolder(l.dir, x.fleets()), nil
	}
	l.noteIndexRules(x)
	unmerged := ""
	for _, e := range below {
		name := strings.TrimPrefix(e.Name[len(l.dir):], "/")
		switch {
		case e.Stage != 0:
			if name != unmerged {
				l.diags.Add(unmergedPath(name))
			}
			unmerged = name
		case e.IntentToAdd, strings.HasPrefix(name, output+"/"):
		default:
			l.addObject(name, filemode.FileMode(e.Mode), e.Hash)
		}
	}
	return nil, l.ctx.Err()
}

// find returns the entry of a path, nil when it is not tracked.
func (x *indexData) find(name string) *index.Entry {
	i, ok := slices.BinarySearchFunc(x.entries, name, func(e *index.Entry, n string) int { return strings.Compare(e.Name, n) })
	if !ok {
		return nil
	}
	return x.entries[i]
}

func (l *listing) noteIndexRules(x *indexData) {
	for _, e := range x.entries {
		if path.Base(e.Name) == attributesFile && e.Stage == 0 {
			l.rule(e.Name, e.Hash)
		}
	}
}

func unmergedPath(name string) *diag.Diagnostic {
	return diag.Errorf("SRC013", "%s has unresolved merge conflicts", name).
		At(at(name), "").
		Fix("resolve them and run: git add %s", name)
}
