package compiler

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/compiler/seal/attest"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// AttestConfig says what statements about a release are made from, besides the
// compile itself.
type AttestConfig struct {
	// Revision is what was compiled, and Now what it was judged at (D13); zero
	// means Revision.Time.
	Revision ir.Revision
	Now      time.Time
	// Builder is the URI of the environment that runs this; empty means
	// attest.UnnamedBuilder.
	Builder string
	// CompilerCommit is what this program was built from; "" when unknown.
	CompilerCommit string
	// Tree is what was compiled: the records of drills are named by their bytes.
	// Nil: none are stated.
	Tree *tree.Tree
	// Schemas and Kubernetes are the embedded data that was compiled with.
	Schemas, Kubernetes fs.FS
}

// Statement is what can be said about one bundle, unsigned.
type Statement struct {
	Bundle     *seal.Bundle
	Predicates []*attest.Predicate
}

// Attest makes and signs every statement about the bundles of a finished
// compile, in their order: SLSA provenance, the passed verdict, what is in the
// bundle as CycloneDX and SPDX, and of the fleet's own which drills passed. It makes all of them or none; a compile with
// errors has none to make.
//
// Each stream has its own key; bundles of a stream without one are left out.
func Attest(ctx context.Context, res *Result, bundles []*seal.Bundle, by func(stream string) Signers, c *AttestConfig) ([]*seal.Signature, diag.List, error) {
	bundles = slices.DeleteFunc(slices.Clone(bundles), func(b *seal.Bundle) bool { return by(b.Record.Stream).Attest == nil })
	if len(bundles) == 0 {
		return nil, nil, nil
	}
	statements, diags, err := Statements(res, bundles, c)
	if err != nil || diags.HasErrors() {
		return nil, diags, err
	}
	var out []*seal.Signature
	for _, s := range statements {
		for _, p := range s.Predicates {
			sig, ds, err := seal.Attest(ctx, s.Bundle, p, by(s.Bundle.Record.Stream).Attest)
			if err != nil {
				return nil, nil, err
			}
			if diags.Add(ds...); ds.HasErrors() {
				return nil, diags.Sorted(), nil
			}
			out = append(out, sig)
		}
	}
	return out, diags.Sorted(), nil
}

// Statements makes what Attest signs. It is a function of its arguments: the
// same compile of the same release gives the same bytes.
func Statements(res *Result, bundles []*seal.Bundle, c *AttestConfig) ([]Statement, diag.List, error) {
	if res.Diagnostics.HasErrors() || res.Verdict == nil {
		return nil, diag.List{seal.Unattestable(errors.New("the compile has errors, or was not judged"))}, nil
	}
	a := &attester{res: res, tree: c.Tree, run: attest.Run{Builder: c.Builder, Compiler: Version, CompilerCommit: c.CompilerCommit, Now: c.now()}}
	if err := a.inputs(c); err != nil {
		return nil, nil, err
	}
	out := make([]Statement, 0, len(bundles))
	for _, b := range bundles {
		ps, err := a.about(b)
		if err != nil {
			return nil, diag.List{seal.Unattestable(err)}, nil
		}
		out = append(out, Statement{Bundle: b, Predicates: ps})
	}
	return out, nil, nil
}

func (c *AttestConfig) now() string {
	if c.Now.IsZero() {
		return c.Revision.Time
	}
	return c.Now.UTC().Format(time.RFC3339)
}

// attester makes the statements of one compile.
type attester struct {
	res    *Result
	run    attest.Run
	tree   *tree.Tree
	common attest.Inputs // of every bundle; Lock is each one's own
}

func (a *attester) inputs(c *AttestConfig) (err error) {
	a.common = attest.Inputs{Revision: c.Revision, Policies: a.res.Verdict.PolicyDigest}
	if p := a.res.Units.Project; p != nil {
		a.common.Source = p.Spec.Releases.Source
	}
	if a.common.Schemas, err = dirHash(c.Schemas); err != nil {
		return err
	}
	a.common.Kubernetes, err = dirHash(c.Kubernetes)
	return err
}

func (a *attester) about(b *seal.Bundle) ([]*attest.Predicate, error) {
	subject := attest.Bundle{Manifest: b.Digest(), Record: b.Record, Repository: a.repository(b.Record.Artifact)}
	contents := a.contents(b.Record.Artifact)
	in := a.common
	in.Lock = a.lock(b.Record.Artifact, contents)
	provenance, err := attest.NewProvenance(subject, in, a.run)
	if err != nil {
		return nil, err
	}
	summary, err := attest.NewSummary(subject, a.res.Verdict, a.run)
	if err != nil {
		return nil, err
	}
	cyclonedx, err := attest.NewCycloneDX(subject, contents, a.run)
	if err != nil {
		return nil, err
	}
	spdx, err := attest.NewSPDX(subject, contents, a.run)
	if err != nil {
		return nil, err
	}
	out := []*attest.Predicate{provenance, summary, cyclonedx, spdx}
	if b.Record.Artifact != ir.FleetArtifact {
		return out, nil
	}
	drills, err := a.drills()
	if err != nil || len(drills) == 0 {
		return out, err
	}
	result, err := attest.NewTestResult(drills)
	return append(out, result), err
}

