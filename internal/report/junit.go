package report

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// JUnit's XML as Jenkins, GitLab and the rest read it: suites of cases, each of
// which passed unless it says otherwise. No time stands in it: equal results
// give equal bytes.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string      `xml:"classname,attr"`
	Name    string      `xml:"name,attr"`
	File    string      `xml:"file,attr,omitempty"`
	Line    int         `xml:"line,attr,omitempty"`
	Failure *junitFault `xml:"failure"`
	Error   *junitFault `xml:"error"`
	Skipped *junitFault `xml:"skipped"`
	Output  string      `xml:"system-out,omitempty"`
}

type junitFault struct {
	Message string `xml:"message,attr,omitempty"`
	Type    string `xml:"type,attr,omitempty"` // the code
	Text    string `xml:",chardata"`
}

// add puts a case into a suite and counts it.
func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

// writeJUnit writes suites under one name.
func writeJUnit(w io.Writer, name string, suites []junitSuite) error {
	all := junitSuites{Name: name, Suites: suites}
	for _, s := range suites {
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Skipped += s.Skipped
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	enc := xml.NewEncoder(&b)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err := w.Write(b.Bytes())
	return err
}

// JUnit writes a result as suites: tests of policies by file; else the rules,
// each a case that fails by its findings, and the codes of what else was found.
func JUnit(w io.Writer, r *Result) error {
	var suites []junitSuite
	if r.Tests != nil {
		suites = junitTests(r.Tests)
	}
	if s := junitRules(r); len(s.Cases) > 0 {
		suites = append(suites, s)
	}
	return writeJUnit(w, "darkstart "+r.Command, suites)
}

// junitRules leaves out what a test of a policy says for itself. A finding that
// does not fail the run is no failure, but it is in the output of its case.
func junitRules(r *Result) junitSuite {
	s := junitSuite{Name: "findings"}
	cases, order := map[string]*junitCase{}, []string{}
	named := func(code, title string) *junitCase {
		if cases[code] == nil {
			cases[code] = &junitCase{Class: "darkstart", Name: strings.TrimSpace(code + " " + title)}
			order = append(order, code)
		}
		return cases[code]
	}
	if r.Rules != nil {
		for _, x := range r.Rules.Results {
			if c := named(x.ID, x.Title); x.Skipped != "" || x.Evaluated == 0 {
				c.Skipped = &junitFault{Message: cmp.Or(x.Skipped, "nothing to evaluate")}
			}
		}
	}
	for _, d := range r.Diagnostics {
		if r.Tests != nil && d.Code == "GRD031" {
			continue
		}
		c, line := named(d.Code, ""), fmt.Sprintf("%s: %s\n", d.Severity, d.Message)
		if at := d.Primary(); !at.IsZero() {
			line = at.String() + ": " + line
		}
		if d.Severity < diag.Error || d.Waived != nil || d.Old {
			c.Output += line
			continue
		}
		if c.Skipped = nil; c.Failure == nil {
			c.Failure = &junitFault{Message: d.Message, Type: d.Code}
			c.File, c.Line = d.Primary().File, d.Primary().Line
		}
		c.Failure.Text += line
	}
	for _, code := range order {
		s.add(*cases[code])
	}
	if r.Error != "" {
		s.add(junitCase{Class: "darkstart", Name: r.Command, Error: &junitFault{Message: r.Error}})
	}
	return s
}

// junitTests is one suite a file of tests.
func junitTests(t *ir.TestRun) []junitSuite {
	var out []junitSuite
	for i := range t.Tests {
		x := &t.Tests[i]
		if len(out) == 0 || out[len(out)-1].Name != x.At.File {
			out = append(out, junitSuite{Name: x.At.File})
		}
		c := junitCase{Class: x.Package, Name: x.Name, File: x.At.File, Line: x.At.Line, Output: x.Output}
		why, _, _ := strings.Cut(x.Why, "\n")
		fault := &junitFault{Message: why, Type: "GRD031", Text: strings.TrimPrefix(fmt.Sprintf("%s\n%s", x.FailedAt, x.Why), "\n")}
		switch x.Outcome {
		case ir.Failed:
			c.Failure = fault
		case ir.Errored:
			c.Error = fault
		case ir.Skipped:
			c.Skipped = &junitFault{Message: "todo"}
		}
		out[len(out)-1].add(c)
	}
	return out
}
