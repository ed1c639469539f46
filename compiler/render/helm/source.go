package helm

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/ignore"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/render/yaml"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/darkstart-dev/darkstart/internal/yamlpos"
)

// source is a chart's files and where they stand in the tree.
type source struct {
	path    string // folder or archive
	archive bool
	files   []*archive.BufferedFile
	byName  map[string][]byte
	packed  digest.Digest // of the archive
	charts  []ir.Chart
}

func load(t *tree.Tree, p string, limits yaml.Limits) (*source, *diag.Diagnostic, error) {
	s := &source{path: p, byName: map[string][]byte{}}
	var d *diag.Diagnostic
	var err error
	if _, isFile := t.Lookup(p); isFile {
		d, err = s.unpack(t, limits)
	} else if t.HasDir(p) {
		d, err = s.walk(t, limits)
	} else {
		_, d, err = yaml.Read(t, p, limits)
	}
	if d != nil || err != nil {
		return nil, d, err
	}
	for _, f := range s.files {
		s.byName[f.Name] = f.Data
	}
	c, err := s.chart()
	if err != nil {
		return nil, s.unusable(err), nil
	}
	s.charts, err = s.describe(c)
	return s, nil, err
}

// describe lists the chart and its subcharts, the chart first.
func (s *source) describe(c *chart.Chart) ([]ir.Chart, error) {
	out := []ir.Chart{{Name: c.Name(), Version: c.Metadata.Version, AppVersion: c.Metadata.AppVersion, Path: s.path, Digest: s.packed}}
	if !s.archive {
		var names []string
		for name := range s.byName { // order does not matter to the hash
			names = append(names, name)
		}
		var err error
		out[0].Hash, err = digest.Dir(names, func(name string) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(s.byName[name])), nil
		})
		if err != nil {
			return nil, err
		}
	}
	var subs func(c *chart.Chart)
	subs = func(c *chart.Chart) {
		for _, d := range c.Dependencies() {
			out = append(out, ir.Chart{Name: d.Name(), Version: d.Metadata.Version, AppVersion: d.Metadata.AppVersion, Path: s.path, Sub: true})
			subs(d)
		}
	}
	subs(c)
	return out, nil
}

func (s *source) unpack(t *tree.Tree, limits yaml.Limits) (*diag.Diagnostic, error) {
	s.archive = true
	b, d, err := yaml.Read(t, s.path, limits)
	if d != nil || err != nil {
		return d, err
	}
	s.packed = digest.Of(b)
	// The library bounds the unpacked size and refuses paths that leave the
	// chart, absolute ones and links.
	if s.files, err = archive.LoadArchiveFiles(bytes.NewReader(b)); err != nil {
		return diag.Errorf("RND063", "chart archive cannot be unpacked").
			At(diag.Position{File: s.path}, "").Note("%s", oneLine(err.Error())).
			Fix("package the chart again with `helm package`, or vendor it as a folder"), nil
	}
	return nil, nil
}

// walk reads the chart's folder the way Helm does: without what .helmignore
// names.
func (s *source) walk(t *tree.Tree, limits yaml.Limits) (*diag.Diagnostic, error) {
	sub := t.Sub(s.path)
	rules := ignore.Empty()
	if b, err := sub.ReadFile(".helmignore"); err == nil {
		parsed, err := ignore.Parse(bytes.NewReader(b))
		if err != nil {
			return s.unusable(fmt.Errorf(".helmignore: %w", err)), nil
		}
		rules = parsed
	}
	rules.AddDefaults()
	var d *diag.Diagnostic
	err := fs.WalkDir(sub.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || name == "." || d != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if rules.Ignore(name, info) {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if e.IsDir() {
			return nil
		}
		var b []byte
		if b, d, err = yaml.Read(t, path.Join(s.path, name), limits); d == nil && err == nil {
			b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
			s.files = append(s.files, &archive.BufferedFile{Name: name, Data: b})
		}
		return err
	})
	return d, err
}

