package seal

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/seal/attest"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// Attest states a predicate about the bundle. Only an attestation key may, and
// only one of the predicates that DESIGN §8 gives it; a predicate that the
// bundle contradicts, or a failed verdict, is signed by nobody. What was signed
// is verified before it is returned.
func Attest(ctx context.Context, b *Bundle, p *attest.Predicate, s *Signer) (*Signature, diag.List, error) {
	if s.public.Role != RoleAttest {
		return nil, diag.List{diag.Errorf("SIG006", "key %q has the role %s and cannot sign an attestation", s.public.Name, s.public.Role).
			Fix("sign with an attestation key: `darkstart keys generate --role attest`")}, nil
	}
	if b.Record.Candidate() {
		return nil, diag.List{candidate(b)}, nil
	}
	if !slices.Contains(attest.Predicates(), p.Type) {
		return nil, diag.List{diag.Errorf("SIG030", "an attestation key does not sign the predicate %q", p.Type).
			Note("it signs %q", attest.Predicates()).
			Fix("state it with another key: a trusted one speaks for Darkstart's own statements alone")}, nil
	}
	raw, err := s.sign(ctx, newStatement(b.Digest(), p.Type, json.RawMessage(p.JSON)))
	if err != nil {
		return nil, nil, fmt.Errorf("attest %s: %w", b.Record.Artifact, err)
	}
	if len(raw) > maxSignature {
		return nil, diag.List{diag.Errorf("SEA005", "the statement %s about %q has %d bytes (at most %d)", p.Type, b.Record.Artifact, len(raw), maxSignature).
			Fix("split the cluster: its statements list more than a reader takes from a stranger")}, nil
	}
	t := &Trust{parties: []Trusted{s.Trusted()}}
	seen := t.judge(raw, b.Digest(), "")
	if seen.Status == StatusValid {
		seen.Reason = objectionTo(seen.Claim, b)
	}
	if seen.Status != StatusValid || seen.Reason != "" {
		return nil, nil, fmt.Errorf("attest %s: what was just signed does not verify: %s", b.Record.Artifact, seen.Reason)
	}
	m, err := referrer(b, raw, p.Type)
	if err != nil {
		return nil, nil, err
	}
	return &Signature{Subject: b.Digest(), Key: s.ID(), Predicate: p.Type, Bundle: raw, Manifest: m}, nil, nil
}

// objectionTo says why a claim that an attestation key signed speaks against
// the bundle, "" when it does not.
func objectionTo(c *attest.Claim, b *Bundle) string {
	switch {
	case c.Type == attest.Summary && c.Result != attest.Passed:
		return fmt.Sprintf("the verdict is %s, not %s", c.Result, attest.Passed)
	case c.Type == attest.TestResult && c.Result == attest.Failed:
		return "the tests of it failed"
	}
	return c.Contradicts(b.Record)
}

// Unattestable is the diagnostic of a release about which a statement would be
// false.
func Unattestable(err error) *diag.Diagnostic {
	return diag.Errorf("SIG034", "nothing can be attested: %v", err).
		Fix("run `darkstart check`, fix what it finds, and release again")
}
