package compiler

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/publish"
	"github.com/darkstart-dev/darkstart/compiler/release"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
)

// Wanted is what the newest release of a stream consists of.
type Wanted struct {
	Records *release.Records
	Release release.Release
}

// Newest returns the newest release of each stream, by its name, without what
// has moved to another stream since. It is PUB001 when there is none: content
// without an entry is a candidate, and a candidate is published nowhere.
func Newest(h release.History) ([]Wanted, diag.List) {
	var out []Wanted
	for _, r := range h {
		rel, ok := r.Release("")
		if !ok {
			continue
		}
		rel.Artifacts = maps.Clone(rel.Artifacts)
		maps.DeleteFunc(rel.Artifacts, func(artifact string, _ int) bool {
			stream, _, _ := h.Last(artifact)
			return stream != r.Stream
		})
		if len(rel.Artifacts) > 0 {
			out = append(out, Wanted{r, rel})
		}
	}
	if len(out) == 0 {
		return nil, diag.List{diag.Errorf("PUB001", "nothing has been released, so there is nothing to publish or to renew").
			Note("what `darkstart compile` writes is a candidate: it has no serial that an older bundle could be told by").
			Fix("run `darkstart release` on the delivery branch, commit what it writes, and publish then")}
	}
	return out, nil
}

// Revisions returns the commits that may hold an artifact of the release as it
// was recorded: that of the release first, then those of the entries that it
// keeps.
func (w Wanted) Revisions() []string {
	out := []string{w.Release.Revision}
	for _, name := range slices.Sorted(maps.Keys(w.Release.Artifacts)) {
		if e, ok := w.Records.Entry(name, w.Release.Artifacts[name]); ok && !slices.Contains(out, e.Revision) {
			out = append(out, e.Revision)
		}
	}
	return out
}

// Held splits artifacts of a release, sorted, into those that a compile has the
// recorded content of, and those that are left for the revisions that they were
// made from: a hotfix releases some clusters alone.
func Held(res *Result, w Wanted, artifacts []string) (held, left []string, diags diag.List, err error) {
	left, diags, err = hold(res, w, artifacts, func(_ *sealing, name string, _ ir.Recorded) error {
		held = append(held, name)
		return nil
	})
	return held, left, diags, err
}

// hold calls f, in order, with each artifact whose recorded content a compile has.
func hold(res *Result, w Wanted, artifacts []string, f func(x *sealing, name string, e ir.Recorded) error) (left []string, diags diag.List, err error) {
	for _, name := range slices.Sorted(slices.Values(artifacts)) {
		e, ok := w.Records.Entry(name, w.Release.Artifacts[name])
		if !ok {
			return nil, nil, fmt.Errorf("%s holds no serial %d of %q", release.File(w.Records.Stream), w.Release.Artifacts[name], name)
		}
		a := artifactOf(res, name)
		if a == nil {
			left = append(left, name)
			continue
		}
		x := &sealing{artifact: a, kept: res.kept, about: func(ds diag.List) { diags.Add(ds...) }}
		content, err := x.content()
		if err != nil {
			return nil, nil, err
		}
		if content != e.Content {
			left = append(left, name)
			continue
		}
		if err := f(x, name, e); err != nil {
			return nil, nil, err
		}
	}
	return left, diags.Sorted(), nil
}

// Recorded seals the artifacts of a release that a compile holds, byte for byte
// as they are recorded; the others are left, as by Held. A recorded content that
// seals to other bytes is REL005. Layers are kept on the stage.
func Recorded(ctx context.Context, res *Result, w Wanted, artifacts []string, stage *oci.Stage) (sealed []*seal.Bundle, left []string, diags diag.List, err error) {
	var changed diag.List
	left, diags, err = hold(res, w, artifacts, func(x *sealing, name string, e ir.Recorded) error {
		b, err := x.seal(ctx, e.Record(w.Records.Stream, name), stage)
		if err != nil || b == nil {
			return err
		}
		res.event("seal", name, len(sealed)+1, len(artifacts))
		if b.Digest() != e.Manifest {
			changed.Add(unreproducible(w, name, fmt.Sprintf("this compiler seals %s", b.Digest())).
				Fix("or give the content a new serial with this version: `darkstart release --renew`"))
			return nil
		}
		sealed = append(sealed, b)
		return nil
	})
	return sealed, left, append(diags, changed...).Sorted(), err
}

