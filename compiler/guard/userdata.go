package guard

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/open-policy-agent/opa/v1/loader"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

var dataFile = regexp.MustCompile(`\.(ya?ml|json)$`)

// data loads policies.data with OPA's own loader, as conftest does.
func (u *userPolicies) data() (storage.Store, diag.List, error) {
	if len(u.settings.Data) == 0 {
		return inmem.New(), nil, nil
	}
	store, files, ds, err := loadData(u.s.in.Tree, u.settings.Data, func(i int) diag.Position { return u.settings.position("data", fmt.Sprint(i)) })
	u.s.digests.add("data", files)
	return store, ds, err
}

// loadData reads files and folders of a tree; at is where each is named.
func loadData(t *tree.Tree, paths []string, at func(int) diag.Position) (store storage.Store, files []source, ds diag.List, err error) {
	var clean []string
	for i, p := range paths {
		prefix, file, ok := strings.Cut(p, ":") // as OPA: keys:path
		if !ok {
			prefix, file = "", p
		}
		file = path.Clean(strings.TrimPrefix(file, "./"))
		found, more := dataFiles(t, file)
		files = append(files, found...)
		if ds.Add(more...); len(found) == 0 {
			ds.Add(diag.Errorf("GRD030", "data of policies is missing: %s is no YAML or JSON file, and no folder that holds one", file).At(at(i), "").
				Fix("correct the path: it counts from the root of the fleet"))
			continue
		}
		if ok {
			file = prefix + ":" + file
		}
		clean = append(clean, file)
	}
	if ds.HasErrors() {
		return nil, nil, ds, nil
	}
	docs, err := loader.NewFileLoader().WithFS(t.FS()).Filtered(clean, func(_ string, info fs.FileInfo, _ int) bool {
		return !info.IsDir() && !dataFile.MatchString(info.Name())
	})
	if err != nil {
		return nil, nil, diag.List{diag.Errorf("GRD030", "data of policies cannot be loaded: %v", err).At(at(0), "").
			Fix("let each file hold an object, and no two of a folder the same key")}, nil
	}
	store, err = docs.Store()
	return store, files, nil, err
}

// dataFiles reads the data files at a path and refuses what is too large.
func dataFiles(t *tree.Tree, file string) (out []source, ds diag.List) {
	entries := t.Files(file)
	if e, ok := t.Lookup(file); ok {
		entries = []tree.Entry{e}
	}
	for _, e := range entries {
		if !dataFile.MatchString(e.Path) {
			continue
		}
		b, err := t.ReadFile(e.Path)
		if err != nil {
			continue // the loader says so
		}
		if len(b) > maxDataSize {
			ds.Add(diag.Errorf("GRD030", "data of policies is larger than %d bytes", maxDataSize).At(diag.Position{File: e.Path}, "").
				Fix("keep less of it"))
		}
		out = append(out, source{e.Path, b})
	}
	return out, ds
}
