package seal

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sync/errgroup"

	"github.com/darkstart-dev/darkstart/compiler/seal/attest"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
)

// beside adds a statement to a store, its parts given as an attacker left them.
func (m *memory) beside(old, statement, refers []byte) {
	refers = bytes.ReplaceAll(refers, []byte(digest.Of(old)), []byte(digest.Of(statement)))
	m.put(digest.Of(statement), statement)
	m.referrers = append(m.referrers, m.put(digest.Of(refers), refers))
}

// TestFlipsOfAttestations: every byte of an attestation and of the manifest that
// carries it, flipped, under repaired digests, is refused by who demands the
// attestation, or leaves what was verified and claimed unchanged. The verdict is
// flipped by each bit; the longer ones by what could turn a byte into something
// that still parses.
func TestFlipsOfAttestations(t *testing.T) {
	t.Parallel()
	signer, attester := keys(t, Ed25519, RoleRelease), keys(t, Ed25519, RoleAttest)
	tr := trust(t, signer, attester)
	b := mustSeal(t, content("eu"), released(2))
	sig, _, err := Sign(t.Context(), b, signer)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []*attest.Predicate{verdict(t, b), provenance(t, b), bills(t, b)[0]} {
		att := mustAttest(t, b, attester, p)[0]
		c := *vectorConfig()
		c.Attestations = []Requirement{{Predicate: p.Type}}
		judge := func(statement, refers []byte) (*Report, diag.List, error) {
			m := repaired(b, sig, "", nil)
			m.beside(att.Bundle, statement, refers)
			return verifyFlip(t.Context(), m, b, tr, &c)
		}
		want, diags, err := judge(att.Bundle, att.Manifest)
		if err != nil || diags.HasErrors() {
			t.Fatalf("the unchanged %s is refused: %v %s", p.Type, err, diags)
		}
		for part, whole := range map[string][]byte{"statement": att.Bundle, "referrer": att.Manifest} {
			t.Run(p.Type+"/"+part, func(t *testing.T) {
				t.Parallel()
				by := likely
				if p.Type == attest.Summary && part == "statement" {
					by = allMasks
				}
				var accepted atomic.Int64
				tried := flips(t, whole, by, func(flipped []byte) error {
					statement, refers := flipped, att.Manifest
					if part == "referrer" {
						statement, refers = att.Bundle, flipped
					}
					r, diags, err := judge(statement, refers)
					if err != nil || diags.HasErrors() {
						return err
					}
					accepted.Add(1)
					if d := cmp.Diff(claims(want), claims(r)); d != "" || !bytes.Equal(layerOf(r.Bundle), layerOf(b)) {
						return fmt.Errorf("it changes what was verified:\n%s", d)
					}
					if d := cmp.Diff(said0(want), said0(r), cmpopts.IgnoreUnexported(attest.Claim{})); d != "" {
						return fmt.Errorf("it changes what is claimed:\n%s", d)
					}
					return nil
				})
				if int(accepted.Load()) == tried {
					t.Error("no flip is refused")
				}
				t.Logf("%d bytes, %d of %d flips accepted with unchanged claims", len(whole), accepted.Load(), tried)
			})
		}
	}
}

// said0 is the claim of the one attestation of a report.
func said0(r *Report) *attest.Claim {
	for _, s := range r.Seen {
		if s.Claim != nil {
			return s.Claim
		}
	}
	return nil
}

// TestFlipsOfAttestationsCosign holds stock cosign to what it reads of an
// attestation: a flip is refused, or the predicate that it prints is the signed
// one.
func TestFlipsOfAttestationsCosign(t *testing.T) {
	t.Parallel()
	c := newCosign(t)
	attester := keys(t, ECDSAP256, RoleAttest)
	key := writeFile(t, c.dir, "k.pub", attester.Public().PEM())
	b := mustSeal(t, content("eu"), released(2))
	p := verdict(t, b)
	att := mustAttest(t, b, attester, p)[0]
	host := serve(t, false)
	var tried, refused atomic.Int64
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := 0; i < len(att.Bundle); i += stride(len(att.Bundle), 24) {
		flipped := slices.Clone(att.Bundle)
		flipped[i] ^= 1
		refers := bytes.ReplaceAll(att.Manifest, []byte(digest.Of(att.Bundle)), []byte(digest.Of(flipped)))
		l, err := WriteLayout(t.Context(), t.TempDir(), []*Bundle{b})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Attach(t.Context(), oci.Artifact{Manifest: refers, Blobs: []oci.Blob{oci.Bytes(flipped), oci.Bytes(b.Config)}}); err != nil {
			t.Fatal(err)
		}
		repo := fmt.Sprintf("%s/%d", host, i)
		push(t, l, "eu", repo)
		g.Go(func() error {
			tried.Add(1)
			out, err := c.run("verify-attestation", "--key", key, "--insecure-ignore-tlog", "--trusted-root", c.root, "--type", attest.Summary, repo+"@"+string(b.Digest()))
			if err != nil {
				refused.Add(1)
			} else if !attests(out, p) {
				t.Errorf("byte %d: cosign accepted\n%s", i, out)
			}
			return nil
		})
	}
	_ = g.Wait() // nothing it runs returns an error
	if tried.Load() < 12 || refused.Load() == 0 {
		t.Errorf("cosign was asked %d times and refused %d", tried.Load(), refused.Load())
	}
	t.Logf("cosign was asked %d times and refused %d", tried.Load(), refused.Load())
}
