package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
)

// under resolves a path that a user gave against -C: "as if started there".
func under(dir, name string) string {
	if name == "" || name == "-" || filepath.IsAbs(name) || strings.Contains(name, "://") {
		return name
	}
	return filepath.Join(dir, name)
}

// writeFile replaces a file atomically: after a crash there is the old content
// or the new, never half of it.
func writeFile(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".darkstart-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // a no-op once it was renamed
	if _, err = f.Write(data); err == nil {
		err = f.Chmod(0o644)
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// writeFolder puts files in the place of a folder, by way of a temporary one
// beside it: there is the whole new folder, or the old one. Without files it
// is removed.
func writeFolder(dir string, files []ir.File) error {
	dir = filepath.Clean(dir)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".darkstart-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	fresh := filepath.Join(tmp, "new")
	if err := os.Mkdir(fresh, 0o755); err != nil {
		return err
	}
	for _, f := range files {
		target := filepath.Join(fresh, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(target, f.Data, 0o644); err != nil {
			return err
		}
	}
	err = os.Rename(dir, filepath.Join(tmp, "old"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) || len(files) == 0 {
		return err
	}
	return os.Rename(fresh, dir)
}
