// Package emit turns a linked, planned fleet into the files of its bundles:
// manifests in the order of the plan, an inventory, and runbooks (DESIGN §7).
//
// What it writes is content: a pure function of the git tree and the compiler
// (D2). So nothing here knows a serial, a digest, a revision or a date, and
// the positions of edges are left out of the plans inside a bundle: a comment
// added to a CUE file must not be a new release. What a release adds (the
// record, the pins) is written by seal and by Deploy.
package emit

import (
	"context"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/darkstart-dev/darkstart/compiler/emit/runbook"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/plans"
)

// Codes documents the diagnostics of this stage.
var Codes = []diag.Entry{
	{
		Code: "EMT001", Title: "a part has no place in the bootstrap order", Severity: diag.Error,
		Why: "The bootstrap plan of the cluster does not reach this part, so no order in which to apply it is known. " +
			"A bundle that leaves the part out would lose objects without a word.",
		Fix: "Mend the paradox that BS002 reports for the cluster; `darkstart plan bootstrap CLUSTER` shows the cycle.",
	},
	{
		Code: "EMT002", Title: "two parts have the same name once written for Flux", Severity: diag.Error,
		Why: "A Flux Kustomization is named `<component>-<part>`, and two parts of one cluster would share that name.",
		Fix: "Rename one of the components.",
	},
	{
		Code: "EMT003", Title: "a command names an object that cannot exist", Severity: diag.Warning,
		Why: "The command of a step, gate, preflight, verification or rollback names a namespace or an object of a cluster that is not " +
			"rendered there, that no rendered object owns, and that no component declares to create. In a disaster it would fail " +
			"with \"not found\", or worse, do nothing.",
		Fix: "Correct the cluster (`on`), namespace, kind or name; declare with `creates: [\"Kind/namespace/name\"]` what an operator makes at run time.",
	},
}

// Config of Emit. The zero value is ready to use.
type Config struct {
	// Trace is called when work begins on a cluster ("clusters/prod"), and returns
	// what is called when it ends; nil is fine.
	Trace func(unit string) (end func())
}

func (c *Config) trace(unit string) (end func()) {
	if c == nil || c.Trace == nil {
		return func() {}
	}
	return c.Trace(unit)
}

// Emit returns one artifact for each cluster and one for the fleet, sorted by
// name, whose files are written when they are asked for. A cluster whose plan does not order all its parts is a diagnostic and
// yields no artifact: half a bundle would be worse than none.
func Emit(ctx context.Context, f *ir.Fleet, p *plans.Plan, cfg *Config) ([]*ir.Artifact, diag.List, error) {
	var (
		out   []*ir.Artifact
		diags diag.List
		pages []Page // outlines
	)
	l := newLibrary(f, p)
	for _, c := range f.Clusters {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		end := cfg.trace("clusters/" + c.Name)
		o, ds := orderOf(c, p)
		if diags.Add(ds...); !ds.HasErrors() {
			a, err := l.artifact(c, o, &pages)
			if err != nil {
				return nil, nil, err
			}
			out = append(out, a)
		}
		end()
	}
	// The fleet's artifact is made from its pages and its plan, and nothing else.
	sum := digest.NewWriter()
	plan, scenarios := recoveriesOnly(p)
	err := sum.JSON(plan)
	for _, r := range scenarios {
		if err == nil {
			err = sum.JSON(withoutPositions(*r))
		}
	}
	l.recoveries(func(p *Page) {
		pages = append(pages, outline(p))
		if err == nil {
			err = sum.JSON(p.Runbook)
		}
	})
	diags.Add(l.findings()...)
	index := l.index(pages)
	if err == nil {
		err = sum.JSON(index.Runbook)
	}
	if err != nil {
		return nil, nil, err
	}
	out = append(out, &ir.Artifact{
		Name: ir.FleetArtifact, MadeFrom: []string{string(sum.Digest())},
		Write: func(create func(string) io.Writer) error {
			return writing(create, func(w *writer) error { return l.fleet(w, &index) })
		},
	})
	slices.SortFunc(out, func(a, b *ir.Artifact) int { return strings.Compare(a.Name, b.Name) })
	return out, diags.Sorted(), nil
}