// Unreproducible is REL005 about an artifact of a release whose content no
// revision in its records gives any more.
func Unreproducible(w Wanted, artifact string) *diag.Diagnostic {
	return unreproducible(w, artifact, "no revision of its records has the content").
		Fix("or release what this version makes of HEAD: `darkstart release`")
}

func unreproducible(w Wanted, artifact, why string) *diag.Diagnostic {
	e, _ := w.Records.Entry(artifact, w.Release.Artifacts[artifact])
	return diag.Errorf("REL005", "serial %d of %q cannot be made again: it is recorded as %s, and %s", e.Serial, artifact, e.Manifest, why).
		At(diag.Position{File: release.File(w.Records.Stream)}, "recorded here").
		Fix("compile with the version that made the release (%s)", orUnknown(e.MinCompiler))
}

func orUnknown(s string) string {
	if s == "" {
		return "not recorded"
	}
	return s
}

// Signers are the keys of a stream; nil where none was given.
type Signers struct{ Release, Attest *seal.Signer }

// trust is what statements have to be made by to stand for those of the
// signers; nil without a release key.
func (s Signers) trust() (*seal.Trust, diag.List) {
	if s.Release == nil {
		return nil, nil
	}
	var keys []seal.Trusted
	for _, k := range []*seal.Signer{s.Release, s.Attest} {
		if k != nil {
			keys = append(keys, k.Trusted())
		}
	}
	return seal.NewTrust(keys...)
}

// Signed is a bundle with the statements that are to stand beside it.
type Signed struct {
	Bundle             *seal.Bundle
	Claims, Signatures []*seal.Signature
}

// add sorts a statement into its place, once.
func (s *Signed) add(x *seal.Signature) {
	to := &s.Claims
	if x.Predicate == seal.PredicateSign {
		to = &s.Signatures
	}
	for _, have := range *to {
		if string(have.Manifest) == string(x.Manifest) {
			return
		}
	}
	*to = append(*to, x)
}

// stated reports whether a party has stated a predicate already.
func (s *Signed) stated(by digest.Digest, predicate string) bool {
	return slices.ContainsFunc(append(slices.Clip(s.Claims), s.Signatures...), func(x *seal.Signature) bool {
		return x.Key == by && x.Predicate == predicate
	})
}

// states reports whether a signer has: as itself, or as whoever the trust policy
// takes it for.
func (s *Signed) states(k *seal.Signer, policy *seal.Policy, predicate string) bool {
	as := []digest.Digest{k.ID()}
	if policy != nil {
		as = append(as, policy.Parties(k)...)
	}
	return slices.ContainsFunc(as, func(id digest.Digest) bool { return s.stated(id, predicate) })
}

// Complete gathers the statements that stand beside the bundles in the stores,
// in their order, and makes those that are missing: every claim of Statements
// by the attestation key of the bundle's stream, and the signature of its release
// key. The stores are asked for each bundle; what stands there counts under the
// trust policy, or without one when the stream's signers made it, and without
// signers as it is. With res nil nothing is claimed. A bundle that is signed by
// nobody then is PUB006.
func Complete(ctx context.Context, res *Result, bundles []*seal.Bundle, by func(stream string) Signers, policy *seal.Policy, stores func(*seal.Bundle) []oci.Source, c *AttestConfig) ([]*Signed, diag.List, error) {
	var out []*Signed
	var diags diag.List
	for _, b := range bundles {
		trust, ds := by(b.Record.Stream).trust()
		if policy != nil {
			trust, ds = policy.Trust, nil
		}
		if ds.HasErrors() {
			return nil, ds, nil
		}
		s := &Signed{Bundle: b}
		for _, src := range stores(b) {
			found, err := seal.Standing(ctx, src, b, trust)
			if err != nil {
				return nil, nil, err
			}
			for _, x := range found {
				if trust == nil || !s.stated(x.Key, x.Predicate) {
					s.add(x)
				}
			}
		}
		out = append(out, s)
	}
	if res != nil {
		if ds, err := claim(ctx, res, out, by, policy, c); err != nil || ds.HasErrors() {
			return nil, ds, err
		}
	}
	for _, s := range out {
		if k := by(s.Bundle.Record.Stream).Release; k != nil && !s.states(k, policy, seal.PredicateSign) {
			sig, ds, err := seal.Sign(ctx, s.Bundle, k)
			if err != nil || ds.HasErrors() {
				return nil, ds, err
			}
			s.add(sig)
		}
		if len(s.Signatures) == 0 {
			diags.Add(unsigned(s.Bundle))
		}
	}
	return out, diags.Sorted(), nil
}

