package evaluate

import (
	"regexp"
	"slices"
	"strings"

	"cuelang.org/go/cue/errors"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// class is a kind of error that is not about a value: CUE gives it no code, so
// its text decides. A test holds the patterns to the pinned version.
type class struct {
	code  string
	text  *regexp.Regexp
	build func(e *evaluation, x errors.Error, m []string) *diag.Diagnostic
}

var classes = []class{
	{"EVL012", regexp.MustCompile(`imported and not used: "([^"]+)"`), (*evaluation).unused},
	{"EVL013", regexp.MustCompile(`import cycle`), (*evaluation).importCycle},
	{"EVL012", regexp.MustCompile(`module (\S+) is not in the tree`), (*evaluation).denied},
	{"EVL012", regexp.MustCompile(`(?:cannot find package|cannot find module providing package|no dependency found for package|package) "?([^" ]+?)"?(?::|$| is not in std| not found)`), (*evaluation).noPackage},
	{"EVL012", regexp.MustCompile(`import failed|invalid import path|imports are unavailable|cannot be imported`), (*evaluation).badImport},
	{"EVL011", regexp.MustCompile(`reference "([^"]+)" not found`), (*evaluation).noReference},
	{"EVL014", regexp.MustCompile(`cannot embed|no matches for glob|invalid glob|cannot refer to parent directory|only relative files|path not normalized|@embed|failed to decode file|no such file or directory|extension not fully specified|streaming not implemented`), (*evaluation).badEmbed},
}

// classify returns the class of an error, or nil for one about a value.
func classify(x errors.Error) *class {
	for i := range classes {
		if classes[i].text.MatchString(x.Error()) {
			return &classes[i]
		}
	}
	return nil
}

// single explains an error that is not about a value.
func (e *evaluation) single(x errors.Error) *diag.Diagnostic {
	var d *diag.Diagnostic
	if c := classify(x); c != nil {
		d = c.build(e, x, c.text.FindStringSubmatch(x.Error()))
		d.Code = c.code
	} else if e.loaded {
		d = diag.Errorf("EVL028", "%s", plain(tail(x))).
			Fix("correct the expression; `cue eval` on the folder shows how it is computed")
	} else {
		d = diag.Errorf("EVL010", "syntax error: %s", plain(tail(x))).
			Fix("correct the syntax; `cue vet` and editors with the CUE language server point at the same place")
	}
	for _, p := range e.labels([]errors.Error{x}) {
		d.At(p.at, "")
	}
	if len(d.Labels) == 0 {
		d.At(diag.Position{File: e.folder.dir}, "")
	}
	return d
}

func (e *evaluation) unused(_ errors.Error, m []string) *diag.Diagnostic {
	d := diag.Errorf("", "package %q is imported and not used", m[1])
	name := m[1][strings.LastIndexAny(m[1], "/:")+1:]
	return d.Fix("if a label has the package's name, quote the label: \"%s\": %s.component (unquoted, it hides the import)", name, name).
		Fix("else remove the import")
}

func (e *evaluation) importCycle(errors.Error, []string) *diag.Diagnostic {
	return diag.Errorf("", "packages import each other in a cycle").
		Fix("move what both need into a package that imports neither")
}

func (e *evaluation) denied(_ errors.Error, m []string) *diag.Diagnostic {
	return diag.Errorf("", "module %s is not in the tree, and evaluation never uses a network", m[1]).
		Fix("copy the module's packages to cue.mod/pkg/<import path>, and remove the dependency from %s", moduleFile)
}

func (e *evaluation) badImport(x errors.Error, _ []string) *diag.Diagnostic {
	return diag.Errorf("", "an import failed: %s", plain(tail(x))).
		Fix("import packages of this fleet as %q", e.modulePath()+"/<folder>")
}

// noPackage proposes the nearest package of the fleet.
func (e *evaluation) noPackage(_ errors.Error, m []string) *diag.Diagnostic {
	d := diag.Errorf("", "there is no package %q", m[1])
	var have []string
	for _, f := range e.src.tree.Entries() {
		if i := strings.LastIndexByte(f.Path, '/'); i > 0 && strings.HasSuffix(f.Path, ".cue") && f.Path[0] != '.' && !strings.HasPrefix(f.Path, "cue.mod/") {
			have = append(have, e.modulePath()+"/"+f.Path[:i])
		}
	}
	have = append(have, schemaImport)
	if n := diag.Nearest(strings.TrimSuffix(m[1], "@v0"), slices.Compact(have)); n != "" {
		d.Fix("did you mean %q", n)
	}
	return d.Fix("packages of this fleet begin with %q; other modules are copied to cue.mod/pkg/<import path>", e.modulePath()+"/")
}

// modulePath is the fleet's module path without its major version.
func (e *evaluation) modulePath() string {
	m, _, _ := strings.Cut(e.module, "@")
	return m
}

func (e *evaluation) noReference(_ errors.Error, m []string) *diag.Diagnostic {
	d := diag.Errorf("", "%q is not defined", m[1])
	if n := diag.Nearest(m[1], e.identifiers()); n != "" {
		d.Fix("did you mean %q", n)
	}
	return d.Fix("write text in quotes: %q; define other names in a file of the same package, or import them", m[1])
}

// identifiers lists what the unit's files define at their top, and imports.
func (e *evaluation) identifiers() []string {
	var out []string
	if len(e.insts) == 0 {
		return nil
	}
	for _, f := range e.insts[0].Files {
		for _, d := range f.Decls {
			if n := declared(d); n != "" {
				out = append(out, n)
			}
		}
		for i := range f.ImportSpecs() {
			p := strings.Trim(i.Path.Value, `"`)
			out = append(out, p[strings.LastIndexAny(p, "/:")+1:])
		}
	}
	return out
}

func (e *evaluation) badEmbed(x errors.Error, _ []string) *diag.Diagnostic {
	return diag.Errorf("", "a file cannot be embedded: %s", plain(tail(x))).
		Fix("embed files of the fleet by a path below the folder of the CUE file, without \"..\" and links")
}