// chart loads the chart anew: rendering changes the value it is given.
func (s *source) chart() (*chart.Chart, error) {
	c, err := loader.LoadFiles(s.files)
	if err != nil {
		return nil, err
	}
	tidy(c)
	return c, nil
}

// tidy puts subcharts in order, which the loader leaves to a map, and removes
// notes, which are for people at a terminal.
func tidy(c *chart.Chart) {
	subs := slices.Clone(c.Dependencies())
	slices.SortStableFunc(subs, func(a, b *chart.Chart) int {
		return strings.Compare(a.Name()+" "+a.Metadata.Version, b.Name()+" "+b.Metadata.Version)
	})
	c.SetDependencies(subs...)
	kept := c.Templates[:0]
	for _, f := range c.Templates {
		if !isNotes(f.Name) {
			kept = append(kept, f)
		}
	}
	c.Templates = kept
	for _, sub := range subs {
		tidy(sub)
	}
}

func (s *source) name() string {
	v, _ := s.metadata("")
	if n := object.String(v, "name"); n != "" {
		return n
	}
	return path.Base(s.path)
}

// metadata reads the Chart.yaml below a prefix of the chart.
func (s *source) metadata(prefix string) (any, *yamlpos.File) {
	f, p := yamlpos.Parse(s.byName[prefix+"Chart.yaml"], yamlpos.Limits{})
	if p != nil || len(f.Documents) == 0 {
		return nil, nil
	}
	return f.Documents[0].Value, f
}

func (s *source) asks() bool {
	for _, f := range s.files {
		inTemplates := strings.HasPrefix(f.Name, "templates/") || strings.Contains(f.Name, "/templates/")
		if inTemplates && bytes.Contains(f.Data, []byte("APIVersions")) || strings.HasSuffix(f.Name, ".tgz") {
			return true
		}
	}
	return false
}

func (s *source) unusable(err error) *diag.Diagnostic {
	return diag.Errorf("RND050", "chart %s cannot be loaded", s.path).
		At(s.position("Chart.yaml", 0), "").Note("%s", oneLine(err.Error())).
		Fix("correct the chart; `helm lint %s` shows the same", s.path)
}

// position is a place in a file of the chart, or the archive that holds it.
func (s *source) position(name string, line int) diag.Position {
	if s.archive {
		return diag.Position{File: s.path}
	}
	if _, ok := s.byName[name]; !ok {
		return diag.Position{File: s.path}
	}
	return diag.Position{File: path.Join(s.path, name), Line: line}
}

// inside turns the name of a template as the engine prints it, chart/charts/
// sub/templates/x.yaml, into the name of a file of the chart; "" when it lies
// in a nested archive. Subcharts stand under the name of their alias there and
// under that of their folder here.
func (s *source) inside(template string) string {
	_, rest, _ := strings.Cut(template, "/")
	prefix := ""
	for {
		after, nested := strings.CutPrefix(rest, "charts/")
		if !nested {
			break
		}
		var sub string
		sub, rest, _ = strings.Cut(after, "/")
		if prefix = s.subchart(prefix, sub); prefix == "" {
			return ""
		}
	}
	if _, ok := s.byName[prefix+rest]; !ok {
		return ""
	}
	return prefix + rest
}

func (s *source) subchart(prefix, name string) string {
	meta, _ := s.metadata(prefix)
	for _, d := range object.Slice(meta, "dependencies") {
		if object.String(d, "alias") == name {
			name = object.String(d, "name")
			break
		}
	}
	for _, f := range s.files {
		rest, ok := strings.CutPrefix(f.Name, prefix+"charts/")
		dir, file, _ := strings.Cut(rest, "/")
		if !ok || file != "Chart.yaml" {
			continue
		}
		if meta, _ := s.metadata(prefix + "charts/" + dir + "/"); object.String(meta, "name") == name {
			return prefix + "charts/" + dir + "/"
		}
	}
	return ""
}

// locate returns the path in the tree of a file that the engine names.
func (s *source) locate(template string) string {
	if in := s.inside(template); in != "" && !s.archive {
		return path.Join(s.path, in)
	}
	return s.path
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
