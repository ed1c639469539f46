package evaluate

import (
	"context"
	"strings"

	"cuelang.org/go/mod/modfile"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// trustFile is the trust policy of a fleet, at its root.
const trustFile = "trust.cue"

// trustModule is the module that a trust policy is evaluated in: one of its own,
// since it is carried to places where the fleet is not. It can import the
// schema and CUE's own packages.
const trustModule = "module: \"darkstart.dev/trust@v0\"\nlanguage: version: \"v0.17.0\"\n"

// Trust evaluates one trust policy, alone. name is where it was read, for
// positions. The unit is nil when there are errors. Of c, Clusters and Parallel
// do not count.
func Trust(ctx context.Context, name string, text []byte, c *Config) (*ir.Unit[spec.Trust], diag.List, error) {
	t := tree.FromMap(map[string]string{trustFile: string(text)})
	mod, err := modfile.ParseNonStrict([]byte(trustModule), moduleFile)
	if err != nil {
		return nil, nil, err
	}
	src, err := newSource(t, c.Schemas, mod, c)
	if err != nil {
		return nil, nil, err
	}
	doc, err := parseSchema(c.Schemas)
	if err != nil {
		return nil, nil, err
	}
	s := surveyor{tree: t, src: src}
	f := s.folder("trust", ".", "trust", "#Trust")
	l := s.diags
	var u *ir.Unit[spec.Trust]
	if f != nil && !l.HasErrors() {
		var more diag.List
		u, more, err = unit[spec.Trust](ctx, &worker{src: src, config: c, module: mod.Module, schemaText: doc}, f)
		l = append(l, more...)
	}
	move(u, l, name)
	return u, l.Sorted(), err
}

// move gives positions the name under which the policy was read.
func move(u *ir.Unit[spec.Trust], l diag.List, name string) {
	at := func(file string) string {
		if file == trustFile || file == "." {
			return name
		}
		return file
	}
	if u != nil {
		u.Dir, u.Files = name, []string{name}
		u.Pos = u.Pos.Moved(at)
	}
	for _, d := range l {
		d.Message = strings.ReplaceAll(d.Message, trustFile, name)
		for i := range d.Labels {
			p := &d.Labels[i].Position
			p.File = at(p.File)
		}
	}
}

// fleetTrust evaluates the trust policy of a fleet.
func fleetTrust(ctx context.Context, t *tree.Tree, c *Config) (*ir.Unit[spec.Trust], diag.List, error) {
	b, err := t.ReadFile(trustFile)
	if err != nil {
		return nil, nil, err
	}
	return Trust(ctx, trustFile, b, c)
}
