package seal

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
)

// memory is a store whose owner lies at will: it serves any bytes under any
// digest, and does not check anything.
type memory struct {
	manifest  digest.Digest
	blobs     map[digest.Digest][]byte
	referrers []oci.Descriptor
}

func (m *memory) put(name digest.Digest, b []byte) oci.Descriptor {
	m.blobs[name] = b
	return oci.Descriptor{Digest: name, MediaType: oci.MediaTypeManifest, Size: int64(len(b))}
}

func (m *memory) Resolve(context.Context, string) (oci.Descriptor, error) {
	return oci.Descriptor{Digest: m.manifest, Size: int64(len(m.blobs[m.manifest]))}, nil
}

func (m *memory) Fetch(_ context.Context, d oci.Descriptor, _ int64) ([]byte, error) {
	b, ok := m.blobs[d.Digest]
	if !ok {
		return nil, fmt.Errorf("%s: %w", d.Digest, oci.ErrNotFound)
	}
	return b, nil
}

func (m *memory) Referrers(context.Context, digest.Digest) ([]oci.Descriptor, error) {
	return m.referrers, nil
}

// repaired is the store of an attacker who changes one part and then makes
// every digest fit again, as far as that needs no key.
func repaired(b *Bundle, sig *Signature, part string, flipped []byte) *memory {
	m := &memory{blobs: map[digest.Digest][]byte{}}
	manifest, layer, statement, refers := b.Manifest, layerOf(b), sig.Bundle, sig.Manifest
	replace := func(in []byte, old digest.Digest) []byte {
		return bytes.ReplaceAll(in, []byte(old), []byte(digest.Of(flipped)))
	}
	switch part {
	case "layer":
		layer, manifest = flipped, replace(manifest, b.LayerDigest())
	case "manifest":
		manifest = flipped
	case "config":
		manifest = replace(manifest, digest.Of(b.Config))
	case "signature":
		statement, refers = flipped, replace(refers, digest.Of(sig.Bundle))
	case "referrer":
		refers = flipped
	}
	m.manifest = digest.Of(manifest)
	m.put(m.manifest, manifest)
	m.put(digest.Of(layer), layer)
	m.put(digest.Of(statement), statement)
	m.referrers = []oci.Descriptor{m.put(digest.Of(refers), refers)}
	return m
}

// parts are what an attacker may change.
func parts(b *Bundle, sig *Signature) map[string][]byte {
	return map[string][]byte{
		"layer": layerOf(b), "manifest": b.Manifest, "config": b.Config,
		"signature": sig.Bundle, "referrer": sig.Manifest,
	}
}

// claims is what a verified report says, without the names of the statements.
func claims(r *Report) any {
	if r == nil {
		return nil
	}
	c := *r
	c.Bundle, c.Seen = nil, nil
	return c
}

// exhaustive asks for every flip that there is, instead of those that fit into
// a test of seconds. CI sets it.
var exhaustive = os.Getenv("DARKSTART_EXHAUSTIVE") != ""

// masks are what a byte is flipped by: each bit alone, or everything.
func masks() []byte {
	if !exhaustive {
		return []byte{1, 2, 4, 8, 16, 32, 64, 128}
	}
	out := make([]byte, 255)
	for i := range out {
		out[i] = byte(i + 1)
	}
	return out
}

