package seal

import (
	"fmt"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/seal/attest"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
)

// Requirement is an attestation that must stand beside a bundle, by a trusted
// attestation key. Each field that is set narrows what is accepted.
type Requirement struct {
	// Predicate is the type, one of attest.Predicates.
	Predicate string
	// Or is a type that does as well; "" is none.
	Or string
	// Policies are the digests that a verification summary may name.
	Policies []digest.Digest
	// Builders are the environments that may have made it: the builder of
	// a provenance, the verifier of a summary.
	Builders []string
}

// what names the types that meet the requirement.
func (r Requirement) what() string {
	if r.Or != "" {
		return r.Predicate + " or " + r.Or
	}
	return r.Predicate
}

// unmet returns what a claim lacks, "" when it is what is asked for.
func (r Requirement) unmet(c *attest.Claim) string {
	by := c.Builder
	if c.Type == attest.Summary {
		by = c.Verifier
	}
	switch {
	case len(r.Policies) > 0 && !slices.Contains(r.Policies, c.Policy):
		return fmt.Sprintf("its policy is %q, and the trust policy asks for %q", c.Policy, r.Policies)
	case len(r.Builders) > 0 && !slices.Contains(r.Builders, by):
		return fmt.Sprintf("it was made by %q, and the trust policy asks for %q", by, r.Builders)
	}
	return ""
}

// attestations judges what trusted attestation keys said about the bundle,
// then whether it is all that the trust policy asks for. A requirement that
// cannot be met at all is one that nothing meets: it refuses.
func (v *verification) attestations(found []Seen) {
	refused := len(v.r.Facts)
	var sound []Seen
	for _, s := range found {
		if reason := objectionTo(s.Claim, v.b); reason != "" {
			v.refuse("attestations", diag.Errorf("SIG031", "an attestation of %q speaks against it: %s", v.r.Artifact, reason).
				Note("%s, signed by %q, statement %s", s.Predicate, s.KeyName, s.Digest).
				Fix("do not use the bundle; find out what signed it, and release again from a clean check"))
			continue
		}
		sound = append(sound, s)
	}
	for _, r := range v.c.Attestations {
		v.require(r, sound)
	}
	if len(v.r.Facts) == refused {
		v.attested(sound)
	}
}

func (v *verification) require(r Requirement, sound []Seen) {
	var notes []string
	for _, s := range sound {
		if s.Predicate != r.Predicate && (r.Or == "" || s.Predicate != r.Or) || !s.Claim.Known {
			continue
		}
		reason := r.unmet(s.Claim)
		if reason == "" {
			return
		}
		notes = append(notes, fmt.Sprintf("one by %q does not count: %s", s.KeyName, reason))
	}
	d := diag.Errorf("SIG032", "the bundle of %q lacks an attestation that the trust policy requires: %s", v.r.Artifact, r.what())
	for _, n := range notes {
		d.Note("%s", n)
	}
	v.refuse("attestations", d.Fix("attest the release with `darkstart release --attest-key KEY`, and trust that key's public half"))
}

// attested notes what was proven: each statement once, however often it is
// repeated.
func (v *verification) attested(sound []Seen) {
	var known, other []string
	for _, s := range sound {
		if s.Claim.Known {
			known = append(known, fmt.Sprintf("%s by %s", said(s.Claim), s.by()))
		} else {
			other = append(other, s.Predicate)
		}
	}
	for _, list := range []*[]string{&known, &other} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	switch {
	case len(known) > 0 && len(other) > 0:
		v.fact("attestations", StatusProven, "%s; not judged: %s", strings.Join(known, ", "), strings.Join(other, ", "))
	case len(known) > 0:
		v.fact("attestations", StatusProven, "%s", strings.Join(known, ", "))
	case len(other) > 0:
		v.fact("attestations", StatusNotChecked, "these predicates are not judged: %s", strings.Join(other, ", "))
	default:
		v.fact("attestations", StatusNotChecked, "none by a trusted attestation key, and none is required")
	}
}

// said is a claim in a few words.
func said(c *attest.Claim) string {
	switch c.Type {
	case attest.Provenance:
		return "provenance from " + c.Builder
	case attest.Summary:
		return fmt.Sprintf("guardrails %s under policy %s", c.Result, c.Policy.Short())
	case attest.TestResult:
		return fmt.Sprintf("%d tests %s", c.Listed, c.Result)
	}
	return fmt.Sprintf("%s with %d entries", c.Format, c.Listed)
}
