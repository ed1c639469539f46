package seal

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/seal/attest"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
)

const builder = "https://ci.example/fleet"

func policy() digest.Digest { return digest.Of([]byte("the policies")) }

func run() attest.Run {
	return attest.Run{Builder: builder, Compiler: "0.1.0", Now: "2026-11-22T10:00:00Z"}
}

func about(b *Bundle) attest.Bundle {
	return attest.Bundle{Manifest: b.Digest(), Record: b.Record, Repository: "registry.example/fleet/" + b.Record.Artifact}
}

func provenance(t testing.TB, b *Bundle) *attest.Predicate {
	t.Helper()
	hash := strings.Repeat("0f", 32)
	p, err := attest.NewProvenance(about(b), attest.Inputs{
		Revision: ir.Revision{Commit: b.Record.Revision, Tree: strings.Repeat("cd", 20)},
		Schemas:  hash, Kubernetes: hash, Policies: policy(),
		Lock: &ir.Lock{Images: map[string]ir.LockEntry{"registry.example/dns:1": {Digest: digest.Of([]byte("dns")), Signed: "cosign"}}},
	}, run())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func verdict(t testing.TB, b *Bundle) *attest.Predicate {
	t.Helper()
	p, err := attest.NewSummary(about(b), &ir.Verdict{
		PolicyDigest: policy(), Rules: []ir.RuleResult{{ID: "SC001", Evaluated: 1}, {ID: "SC002", Skipped: "found nothing to judge"}},
	}, run())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func bills(t testing.TB, b *Bundle) []*attest.Predicate {
	t.Helper()
	c := attest.Contents{Images: []attest.Image{{Ref: "registry.example/dns:1", Digest: digest.Of([]byte("dns")), Components: []string{"dns"}}}}
	cyclonedx, err := attest.NewCycloneDX(about(b), c, run())
	if err != nil {
		t.Fatal(err)
	}
	spdx, err := attest.NewSPDX(about(b), c, run())
	if err != nil {
		t.Fatal(err)
	}
	return []*attest.Predicate{cyclonedx, spdx}
}

// edited is a predicate that no honest run makes.
func edited(t testing.TB, p *attest.Predicate, old, new string) *attest.Predicate {
	t.Helper()
	if !bytes.Contains(p.JSON, []byte(old)) {
		t.Fatalf("%s is not in %s", old, p.JSON)
	}
	return &attest.Predicate{Type: p.Type, JSON: bytes.Replace(p.JSON, []byte(old), []byte(new), 1)}
}

func mustAttest(t testing.TB, b *Bundle, s *Signer, ps ...*attest.Predicate) []*Signature {
	t.Helper()
	var out []*Signature
	for _, p := range ps {
		sig, diags, err := Attest(t.Context(), b, p, s)
		if err != nil || sig == nil {
			t.Fatalf("attest %s: %v %s", p.Type, err, diags)
		}
		out = append(out, sig)
	}
	return out
}

// TestAttestRefuses guards the two roles, and that nothing is signed which
// speaks against the bundle or is not one of Darkstart's own statements.
func TestAttestRefuses(t *testing.T) {
	t.Parallel()
	b := mustSeal(t, content("eu-west-1"), released(2))
	attester := keys(t, Ed25519, RoleAttest)
	c := mustSeal(t, content("eu-west-1"), ir.Record{Stream: "main", MinCompiler: "0.1.0"})
	for _, x := range []struct {
		name, code string
		b          *Bundle
		p          *attest.Predicate
		s          *Signer
	}{
		{"release key", "SIG006", b, provenance(t, b), keys(t, Ed25519, RoleRelease)},
		{"candidate", "SIG007", c, provenance(t, b), attester},
		{"release statement", "SIG030", b, &attest.Predicate{Type: PredicateSign, JSON: []byte("{}")}, attester},
		{"other predicate", "SIG030", b, &attest.Predicate{Type: "https://example.org/scan/v1", JSON: []byte("{}")}, attester},
		{"too large", "SEA005", b, edited(t, provenance(t, b), `"cosign"`, `"`+strings.Repeat("x", maxSignature)+`"`), attester},
	} {
		sig, diags, err := Attest(t.Context(), x.b, x.p, x.s)
		if err != nil || sig != nil || codes(diags) != x.code {
			t.Errorf("%s: signed %v, %v, want %s:\n%s", x.name, sig != nil, err, x.code, diags)
		}
	}
	for _, p := range []*attest.Predicate{
		edited(t, verdict(t, b), `"PASSED"`, `"FAILED"`),
		edited(t, provenance(t, b), `"serial":2`, `"serial":3`),
		{Type: attest.Summary, JSON: []byte("{}")},
	} {
		if sig, diags, err := Attest(t.Context(), b, p, attester); err == nil || sig != nil || diags != nil {
			t.Errorf("%s was signed\n%s", p.JSON, diags)
		}
	}
}

// TestAttestationsRequired guards what a trust policy may ask for.
func TestAttestationsRequired(t *testing.T) {
	t.Parallel()
	release, attester, stranger := keys(t, Ed25519, RoleRelease), keys(t, Ed25519, RoleAttest), keys(t, Ed25519, RoleAttest)
	b := mustSeal(t, content("eu-west-1"), released(2))
	both := func(s *Signer) []*Signature { return mustAttest(t, b, s, provenance(t, b), verdict(t, b)) }
	need := func(rs ...Requirement) []Requirement { return rs }
	for _, x := range []struct {
		name  string
		by    []*Signature
		need  []Requirement
		codes string
		fact  Status
		has   string // in the fact or the diagnostics
	}{
		{"nothing found or asked", nil, nil, "", StatusNotChecked, "none is required"},
		{"found and not asked", both(attester), nil, "", StatusProven, "guardrails PASSED under policy " + policy().Short()},
		{"asked and met", both(attester), need(
			Requirement{Predicate: attest.Provenance, Builders: []string{"https://other.example", builder}},
			Requirement{Predicate: attest.Summary, Policies: []digest.Digest{policy()}, Builders: []string{builder}},
		), "", StatusProven, "provenance from " + builder},
		{"bills of materials", mustAttest(t, b, attester, bills(t, b)...), need(
			Requirement{Predicate: attest.CycloneDX}, Requirement{Predicate: attest.SPDX},
		), "", StatusProven, "CycloneDX 1.6 with 1 entries"},
		{"repeated", slices.Concat(both(attester), both(attester)), need(Requirement{Predicate: attest.Summary}), "", StatusProven, "provenance from"},
		{"missing", nil, need(Requirement{Predicate: attest.Provenance}, Requirement{Predicate: attest.Summary}), "SIG032 SIG032", StatusRefused, "requires: " + attest.Provenance},
		{"one of two", both(attester)[:1], need(Requirement{Predicate: attest.Provenance}, Requirement{Predicate: attest.Summary}), "SIG032", StatusRefused, attest.Summary},
		{"by a stranger", both(stranger), need(Requirement{Predicate: attest.Summary}), "SIG032", StatusRefused, attest.Summary},
		{"another policy", both(attester), need(Requirement{Predicate: attest.Summary, Policies: []digest.Digest{digest.Of(nil)}}), "SIG032", StatusRefused, "its policy is"},
		{"another builder", both(attester), need(Requirement{Predicate: attest.Provenance, Builders: []string{builder + "2"}}), "SIG032", StatusRefused, "it was made by"},
		{"another verifier", both(attester), need(Requirement{Predicate: attest.Summary, Builders: []string{builder + "2"}}), "SIG032", StatusRefused, "it was made by"},
		{"a type that nobody reads", both(attester), need(Requirement{Predicate: "https://example.org/scan/v1"}), "SIG032", StatusRefused, "scan/v1"},
	} {
		_, l := signed(t, b, release)
		if err := Attach(t.Context(), l, x.by...); err != nil {
			t.Fatal(err)
		}
		r, diags, err := Verify(t.Context(), l, "eu-west-1", trust(t, release, attester), &VerifyConfig{Attestations: x.need})
		if err != nil || codes(diags) != x.codes || (r.Bundle != nil) != (x.codes == "") {
			t.Errorf("%s: %v, want %q:\n%s", x.name, err, x.codes, diags)
			continue
		}
		i := slices.IndexFunc(r.Facts, func(f Fact) bool { return f.Name == "attestations" })
		if f := r.Facts[i]; f.Status != x.fact || !strings.Contains(f.Detail+notes(diags), x.has) {
			t.Errorf("%s: fact %q is %s: %s\n%s", x.name, f.Name, f.Status, f.Detail, diags)
		}
	}
}

func notes(l diag.List) string {
	var b strings.Builder
	for _, d := range l {
		b.WriteString(d.Message + strings.Join(d.Notes, " "))
	}
	return b.String()
}

// TestStockCosignAttestations guards that stock cosign verifies our statements
// by their types, under the attest key alone, and that we read what it attaches.
func TestStockCosignAttestations(t *testing.T) {
	t.Parallel()
	c := newCosign(t)
	release := keys(t, ECDSAP256, RoleRelease)
	pair, err := GenerateKeyPair(ECDSAP256, password)
	if err != nil {
		t.Fatal(err)
	}
	private := writeFile(t, c.dir, "attest.key", pair.Private)
	attester, diags, err := LoadSigner(t.Context(), "attest.key", RoleAttest, KeySource{ReadFile: func(string) ([]byte, error) { return pair.Private, nil }}, password)
	if err != nil || attester == nil {
		t.Fatal(err, diags)
	}
	pub, other := writeFile(t, c.dir, "attest.pub", pair.Public), writeFile(t, c.dir, "release.pub", release.Public().PEM())
	b := mustSeal(t, content("eu-west-1"), released(2))
	_, l := signed(t, b, release)
	ps := append([]*attest.Predicate{provenance(t, b), verdict(t, b)}, bills(t, b)...)
	if err := Attach(t.Context(), l, mustAttest(t, b, attester, ps...)...); err != nil {
		t.Fatal(err)
	}
	verify := func(key, ref, kind string) ([]byte, error) {
		return c.run("verify-attestation", "--key", key, "--insecure-ignore-tlog", "--trusted-root", c.root, "--type", kind, ref)
	}
	for _, api := range []bool{true, false} {
		repo := serve(t, api) + "/fleet/eu-west-1"
		push(t, l, "eu-west-1", repo)
		ref := repo + "@" + string(b.Digest())
		for kind, p := range map[string]*attest.Predicate{
			"slsaprovenance1": ps[0], attest.Provenance: ps[0], attest.Summary: ps[1], "cyclonedx": ps[2], "spdxjson": ps[3],
		} {
			out, err := verify(pub, ref, kind)
			if err != nil || !attests(out, p) {
				t.Errorf("referrers API %v: cosign verify-attestation --type %s: %v\n%s", api, kind, err, out)
			}
			if out, err := verify(other, ref, kind); err == nil {
				t.Errorf("cosign accepted the release key for %s\n%s", kind, out)
			}
		}
		if out, err := verify(pub, ref, "vuln"); err == nil {
			t.Errorf("cosign found a type that is not there\n%s", out)
		}
	}
	cosignAttests(t, c, b, release, attester, private)
}

// attests reports whether an envelope that cosign printed holds the predicate.
func attests(out []byte, p *attest.Predicate) bool {
	for line := range bytes.Lines(out) {
		var e struct{ Payload string }
		if json.Unmarshal(line, &e) != nil {
			continue
		}
		payload, err := base64.StdEncoding.DecodeString(e.Payload)
		if err == nil && bytes.Contains(payload, p.JSON) {
			return true
		}
	}
	return false
}

// cosignAttests has stock cosign attach a provenance and a verdict, which
// Verify then judges like our own.
func cosignAttests(t *testing.T, c *stock, b *Bundle, release, attester *Signer, private string) {
	_, l := signed(t, b, release)
	repo := serve(t, true) + "/fleet/eu-west-1"
	push(t, l, "eu-west-1", repo)
	ref := repo + "@" + string(b.Digest())
	say := func(kind string, p *attest.Predicate) {
		file := writeFile(t, c.dir, "predicate.json", p.JSON)
		out, err := c.run("attest", "--key", private, "--type", kind, "--predicate", file, "--use-signing-config=false", "--tlog-upload=false", "--yes", ref)
		if err != nil {
			t.Fatalf("cosign attest: %v\n%s", err, out)
		}
	}
	judge := func() (*Report, diag.List) {
		r, diags, err := Verify(t.Context(), open(t, repo), "eu-west-1", trust(t, release, attester), &VerifyConfig{
			Attestations: []Requirement{{Predicate: attest.Provenance, Builders: []string{builder}}, {Predicate: attest.Summary, Policies: []digest.Digest{policy()}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return r, diags
	}
	if r, diags := judge(); r.Bundle != nil || codes(diags) != "SIG032 SIG032" {
		t.Errorf("nothing is attested yet:\n%s", diags)
	}
	say("slsaprovenance1", provenance(t, b))
	say(attest.Summary, verdict(t, b))
	if r, diags := judge(); r.Bundle == nil {
		t.Errorf("what cosign attested is not read:\n%s", diags)
	}
	say(attest.Summary, edited(t, verdict(t, b), `"PASSED"`, `"FAILED"`))
	if r, diags := judge(); r.Bundle != nil || codes(diags) != "SIG031" {
		t.Errorf("a failed verdict that cosign attested is let through:\n%s", diags)
	}
}