// flips calls do with every flip of whole, and reports how many it was called
// with. Flips run on all processors: do returns what is wrong, and is called
// from several goroutines.
func flips(t *testing.T, whole []byte, masks func(b byte) []byte, do func(flipped []byte) error) int {
	t.Helper()
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	n := 0
	for i := range whole {
		ms := masks(whole[i])
		n += len(ms)
		g.Go(func() error {
			for _, m := range ms {
				flipped := slices.Clone(whole)
				flipped[i] ^= m
				if err := do(flipped); err != nil {
					return fmt.Errorf("byte %d ^ %#x: %w", i, m, err)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	return n
}

func allMasks(byte) []byte { return masks() }

// likely are the flips that could turn a byte into something that still parses:
// another one of any kind, and the other case of a letter, which readers of JSON
// may take for the same.
func likely(b byte) []byte {
	switch letter := b|0x20 >= 'a' && b|0x20 <= 'z'; {
	case exhaustive:
		return []byte{1, 2, 4, 8, 16, 32, 64, 128}
	case letter:
		return []byte{0x01, 0x20}
	}
	return []byte{0x01}
}

// TestFlips is exhaustive (DESIGN §8): every single byte of every part, flipped,
// under repaired digests, is refused or leaves the verified content and claims
// unchanged.
func TestFlips(t *testing.T) {
	t.Parallel()
	signer := keys(t, Ed25519, RoleRelease)
	tr := trust(t, signer)
	b := mustSeal(t, content("eu"), released(2))
	sig, _, err := Sign(t.Context(), b, signer)
	if err != nil {
		t.Fatal(err)
	}
	want, diags, err := Verify(t.Context(), repaired(b, sig, "", nil), "eu", tr, vectorConfig())
	if err != nil || diags.HasErrors() {
		t.Fatalf("the unchanged bundle is refused: %v %s", err, diags)
	}
	for part, whole := range parts(b, sig) {
		t.Run(part, func(t *testing.T) {
			t.Parallel()
			by := allMasks
			if part == "referrer" { // nobody signs it, and its words are not believed
				by = likely
			}
			var accepted atomic.Int64
			tried := flips(t, whole, by, func(flipped []byte) error {
				r, diags, err := verifyFlip(t.Context(), repaired(b, sig, part, flipped), b, tr, vectorConfig())
				if err != nil || diags.HasErrors() {
					return err
				}
				accepted.Add(1)
				if d := cmp.Diff(claims(want), claims(r)); d != "" || !bytes.Equal(layerOf(r.Bundle), layerOf(b)) {
					return fmt.Errorf("it changes what was verified:\n%s", d)
				}
				return nil
			})
			if (part == "layer" || part == "manifest" || part == "config") && accepted.Load() > 0 {
				t.Errorf("%d flips were accepted", accepted.Load())
			}
			t.Logf("%d bytes, %d of %d flips accepted with unchanged claims", len(whole), accepted.Load(), tried)
		})
	}
}

// verifyFlip is Verify of a store that was flipped. Where the store still
// serves the bytes of the bundle, it is not derived again, which is most of
// what a verification costs: Load would give b.
func verifyFlip(ctx context.Context, m *memory, b *Bundle, tr *Trust, c *VerifyConfig) (*Report, diag.List, error) {
	same := m.manifest == b.Digest() && bytes.Equal(m.blobs[m.manifest], b.Manifest) && bytes.Equal(m.blobs[b.LayerDigest()], layerOf(b))
	if !same {
		return Verify(ctx, m, "eu", tr, c)
	}
	return verifyLoaded(ctx, m, b, tr, c)
}

// TestFlipsOnDisk: without repaired digests nothing gets through at all, and
// a damaged store is a verdict and not an error.
func TestFlipsOnDisk(t *testing.T) {
	t.Parallel()
	signer := keys(t, Ed25519, RoleRelease)
	tr := trust(t, signer)
	b := mustSeal(t, content("eu"), released(2))
	dir, l := signed(t, b, signer)
	blobs, err := filepath.Glob(filepath.Join(dir, "blobs", "sha256", "*"))
	if err != nil || len(blobs) != 6 { // manifest, layer, config, statement, its manifest, fallback index
		t.Fatalf("%v %v", blobs, err)
	}
	for _, name := range blobs {
		whole, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		// The config is a constant that nobody reads, and the index of referrers
		// repeats what index.json lists.
		optional := bytes.Equal(whole, b.Config) || bytes.Contains(whole, []byte(`"manifests"`))
		for i := 0; i < len(whole); i += 7 {
			flipped := slices.Clone(whole)
			flipped[i] ^= 1
			if err := os.WriteFile(name, flipped, 0o644); err != nil {
				t.Fatal(err)
			}
			r, diags, err := Verify(t.Context(), l, "eu", tr, vectorConfig())
			if err != nil {
				t.Fatalf("%s, byte %d: not a verdict: %v", name, i, err)
			}
			if !diags.HasErrors() && !optional {
				t.Fatalf("%s, byte %d: accepted", name, i)
			}
			if optional && !bytes.Equal(r.Bundle.Manifest, b.Manifest) {
				t.Fatalf("%s, byte %d: accepted as something else", name, i)
			}
		}
		if err := os.WriteFile(name, whole, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// stride takes some bytes of a part, or every byte when everything is asked for.
func stride(size, some int) int {
	if exhaustive {
		return 1
	}
	return size/some + 1
}

// TestFlipsCosign holds stock cosign to what it reads: a change of the
// manifest or of the signature is refused, or the digest that it reports as
// verified is the original one.
func TestFlipsCosign(t *testing.T) {
	t.Parallel()
	c := newCosign(t)
	signer := keys(t, ECDSAP256, RoleRelease)
	key := writeFile(t, c.dir, "k.pub", signer.Public().PEM())
	b := mustSeal(t, content("eu"), released(2))
	sig, _, err := Sign(t.Context(), b, signer)
	if err != nil {
		t.Fatal(err)
	}
	host := serve(t, false)
	var tried, refused atomic.Int64
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for part, whole := range parts(b, sig) {
		if part == "layer" || part == "config" {
			continue // cosign reads neither
		}
		for i := 0; i < len(whole); i += stride(len(whole), 24) {
			flipped := slices.Clone(whole)
			flipped[i] ^= 1
			m := repaired(b, sig, part, flipped)
			manifest, statement := m.blobs[m.manifest], sig.Bundle
			if part == "signature" {
				statement = flipped
			}
			refers := bytes.ReplaceAll(m.blobs[m.referrers[0].Digest], []byte(b.Digest()), []byte(m.manifest))
			l, err := oci.WriteLayout(t.Context(), t.TempDir(), []oci.Artifact{{Tag: "eu", Manifest: manifest, Blobs: []oci.Blob{b.Layer, oci.Bytes(b.Config)}}})
			if err != nil {
				continue // no longer JSON: no registry takes it either
			}
			if err := l.Attach(t.Context(), oci.Artifact{Manifest: refers, Blobs: []oci.Blob{oci.Bytes(statement), oci.Bytes(b.Config)}}); err != nil {
				continue
			}
			repo := fmt.Sprintf("%s/%s/%d", host, part, i)
			to := open(t, repo)
			d, err := l.Resolve(t.Context(), "eu")
			if err != nil || oci.Copy(t.Context(), l, d, to, "") != nil {
				continue
			}
			g.Go(func() error {
				tried.Add(1)
				out, err := c.verify(key, repo+"@"+string(m.manifest))
				if err != nil {
					refused.Add(1)
				} else if part == "manifest" || !bytes.Contains(out, []byte(b.Digest())) {
					t.Errorf("%s, byte %d: cosign accepted\n%s", part, i, out)
				}
				return nil
			})
		}
	}
	_ = g.Wait() // nothing it runs returns an error
	if tried.Load() < 36 || refused.Load() == 0 {
		t.Errorf("cosign was asked %d times and refused %d", tried.Load(), refused.Load())
	}
	t.Logf("cosign was asked %d times and refused %d", tried.Load(), refused.Load())
}
