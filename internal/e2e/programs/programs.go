// Package programs builds the stock programs of a control plane from the Go
// module proxy: etcd, the API server, the controllers of Flux, a registry.
//
// Each one is built in a generated module of its own, from exactly the
// versions its authors chose, and kept outside the tree with the files of its
// module that a running control plane needs (custom resource definitions, the
// stages of KWOK). From nothing that costs about half an hour of CPU; once
// there, nothing.
package programs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Program is a main package of a module at a version.
type Program struct {
	Name, Version, Module, Package string

	// Staging is the version of modules that the program's go.mod takes from
	// a folder of its own repository and which are published as well.
	Staging string
	// Stamp sets string variables at link time.
	Stamp map[string]string
	// Assets are folders of the module that are kept beside the program.
	Assets []string
	// Stub is a file, by its path in the module, that the program embeds, that
	// its authors generate, and that their module lacks. It stands there with
	// nothing but a comment, so that what needs it does not work.
	Stub string
}

// ErrAbsent says what to do about a program that is not built here.
var ErrAbsent = errors.New("is not built here: run `make e2e`, which builds it once")

// Dir is where programs are kept: $XDG_CACHE_HOME/darkstart-e2e, or the same
// folder below the user's cache directory.
func Dir() (string, error) {
	base, err := os.UserCacheDir() // honours XDG_CACHE_HOME
	if err != nil {
		return "", err
	}
	return filepath.Join(base, "darkstart-e2e"), nil
}

// Path returns the program's executable below base, or ErrAbsent.
func (p Program) Path(base string) (string, error) {
	bin := filepath.Join(p.dir(base), p.Name)
	if st, err := os.Stat(bin); err != nil || !st.Mode().IsRegular() {
		return "", fmt.Errorf("%s %s %w", p.Name, p.Version, ErrAbsent)
	}
	return bin, nil
}

// Asset returns the folder that keeps one of the program's assets.
func (p Program) Asset(base, name string) string { return filepath.Join(p.dir(base), name) }

func (p Program) dir(base string) string { return filepath.Join(base, p.Name+"@"+p.Version) }

// Build builds the program below base unless it is there. The folder appears
// whole or not at all: a killed build leaves nothing that looks like one.
func Build(ctx context.Context, base string, p Program) (built bool, err error) {
	if _, err := p.Path(base); err == nil {
		return false, nil
	}
	if err := os.MkdirAll(base, 0o755); err != nil {
		return false, err
	}
	unlock, err := lock(ctx, filepath.Join(base, ".lock"))
	if err != nil {
		return false, err
	}
	defer unlock()
	if _, err := p.Path(base); err == nil { // another process was faster
		return false, nil
	}
	work, err := os.MkdirTemp(base, ".build-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(work)
	out := filepath.Join(work, "out")
	if err := p.compile(ctx, filepath.Join(work, "mod"), out); err != nil {
		return false, fmt.Errorf("%s %s: %w", p.Name, p.Version, err)
	}
	if err := os.RemoveAll(p.dir(base)); err != nil {
		return false, err
	}
	return true, os.Rename(out, p.dir(base))
}

// compile writes the module, the executable and the assets.
func (p Program) compile(ctx context.Context, mod, out string) error {
	for _, dir := range []string{mod, out} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	zip, err := wrapper(ctx, mod, p)
	if err != nil {
		return err
	}
	args := []string{"build", "-mod=mod", "-trimpath", "-ldflags=" + p.ldflags(), "-o", filepath.Join(out, p.Name), p.Package}
	if _, err := run(ctx, mod, args...); err != nil {
		return err
	}
	for _, asset := range p.Assets {
		if err := copyDir(filepath.Join(out, asset), filepath.Join(zip, asset)); err != nil {
			return err
		}
	}
	return nil
}

// copyDir copies the regular files of a folder, which must have some.
func copyDir(dst, src string) error {
	n := 0
	err := filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(src, path)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n++
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dst, rel)), 0o755); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dst, rel), b, 0o644)
	})
	if err == nil && n == 0 {
		err = fmt.Errorf("no file in %s", src)
	}
	return err
}
