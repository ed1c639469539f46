package seal

import (
	"archive/tar"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/seal/attest"
	"github.com/darkstart-dev/darkstart/compiler/seal/internal/tgz"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
	"github.com/darkstart-dev/darkstart/internal/testkit/vectors"
	"github.com/klauspost/compress/gzip"
)

const vectorDir = "../../testdata/vectors/bundles"

// TestVectors runs every stored vector through Open, Load and Verify: from a
// layout and from a tar of it. The commands and stock cosign are held to the
// same files elsewhere. With -update they are written anew by the recipes below.
func TestVectors(t *testing.T) {
	t.Parallel()
	if *update {
		writeVectors(t)
	}
	vs := storedVectors(t)
	notStale(t, vs)
	tr := vectorTrust(t)
	for _, v := range vs {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			check := func(entry, want, got string) {
				if got == "" {
					got = vectors.OK
				}
				if got != want {
					t.Errorf("%s: want %s, got %s (%s)", entry, want, got, v.Why)
				}
			}
			_, diags, err := Open(v.Layer, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			check("open", v.Open, codes(diags))
			dir := t.TempDir()
			l, err := v.Layout(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			_, diags, err = Load(t.Context(), l, vectors.Artifact, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			check("load", v.Load, codes(diags))
			archived := tarred(t, dir)
			for name, src := range map[string]*oci.Layout{"a layout": l, "a tar": archived} {
				for _, demand := range []bool{false, true} {
					r, diags, err := Verify(t.Context(), src, vectors.Artifact, tr, judgedBy(t, v, demand))
					if err != nil {
						t.Fatal(err)
					}
					want := v.Expect
					if demand {
						want = v.Demand
					}
					check(fmt.Sprintf("verify of %s, demanding attestations: %v", name, demand), want, codes(diags))
					if (r != nil && r.Bundle != nil) != (want == vectors.OK) {
						t.Error("a bundle was handed out against the verdict")
					}
				}
			}
			beside, err := Beside(t.Context(), archived, v.Digest())
			if err != nil || len(beside) != len(v.Statements) {
				t.Errorf("inspect: %d statements are attached, %d are listed: %v", len(v.Statements), len(beside), err)
			}
		})
	}
}

// judgedBy is how the README says that a vector is verified.
func judgedBy(t testing.TB, v *vectors.Vector, demand bool) *VerifyConfig {
	t.Helper()
	c := vectorConfig()
	if demand {
		c.Attestations = []Requirement{{Predicate: attest.Provenance}, {Predicate: attest.Summary}}
	}
	if v.State != nil {
		var s struct{ Artifacts map[string]State }
		if err := json.Unmarshal(v.State, &s); err != nil {
			t.Fatal(err)
		}
		last := s.Artifacts[vectors.Artifact]
		c.State = &last
	}
	return c
}

// tarred packs a layout as it crosses an air gap.
func tarred(t *testing.T, dir string) *oci.Layout {
	t.Helper()
	name := filepath.Join(t.TempDir(), "layout.tar")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(vectors.Tar(dir, f), f.Close()); err != nil {
		t.Fatal(err)
	}
	out, err := oci.OpenTar(name)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// notStale fails for a stored vector without a recipe, a recipe without a
// vector, and bytes that the recipe no longer gives. Ed25519 and the layer are
// deterministic, so nothing may differ.
func notStale(t *testing.T, stored []*vectors.Vector) {
	t.Helper()
	made := map[string][]byte{}
	for _, v := range recipes(t) {
		made[v.Name] = v.Format()
	}
	for _, v := range stored {
		if !bytes.Equal(made[v.Name], v.Format()) {
			t.Errorf("%s is not what its recipe gives: run this test with -update and read the difference", v.Name)
		}
		delete(made, v.Name)
	}
	for name := range made {
		t.Errorf("the recipe %s has no stored vector: run this test with -update", name)
	}
}

func vectorConfig() *VerifyConfig {
	now, err := time.Parse(time.RFC3339, vectors.Now)
	if err != nil {
		panic(err)
	}
	return &VerifyConfig{Now: now, MinSerial: vectors.MinSerial}
}

func vectorKey(t testing.TB, name string, role Role) *Signer {
	t.Helper()
	pass := func() ([]byte, error) { return []byte(vectors.Password), nil }
	s, diags, err := LoadSigner(t.Context(), filepath.Join(vectorDir, "keys", name+".key"), role, KeySource{ReadFile: os.ReadFile}, pass)
	if err != nil || s == nil {
		t.Fatalf("%v %s", err, diags)
	}
	return s
}

func vectorTrust(t testing.TB) *Trust {
	t.Helper()
	return trust(t, vectorKey(t, "release", RoleRelease), vectorKey(t, "attest", RoleAttest))
}

func storedVectors(t testing.TB) []*vectors.Vector {
	t.Helper()
	vs, err := vectors.Read(os.DirFS(vectorDir))
	if err != nil {
		t.Fatal(err)
	}
	return vs
}

func writeVectors(t *testing.T) {
	t.Helper()
	old, _ := filepath.Glob(filepath.Join(vectorDir, "*.txtar"))
	for _, f := range old {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range recipes(t) {
		if err := os.WriteFile(filepath.Join(vectorDir, v.Name+".txtar"), v.Format(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// cook makes vectors out of what the recipes say of them.
type cook struct {
	t                           *testing.T
	good                        *Bundle
	release, attester, stranger *Signer
	out                         []*vectors.Vector
}

// recipes makes every vector. Hostile layers and manifests are signed by the
// trusted key, so nothing but the reader itself stands between them and use.
func recipes(t *testing.T) []*vectors.Vector {
	c := &cook{
		t: t, good: mustSeal(t, content(vectors.Artifact), released(2)),
		release: vectorKey(t, "release", RoleRelease), attester: vectorKey(t, "attest", RoleAttest), stranger: vectorKey(t, "stranger", RoleRelease),
	}
	for _, h := range hostileLayers(t, c.good) {
		c.add(vectors.Vector{Name: "layer-" + h.name, Why: h.why, Open: h.code, Load: h.code, Expect: h.code, Manifest: manifestFor(t, c.good, h.layer), Layer: h.layer})
	}
	for _, h := range hostileManifests(t, c.good) {
		v := vectors.Vector{Name: "manifest-" + h.name, Why: h.why, Load: h.code, Expect: h.code, Manifest: h.layer, Layer: layerOf(c.good)}
		if h.name == "index-of-good" {
			v.Also = [][]byte{c.good.Manifest}
		}
		c.add(v)
	}
	c.histories()
	c.signatures()
	c.attestations()
	return c.out
}

// add fills in what most vectors have: the good bundle, one signature of the
// release key, and nobody who attests anything. Cosign reads a signature and
// the digest of the manifest, and nothing that Darkstart refuses beside them.
func (c *cook) add(v vectors.Vector, statements ...[]byte) {
	if v.Manifest == nil {
		v.Manifest, v.Layer = c.good.Manifest, layerOf(c.good)
	}
	if statements == nil {
		statements = [][]byte{c.state(c.release, v.Manifest, PredicateSign)}
	}
	v.Open, v.Load, v.Expect, v.Cosign = cmp.Or(v.Open, vectors.OK), cmp.Or(v.Load, vectors.OK), cmp.Or(v.Expect, vectors.OK), cmp.Or(v.Cosign, vectors.OK)
	if v.Demand == "" {
		v.Demand = v.Expect
		if v.Load == vectors.OK && v.Expect != "SIG007" { // else nobody asks what is attested
			v.Demand = joined(v.Expect, "SIG032 SIG032")
		}
	}
	for _, s := range statements {
		kind, err := predicateOf(s)
		if err != nil {
			kind = PredicateSign // it claims to be one
		}
		m, err := referrer(&Bundle{Manifest: v.Manifest}, s, kind)
		if err != nil {
			c.t.Fatal(err)
		}
		v.Statements = append(v.Statements, vectors.Statement{Manifest: m, Bundle: s})
	}
	c.out = append(c.out, &v)
}

// joined is the union of two lists of codes, sorted.
func joined(lists ...string) string {
	var all []string
	for _, l := range lists {
		if l != vectors.OK {
			all = append(all, strings.Fields(l)...)
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func (c *cook) say(s *Signer, manifest []byte, p *attest.Predicate) []byte {
	b, err := s.sign(c.t.Context(), newStatement(digest.Of(manifest), p.Type, json.RawMessage(p.JSON)))
	if err != nil {
		c.t.Fatal(err)
	}
	return b
}

func (c *cook) state(s *Signer, manifest []byte, predicateType string) []byte {
	return c.say(s, manifest, &attest.Predicate{Type: predicateType, JSON: []byte("{}")})
}

// histories are bundles that differ in where they stand in time.
func (c *cook) histories() {
	sealed := func(v vectors.Vector, edit func(*ir.Record)) {
		r := released(2)
		edit(&r)
		b := mustSeal(c.t, content(vectors.Artifact), r)
		v.Manifest, v.Layer = b.Manifest, layerOf(b)
		c.add(v)
	}
	same := func(*ir.Record) {}
	seen := func(serial int, manifest digest.Digest, at string) []byte {
		s := State{Serial: serial, Manifest: manifest, Stream: "main", Verified: at}
		b, err := json.Marshal(map[string]any{"version": "darkstart.dev/verify-state/v1", "artifacts": map[string]State{vectors.Artifact: s}})
		if err != nil {
			c.t.Fatal(err)
		}
		return append(b, '\n')
	}
	other := digest.Of([]byte("another bundle"))
	sealed(vectors.Vector{Name: "good", Why: "a released, signed bundle"}, same)
	sealed(vectors.Vector{Name: "good-without-end", Why: "a release that does not expire"}, func(r *ir.Record) { r.NotAfter = "" })
	sealed(vectors.Vector{Name: "good-again", Why: "the bundle that was verified last", State: seen(2, c.good.Digest(), "2026-11-30T00:00:00Z")}, same)
	sealed(vectors.Vector{Name: "good-next", Why: "the bundle after the one that was verified last", State: seen(1, released(2).Previous, "2026-11-30T00:00:00Z")}, same)
	sealed(vectors.Vector{Name: "expired", Expect: "SIG010", Why: "its notAfter has passed"}, func(r *ir.Record) { r.NotAfter = "2026-11-30T23:59:59Z" })
	sealed(vectors.Vector{Name: "expired-clock-back", Expect: "SIG010", Why: "its notAfter has passed by the clock of the last verification", State: seen(2, c.good.Digest(), "2027-03-01T00:00:00Z")}, same)
	sealed(vectors.Vector{Name: "rollback", Expect: "SIG008", Why: "its serial is below the floor"}, func(r *ir.Record) { r.Serial, r.Previous = 1, "" })
	sealed(vectors.Vector{Name: "replayed", Expect: "SIG008", Why: "a newer serial was verified before", State: seen(3, other, "2026-11-30T00:00:00Z")}, same)
	sealed(vectors.Vector{Name: "replayed-serial", Expect: "SIG009", Why: "its serial was verified before, as another bundle", State: seen(2, other, "2026-11-30T00:00:00Z")}, same)
	sealed(vectors.Vector{Name: "broken-chain", Expect: "SIG009", Why: "it follows another bundle than the one that was verified last", State: seen(1, other, "2026-11-30T00:00:00Z")}, same)
	sealed(vectors.Vector{Name: "candidate", Expect: "SIG007", Why: "it was compiled and never released"}, func(r *ir.Record) { *r = ir.Record{Stream: "main", MinCompiler: "0.1.0"} })
}

// signatures differ in who signed what.
func (c *cook) signatures() {
	m := c.good.Manifest
	other := append(slices.Clone(m), ' ')
	sig := c.state(c.release, m, PredicateSign)
	c.add(vectors.Vector{Name: "signed-twice", Why: "repeated valid signatures are fine"}, sig, append(slices.Clone(sig), '\n'))
	c.add(vectors.Vector{Name: "signed-by-stranger-too", Why: "unknown keys are ignored"}, sig, c.state(c.stranger, m, PredicateSign))
	c.add(vectors.Vector{Name: "garbage-too", Why: "a referrer that is no Sigstore bundle does no harm"}, sig, []byte("{}"))
	c.add(vectors.Vector{Name: "unsigned", Expect: "SIG004", Cosign: "refused", Why: "nothing vouches for it"}, []byte("{}"))
	c.add(vectors.Vector{Name: "signed-by-stranger", Expect: "SIG004", Cosign: "refused", Why: "only a key that nobody trusts signed it"}, c.state(c.stranger, m, PredicateSign))
	c.add(vectors.Vector{Name: "signature-of-other", Expect: "SIG004 SIG005", Cosign: "refused", Why: "the release key signed another manifest"}, c.state(c.release, other, PredicateSign))
	c.add(vectors.Vector{Name: "signature-of-other-too", Expect: "SIG005", Why: "beside a valid one stands a signature for another manifest"}, sig, c.state(c.release, other, PredicateSign))
	c.add(vectors.Vector{Name: "signature-twice", Expect: "SIG005", Why: "the release key signed a statement whose subject stands twice"}, sig, doubled(c.t, c.release, m))
	c.add(vectors.Vector{Name: "wrong-predicate", Expect: "SIG005", Why: "the release key signed provenance as well"}, sig, c.state(c.release, m, attest.Provenance))
	c.add(vectors.Vector{Name: "wrong-predicate-alone", Expect: "SIG004 SIG005", Why: "the release key signed provenance, and no release"}, c.state(c.release, m, attest.Provenance))
	c.add(vectors.Vector{Name: "wrong-role", Expect: "SIG004 SIG006", Cosign: "refused", Why: "the attest key signed the release"}, c.state(c.attester, m, PredicateSign))
	c.add(vectors.Vector{Name: "two-subjects", Expect: "SIG004 SIG005", Why: "one statement covers two manifests"}, twoSubjects(c.t, c.release, m, other))
}

// attestations differ in what the attest key said.
func (c *cook) attestations() {
	good, m := c.good, c.good.Manifest
	sig := c.state(c.release, m, PredicateSign)
	source, passed := c.say(c.attester, m, provenance(c.t, good)), c.say(c.attester, m, verdict(c.t, good))
	one := func(v vectors.Vector, statement []byte) { // a third beside what is demanded
		v.Demand = cmp.Or(v.Expect, vectors.OK)
		c.add(v, sig, source, passed, statement)
	}
	tests := func(result string, lists string) *attest.Predicate {
		return &attest.Predicate{Type: attest.TestResult, JSON: fmt.Appendf(nil, `{"configuration":[{"name":"evidence/dns.json","digest":{"sha256":%q}}],"result":%q,%s}`, digest.Of(nil).Hex(), result, lists)}
	}
	c.add(vectors.Vector{Name: "attested", Demand: vectors.OK, Why: "provenance and a passed verdict stand beside the signature"}, sig, source, passed)
	c.add(vectors.Vector{Name: "attested-twice", Demand: vectors.OK, Why: "repeated attestations are fine"}, sig, source, append(slices.Clone(source), '\n'), passed, append(slices.Clone(passed), '\n'))
	c.add(vectors.Vector{Name: "attested-without-verdict", Demand: "SIG032", Why: "a provenance alone"}, sig, source)
	c.add(vectors.Vector{Name: "attested-by-stranger", Why: "a key that nobody trusts attests, and proves nothing"}, sig, c.say(c.stranger, m, provenance(c.t, good)), c.say(c.stranger, m, verdict(c.t, good)))
	c.add(vectors.Vector{Name: "attested-unsigned", Expect: "SIG004", Demand: "SIG004", Cosign: "refused", Why: "attestations do not stand in for a signature"}, source, passed)
	one(vectors.Vector{Name: "attested-otherwise", Why: "a predicate that Darkstart does not know is not judged"}, c.state(c.attester, m, "https://example.org/scan/v1"))
	one(vectors.Vector{Name: "attested-of-other", Expect: "SIG006", Why: "the attest key made a statement about another manifest"}, c.say(c.attester, append(slices.Clone(m), ' '), provenance(c.t, good)))
	one(vectors.Vector{Name: "provenance-of-other", Expect: "SIG031", Why: "a provenance names another serial than the record"}, c.say(c.attester, m, edited(c.t, provenance(c.t, good), `"serial":2`, `"serial":3`)))
	one(vectors.Vector{Name: "provenance-malformed", Expect: "SIG033", Why: "a provenance without a builder"}, c.state(c.attester, m, attest.Provenance))
	one(vectors.Vector{Name: "verdict-failed", Expect: "SIG031", Why: "the attest key says that the guardrails refuse it"}, c.say(c.attester, m, edited(c.t, verdict(c.t, good), `"PASSED"`, `"FAILED"`)))
	one(vectors.Vector{Name: "verdict-unknown", Expect: "SIG033", Why: "a verdict that is neither passed nor failed"}, c.say(c.attester, m, edited(c.t, verdict(c.t, good), `"PASSED"`, `"passed"`)))
	one(vectors.Vector{Name: "verdict-twice", Expect: "SIG033", Why: "a verdict that stands twice under one name"}, c.say(c.attester, m, edited(c.t, verdict(c.t, good), `"verificationResult":`, `"verificationResult":"FAILED","verificationResult":`)))
	one(vectors.Vector{Name: "verdict-two-cases", Expect: "SIG033", Why: "a verdict that stands in two spellings of its name"}, c.say(c.attester, m, edited(c.t, verdict(c.t, good), `"verificationResult":`, `"VerificationResult":"FAILED","verificationResult":`)))
	one(vectors.Vector{Name: "result-passed", Why: "a drill that passed"}, c.say(c.attester, m, tests(attest.Passed, `"passedTests":["dns"]`)))
	one(vectors.Vector{Name: "result-failed", Expect: "SIG031", Why: "the attest key says that a drill failed"}, c.say(c.attester, m, tests(attest.Failed, `"failedTests":["dns"]`)))
	one(vectors.Vector{Name: "result-two-ways", Expect: "SIG033", Why: "a result that passed, with a test that failed"}, c.say(c.attester, m, tests(attest.Passed, `"failedTests":["dns"]`)))
	one(vectors.Vector{Name: "result-unknown", Expect: "SIG033", Why: "a result that is none of the three"}, c.say(c.attester, m, tests("OK", `"passedTests":["dns"]`)))
}

func twoSubjects(t *testing.T, s *Signer, manifests ...[]byte) []byte {
	st := newStatement("", PredicateSign, json.RawMessage("{}"))
	st.Subject = nil
	for _, m := range manifests {
		st.Subject = append(st.Subject, subject{Digest: map[string]string{"sha256": digest.Of(m).Hex()}})
	}
	b, err := s.sign(t.Context(), st)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// doubled is a statement about one manifest that names another first: parsers
// take the first or the last.
func doubled(t *testing.T, s *Signer, manifest []byte) []byte {
	payload, err := canonical(newStatement(digest.Of(manifest), PredicateSign, json.RawMessage("{}")))
	if err != nil {
		t.Fatal(err)
	}
	other, err := canonical(newStatement(digest.Of(nil), PredicateSign, json.RawMessage("{}")).Subject)
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.envelope(t.Context(), bytes.Replace(payload, []byte(`{`), fmt.Appendf(nil, `{"subject":%s,`, other), 1))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// hostile is one attack: the bytes, the code that must answer, and the idea.
type hostile struct {
	name, code, why string
	layer           []byte // or the manifest
}

// manifestFor derives the manifest that an attacker with the key would make.
func manifestFor(t *testing.T, good *Bundle, layer []byte) []byte {
	b := *good
	b.Layer = oci.Bytes(layer)
	if raw, err := tgz.Gunzip(layer, 1<<30); err == nil {
		b.Tar = digest.Of(raw)
	}
	m, err := manifest(&b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func hostileManifests(t *testing.T, good *Bundle) []hostile {
	edit := func(name, code, why string, f func(map[string]any)) hostile {
		var m map[string]any
		if err := json.Unmarshal(good.Manifest, &m); err != nil {
			t.Fatal(err)
		}
		f(m)
		b, err := canonical(m)
		if err != nil {
			t.Fatal(err)
		}
		return hostile{name, code, why, b}
	}
	layer := func(m map[string]any) map[string]any { return m["layers"].([]any)[0].(map[string]any) }
	return []hostile{
		edit("layer-media-type", "SEA009", "the layer has Flux's own media type", func(m map[string]any) { layer(m)["mediaType"] = "application/vnd.cncf.flux.content.v1.tar+gzip" }),
		edit("index", "SEA009", "an index stands where the manifest belongs", func(m map[string]any) {
			m["mediaType"] = oci.MediaTypeIndex
			m["manifests"] = []any{}
		}),
		edit("index-of-good", "SEA009", "an index names the good manifest, which a client may follow", func(m map[string]any) {
			clear(m)
			m["schemaVersion"], m["mediaType"] = 2, oci.MediaTypeIndex
			m["manifests"] = []any{map[string]any{"mediaType": oci.MediaTypeManifest, "digest": string(good.Digest()), "size": len(good.Manifest)}}
		}),
		edit("docker", "SEA009", "it says that it is Docker's kind of manifest", func(m map[string]any) {
			m["mediaType"] = "application/vnd.docker.distribution.manifest.v2+json"
		}),
		edit("subject", "SEA009", "it claims to be about another artifact", func(m map[string]any) {
			m["subject"] = map[string]any{"mediaType": oci.MediaTypeManifest, "digest": string(good.Digest()), "size": len(good.Manifest)}
		}),
		edit("two-layers", "SEA009", "a second layer would be applied by some and not by others", func(m map[string]any) { m["layers"] = []any{layer(m), layer(m)} }),
		edit("no-layer", "SEA009", "there is nothing in it", func(m map[string]any) { m["layers"] = []any{} }),
		edit("artifact-type", "SEA009", "it is another kind of artifact", func(m map[string]any) { m["artifactType"] = "application/vnd.example" }),
		edit("config", "SEA009", "its config is not the empty one", func(m map[string]any) { m["config"].(map[string]any)["size"] = 3 }),
		edit("annotation", "SEA011", "an annotation was added", func(m map[string]any) { m["annotations"].(map[string]any)["a"] = "b" }),
		edit("serial", "SEA011", "its annotations show another serial than the record", func(m map[string]any) {
			m["annotations"].(map[string]any)["org.opencontainers.image.version"] = "9"
		}),
		edit("layer-digest", "SEA010", "it names a layer that is not there", func(m map[string]any) { layer(m)["digest"] = string(digest.Of([]byte("x"))) }),
		edit("layer-size", "SEA010", "it gives the layer another size", func(m map[string]any) { layer(m)["size"] = len(layerOf(good)) - 1 }),
		edit("layer-huge", "SEA005", "it announces a layer beyond every limit", func(m map[string]any) { layer(m)["size"] = 1 << 40 }),
		{"spaces", "SEA011", "the same JSON with other white space", append(slices.Clone(good.Manifest), '\n')},
		{"field-twice", "SEA011", "one field stands twice", bytes.Replace(good.Manifest, []byte(`{"annotations"`), []byte(`{"schemaVersion":1,"annotations"`), 1)},
	}
}

func hostileLayers(t *testing.T, good *Bundle) []hostile {
	files, err := good.Files()
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	if err := holdFiles(files).tar(&packed); err != nil {
		t.Fatal(err)
	}
	archive := packed.Bytes()
	gz := func(b []byte) []byte {
		var out bytes.Buffer
		w, err := tgz.Gzip(&out)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	// with writes the good files, each through edit, and then the extra ones.
	with := func(edit func(*tar.Header), extra ...tar.Header) []byte { return gz(rawTar(t, files, edit, extra...)) }
	none := func(*tar.Header) {}
	reg := func(name string) tar.Header {
		return tar.Header{Format: tar.FormatUSTAR, Typeflag: tar.TypeReg, Name: name, Mode: 0o644}
	}
	link := func(kind byte) tar.Header {
		return tar.Header{Format: tar.FormatUSTAR, Typeflag: kind, Name: "z", Linkname: "/etc/passwd", Mode: 0o644}
	}
	named := func(from string, edit func(*tar.Header)) []byte {
		return with(func(h *tar.Header) {
			if h.Name == from {
				edit(h)
			}
		})
	}
	replaced := func(name, old, new string) []byte {
		fs := slices.Clone(files)
		for i, f := range fs {
			if f.Path == name {
				fs[i].Data = bytes.Replace(f.Data, []byte(old), []byte(new), 1)
			}
		}
		return gz(rawTar(t, fs, none))
	}
	without := func(prefix string) []byte {
		return gz(rawTar(t, slices.DeleteFunc(slices.Clone(files), func(f ir.File) bool { return strings.HasPrefix(f.Path, prefix) }), none))
	}
	reversed := slices.Clone(files)
	slices.Reverse(reversed)
	return []hostile{
		{"duplicate-name", "SEA002", "one name stands twice", with(none, reg("kustomization.yaml"))},
		{"duplicate-record", "SEA008", "the record stands twice, and readers take the first or the last", with(none, reg(RecordPath))},
		{"case-folded", "SEA002", "two names differ only in case", with(none, reg("Kustomization.yaml"))},
		{"file-and-folder", "SEA002", "a name is a file and a folder", with(none, reg("parts"))},
		{"absolute", "SEA001", "an absolute path", with(none, reg("/etc/passwd"))},
		{"dotdot", "SEA001", "a path that leaves the folder", with(none, reg("parts/../../x"))},
		{"dot", "SEA001", "a path that is not clean", with(none, reg("./x"))},
		{"long-name", "SEA001", "a name that USTAR splits in two", with(none, reg(strings.Repeat("d", 60)+"/"+strings.Repeat("f", 60)))},
		{"backslash", "SEA001", "a folder on some systems and a name on others", with(none, reg(`a\b`))},
		{"symlink", "SEA006", "a symbolic link", with(none, link(tar.TypeSymlink))},
		{"hardlink", "SEA006", "a hard link", with(none, link(tar.TypeLink))},
		{"directory", "SEA006", "a directory entry", with(none, tar.Header{Format: tar.FormatUSTAR, Typeflag: tar.TypeDir, Name: "z/", Mode: 0o755})},
		{"device", "SEA006", "a device", with(none, tar.Header{Format: tar.FormatUSTAR, Typeflag: tar.TypeChar, Name: "z"})},
		{"pax", "SEA007", "an extended header gives a file another name", named("meta/inventory.json", func(h *tar.Header) {
			h.Format, h.PAXRecords = tar.FormatPAX, map[string]string{"comment": "x"}
		})},
		{"gnu", "SEA007", "the archive is in GNU form", with(func(h *tar.Header) { h.Format = tar.FormatGNU })},
		{"mode", "SEA007", "a file is executable", named("kustomization.yaml", func(h *tar.Header) { h.Mode = 0o755 })},
		{"mtime", "SEA007", "a file has a date", named("kustomization.yaml", func(h *tar.Header) { h.ModTime = time.Unix(1, 0) })},
		{"owner", "SEA007", "a file has an owner", named("kustomization.yaml", func(h *tar.Header) { h.Uid = 1000 })},
		{"order", "SEA007", "the files are in another order", gz(rawTar(t, reversed, none))},
		{"ignored-by-flux", "SEA003", "a file that Flux drops", with(none, reg("x.png"))},
		{"sourceignore", "SEA003", "a file that makes Flux drop others", with(none, reg(".sourceignore"))},
		{"argocd-source", "SEA003", "a file that makes Argo CD change parameters", with(none, reg(".argocd-source-x.yaml"))},
		{"chart", "SEA003", "a file that makes Argo CD see a Helm chart", with(none, reg("Chart.yaml"))},
		{"tar-trailing", "SEA007", "bytes behind the end of the archive", gz(append(slices.Clone(archive), "hidden"...))},
		{"tar-padding", "SEA007", "more zero blocks than needed", gz(append(slices.Clone(archive), make([]byte, 512)...))},
		{"tar-cut", "SEA006", "the archive ends in the middle of a file", gz(archive[:540])},
		{"second-member", "SEA007", "a second gzip member", append(slices.Clone(layerOf(good)), gz(archive)...)},
		{"trailing", "SEA007", "bytes behind the gzip stream", append(slices.Clone(layerOf(good)), 0)},
		{"cut", "SEA006", "the gzip stream is cut off", layerOf(good)[:len(layerOf(good))-9]},
		{"gzip-name", "SEA007", "the gzip header has a name", regzip(t, archive, gzip.DefaultCompression, "x")},
		{"gzip-level", "SEA007", "compressed at another level", regzip(t, archive, gzip.HuffmanOnly, "")},
		{"stored", "SEA006", "not compressed at all", archive},
		{"empty", "SEA006", "no bytes", []byte{}},
		{"bomb", "SEA005", "20 KB that become 20 MB", gz(make([]byte, 20<<20))},
		{"no-record", "SEA008", "no release record", without(RecordPath)},
		{"no-guard", "SEA007", "the guard was taken out", without(GuardDir)},
		{"guard-serial", "SEA007", "the guard announces another serial", replaced(GuardDir+"/configmap.yaml", `"serial": "2"`, `"serial": "9"`)},
		{"record-serial", "SEA007", "the record has another serial than the guard", replaced(RecordPath, `"serial": 2`, `"serial": 3`)},
		{"record-field", "SEA008", "the record has a field that v1 does not know", replaced(RecordPath, `"serial"`, `"note": "", "serial"`)},
		{"record-twice", "SEA007", "a field of the record stands twice", replaced(RecordPath, `"serial": 2`, `"serial": 1, "serial": 2`)},
		{"record-correlation", "SEA007", "the correlation id is of other content", replaced(RecordPath, good.Content.Short(), "000000000000")},
		{"record-time", "SEA008", "the time of issue is not one", replaced(RecordPath, "2026-11-22T10:00:00Z", "yesterday")},
	}
}

func rawTar(t *testing.T, files []ir.File, edit func(*tar.Header), extra ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := tar.Header{Format: tar.FormatUSTAR, Typeflag: tar.TypeReg, Name: f.Path, Mode: 0o644, Size: int64(len(f.Data)), ModTime: time.Unix(0, 0)}
		edit(&h)
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.Data); err != nil {
			t.Fatal(err)
		}
	}
	for _, h := range extra {
		if h.ModTime.IsZero() {
			h.ModTime = time.Unix(0, 0)
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func regzip(t *testing.T, b []byte, level int, name string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, level)
	if err != nil {
		t.Fatal(err)
	}
	w.Name = name
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
