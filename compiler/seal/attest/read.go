package attest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"time"

	provenancev1 "github.com/in-toto/attestation/go/predicates/provenance/v1"
	vsa "github.com/in-toto/attestation/go/predicates/vsa/v1"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/digest"
)

// Claim is what a predicate says, as far as it is judged.
type Claim struct {
	Type string `json:"-"`
	// Known is false for a predicate that is not one of Predicates: nothing of
	// it was read.
	Known bool `json:"-"`

	// Of a provenance: Commit is that of the dependency "source".
	Builder   string `json:"builder,omitempty"`
	BuildType string `json:"buildType,omitempty"`
	Commit    string `json:"commit,omitempty"`
	// parameters are the external ones, where the build type is ours.
	parameters map[string]any

	// Of a verification summary; Result of a test result, too. Policy is "" when it names none, or one of
	// another algorithm; Time is zero when it does not say.
	Verifier string        `json:"verifier,omitempty"`
	Resource string        `json:"resource,omitempty"`
	Result   string        `json:"result,omitempty"`
	Policy   digest.Digest `json:"policy,omitempty"`
	Time     time.Time     `json:"time,omitzero"`
	Levels   []string      `json:"levels,omitempty"`

	// Of a bill of materials: "CycloneDX 1.6". Listed is how many packages it
	// lists, or how many tests the result of tests does.
	Format string `json:"format,omitempty"`
	Listed int    `json:"listed,omitempty"`
}

// Read parses a predicate of a known type by its published definition. Of an
// unknown type it says no more than that.
func Read(predicateType string, predicate []byte) (*Claim, error) {
	c := &Claim{Type: predicateType, Known: true}
	var err error
	switch predicateType {
	case Provenance:
		err = c.provenance(predicate)
	case Summary:
		err = c.summary(predicate)
	case CycloneDX:
		err = c.cycloneDX(predicate)
	case SPDX:
		err = c.spdx(predicate)
	case TestResult:
		err = c.testResult(predicate)
	default:
		c.Known = false
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Claim) provenance(b []byte) error {
	var p provenancev1.Provenance
	if err := decode(b, &p); err != nil {
		return err
	}
	if err := p.Validate(); err != nil {
		return err
	}
	d := p.GetBuildDefinition()
	c.BuildType, c.Builder = d.GetBuildType(), p.GetRunDetails().GetBuilder().GetId()
	for _, r := range d.GetResolvedDependencies() {
		if r.GetName() == "source" {
			c.Commit = r.GetDigest()["gitCommit"]
		}
	}
	if c.BuildType == BuildType {
		c.parameters = d.GetExternalParameters().AsMap()
	}
	return absolute(c.Builder)
}

// summary reads a VSA. Its definition leaves checking to its users: required
// are verifier.id, resourceUri, policy, verificationResult and verifiedLevels.
func (c *Claim) summary(b []byte) error {
	var s vsa.VerificationSummary
	if err := decode(b, &s); err != nil {
		return err
	}
	c.Verifier, c.Resource, c.Result, c.Levels = s.GetVerifier().GetId(), s.GetResourceUri(), s.GetVerificationResult(), s.GetVerifiedLevels()
	switch {
	case c.Verifier == "":
		return errors.New("verifier.id required")
	case c.Resource == "":
		return errors.New("resourceUri required")
	case s.GetPolicy() == nil:
		return errors.New("policy required")
	case c.Result != Passed && c.Result != Failed:
		return fmt.Errorf("verificationResult is %.40q (want PASSED or FAILED)", c.Result)
	case len(c.Levels) == 0:
		return errors.New("verifiedLevels required")
	}
	if h := s.GetPolicy().GetDigest()["sha256"]; h != "" {
		d, err := digest.Parse("sha256:" + h)
		if err != nil {
			return fmt.Errorf("policy: %w", err)
		}
		c.Policy = d
	}
	if t := s.GetTimeVerified(); t != nil {
		if err := t.CheckValid(); err != nil {
			return fmt.Errorf("timeVerified: %w", err)
		}
		c.Time = t.AsTime()
	}
	return absolute(c.Verifier)
}

// absolute refuses an identity that is no URI with a scheme: two systems could
// mean two things by it.
func absolute(id string) error {
	if u, err := url.Parse(id); err != nil || !u.IsAbs() {
		return fmt.Errorf("%.80q is no absolute URI", id)
	}
	return nil
}

// Contradicts returns in what a provenance of our build type says something
// else than the bundle's own record, "" when it agrees or is of another type.
func (c *Claim) Contradicts(r ir.Record) string {
	if c.Type != Provenance || c.BuildType != BuildType {
		return ""
	}
	want, err := recordFields(r)
	if err != nil {
		return err.Error()
	}
	for _, name := range []string{
		"artifact", "stream", "serial", "revision", "previous", "issued", "notAfter", "correlation", "minCompiler", "waivers",
	} {
		if got := c.parameters[name]; !reflect.DeepEqual(got, want[name]) {
			return fmt.Sprintf("it names %s %.80v, and the bundle's record has %.80v", name, got, want[name])
		}
	}
	return ""
}

func object(b []byte) (map[string]any, error) {
	var m map[string]any
	err := json.Unmarshal(b, &m)
	return m, err
}
