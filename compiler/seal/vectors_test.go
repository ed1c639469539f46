package seal

import (
	"archive/tar"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/tools/txtar"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/seal/attest"
	"github.com/darkstart-dev/darkstart/compiler/seal/internal/tgz"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
)

const vectorDir = "../../testdata/vectors/bundles"

// vector is one stored case: the blobs of a bundle and of the statements
// beside it, and what every reader must say about them.
type vector struct {
	name, why          string
	open, load, expect string // error codes by entry point, "ok" for none
	manifest, layer    []byte
	statements         [][]byte
}

// TestVectors runs every stored vector through Open, Load and Verify.
// With -update they are written anew by the recipes below.
func TestVectors(t *testing.T) {
	t.Parallel()
	if *update {
		writeVectors(t)
	}
	vs := vectors(t)
	notStale(t, vs)
	tr := vectorTrust(t)
	for _, v := range vs {
		t.Run(v.name, func(t *testing.T) {
			check := func(entry, want, got string) {
				if got == "" {
					got = "ok"
				}
				if got != want {
					t.Errorf("%s: want %s, got %s (%s)", entry, want, got, v.why)
				}
			}
			_, diags, err := Open(v.layer, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			check("open", v.open, codes(diags))
			dir := t.TempDir()
			l := v.layout(t, dir)
			_, diags, err = Load(t.Context(), l, "eu-west-1", Limits{})
			if err != nil {
				t.Fatal(err)
			}
			check("load", v.load, codes(diags))
			r, diags, err := Verify(t.Context(), l, "eu-west-1", tr, vectorConfig())
			if err != nil {
				t.Fatal(err)
			}
			check("verify", v.expect, codes(diags))
			if (r != nil && r.Bundle != nil) != (v.expect == "ok") {
				t.Error("a bundle was handed out against the verdict")
			}
			archived := tarred(t, dir)
			_, diags, err = Verify(t.Context(), archived, "eu-west-1", tr, vectorConfig())
			if err != nil {
				t.Fatal(err)
			}
			check("verify of a tar", v.expect, codes(diags))
			beside, err := Beside(t.Context(), archived, digest.Of(v.manifest))
			if err != nil || len(beside) != len(v.statements) {
				t.Errorf("inspect: %d statements are attached, %d are listed: %v", len(v.statements), len(beside), err)
			}
		})
	}
}

// tarred packs a layout as it crosses an air gap.
func tarred(t *testing.T, dir string) *oci.Layout {
	t.Helper()
	name := filepath.Join(t.TempDir(), "layout.tar")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(f)
	if err := errors.Join(w.AddFS(os.DirFS(dir)), w.Close(), f.Close()); err != nil {
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
func notStale(t *testing.T, read []vector) {
	t.Helper()
	made, stored := recipes(t), slices.Clone(read)
	for _, vs := range [][]vector{made, stored} {
		slices.SortFunc(vs, func(a, b vector) int { return strings.Compare(a.name, b.name) })
	}
	same := func(a, b vector) bool {
		return a.name == b.name && bytes.Equal(a.manifest, b.manifest) && bytes.Equal(a.layer, b.layer)
	}
	if !slices.EqualFunc(made, stored, same) {
		t.Errorf("%d vectors are stored and %d have recipes, or some differ: run this test with -update and read the difference", len(stored), len(made))
	}
}

func vectorConfig() *VerifyConfig {
	return &VerifyConfig{Now: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), MinSerial: 2}
}

func vectorKey(t testing.TB, name string, role Role) *Signer {
	t.Helper()
	s, diags, err := LoadSigner(t.Context(), filepath.Join(vectorDir, "keys", name+".key"), role, KeySource{ReadFile: os.ReadFile}, password)
	if err != nil || s == nil {
		t.Fatalf("%v %s", err, diags)
	}
	return s
}

func vectorTrust(t testing.TB) *Trust {
	t.Helper()
	return trust(t, vectorKey(t, "release", RoleRelease), vectorKey(t, "attest", RoleAttest))
}

// layout stores the vector in dir as it would come from a registry.
func (v vector) layout(t testing.TB, dir string) *oci.Layout {
	t.Helper()
	l, err := oci.WriteLayout(t.Context(), dir, []oci.Artifact{{Tag: "eu-west-1", Manifest: v.manifest, Blobs: [][]byte{v.layer, emptyConfig}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range v.statements {
		m, err := referrer(&Bundle{Manifest: v.manifest}, s, PredicateSign)
		if err != nil {
			t.Fatal(err)
		}
		if err := Attach(t.Context(), l, &Signature{Manifest: m, Bundle: s}); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// vectors reads the stored files.
func vectors(t testing.TB) []vector {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(vectorDir, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var out []vector
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		v := vector{name: strings.TrimSuffix(filepath.Base(name), ".txtar")}
		for line := range strings.Lines(string(a.Comment)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			switch key {
			case "why":
				v.why = value
			case "open":
				v.open = value
			case "load":
				v.load = value
			case "expect":
				v.expect = value
			default:
				t.Fatalf("%s: unknown header %q", name, line)
			}
		}
		for _, f := range a.Files {
			b, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(string(f.Data), "\n", ""))
			switch {
			case f.Name == "manifest.json":
				v.manifest = bytes.TrimSuffix(f.Data, []byte("\n"))
			case f.Name == "layer.b64" && err == nil:
				v.layer = b
			case strings.HasPrefix(f.Name, "statement-"):
				v.statements = append(v.statements, bytes.TrimSuffix(f.Data, []byte("\n")))
			default:
				t.Fatalf("%s: bad section %s: %v", name, f.Name, err)
			}
		}
		out = append(out, v)
	}
	return out
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
		if v.expect == "" {
			v.expect = v.load
		}
		a := txtar.Archive{Comment: fmt.Appendf(nil, "why: %s\nopen: %s\nload: %s\nexpect: %s\n", v.why, v.open, v.load, v.expect)}
		a.Files = append(a.Files, txtar.File{Name: "manifest.json", Data: append(slices.Clone(v.manifest), '\n')})
		var b64 bytes.Buffer
		for chunk := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(v.layer)), 100) {
			b64.Write(append(chunk[:len(chunk):len(chunk)], '\n'))
		}
		a.Files = append(a.Files, txtar.File{Name: "layer.b64", Data: b64.Bytes()})
		for i, s := range v.statements {
			a.Files = append(a.Files, txtar.File{Name: fmt.Sprintf("statement-%d.json", i), Data: append(slices.Clone(s), '\n')})
		}
		if err := os.WriteFile(filepath.Join(vectorDir, v.name+".txtar"), txtar.Format(&a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// recipes makes every vector. Hostile layers and manifests are signed by the
// trusted key, so nothing but the reader itself stands between them and use.
func recipes(t *testing.T) []vector {
	good := mustSeal(t, content("eu-west-1"), released(2))
	release, attester := vectorKey(t, "release", RoleRelease), vectorKey(t, "attest", RoleAttest)
	stranger := vectorKey(t, "stranger", RoleRelease)
	say := func(s *Signer, manifest []byte, p *attest.Predicate) []byte {
		b, err := s.sign(t.Context(), newStatement(digest.Of(manifest), p.Type, json.RawMessage(p.JSON)))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	state := func(s *Signer, manifest []byte, predicateType string) []byte {
		return say(s, manifest, &attest.Predicate{Type: predicateType, JSON: []byte("{}")})
	}
	var out []vector
	add := func(name, open, load, expect, why string, manifest, layer []byte, statements ...[]byte) {
		if statements == nil {
			statements = [][]byte{state(release, manifest, PredicateSign)}
		}
		out = append(out, vector{name, why, open, load, expect, manifest, layer, statements})
	}
	for _, h := range hostileLayers(t, good) {
		add("layer-"+h.name, h.code, h.code, "", h.why, manifestFor(t, good, h.layer), h.layer)
	}
	for _, h := range hostileManifests(t, good) {
		add("manifest-"+h.name, "ok", h.code, "", h.why, h.layer, good.Layer)
	}
	sealed := func(name, expect, why string, edit func(*ir.Record)) {
		r := released(2)
		edit(&r)
		b := mustSeal(t, content("eu-west-1"), r)
		add(name, "ok", "ok", expect, why, b.Manifest, b.Layer)
	}
	sealed("good", "ok", "a released, signed bundle", func(*ir.Record) {})
	sealed("good-without-end", "ok", "a release that does not expire", func(r *ir.Record) { r.NotAfter = "" })
	sealed("expired", "SIG010", "its notAfter has passed", func(r *ir.Record) { r.NotAfter = "2026-11-30T23:59:59Z" })
	sealed("rollback", "SIG008", "its serial is below the floor", func(r *ir.Record) { r.Serial, r.Previous = 1, "" })
	sealed("candidate", "SIG007", "it was compiled and never released", func(r *ir.Record) { *r = ir.Record{Stream: "main", MinCompiler: "0.1.0"} })

	m, l := good.Manifest, good.Layer
	other := append(slices.Clone(m), ' ')
	sig := state(release, m, PredicateSign)
	add("signed-twice", "ok", "ok", "ok", "repeated valid signatures are fine", m, l, sig, append(slices.Clone(sig), '\n'))
	add("signed-by-stranger-too", "ok", "ok", "ok", "unknown keys are ignored", m, l, sig, state(stranger, m, PredicateSign))
	add("attested-too", "ok", "ok", "ok", "attestations by the attest key are fine", m, l, sig, say(attester, m, provenance(t, good)), say(attester, m, verdict(t, good)))
	add("attested-otherwise", "ok", "ok", "ok", "a predicate that Darkstart does not know is not judged", m, l, sig, state(attester, m, "https://example.org/scan/v1"))
	add("attested-of-other", "ok", "ok", "SIG006", "the attest key made a statement about another manifest", m, l, sig, say(attester, other, provenance(t, good)))
	add("provenance-of-other", "ok", "ok", "SIG031", "a provenance names another serial than the record", m, l, sig, say(attester, m, edited(t, provenance(t, good), `"serial":2`, `"serial":3`)))
	add("provenance-malformed", "ok", "ok", "SIG033", "a provenance without a builder", m, l, sig, state(attester, m, attest.Provenance))
	add("verdict-failed", "ok", "ok", "SIG031", "the attest key says that the guardrails refuse it", m, l, sig, say(attester, m, edited(t, verdict(t, good), `"PASSED"`, `"FAILED"`)))
	add("verdict-unknown", "ok", "ok", "SIG033", "a verdict that is neither passed nor failed", m, l, sig, say(attester, m, edited(t, verdict(t, good), `"PASSED"`, `"passed"`)))
	add("verdict-twice", "ok", "ok", "SIG033", "a verdict that stands twice under one name", m, l, sig, say(attester, m, edited(t, verdict(t, good), `"verificationResult":`, `"verificationResult":"FAILED","verificationResult":`)))
	add("verdict-two-cases", "ok", "ok", "SIG033", "a verdict that stands in two spellings of its name", m, l, sig, say(attester, m, edited(t, verdict(t, good), `"verificationResult":`, `"VerificationResult":"FAILED","verificationResult":`)))
	add("garbage-too", "ok", "ok", "ok", "a referrer that is no Sigstore bundle does no harm", m, l, sig, []byte("{}"))
	add("unsigned", "ok", "ok", "SIG004", "nothing vouches for it", m, l, []byte("{}"))
	add("signed-by-stranger", "ok", "ok", "SIG004", "only a key that nobody trusts signed it", m, l, state(stranger, m, PredicateSign))
	add("signature-of-other", "ok", "ok", "SIG004 SIG005", "the release key signed another manifest", m, l, state(release, other, PredicateSign))
	add("signature-of-other-too", "ok", "ok", "SIG005", "beside a valid one stands a signature for another manifest", m, l, sig, state(release, other, PredicateSign))
	add("signature-twice", "ok", "ok", "SIG005", "the release key signed a statement whose subject stands twice", m, l, sig, doubled(t, release, m))
	add("wrong-predicate", "ok", "ok", "SIG005", "the release key signed provenance as well", m, l, sig, state(release, m, "https://slsa.dev/provenance/v1"))
	add("wrong-role", "ok", "ok", "SIG004 SIG006", "the attest key signed the release", m, l, state(attester, m, PredicateSign))
	add("two-subjects", "ok", "ok", "SIG004 SIG005", "one statement covers two manifests", m, l, twoSubjects(t, release, m, other))
	return out
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
	b.Layer = layer
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
		edit("layer-size", "SEA010", "it gives the layer another size", func(m map[string]any) { layer(m)["size"] = len(good.Layer) - 1 }),
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
	archive, err := tgz.Tar(tarFiles(files))
	if err != nil {
		t.Fatal(err)
	}
	gz := func(b []byte) []byte {
		out, err := tgz.Gzip(b)
		if err != nil {
			t.Fatal(err)
		}
		return out
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
		{"second-member", "SEA007", "a second gzip member", append(slices.Clone(good.Layer), gz(archive)...)},
		{"trailing", "SEA007", "bytes behind the gzip stream", append(slices.Clone(good.Layer), 0)},
		{"cut", "SEA006", "the gzip stream is cut off", good.Layer[:len(good.Layer)-9]},
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