func claim(ctx context.Context, res *Result, all []*Signed, by func(stream string) Signers, policy *seal.Policy, c *AttestConfig) (diag.List, error) {
	var to []*Signed
	var bundles []*seal.Bundle
	for _, s := range all {
		if by(s.Bundle.Record.Stream).Attest != nil {
			to, bundles = append(to, s), append(bundles, s.Bundle)
		}
	}
	if len(to) == 0 {
		return nil, nil
	}
	statements, diags, err := Statements(res, bundles, c)
	if err != nil || diags.HasErrors() {
		return diags, err
	}
	for i, s := range statements {
		k := by(s.Bundle.Record.Stream).Attest
		for _, p := range s.Predicates {
			if to[i].states(k, policy, p.Type) {
				continue
			}
			sig, ds, err := seal.Attest(ctx, s.Bundle, p, k)
			if err != nil || ds.HasErrors() {
				return ds, err
			}
			to[i].add(sig)
		}
	}
	return nil, nil
}

func unsigned(b *seal.Bundle) *diag.Diagnostic {
	return diag.Errorf("PUB006", "serial %d of %q is signed by nobody, so nothing would take it", b.Record.Serial, b.Record.Artifact).
		About(diag.Subject{Cluster: b.Record.Artifact}).
		Fix("sign it: `--key KEY`, the private release key, or `--identity-token TOKEN` without one").
		Fix("or sign it apart with `darkstart release --key KEY`, and publish where its dist/oci is")
}

// Publish pushes signed bundles, each to its repository; see package publish.
func Publish(ctx context.Context, signed []*Signed, to func(artifact string) publish.Store, c *publish.Config) (*publish.Report, diag.List, error) {
	return publish.Push(ctx, items(signed, to), c)
}

// Publishable looks whether bundles may be published, before anything is
// signed: a serial that stands for another bundle is PUB002.
func Publishable(ctx context.Context, bundles []*seal.Bundle, to func(artifact string) publish.Store, c *publish.Config) (diag.List, error) {
	var all []*Signed
	for _, b := range bundles {
		all = append(all, &Signed{Bundle: b})
	}
	return publish.Survey(ctx, items(all, to), c)
}

func items(signed []*Signed, to func(string) publish.Store) []*publish.Item {
	var out []*publish.Item
	for _, s := range signed {
		r := s.Bundle.Record
		out = append(out, &publish.Item{
			Artifact: r.Artifact, Serial: r.Serial, Bundle: s.Bundle.Stored(), To: to(r.Artifact),
			Claims: referrers(s.Claims), Signatures: referrers(s.Signatures),
		})
	}
	return out
}

func referrers(sigs []*seal.Signature) []oci.Artifact {
	out := make([]oci.Artifact, len(sigs))
	for i, s := range sigs {
		out[i] = s.Referrer()
	}
	return out
}

// Store writes signed bundles as an OCI layout, as verify and publish --from
// read it. The statements become visible together.
func Store(ctx context.Context, dir string, signed []*Signed) (*oci.Layout, error) {
	var bundles []*seal.Bundle
	var all []*seal.Signature
	for _, s := range signed {
		bundles = append(bundles, s.Bundle)
		all = append(append(all, s.Claims...), s.Signatures...)
	}
	l, err := seal.WriteLayout(ctx, dir, bundles)
	if err != nil {
		return nil, err
	}
	return l, seal.Attach(ctx, l, all...)
}
