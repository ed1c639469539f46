package attest

import (
	"errors"
	"fmt"

	testresult "github.com/in-toto/attestation/go/predicates/test_result/v0"

	"github.com/darkstart-dev/darkstart/internal/digest"
)

// TestResult is in-toto's predicate for the results of tests. Darkstart's tests
// are drills.
const TestResult = "https://in-toto.io/attestation/test-result/v0.1"

// Failed and Warned are the other results. A failed one speaks against what it
// is about.
const (
	Failed = "FAILED"
	Warned = "WARNED"
)

// testResult reads a test result. Its definition leaves checking to its users:
// required are result and configuration; and tests that failed fit no other
// result than FAILED, or two readers would understand two things.
func (c *Claim) testResult(b []byte) error {
	var r testresult.TestResult
	if err := decode(b, &r); err != nil {
		return err
	}
	c.Result, c.Listed = r.GetResult(), len(r.GetPassedTests())+len(r.GetWarnedTests())+len(r.GetFailedTests())
	switch {
	case c.Result != Passed && c.Result != Warned && c.Result != Failed:
		return fmt.Errorf("result is %.40q (want PASSED, WARNED or FAILED)", c.Result)
	case len(r.GetConfiguration()) == 0:
		return errors.New("configuration required")
	case c.Result != Failed && len(r.GetFailedTests()) > 0:
		return fmt.Errorf("result is %s, and %d tests failed", c.Result, len(r.GetFailedTests()))
	}
	for _, d := range r.GetConfiguration() {
		if err := d.Validate(); err != nil {
			return fmt.Errorf("configuration: %w", err)
		}
	}
	return nil
}

// Drill is the newest record of a procedure, as a test result names it.
type Drill struct {
	Name   string // of the record
	File   string // relative to the fleet
	Digest digest.Digest
	// Stale says that what the procedure depends on has changed since.
	Stale bool
}

// NewTestResult states which drills passed: PASSED, or WARNED when some of them
// were of before a change. There is no failed one to state: whoever takes
// a bundle would refuse it, and the runbooks in it are what a failed drill is
// mended by.
func NewTestResult(drills []Drill) (*Predicate, error) {
	if len(drills) == 0 {
		return nil, errors.New("no drill has passed")
	}
	r := struct {
		Result        string     `json:"result"`
		Configuration []Resource `json:"configuration"`
		Passed        []string   `json:"passedTests,omitempty"`
		Warned        []string   `json:"warnedTests,omitempty"`
	}{Result: Passed}
	for _, d := range drills {
		r.Configuration = append(r.Configuration, Resource{Name: d.File, Digest: digestSet(d.Digest)})
		if d.Stale {
			r.Result, r.Warned = Warned, append(r.Warned, d.Name)
		} else {
			r.Passed = append(r.Passed, d.Name)
		}
	}
	return newPredicate(TestResult, r)
}
