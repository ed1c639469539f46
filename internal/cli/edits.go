package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// edits collects changes of the files below a folder, and makes them together.
type edits struct {
	root   string
	byFile map[string][]diag.Edit
}

// add takes the edits of one fix, all or none of them: false when one overlaps
// what was added before, or was made for another text.
func (e *edits) add(more ...diag.Edit) (bool, error) {
	next := maps.Clone(e.byFile)
	if next == nil {
		next = map[string][]diag.Edit{}
	}
	for _, m := range more {
		next[m.File] = append(slices.Clone(next[m.File]), m)
	}
	for _, m := range more {
		old, err := e.read(m.File)
		if err != nil {
			return false, err
		}
		if _, err := diag.Apply(old, next[m.File]); err != nil {
			return false, nil
		}
	}
	e.byFile = next
	return true, nil
}

func (e *edits) name(file string) string { return filepath.Join(e.root, filepath.FromSlash(file)) }

func (e *edits) read(file string) ([]byte, error) {
	b, err := os.ReadFile(e.name(file))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// show prints the changes as one diff.
func (e *edits) show(w io.Writer) error {
	return e.each(func(file string, old, text []byte) error {
		_, err := w.Write(diff.Diff("a/"+file, old, "b/"+file, text))
		return err
	})
}

// write makes the changes, each file whole.
func (e *edits) write() error {
	return e.each(func(file string, _, text []byte) error { return writeFile(e.name(file), text) })
}

// each hands every changed file on, old and new. All are made before the first
// is handed on: one that cannot be changes none.
func (e *edits) each(do func(file string, old, text []byte) error) error {
	type changed struct{ old, text []byte }
	all := map[string]changed{}
	files := slices.Sorted(maps.Keys(e.byFile))
	for _, file := range files {
		old, err := e.read(file)
		if err != nil {
			return err
		}
		text, err := diag.Apply(old, e.byFile[file])
		if err != nil {
			return fmt.Errorf("%s changed in the meantime: %w", file, err)
		}
		all[file] = changed{old, text}
	}
	for _, file := range files {
		if err := do(file, all[file].old, all[file].text); err != nil {
			return err
		}
	}
	return nil
}
