package publish_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/publish"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
)

// fixture is a small release: two clusters and the fleet, with two claims and a
// signature each.
type fixture struct {
	bundles []*seal.Bundle
	signer  *seal.Signer
	trust   *seal.Trust
	claims  map[string][]oci.Artifact
	sigs    map[string][]oci.Artifact
}

func newFixture(t testing.TB, serial int) *fixture {
	t.Helper()
	f := &fixture{claims: map[string][]oci.Artifact{}, sigs: map[string][]oci.Artifact{}}
	pass := func() ([]byte, error) { return []byte("test"), nil }
	pair, err := seal.GenerateKeyPair(seal.ECDSAP256, pass)
	if err != nil {
		t.Fatal(err)
	}
	src := seal.KeySource{ReadFile: func(string) ([]byte, error) { return pair.Private, nil }}
	signer, ds, err := seal.LoadSigner(context.Background(), "release.key", seal.RoleRelease, src, pass)
	if err != nil || ds.HasErrors() {
		t.Fatal(err, ds)
	}
	f.signer = signer
	if f.trust, ds = seal.NewTrust(signer.Public()); ds.HasErrors() {
		t.Fatal(ds)
	}
	for _, name := range []string{"eu", "fleet", "us"} {
		f.add(t, name, serial)
	}
	return f
}

func (f *fixture) add(t testing.TB, name string, serial int) {
	t.Helper()
	r := ir.Record{
		Artifact: name, Stream: "main", Serial: serial, Issued: "2026-11-20T12:00:00Z",
		Revision: strings.Repeat("a", 40), MinCompiler: "0.1.0", Waivers: []ir.RecordedWaiver{},
	}
	if serial > 1 {
		r.Previous = digest.Of([]byte("before"))
	}
	a := &ir.Artifact{Name: name, Write: ir.Content([]ir.File{{Path: "runbooks/r.md", Data: []byte(strings.Repeat(name+" comes back\n", 40))}})}
	b, ds, err := seal.Seal(context.Background(), a, r, nil)
	if err != nil || ds.HasErrors() {
		t.Fatal(err, ds)
	}
	f.bundles = append(f.bundles, b)
	for _, what := range []string{"provenance", "verdict"} {
		f.claims[name] = append(f.claims[name], claim(b, what))
	}
	f.sign(t, b)
}

func (f *fixture) sign(t testing.TB, b *seal.Bundle) {
	t.Helper()
	s, ds, err := seal.Sign(context.Background(), b, f.signer)
	if err != nil || ds.HasErrors() {
		t.Fatal(err, ds)
	}
	f.sigs[b.Record.Artifact] = []oci.Artifact{s.Referrer()}
}

// claim is a statement of another kind; what it says is not judged here.
func claim(b *seal.Bundle, what string) oci.Artifact {
	layer, empty := []byte(what+" of "+b.Record.Artifact), []byte("{}")
	m, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": oci.MediaTypeManifest, "artifactType": "application/vnd.example.claim",
		"config":  oci.Descriptor{Digest: digest.Of(empty), MediaType: "application/vnd.oci.empty.v1+json", Size: 2},
		"layers":  []any{oci.Descriptor{Digest: digest.Of(layer), MediaType: "text/plain", Size: int64(len(layer))}},
		"subject": oci.Descriptor{Digest: b.Digest(), MediaType: oci.MediaTypeManifest, Size: int64(len(b.Manifest))},
	})
	if err != nil {
		panic(err)
	}
	return oci.Artifact{Manifest: m, Blobs: []oci.Blob{oci.Bytes(empty), oci.Bytes(layer)}}
}

// items are the bundles on their way to a registry.
func (f *fixture) items(t testing.TB, host string) []*publish.Item {
	t.Helper()
	var out []*publish.Item
	for _, b := range f.bundles {
		name := b.Record.Artifact
		out = append(out, &publish.Item{
			Artifact: name, Serial: b.Record.Serial, Bundle: b.Stored(),
			Claims: f.claims[name], Signatures: f.sigs[name], To: open(t, host, name),
		})
	}
	return out
}

func open(t testing.TB, host, name string) *oci.Repository {
	t.Helper()
	r, err := oci.OpenRepository(host+"/fleet/"+name, &oci.RegistryConfig{
		Client: oci.RetryingClientWithin(4 * time.Millisecond), Pause: 2 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// state judges what a registry holds of a release: for each artifact whether
// it verifies. Anything that verifies without the whole release being there is
// an error, and so is a tag on anything that does not verify.
func (f *fixture) state(t testing.TB, host string) (verified int, err error) {
	t.Helper()
	ctx := context.Background()
	whole, what := true, ""
	for _, b := range f.bundles {
		r := open(t, host, b.Record.Artifact)
		x, ds, err := seal.Verify(ctx, r, string(b.Digest()), f.trust, nil)
		if err != nil {
			return 0, err
		}
		ok := x != nil && !ds.HasErrors()
		if ok {
			verified++
		}
		if tagged, err := r.Tagged(ctx, fmt.Sprintf("serial-%d", b.Record.Serial)); err != nil || tagged != "" && !ok {
			return 0, fmt.Errorf("%s is tagged (%s, %v) and does not verify: %s", b.Record.Artifact, tagged, err, ds)
		}
		if missing := f.missing(ctx, r, b); missing != "" {
			whole, what = false, missing
		}
	}
	if verified > 0 && !whole {
		return verified, fmt.Errorf("%d artifacts verify, and %s", verified, what)
	}
	return verified, nil
}

// missing says what of a bundle or its claims is not there.
func (f *fixture) missing(ctx context.Context, r *oci.Repository, b *seal.Bundle) string {
	if x, ds, err := seal.Load(ctx, r, string(b.Digest()), seal.Limits{}); err != nil || x == nil {
		return fmt.Sprintf("%s cannot be loaded: %v %s", b.Record.Artifact, err, ds)
	}
	listed, err := r.Referrers(ctx, b.Digest())
	if err != nil {
		return err.Error()
	}
	have := map[digest.Digest]bool{}
	for _, d := range listed {
		have[d.Digest] = true
	}
	for _, c := range f.claims[b.Record.Artifact] {
		if !have[digest.Of(c.Manifest)] {
			return "a claim about " + b.Record.Artifact + " is missing"
		}
	}
	return ""
}

// complete demands that everything verifies and is tagged.
func (f *fixture) complete(t testing.TB, host string) {
	t.Helper()
	if n, err := f.state(t, host); err != nil || n != len(f.bundles) {
		t.Fatalf("%d of %d verify: %v", n, len(f.bundles), err)
	}
	for _, i := range f.items(t, host) {
		if d, err := i.To.Tagged(t.Context(), i.Tag()); err != nil || d != digest.Of(i.Bundle.Manifest) {
			t.Fatalf("%s:%s is %s: %v", i.To.Name(), i.Tag(), d, err)
		}
	}
}

func TestMain(m *testing.M) {
	if host := os.Getenv("PUBLISH_CHILD"); host != "" {
		os.Exit(child(host))
	}
	os.Exit(m.Run())
}
