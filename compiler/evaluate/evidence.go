package evaluate

import (
	"context"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"
	cuejson "cuelang.org/go/encoding/json"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// evidenceDir holds the records of drills and restore tests, one JSON file a
// record, in folders as one likes: tools write them and nobody edits them, so
// they are JSON and not CUE (DESIGN §3). They are judged by the same closed
// definition, so that a record with a person's name in it is refused.
const evidenceDir = "evidence"

// records lists the files of evidence/, sorted by path.
func (s *surveyor) records() []tree.Entry {
	var out []tree.Entry
	for _, e := range s.tree.Files(evidenceDir) {
		switch {
		case strings.HasSuffix(e.Path, ".json"):
			out = append(out, e)
		case strings.HasSuffix(e.Path, ".cue"):
			s.diags.Add(diag.Warningf("EVL006", "%s is not evaluated: evidence is read from JSON files", e.Path).
				At(diag.Position{File: e.Path}, "").Fix("write the record as JSON: %s.json", strings.TrimSuffix(e.Path, ".cue")))
		}
	}
	return out
}

// evidence evaluates all records in one CUE context, within one budget: each
// is tiny, and loading the schema for each would cost more than judging it.
func (w *worker) evidence(ctx context.Context, files []tree.Entry) ([]*ir.Unit[spec.Evidence], diag.List, error) {
	if len(files) == 0 {
		return nil, nil, nil
	}
	all := &folder{name: evidenceDir, dir: evidenceDir, def: "#Evidence"}
	var out []*ir.Unit[spec.Evidence]
	var l diag.List
	d, err := w.budget(ctx, all, func() (err error) {
		out, l, err = w.evalEvidence(all, files)
		return err
	})
	switch {
	case err != nil:
		return nil, nil, err
	case d != nil:
		return nil, diag.List{d}, nil
	}
	return out, l, nil
}

func (w *worker) evalEvidence(all *folder, files []tree.Entry) ([]*ir.Unit[spec.Evidence], diag.List, error) {
	schema := &evaluation{worker: w, folder: all, reader: w.src.reader(w.src.tree)}
	if l := schema.load(schemaImport); l.HasErrors() {
		return nil, l, nil
	}
	ctx := cuecontext.New()
	def := ctx.BuildInstance(schema.insts[0]).LookupPath(cue.ParsePath(all.def))
	var out []*ir.Unit[spec.Evidence]
	var diags diag.List
	for _, f := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(f.Path, evidenceDir+"/"), ".json")
		e := &evaluation{worker: w, folder: &folder{name: name, dir: f.Path, def: all.def}, reader: w.src.reader(w.src.tree), loaded: true}
		u, l, err := e.record(ctx, def, f)
		if err != nil {
			return nil, nil, err
		}
		if diags.Add(l...); !l.HasErrors() {
			out = append(out, u)
		}
	}
	return out, diags, nil
}

// record evaluates one file against #Evidence.
func (e *evaluation) record(ctx *cue.Context, def cue.Value, f tree.Entry) (*ir.Unit[spec.Evidence], diag.List, error) {
	b, limit, err := e.src.load(f)
	if err != nil {
		return nil, nil, err
	}
	if limit != nil {
		return nil, diag.List{limit}, nil
	}
	expr, err := cuejson.Extract(f.Path, b)
	if err != nil {
		return nil, diag.List{notJSON(f.Path, err)}, nil
	}
	if _, ok := expr.(*ast.StructLit); !ok {
		return nil, diag.List{diag.Errorf("EVL023", "%s must hold one JSON object, the record of one run", f.Path).
			At(nodeSpan(expr), "not an object").Fix("write one file for each run")}, nil
	}
	e.unified = def.Unify(ctx.BuildExpr(expr))
	if err := e.unified.Validate(cue.Concrete(true), cue.Final()); err != nil {
		return nil, impersonal(e.explain(err)), nil
	}
	v, l, err := finish[spec.Evidence](e, e.unified)
	if err != nil || l.HasErrors() {
		return nil, l, err
	}
	v.Files = []string{f.Path}
	v.Pos[""] = []diag.Position{{File: f.Path, Line: 1, Column: 1}}
	u, err := unitOf[spec.Evidence](e.folder, v)
	return u, l, err
}

func notJSON(path string, err error) *diag.Diagnostic {
	_, why, _ := strings.Cut(err.Error(), path+`": `)
	d := diag.Errorf("EVL010", "%s is not JSON: %s", path, plain(why))
	for _, p := range errors.Positions(err) {
		if q := position(p); q.File == path && len(d.Labels) == 0 {
			d.At(q, "")
		}
	}
	if len(d.Labels) == 0 {
		d.At(diag.Position{File: path}, "")
	}
	return d.Fix("correct the file; a record is one JSON object with procedure, date and result at least")
}

// impersonal says why a record has no field for the person who ran it: whoever
// meets the refusal probably looks for one.
func impersonal(l diag.List) diag.List {
	for _, d := range l {
		if d.Code == "EVL021" {
			d.Note("records name procedures, teams and times, never persons")
		}
	}
	return l
}
