package cli

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/ir"
)

// pinned reads the pins of clusters below the deploy folder, as they are now.
func pinned(s *session, deployDir string) compiler.Pinned {
	return func(cluster string) ([]ir.File, error) {
		names, err := filepath.Glob(filepath.Join(outDir(s, deployDir), cluster, "*.yaml"))
		if err != nil {
			return nil, err
		}
		var out []ir.File
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			out = append(out, ir.File{Path: filepath.Base(name), Data: b})
		}
		return out, nil
	}
}

// writeSets writes the ApplicationSets that the pins below the deploy folder
// amount to, if the project asks for them, and returns what it wrote.
func writeSets(s *session, res *compiler.Result, deployDir string) ([]string, error) {
	files, err := compiler.ApplicationSets(res, pinned(s, deployDir))
	if err != nil {
		return nil, err
	}
	var wrote []string
	for _, f := range files {
		target := filepath.Join(outDir(s, deployDir), filepath.FromSlash(f.Path))
		changed, err := writeChanged(target, f)
		if err != nil {
			return nil, err
		}
		if changed {
			wrote = append(wrote, shown(target))
		}
	}
	return wrote, nil
}

// writeChanged writes a file unless it is there as it is to be.
func writeChanged(target string, f ir.File) (bool, error) {
	old, err := os.ReadFile(target)
	if err == nil && bytes.Equal(old, f.Data) {
		return false, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return true, writeFile(target, f.Data)
}
