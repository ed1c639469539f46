package attest

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// PolicyURI says what the digest of a policy covers: every Rego module and data
// document that judged the fleet, built-in and the user's own.
const PolicyURI = "https://darkstart.dev/policies/v1"

// LevelGuardrails is the level of a bundle that the guardrails let pass. It is
// no level of SLSA, and does not pretend to be.
const LevelGuardrails = "DARKSTART_GUARDRAILS_V1"

// Passed is the only result that is ever stated.
const Passed = "PASSED"

type summary struct {
	Verifier struct {
		ID      string            `json:"id"`
		Version map[string]string `json:"version"`
	} `json:"verifier"`
	TimeVerified       string          `json:"timeVerified,omitempty"`
	ResourceURI        string          `json:"resourceUri"`
	Policy             Resource        `json:"policy"`
	VerificationResult string          `json:"verificationResult"`
	VerifiedLevels     []string        `json:"verifiedLevels"`
	Rules              []ir.RuleResult `json:"darkstart_rules"`
}

// NewSummary states that the guardrails let the bundle's fleet pass. It fails,
// and makes nothing, when they did not.
func NewSummary(b Bundle, v *ir.Verdict, r Run) (*Predicate, error) {
	if err := passed(v); err != nil {
		return nil, err
	}
	s := summary{
		TimeVerified: r.Now, ResourceURI: b.url(),
		Policy:             Resource{URI: PolicyURI, Digest: digestSet(v.PolicyDigest)},
		VerificationResult: Passed, VerifiedLevels: []string{LevelGuardrails},
	}
	s.Verifier.ID = cmp.Or(r.Builder, UnnamedBuilder)
	s.Verifier.Version = map[string]string{"darkstart": r.Compiler}
	for _, rule := range v.Rules {
		rule.Title = "" // `darkstart explain` has it
		s.Rules = append(s.Rules, rule)
	}
	return newPredicate(Summary, s)
}

// passed is what "passed" means: something was judged, and nothing stands
// against the fleet that nobody accepted (D6).
func passed(v *ir.Verdict) error {
	if v == nil || v.PolicyDigest == "" {
		return errors.New("the guardrails did not judge the fleet")
	}
	if v.NotEvaluated {
		return errors.New("a policy set that was named judged nothing")
	}
	evaluated := 0
	for _, r := range v.Rules {
		evaluated += r.Evaluated
	}
	if evaluated == 0 {
		return errors.New("no guardrail found anything to judge")
	}
	for _, f := range v.Findings {
		if f.Severity == diag.Error && f.Waived == nil {
			return fmt.Errorf("the guardrails refuse the fleet: %s: %s", f.Code, f.Message)
		}
	}
	return nil
}

// name is where the bundle is published, or what it is called.
func (b Bundle) name() string { return cmp.Or(b.Repository, b.Record.Artifact) }

// url is the package URL of the bundle.
func (b Bundle) url() string {
	if b.Repository != "" {
		return ImageURL(b.Repository, b.Manifest)
	}
	return "pkg:oci/" + url.QueryEscape(strings.ToLower(b.Record.Artifact)) + "@" + url.QueryEscape(string(b.Manifest))
}

func serial(r ir.Record) string { return strconv.Itoa(r.Serial) }
