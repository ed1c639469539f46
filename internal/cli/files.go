package cli

import (
	"os"
	"path/filepath"
	"strings"
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
