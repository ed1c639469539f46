package kustomize

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/render/yaml"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/darkstart-dev/darkstart/internal/yamlpos"
)

// names are what kustomize accepts as a build file.
var names = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// IsKustomization reports whether a file of that name is what a folder is built
// from.
func IsKustomization(base string) bool { return slices.Contains(names, base) }

// scanner reads every kustomization that can be reached from one, judges each
// reference, and collects the files that kustomize may see.
type scanner struct {
	tree   *tree.Tree
	limits yaml.Limits
	diags  diag.List
	files  map[string][]byte
	order  []string          // of files, as first seen
	roots  map[string]string // folder to its build file
	docs   map[string][]*object.Object
	schema bool // a kustomization sets the process-wide schema
	hashes bool // an object asks for a hash over its annotations
	bytes  int
	asked  bool // the user asked for origins, too
	traced bool // kustomize wrote origins down
	// renames is set when objects may get names that are in no file, or come
	// from none; moves, when they may get another namespace.
	renames, moves bool
	// warns is set when the library prints a warning about an old field that
	// has no successor of the same meaning.
	warns bool
}

// unit is one kustomization while it is scanned.
type unit struct {
	dir   string
	file  string
	text  *yamlpos.File
	value map[string]any
	// plugin is set when the objects of this folder configure generators or
	// transformers of the kustomization at that folder.
	plugin *unit
}

func scan(ctx context.Context, t *tree.Tree, dir string, limits yaml.Limits) (*scanner, error) {
	s := &scanner{
		tree: t, limits: limits, files: map[string][]byte{},
		roots: map[string]string{}, docs: map[string][]*object.Object{},
	}
	if err := s.visit(ctx, dir, diag.Position{File: dir}, nil, nil); err != nil {
		return nil, err
	}
	return s, nil
}

// visit scans one folder. The stack holds the folders above it.
func (s *scanner) visit(ctx context.Context, dir string, from diag.Position, stack []string, plugin *unit) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if slices.Contains(stack, dir) {
		s.diags.Add(diag.Errorf("RND037", "kustomizations include each other: %s", strings.Join(append(stack, dir), " → ")).
			At(from, "closes the cycle").Fix("remove one of the references"))
		return nil
	}
	if _, seen := s.roots[dir]; seen && plugin == nil {
		return nil
	}
	u, err := s.open(dir, from)
	if u == nil || err != nil {
		return err
	}
	u.plugin = plugin
	s.roots[dir] = u.file
	s.effects(u.value, len(stack) == 0)
	return s.references(ctx, u, append(slices.Clone(stack), dir))
}

// open reads the build file of a folder; nil when it has none that is usable.
func (s *scanner) open(dir string, from diag.Position) (*unit, error) {
	var found []string
	for _, n := range names {
		if _, ok := s.tree.Lookup(path.Join(dir, n)); ok {
			found = append(found, path.Join(dir, n))
		}
	}
	switch {
	case len(found) > 1:
		s.diags.Add(diag.Errorf("RND030", "folder %q has several build files: %s", dir, strings.Join(found, ", ")).
			At(diag.Position{File: found[0], Line: 1}, "").At(from, "referred to here").
			Fix("keep one of them"))
		return nil, nil
	case len(found) == 0:
		s.diags.Add(diag.Errorf("RND030", "folder %q has no kustomization.yaml", dir).
			At(from, "referred to here").
			Fix("add one, or name the folder with `source: yaml:` if it holds plain manifests"))
		return nil, nil
	}
	text, value, err := s.load(found[0])
	if text == nil || err != nil {
		return nil, err
	}
	u := &unit{dir: dir, file: found[0], text: text, value: value}
	s.unknownFields(u)
	s.keep(u.file, encode(modern(value)))
	return u, nil
}

func (s *scanner) load(name string) (*yamlpos.File, map[string]any, error) {
	src, err := s.read(name)
	if src == nil || err != nil {
		return nil, nil, err
	}
	text, p := yamlpos.Parse(src, s.limits.Limits)
	if p != nil {
		s.diags.Add(yaml.FromProblem(name, p))
		return nil, nil, nil
	}
	if len(text.Documents) == 1 {
		if m, ok := text.Documents[0].Value.(map[string]any); ok {
			return text, m, nil
		}
	}
	s.diags.Add(diag.Errorf("RND039", "a build file must be one mapping").
		At(diag.Position{File: name, Line: 1}, "this file has %d documents", len(text.Documents)).
		Fix("keep one document with fields such as `resources:`"))
	return nil, nil, nil
}

