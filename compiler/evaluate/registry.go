package evaluate

import (
	"context"
	"fmt"
	"io/fs"

	"cuelang.org/go/mod/modconfig"
	"cuelang.org/go/mod/modfile"
	"cuelang.org/go/mod/module"
)

// registry resolves modules without a network: those of the sandbox, and no
// others (D12).
type registry struct{ r *reader }

var _ modconfig.Registry = registry{}

// ModFile implements modconfig.Registry.
func (g registry) ModFile(_ context.Context, mv module.Version) (*modfile.File, error) {
	dir, err := g.dir(mv)
	if err != nil {
		return nil, err
	}
	b, err := fs.ReadFile(g.r, dir+"/"+moduleFile)
	if err != nil {
		return nil, err
	}
	return modfile.Parse(b, moduleFile)
}

// Fetch implements modconfig.Registry.
func (g registry) Fetch(_ context.Context, mv module.Version) (module.SourceLoc, error) {
	dir, err := g.dir(mv)
	if err != nil {
		return module.SourceLoc{}, err
	}
	sub, err := fs.Sub(g.r, dir)
	if err != nil {
		return module.SourceLoc{}, err
	}
	return module.SourceLoc{FS: rooted{sub, "/" + dir}, Dir: "."}, nil
}

// ModuleVersions implements modconfig.Registry.
func (g registry) ModuleVersions(_ context.Context, path string) ([]string, error) {
	switch _, ok := g.r.modules[path]; {
	case path == schemaModule:
		return []string{schemaVersion}, nil
	case ok:
		return []string{"v0.0.0"}, nil
	}
	return nil, nil
}

func (g registry) dir(mv module.Version) (string, error) {
	if dir, ok := g.r.modules[mv.Path()]; ok {
		return dir, nil
	}
	return "", &deniedError{mv.String()}
}

// deniedError is the answer for every module that is not in the sandbox.
type deniedError struct{ module string }

func (e *deniedError) Error() string {
	return fmt.Sprintf("module %s is not in the tree, and evaluation uses no registry", e.module)
}

// rooted tells the loader where in its file system a module lies.
type rooted struct {
	fs.FS
	root string
}

// OSRoot implements module.OSRootFS; the path is one of load.Config.FS.
func (r rooted) OSRoot() string { return r.root }
