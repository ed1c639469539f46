package evaluate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/inject/embed"
	"cuelang.org/go/cue/load"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// worker holds what the units of one run share; all of it is read only.
type worker struct {
	src        *source
	config     *Config
	module     string
	schemaText *schema
}

// unit evaluates one folder within the budget. The unit is nil when there are
// errors.
func unit[T any](ctx context.Context, w *worker, f *folder) (*ir.Unit[T], diag.List, error) {
	var u *ir.Unit[T]
	var l diag.List
	d, err := w.budget(ctx, f, func() (err error) {
		u, l, err = evalUnit[T](w, f)
		return err
	})
	switch {
	case err != nil:
		return nil, nil, err
	case d != nil:
		return nil, diag.List{d}, nil
	case l.HasErrors():
		return nil, l, nil
	}
	return u, l, nil
}

// evaluated is a unit without its Go side, which its JSON gives again.
type evaluated struct {
	JSON  []byte
	Pos   map[string][]diag.Position // of ir.Positions
	Files []string
	Diags diag.List
}

// errUnfit stands for errors of the user: a unit that has some is not kept.
var errUnfit = errors.New("the unit has errors")

func evalUnit[T any](w *worker, f *folder) (*ir.Unit[T], diag.List, error) {
	var unfit diag.List
	inputs := []string{w.module, f.name, f.dir, f.pkg, f.def, strconv.Itoa(w.config.maxFile()), strconv.Itoa(w.config.maxNesting())}
	kept := w.config.Cache
	if f.silent {
		kept = kept.Silent()
	}
	out, saw, err := cache.Memo(kept, w.src.tree, "evaluate", inputs, func(t *tree.Tree) (evaluated, error) {
		out, l, err := evaluateFolder[T](w, f, t)
		if err == nil && l.HasErrors() {
			unfit, err = l, errUnfit
		}
		return out, err
	})
	switch {
	case errors.Is(err, errUnfit):
		return nil, unfit, nil
	case err != nil:
		return nil, nil, err
	}
	u, err := unitOf[T](f, out)
	u.ID = saw
	return u, out.Diags, err
}

func unitOf[T any](f *folder, v evaluated) (*ir.Unit[T], error) {
	u := &ir.Unit[T]{Name: f.name, Dir: f.dir, JSON: v.JSON, Pos: ir.PositionsOf(v.Pos), Files: v.Files}
	return u, strict(u.JSON, &u.Spec)
}

func evaluateFolder[T any](w *worker, f *folder, t *tree.Tree) (evaluated, diag.List, error) {
	e := &evaluation{worker: w, folder: f, reader: w.src.reader(t)}
	v, l := e.value()
	if limits := e.reader.limits(); len(limits) > 0 {
		return evaluated{}, limits, nil // what CUE says then is that it could not read
	}
	if l.HasErrors() {
		return evaluated{}, l, nil
	}
	out, more, err := finish[T](e, v)
	out.Diags = append(l, more...)
	return out, out.Diags, err
}

// finish takes an evaluated value out of CUE (D4).
func finish[T any](e *evaluation, v cue.Value) (evaluated, diag.List, error) {
	raw, err := v.MarshalJSON()
	if err != nil {
		return evaluated{}, e.explain(err), nil
	}
	out := evaluated{Files: e.reader.files(), Pos: e.positions(v)}
	if out.JSON, err = canonical(raw); err != nil {
		return out, nil, fmt.Errorf("unit %s: %w", e.folder.name, err)
	}
	var s T
	if err := strict(out.JSON, &s); err != nil {
		return out, diag.List{undecodable(err, e.folder)}, nil
	}
	return out, check(s, ir.PositionsOf(out.Pos), e.folder), nil
}

// undecodable reports a value that the schema admits and the Go side does not:
// a number beyond the range of its type.
func undecodable(err error, f *folder) *diag.Diagnostic {
	return diag.Errorf("EVL028", "%s holds a value that is out of range: %s", f.dir, plain(err.Error())).
		At(diag.Position{File: f.dir}, "").
		Fix("use a smaller number")
}

// evaluation is one unit while CUE works on it. A cue.Context is not safe for
// concurrent use, so each has its own, and it is garbage when the unit is done.
type evaluation struct {
	*worker
	folder  *folder
	reader  *reader
	insts   []*build.Instance
	loaded  bool      // files are parsed and imports resolved
	unified cue.Value // the files against the unit's definition
}

// value loads and evaluates the files against the unit's definition.
func (e *evaluation) value() (cue.Value, diag.List) {
	arg := "./" + e.folder.dir + ":" + e.folder.pkg
	if e.folder.dir == "." {
		arg = ".:" + e.folder.pkg
	}
	if l := e.load(arg, schemaImport); l != nil {
		return cue.Value{}, l
	}
	ctx := cuecontext.New(cuecontext.WithInjection(embed.New()))
	e.loaded = true
	def := ctx.BuildInstance(e.insts[1]).LookupPath(cue.ParsePath(e.folder.def))
	e.unified = def.Unify(ctx.BuildInstance(e.insts[0]))
	if err := e.unified.Validate(cue.Concrete(true), cue.Final()); err != nil {
		return e.unified, e.explain(err)
	}
	return e.unified, nil
}

// load finds and parses packages in the sandbox.
func (e *evaluation) load(args ...string) diag.List {
	e.insts = load.Instances(args, &load.Config{
		FS: e.reader, Dir: "/", ModuleRoot: "/",
		FromFSPath: func(p string) string { // the root has a name: @embed needs one
			if p == "/" {
				return p
			}
			return e.reader.realPath(p)
		},
		Registry: registry{e.reader},
		Env:      []string{},
	})
	for _, i := range e.insts {
		if i.Err != nil {
			return e.explain(i.Err)
		}
	}
	return nil
}

// canonical rewrites JSON with sorted keys and without HTML escapes. Numbers
// keep the digits that CUE printed.
func canonical(raw []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// strict decodes JSON and refuses unknown fields: the schema and internal/spec
// mirror each other, so one that appears here is a defect of the compiler.
func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(v)
}