// artifact promises the artifact of a cluster, and outlines its runbook. What
// its files are made from, besides the objects that the caller can name, are
// the plan, the runbook, the parts and what stores hold there.
func (l *library) artifact(c *ir.Linked, o *order, pages *[]Page) (*ir.Artifact, error) {
	var page Page
	if o.recovery != nil {
		page = l.bootstrap(c, o)
		*pages = append(*pages, outline(&page))
		delete(l.inventory, c.Name) // memory follows the clusters in flight
	}
	var parts []string
	for _, p := range c.Parts {
		parts = append(parts, p.ID(), p.Node, p.Phase)
		for _, x := range p.Objects {
			parts = append(parts, x.Key().String())
		}
	}
	var held []string
	for k := range l.f.Held(c.Name) {
		held = append(held, k.String())
	}
	slices.Sort(held)
	sum := digest.NewWriter()
	if err := sum.JSON([]any{bootstrapOnly(l.p, c.Name), page.Runbook, parts, held}); err != nil {
		return nil, err
	}
	return &ir.Artifact{
		Name: c.Name, MadeFrom: []string{string(sum.Digest())},
		Write: func(create func(string) io.Writer) error {
			return writing(create, func(w *writer) error { return l.cluster(w, c, o) })
		},
	}, nil
}

// cluster writes the files of a cluster's artifact.
func (l *library) cluster(w *writer, c *ir.Linked, o *order) error {
	if err := manifests(w, &l.shared, l.f, c, o); err != nil {
		return err
	}
	if err := w.json("meta/plan.json", bootstrapOnly(l.p, c.Name)); err != nil {
		return err
	}
	if o.recovery == nil {
		return nil
	}
	l.mu.Lock()
	page := l.bootstrap(c, o)
	l.mu.Unlock()
	return w.page(&page)
}

// fleet writes the files of the fleet's artifact.
func (l *library) fleet(w *writer, index *Page) error {
	if err := writeRecoveries(w.create("meta/plan.json"), l.p); err != nil {
		return err
	}
	err := w.page(index)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.recoveries(func(p *Page) {
		if err == nil {
			err = w.page(p)
		}
	})
	return err
}

// writer writes the files of one artifact, each in the place of the one before.
type writer struct {
	create func(path string) io.Writer
	text   []byte
}

// places are where files are written.
var places = sync.Pool{New: func() any { return new([]byte) }}

// writing calls write with a writer, for as long as that takes.
func writing(create func(string) io.Writer, write func(*writer) error) error {
	place := places.Get().(*[]byte)
	w := writer{create, *place}
	err := write(&w)
	*place = w.text
	places.Put(place)
	return err
}

// add writes a file by what appends it, and returns it until the next one.
func (w *writer) add(path string, write func([]byte) ([]byte, error)) ([]byte, error) {
	b, err := write(w.text[:0])
	if err != nil {
		return nil, err
	}
	if w.text = nil; cap(b) <= widest {
		w.text = b
	}
	_, err = w.create(path).Write(b)
	return b, err
}

// widest is the largest place that is kept: a page about a thousand clusters is
// 12 MB, a few times.
const widest = 4 << 20

// page writes a runbook in both formats.
func (w *writer) page(p *Page) error {
	if _, err := w.add(p.Path+".html", func(b []byte) ([]byte, error) { return runbook.AppendHTML(b, p.Runbook) }); err != nil {
		return err
	}
	_, err := w.add(p.Path+".md", func(b []byte) ([]byte, error) { return runbook.AppendMarkdown(b, p.Runbook), nil })
	return err
}

func (w *writer) json(path string, v any) error {
	_, err := w.add(path, func(b []byte) ([]byte, error) { return object.AppendJSON(b, v) })
	return err
}
