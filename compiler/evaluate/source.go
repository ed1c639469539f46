package evaluate

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"cuelang.org/go/mod/modfile"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

const (
	moduleFile      = "cue.mod/module.cue"
	localModuleFile = "cue.mod/local-module.cue"

	schemaModule  = "darkstart.dev/schema@v1"
	schemaVersion = "v1.0.0"
	schemaImport  = "darkstart.dev/schema/v1"
	vendorDir     = "cue.mod/pkg/darkstart.dev/schema"

	// Folders that exist only inside the sandbox. Their names cannot be import
	// paths, so nothing of the fleet can reach them by accident.
	schemaDir  = ".darkstart/schema"
	modulesDir = ".darkstart/modules"
)

// source is what CUE may see of the world: the fleet's tree, with the embedded
// schema and the vendored packages laid out as modules that the sandbox's
// registry serves. It is shared by all units and safe for concurrent use.
type source struct {
	tree    *tree.Tree // as the loader sees it
	modules map[string]string
	real    map[string]string // path in the sandbox to path in the fleet

	maxFile, maxNest int

	mu      sync.Mutex
	checked map[string]*diag.Diagnostic
}

// newSource builds the sandbox's tree over t. mod is the parsed module file.
func newSource(t *tree.Tree, schemas fs.FS, mod *modfile.File, c *Config) (*source, error) {
	s := &source{
		modules: map[string]string{schemaModule: schemaDir}, real: map[string]string{},
		maxFile: c.maxFile(), maxNest: c.maxNesting(), checked: map[string]*diag.Diagnostic{},
	}
	virtual, err := schemaFiles(schemas)
	if err != nil {
		return nil, err
	}
	var entries []tree.Entry
	for _, e := range t.Entries() {
		switch {
		case e.Path == moduleFile, e.Path == localModuleFile, strings.HasPrefix(e.Path, ".darkstart/"):
		case vendored(e.Path) != "":
			s.mapVendored(&entries, e)
		default:
			entries = append(entries, e)
		}
	}
	m, err := s.moduleFile(mod)
	if err != nil {
		return nil, err
	}
	virtual[moduleFile] = m
	for _, p := range sortedKeys(s.modules) {
		if dir := s.modules[p]; dir != schemaDir {
			virtual[dir+"/"+moduleFile] = fmt.Appendf(nil, "module: %q\nlanguage: version: %q\n", p, mod.Language.Version)
		}
	}
	for p, b := range virtual {
		entries = append(entries, tree.Entry{Path: p, Mode: tree.Regular, ID: tree.BlobID(b), Size: int64(len(b))})
	}
	s.tree, err = tree.New(entries, func(e tree.Entry) ([]byte, error) {
		if b, ok := virtual[e.Path]; ok {
			return b, nil
		}
		return t.ReadFile(s.realPath(e.Path))
	})
	return s, err
}

// moduleFile writes the fleet's module file with the schema and the vendored
// packages as dependencies, so that a user need not declare them. It replaces
// the original only after that was checked.
func (s *source) moduleFile(mod *modfile.File) ([]byte, error) {
	f := &modfile.File{Module: mod.Module, Language: mod.Language, Deps: map[string]*modfile.Dep{}}
	for p, d := range mod.Deps {
		f.Deps[p] = d
	}
	for p := range s.modules {
		v := "v0.0.0"
		if p == schemaModule {
			v = schemaVersion
		}
		if f.Deps[p] == nil {
			f.Deps[p] = &modfile.Dep{Version: v, Default: true}
		}
	}
	b, err := modfile.Format(f)
	if err != nil {
		return nil, fmt.Errorf("module file of the sandbox: %w", err)
	}
	return b, nil
}

// vendored returns the path below cue.mod/{pkg,gen,usr}, or "".
func vendored(p string) string {
	for _, d := range []string{"cue.mod/pkg/", "cue.mod/gen/", "cue.mod/usr/"} {
		if rest, ok := strings.CutPrefix(p, d); ok {
			return rest
		}
	}
	return ""
}

// mapVendored serves a vendored package as part of a module named by its host:
// the loader cannot read cue.mod/pkg from a file system in memory
// (cuelang.org/go v0.17.1, "cannot get absolute path for FS"). A vendored copy
// of the schema is not read: the compiler's own counts.
func (s *source) mapVendored(entries *[]tree.Entry, e tree.Entry) {
	rest := vendored(e.Path)
	host, _, deeper := strings.Cut(rest, "/")
	if strings.HasPrefix(e.Path, vendorDir+"/") || !deeper || !strings.Contains(host, ".") || !strings.HasSuffix(rest, ".cue") {
		return
	}
	p := modulesDir + "/" + rest
	if other, taken := s.real[p]; taken { // pkg, gen and usr may each hold the name
		p = strings.TrimSuffix(p, ".cue") + "-" + path.Base(path.Dir(other)) + ".cue"
	}
	s.modules[host+"@v0"] = modulesDir + "/" + host
	s.real[p] = e.Path
	e.Path = p
	*entries = append(*entries, e)
}

