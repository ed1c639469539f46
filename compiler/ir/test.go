package ir

import (
	"fmt"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// TestRun is what the tests of policies said.
type TestRun struct {
	Tests    []TestResult `json:"tests"` // sorted by place and name; never null
	Coverage TestCoverage `json:"coverage"`
}

// Outcome of a test.
type Outcome string

// Outcomes. A test that could not be evaluated to its end has not passed.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Errored Outcome = "errored"
	Skipped Outcome = "skipped" // its name begins with todo_
)

// TestResult is one test.
type TestResult struct {
	Package string        `json:"package"` // without "data."
	Name    string        `json:"name"`
	At      diag.Position `json:"at"`
	Outcome Outcome       `json:"outcome"`
	// Why it failed or errored, and where; FailedAt is zero when that is not known.
	Why      string        `json:"why,omitempty"`
	FailedAt diag.Position `json:"failedAt,omitzero"`
	// Output is what print said.
	Output string `json:"output,omitempty"`
}

// TestCoverage counts the lines of policies, tests left out, that tests
// evaluated.
type TestCoverage struct {
	Lines   int            `json:"lines"`
	Covered int            `json:"covered"`
	Percent float64        `json:"percent"`
	Files   []FileCoverage `json:"files,omitempty"` // sorted by file
}

// FileCoverage is the coverage of one policy.
type FileCoverage struct {
	File      string      `json:"file"`
	Lines     int         `json:"lines"`
	Covered   int         `json:"covered"`
	Percent   float64     `json:"percent"`
	Uncovered []LineRange `json:"uncovered,omitempty"`
}

// LineRange is lines From to To, both included.
type LineRange struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// String returns "3" or "3-5".
func (r LineRange) String() string {
	if r.From == r.To {
		return fmt.Sprint(r.From)
	}
	return fmt.Sprintf("%d-%d", r.From, r.To)
}

// Count returns how many tests ended so.
func (t *TestRun) Count(o Outcome) (n int) {
	for i := range t.Tests {
		if t.Tests[i].Outcome == o {
			n++
		}
	}
	return n
}
