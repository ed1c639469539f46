package attest

import (
	"errors"
	"fmt"

	testresult "github.com/in-toto/attestation/go/predicates/test_result/v0"
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