// realPath maps a path of the sandbox to the path in the fleet. Files of the
// schema get the path that `schema vendor` writes them to.
func (s *source) realPath(p string) string {
	p = strings.TrimPrefix(p, "/")
	if r, ok := s.real[p]; ok {
		return r
	}
	if rest, ok := strings.CutPrefix(p, schemaDir); ok {
		return vendorDir + rest
	}
	return p
}

// reader is the file system of one unit: it records what was read and refuses
// what exceeds a limit.
type reader struct {
	*source
	tree *tree.Tree // that of source, seen by one unit
	fs   fs.FS

	mu       sync.Mutex
	read     map[string]bool
	problems map[string]*diag.Diagnostic
}

func (s *source) reader(t *tree.Tree) *reader {
	return &reader{source: s, tree: t, fs: t.FS(), read: map[string]bool{}, problems: map[string]*diag.Diagnostic{}}
}

// Open implements fs.FS.
func (r *reader) Open(name string) (fs.File, error) {
	e, ok := r.tree.Lookup(name)
	if !ok {
		return r.fs.Open(name)
	}
	_, d, err := r.load(e)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.realPath(name); p != name || !strings.HasPrefix(p, ".darkstart/") {
		r.read[p] = !strings.HasPrefix(name, schemaDir)
	}
	if d != nil {
		r.problems[name] = d
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return r.fs.Open(name)
}

// ReadFile implements fs.ReadFileFS.
func (r *reader) ReadFile(name string) ([]byte, error) {
	f, err := r.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// files returns what was read, sorted.
func (r *reader) files() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(sortedKeys(r.read), func(p string) bool { return !r.read[p] })
}

// limits returns the limits that were exceeded.
func (r *reader) limits() diag.List {
	r.mu.Lock()
	defer r.mu.Unlock()
	var l diag.List
	for _, k := range sortedKeys(r.problems) {
		l.Add(r.problems[k])
	}
	return l
}

// load reads one file and checks it against the limits, once for all units.
func (s *source) load(e tree.Entry) ([]byte, *diag.Diagnostic, error) {
	if e.Size > int64(s.maxFile) {
		return nil, s.tooLarge(e.Path, e.Size), nil
	}
	b, err := s.tree.ReadFile(e.Path)
	if err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if d, done := s.checked[e.Path]; done {
		return b, d, nil
	}
	var d *diag.Diagnostic
	switch {
	case len(b) > s.maxFile:
		d = s.tooLarge(e.Path, int64(len(b)))
	case strings.HasSuffix(e.Path, ".cue"), strings.HasSuffix(e.Path, ".json"):
		d = nesting(s.realPath(e.Path), b, s.maxNest)
	}
	s.checked[e.Path] = d
	return b, d, nil
}

func (s *source) tooLarge(p string, size int64) *diag.Diagnostic {
	return diag.Errorf("EVL030", "%s has %d bytes, more than the limit of %d for a file of the spec", s.realPath(p), size, s.maxFile).
		At(diag.Position{File: s.realPath(p)}, "").
		Fix("keep data out of the spec: put manifests under components/ and name them as a source")
}

// schemaFiles reads the schema module into the sandbox's folder.
func schemaFiles(schemas fs.FS) (map[string][]byte, error) {
	if schemas == nil {
		return nil, fmt.Errorf("evaluate: Config.Schemas is nil (want schemas.FS)")
	}
	out := map[string][]byte{}
	names, err := fs.Glob(schemas, "v1/*.cue")
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("evaluate: Config.Schemas has no v1/*.cue: %w", cmpErr(err, fs.ErrNotExist))
	}
	for _, n := range append(names, moduleFile) {
		b, err := fs.ReadFile(schemas, n)
		if err != nil {
			return nil, fmt.Errorf("evaluate: schema: %w", err)
		}
		out[schemaDir+"/"+n] = b
	}
	return out, nil
}

func cmpErr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// sortedKeys returns the keys of m in order: no map order reaches an output.
func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// stale warns about a vendored schema that is not the compiler's: editors and
// `cue vet` would judge by other rules than Darkstart.
func stale(t *tree.Tree, schemas fs.FS) *diag.Diagnostic {
	if !t.HasDir(vendorDir) {
		return nil
	}
	want, err := Vendor(schemas)
	if err != nil {
		return nil
	}
	for _, p := range sortedKeys(want) {
		if got, err := t.ReadFile(p); err != nil || !bytes.Equal(got, want[p]) {
			return diag.Warningf("EVL040", "the vendored schema differs from the compiler's").
				At(diag.Position{File: p}, "").
				Note("Darkstart evaluates with its own schema; editors and `cue vet` see this one").
				Fix("run `darkstart schema vendor`")
		}
	}
	return nil
}
