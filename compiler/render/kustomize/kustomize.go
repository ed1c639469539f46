// Package kustomize renders kustomizations with kustomize's own library, and
// nothing that kustomize does is trusted to be offline.
//
// The library has no switch against remote bases: a URL in a resource list is
// fetched, a git address is cloned by running git. So every kustomization that
// can be reached is read first (see scan.go); what the scan allows is copied
// into a file system in memory, and only that is what kustomize sees. A
// reference that the scan does not know therefore does not exist, instead of
// reaching a disk or a network.
//
// Objects equal those of stock `kustomize build`; a differential test builds
// that program and compares.
package kustomize

import (
	"context"
	"fmt"
	"path"
	"strings"
	"sync"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"

	"github.com/darkstart-dev/darkstart/compiler/render/yaml"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// schemaState guards the OpenAPI schema that kyaml keeps for the whole
// process. Runs that use the built-in schema only read it and may overlap; a
// run whose kustomization names a schema of its own changes it, so it runs
// alone and puts the built-in one back. TestConcurrentRuns holds this to the
// race detector.
var schemaState sync.RWMutex

// Render builds the kustomization in a folder of the tree. The error is one of
// reading the tree; all else is a diagnostic.
func Render(ctx context.Context, t *tree.Tree, dir string, limits yaml.Limits) ([]*object.Object, diag.List, error) {
	s, err := scan(ctx, t, dir, limits)
	if err != nil {
		return nil, nil, err
	}
	if s.diags.HasErrors() {
		return nil, s.diags, nil
	}
	var objects []*object.Object
	var bad diag.List
	placed := false
	if !s.renames {
		if objects, bad, err = s.build(ctx, dir, false); err != nil {
			return nil, nil, err
		}
		placed = !bad.HasErrors() && s.place(objects)
	}
	if !placed {
		if objects, bad, err = s.build(ctx, dir, true); err != nil {
			return nil, nil, err
		}
	}
	s.diags.Add(bad...)
	return objects, s.diags, nil
}

// build runs kustomize over what was scanned. Tracing costs a quarter of the
// run, since kustomize then parses and prints an annotation of every object
// after every transformer. So it is asked for only where objects cannot be
// found again by their names.
func (s *scanner) build(ctx context.Context, dir string, trace bool) ([]*object.Object, diag.List, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	root, content := s.roots[dir], s.files[s.roots[dir]]
	// A hash over annotations would cover the trace.
	if trace && !s.hashes {
		content = s.traceOrigins(dir)
	}
	s.traced = s.asked || trace && !s.hashes
	fs := filesys.MakeFsInMemory()
	for _, name := range s.order {
		b := s.files[name]
		if name == root {
			b = content
		}
		if err := fs.WriteFile("/"+name, b); err != nil {
			return nil, nil, fmt.Errorf("copying %s: %w", name, err)
		}
	}
	m, err := run(fs, "/"+dir, s.schema)
	if err != nil {
		return nil, diag.List{s.buildError(dir, err)}, nil
	}
	objects, bad := s.objects(dir, m)
	return objects, bad, nil
}

// run calls the library. A panic in it is one more way in which input can be
// wrong.
func run(fs filesys.FileSystem, dir string, ownSchema bool) (m resmap.ResMap, err error) {
	defer func() {
		if r := recover(); r != nil {
			m, err = nil, fmt.Errorf("kustomize gave up: %v", r)
		}
	}()
	if ownSchema {
		schemaState.Lock()
		defer schemaState.Unlock()
		openapi.ResetOpenAPI()
		defer openapi.ResetOpenAPI()
	} else {
		schemaState.RLock()
		defer schemaState.RUnlock()
	}
	return krusty.MakeKustomizer(options()).Run(fs, dir)
}

// options are the library's own defaults: files only from below a root, no
// plugins, no Helm. Objects are sorted later, so the order is left alone.
func options() *krusty.Options {
	o := krusty.MakeDefaultOptions()
	o.Reorder = krusty.ReorderOptionNone
	return o
}

func (s *scanner) buildError(dir string, err error) *diag.Diagnostic {
	text := strings.ReplaceAll(err.Error(), "'/"+dir, "'"+dir)
	text = strings.TrimRight(strings.Join(strings.Fields(text), " "), ". ")
	d := diag.Errorf("RND038", "kustomize cannot build %s", dir).
		At(diag.Position{File: s.roots[dir], Line: 1}, "this kustomization").
		Note("%s", text)
	for _, name := range s.order {
		if name != s.roots[dir] && strings.Contains(text, path.Base(name)) {
			d.At(diag.Position{File: name, Line: 1}, "named in the message")
			break
		}
	}
	return d.Fix("correct what the message names; `kustomize build %s` shows the same", dir)
}

// Files lists the files of YAML that a kustomization is built from, the
// outermost build file first. It lists none where the source cannot be read, nor
// where the library would print a warning each time: who asks for the files
// means to render them often.
func Files(ctx context.Context, t *tree.Tree, dir string, limits yaml.Limits) []string {
	s, err := scan(ctx, t, dir, limits)
	if err != nil || s.diags.HasErrors() || s.warns {
		return nil
	}
	var out []string
	for _, name := range s.order {
		if base := path.Base(name); base == "Kustomization" || yaml.IsManifest(base) {
			out = append(out, name)
		}
	}
	return out
}
