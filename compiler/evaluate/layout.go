package evaluate

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/mod/modfile"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// folder is one unit before it is evaluated.
type folder struct {
	name string // of the unit
	dir  string // "." for the project
	pkg  string // package of its files
	def  string // schema definition
	// silent units are of no use to others (see Config.Own).
	silent bool
}

// layout is the units of a fleet. Absent ones are nil (D15).
type layout struct {
	project, fleet, recovery, waivers *folder
	clusters                          []*folder
	evidence                          []tree.Entry
	trust                             bool // there is a trust.cue
}

var clusterName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$`)

// readModule reads cue.mod/module.cue. The sandbox replaces the file by its own,
// so everything that it may say is judged here.
func readModule(t *tree.Tree) (*modfile.File, diag.List) {
	at := diag.Position{File: moduleFile}
	b, err := t.ReadFile(moduleFile)
	if err != nil {
		return nil, diag.List{diag.Errorf("EVL001", "the fleet has no %s", moduleFile).
			At(at, "").
			Fix("run `darkstart init`, or write the file: module: \"example.com/fleet@v0\" and language: version: \"v0.17.0\"").
			Fix("if the fleet is a folder of the repository, name that folder with -C")}
	}
	if len(b) > 1<<16 {
		return nil, diag.List{diag.Errorf("EVL030", "%s has %d bytes, more than the limit of %d", moduleFile, len(b), 1<<16).
			At(at, "").Fix("a module file holds the module's name, language version and dependencies only")}
	}
	if d := nesting(moduleFile, b, 1000); d != nil {
		return nil, diag.List{d}
	}
	var l diag.List
	if _, ok := t.Lookup(localModuleFile); ok {
		l.Add(diag.Errorf("EVL002", "%s is not allowed: it would make the fleet depend on one machine", localModuleFile).
			At(diag.Position{File: localModuleFile}, "").
			Fix("delete the file, or vendor what it replaces under cue.mod/pkg"))
	}
	m, err := modfile.ParseNonStrict(b, moduleFile)
	if err != nil {
		d := diag.Errorf("EVL002", "%s is not a valid module file: %s", moduleFile, plain(err.Error()))
		for _, p := range errors.Positions(err) {
			if q := position(p); q.File == moduleFile {
				d.At(q, "")
			}
		}
		if len(d.Labels) == 0 {
			d.At(at, "")
		}
		return nil, append(l, d.Fix("it needs at least: module: \"example.com/fleet@v0\" and language: version: \"v0.17.0\""))
	}
	if m.Module == "" || m.Language == nil || m.Language.Version == "" {
		l.Add(diag.Errorf("EVL002", "%s lacks a module name or a language version", moduleFile).At(at, "").
			Fix("it needs at least: module: \"example.com/fleet@v0\" and language: version: \"v0.17.0\""))
	}
	for _, p := range sortedKeys(m.Deps) {
		if m.Deps[p].ReplaceWith != "" {
			l.Add(diag.Errorf("EVL002", "module %s is replaced by a folder, which is not allowed", p).
				At(at, "").Fix("vendor the module under cue.mod/pkg"))
		}
	}
	return m, l
}

// survey finds the units and judges what cannot be one.
func survey(t *tree.Tree, src *source, c *Config) (layout, diag.List) {
	s := surveyor{tree: t, src: src}
	var out layout
	out.project = s.folder("project", ".", "darkstart", "#Project")
	out.fleet = s.folder("fleet", "fleet", "fleet", "#Fleet")
	out.recovery = s.folder("recovery", "recovery", "recovery", "#Recovery")
	out.waivers = s.folder("waivers", "waivers", "waivers", "#Waivers")
	_, out.trust = t.Lookup(trustFile)
	s.files("clusters", "clusters")
	names := t.Dirs("clusters")
	for _, n := range names {
		if len(c.Clusters) > 0 && !slices.Contains(c.Clusters, n) {
			continue
		}
		if f := s.cluster(n); f != nil {
			out.clusters = append(out.clusters, f)
		}
	}
	s.unknownClusters(names, c.Clusters)
	out.evidence = s.records()
	if len(names) == 0 {
		s.diags.Add(diag.Errorf("EVL005", "the fleet has no cluster").
			At(diag.Position{File: "clusters"}, "").
			Fix("describe one in clusters/<name>/cluster.cue, package clusters; `darkstart init` writes a first one"))
	}
	return out, s.diags
}

type surveyor struct {
	tree  *tree.Tree
	src   *source
	diags diag.List
}

func (s *surveyor) unknownClusters(names, wanted []string) {
	for _, w := range wanted {
		if slices.Contains(names, w) {
			continue
		}
		d := diag.Errorf("EVL007", "there is no cluster %q", w).At(diag.Position{File: "clusters"}, "")
		if n := diag.Nearest(w, names); n != "" {
			d.Fix("did you mean %q", n)
		}
		s.diags.Add(d.Fix("clusters of this fleet: %s", strings.Join(names, ", ")))
	}
}

// cluster surveys clusters/<name>.
func (s *surveyor) cluster(name string) *folder {
	dir := "clusters/" + name
	if !clusterName.MatchString(name) {
		s.diags.Add(diag.Errorf("EVL007", "%q cannot be a cluster's name", name).
			At(diag.Position{File: dir}, "").
			Fix("name the folder with lower case letters, digits, \"-\" and \".\", beginning and ending with a letter or digit, at most 63 characters"))
		return nil
	}
	f := s.folder(name, dir, "clusters", "#Cluster")
	if f == nil && !s.anyCUE(dir) {
		s.diags.Add(diag.Errorf("EVL005", "cluster %s has no CUE file", name).
			At(diag.Position{File: dir}, "").
			Fix("write %s/cluster.cue, package clusters, with at least kubernetes and components", dir).
			Fix("or delete the folder"))
	}
	return f
}

// anyCUE reports whether dir holds a .cue file directly, whatever its package.
func (s *surveyor) anyCUE(dir string) bool {
	for _, e := range s.direct(dir) {
		if strings.HasSuffix(e.Path, ".cue") {
			return true
		}
	}
	return false
}

// direct returns the files directly in dir.
func (s *surveyor) direct(dir string) []tree.Entry {
	var out []tree.Entry
	for _, e := range s.tree.Files(dir) {
		if path.Dir(e.Path) == dir {
			out = append(out, e)
		}
	}
	return out
}

// folder returns the unit of dir, or nil when no file there belongs to it.
func (s *surveyor) folder(name, dir, pkg, def string) *folder {
	if !s.files(dir, pkg) {
		return nil
	}
	return &folder{name: name, dir: dir, pkg: pkg, def: def}
}

// files judges the CUE files directly in dir and reports whether one of them
// is of package pkg.
func (s *surveyor) files(dir, pkg string) bool {
	found := false
	for _, e := range s.direct(dir) {
		base := path.Base(e.Path)
		if !strings.HasSuffix(base, ".cue") {
			continue
		}
		if why, sev := ignored(base); why != "" {
			s.diags.Add((&diag.Diagnostic{Code: "EVL006", Severity: sev, Message: e.Path + " is not evaluated: " + why}).
				At(diag.Position{File: e.Path}, "").Fix("rename the file if it should count"))
			continue
		}
		found = s.file(e, dir, pkg) || found
	}
	return found
}

// ignored says why CUE's loader leaves a file out.
func ignored(base string) (string, diag.Severity) {
	switch {
	case strings.HasPrefix(base, "_"), strings.HasPrefix(base, "."):
		return "its name begins with " + base[:1], diag.Warning
	case strings.HasSuffix(base, "_test.cue"):
		return "files named _test.cue are for tests", diag.Note
	case strings.HasSuffix(base, "_tool.cue"):
		return "files named _tool.cue are commands of the cue tool", diag.Note
	}
	return "", diag.Note
}

// file judges one file's package clause and reports whether it is pkg. Root
// files of other packages are none of a unit's business: they are inherited by
// folders below, as CUE does.
func (s *surveyor) file(e tree.Entry, dir, pkg string) bool {
	b, d, err := s.src.load(e)
	if err != nil || d != nil {
		return true // reported when the unit is read
	}
	f, err := parser.ParseFile(e.Path, b, parser.PackageClauseOnly)
	if err != nil || f == nil {
		return true
	}
	got := f.PackageName()
	at := diag.Position{File: e.Path, Line: 1}
	if p := clause(f); p != nil {
		at = span(p.Name.Pos(), len(got))
	}
	// At the root a file is a unit's by its name: darkstart.cue, trust.cue.
	mine := dir != "." || path.Base(e.Path) == pkg+".cue"
	switch {
	case got == pkg:
		return s.included(f, e)
	case !mine && got == "trust" && path.Base(e.Path) != trustFile:
		s.diags.Add(diag.Warningf("EVL006", "%s is not evaluated: a trust policy is one file, %s", e.Path, trustFile).
			At(at, "").Fix("move what it says to %s", trustFile))
	case !mine:
	case got == "":
		s.diags.Add(diag.Errorf("EVL003", "%s has no package clause", e.Path).At(at, "").
			Fix("begin the file with: package %s", pkg))
	default:
		s.diags.Add(diag.Errorf("EVL004", "%s is of package %s, but files of this folder are of package %s", e.Path, got, pkg).
			At(at, "want %s", pkg).Fix("change the clause to: package %s", pkg))
	}
	return false
}

// included reports a file that a build attribute leaves out: the sandbox sets
// no tags, so the condition is never judged by the environment.
func (s *surveyor) included(f *ast.File, e tree.Entry) bool {
	for _, d := range f.Decls {
		a, ok := d.(*ast.Attribute)
		if _, pkg := d.(*ast.Package); pkg {
			return true
		}
		if !ok {
			continue
		}
		if name, _ := a.Split(); name == "if" || name == "ignore" {
			s.diags.Add(diag.Warningf("EVL006", "%s depends on the build attribute %s; evaluation sets no tags", e.Path, a.Text).
				At(span(a.Pos(), len(a.Text)), "").Fix("remove the attribute if the file should count"))
		}
	}
	return true
}

func clause(f *ast.File) *ast.Package {
	for _, d := range f.Decls {
		if p, ok := d.(*ast.Package); ok {
			return p
		}
	}
	return nil
}