// read returns a file, nil after a diagnostic.
func (s *scanner) read(name string) ([]byte, error) {
	src, d, err := yaml.Read(s.tree, name, s.limits)
	s.diags.Add(d)
	if d != nil || err != nil {
		return nil, err
	}
	if src == nil {
		src = []byte{}
	}
	return src, nil
}

func (s *scanner) keep(name string, content []byte) {
	if _, ok := s.files[name]; !ok {
		s.order = append(s.order, name)
	}
	s.files[name] = content
}

// ref is one reference in a build file: its text, and the path to it.
type ref struct {
	text string
	path []string
	kind refKind
}

type refKind int

const (
	anyRef    refKind = iota // a file, or the folder of another kustomization
	dirRef                   // a folder
	yamlRef                  // a file of YAML
	rawRef                   // any file
	patchRef                 // a file of YAML, or YAML
	pluginRef                // a file or folder of plugin configuration, or YAML
)

func (s *scanner) references(ctx context.Context, u *unit, stack []string) error {
	s.forbidden(u)
	if object.Map(u.value, "openapi") != nil {
		s.schema = true
	}
	for _, r := range collect(u.value) {
		if err := s.follow(ctx, u, r, stack); err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) at(u *unit, path []string) diag.Position {
	pos := diag.Position{File: u.file, Line: 1}
	if len(u.text.Documents) > 0 {
		if p, _ := u.text.Locate(u.text.Documents[0].Index, path); p.Line > 0 {
			pos.Line, pos.Column, pos.EndColumn = p.Line, p.Column, p.EndColumn
		}
	}
	return pos
}

var (
	userAtHost = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]*@`)
	webScheme  = regexp.MustCompile(`(?i)^(https?:|git::|ssh:|file:)`)
	gitHub     = regexp.MustCompile(`(?i)^github\.com[/:]`)
)

// isRemote reports whether kustomize could take a reference for an address.
// It is wider than kustomize's own test: nothing local is written like this.
func isRemote(ref string) bool {
	return strings.Contains(ref, "://") || startsRemote(ref)
}

// startsRemote is the part of isRemote that also holds for YAML in place of a
// reference: a patch may well contain an address, but not begin with one.
func startsRemote(ref string) bool {
	ref = strings.TrimSpace(ref)
	return webScheme.MatchString(ref) || gitHub.MatchString(ref) ||
		(userAtHost.MatchString(ref) && strings.ContainsAny(ref, ":/"))
}

// resolve turns a reference into a path of the tree, or explains why not.
func (s *scanner) resolve(u *unit, r ref) (string, bool) {
	at := s.at(u, r.path)
	refuse := func(code, why, fix string) (string, bool) {
		s.diags.Add(diag.Errorf(code, "%q %s", r.text, why).At(at, "").Fix("%s", fix))
		return "", false
	}
	switch {
	case r.text == "":
		return refuse("RND036", "names nothing", "remove the empty entry")
	case isRemote(r.text):
		return refuse("RND031", "is remote: a compile never uses the network", "vendor it into the repository and refer to the folder")
	case path.IsAbs(r.text) || strings.Contains(r.text, `\`):
		return refuse("RND034", "is no relative path", "write it relative to the kustomization, with forward slashes")
	}
	target := path.Join(u.dir, r.text)
	if target == ".." || strings.HasPrefix(target, "../") {
		return refuse("RND035", "leaves the fleet's folder", "move what it names into the fleet")
	}
	_, isFile := s.tree.Lookup(target)
	if isFile && target != u.dir && !strings.HasPrefix(target, u.dir+"/") && u.dir != "." {
		return refuse("RND035", "is a file outside the kustomization's folder", "make its folder a kustomization and refer to that, as kustomize asks")
	}
	if !isFile && !s.tree.HasDir(target) {
		fix := "add the file to git, or remove the reference"
		if near := nearest(s.tree, target); near != "" {
			fix = fmt.Sprintf("did you mean %q?", near)
		}
		return refuse("RND036", "does not exist", fix)
	}
	return target, true
}

func nearest(t *tree.Tree, target string) string {
	var siblings []string
	for _, e := range t.Files(path.Dir(target)) {
		if path.Dir(e.Path) == path.Dir(target) {
			siblings = append(siblings, path.Base(e.Path))
		}
	}
	return diag.Nearest(path.Base(target), append(siblings, t.Dirs(path.Dir(target))...))
}