// drills are the newest records of the procedures, in the order of their names.
// Where one of them failed there are none: a result that left it out would say
// more than is known, and a failed one would keep the runbooks from whoever
// needs them. DR005 says what failed.
func (a *attester) drills() ([]attest.Drill, error) {
	newest := map[string]*ir.Unit[spec.Evidence]{}
	for _, u := range a.res.Units.Evidence {
		if old := newest[u.Spec.Procedure]; old == nil || old.Spec.Date <= u.Spec.Date {
			newest[u.Spec.Procedure] = u
		}
	}
	var out []attest.Drill
	for _, u := range a.res.Units.Evidence {
		closure, planned := a.res.Plan.Closures[u.Spec.Procedure]
		if newest[u.Spec.Procedure] != u || !planned || a.tree == nil {
			continue // superseded, or of a procedure that is gone
		}
		if u.Spec.Result != "passed" {
			return nil, nil
		}
		b, err := a.tree.ReadFile(u.Files[0])
		if err != nil {
			return nil, err
		}
		out = append(out, attest.Drill{Name: u.Name, File: u.Files[0], Digest: digest.Of(b), Stale: u.Spec.Closure != string(closure)})
	}
	return out, nil
}

// repository is where the fleet says that an artifact is published.
func (a *attester) repository(artifact string) string {
	p := a.res.Units.Project
	if p == nil || p.Spec.Releases.Registry == "" {
		return ""
	}
	return strings.TrimPrefix(p.Spec.Releases.Registry, "oci://") + "/" + artifact
}

// lock is the entries that an artifact relies on: for a cluster those of the
// images that it runs, and all that no image field names; for the fleet's own
// artifact, whose plans cover every cluster, all of them.
func (a *attester) lock(artifact string, c attest.Contents) *ir.Lock {
	l := a.res.Lock
	if l == nil || artifact == ir.FleetArtifact {
		return l
	}
	out := &ir.Lock{Version: l.Version, Images: map[string]ir.LockEntry{}, Charts: l.Charts, Other: l.Other}
	for _, i := range c.Images {
		if e, ok := l.Images[i.Ref]; ok {
			out.Images[i.Ref] = e
		}
	}
	return out
}

// contents is what a cluster's objects name and were rendered from. The fleet's
// own artifact holds plans and runbooks: it has none.
func (a *attester) contents(artifact string) attest.Contents {
	var out attest.Contents
	i := slices.IndexFunc(a.res.Rendered, func(r *ir.Rendered) bool { return r != nil && r.Cluster == artifact })
	if i < 0 {
		return out
	}
	for _, c := range a.res.Rendered[i].Components {
		for _, i := range c.Images {
			out.Images = a.addImage(out.Images, i.Ref, c.Name)
		}
		for _, x := range c.Charts {
			out.Charts = addChart(out.Charts, x, c.Name)
		}
	}
	return out
}

// addImage adds one use of an image, pinned by the object itself or by the lock.
func (a *attester) addImage(list []attest.Image, ref, component string) []attest.Image {
	name, pin, _ := strings.Cut(ref, "@")
	x := attest.Image{Ref: name, Components: []string{component}}
	if a.res.Lock != nil {
		e := a.res.Lock.Images[name]
		x.Digest, x.Signed, x.Provenance = e.Digest, e.Signed, e.Provenance
	}
	if d, err := digest.Parse(pin); err == nil && d != x.Digest {
		x.Digest, x.Signed, x.Provenance = d, "", ""
	}
	i := slices.IndexFunc(list, func(y attest.Image) bool { return y.Ref == x.Ref && y.Digest == x.Digest })
	if i < 0 {
		return append(list, x)
	}
	list[i].Components = add(list[i].Components, component)
	return list
}

func addChart(list []attest.Chart, x ir.Chart, component string) []attest.Chart {
	i := slices.IndexFunc(list, func(y attest.Chart) bool { return y.Chart == x })
	if i < 0 {
		return append(list, attest.Chart{Chart: x, Components: []string{component}})
	}
	list[i].Components = add(list[i].Components, component)
	return list
}

// add appends a component, whose names come sorted.
func add(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}

// dirHash is in-toto's dirHash of embedded data.
func dirHash(data fs.FS) (string, error) {
	if data == nil {
		return "", errors.New("attest: the schemas that were compiled with are not given")
	}
	var files []string
	err := fs.WalkDir(data, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	return digest.Dir(files, func(name string) (io.ReadCloser, error) { return data.Open(name) })
}
