// Package attest makes and reads the predicates of in-toto statements about
// a bundle: where it came from (SLSA provenance), that the guardrails let it
// pass (SLSA verification summary), what it makes a cluster pull (a bill of
// materials), and which drills passed (in-toto test result). docs/attestations.md says what each field means.
//
// What is made here is a function of its arguments: the same release gives the
// same bytes, so a second run signs nothing new. Times are those of the
// revision, or the now that findings were judged at (D13); no clock is read.
//
// What is read here was signed by somebody, and is hostile all the same: names
// that stand twice, names that differ only in case, depth and bytes that are no
// text are refused before anything is decoded, since two readers would
// understand two things. Then the published definition of each predicate
// decides whether it is one.
//
// The package knows no key. Package seal wraps a predicate in a statement, signs
// it and judges who signed it.
package attest

import (
	"bytes"
	"encoding/json"
	"fmt"

	statement "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/digest"
)

// The predicates that an attestation key may sign.
const (
	Provenance = "https://slsa.dev/provenance/v1"
	Summary    = "https://slsa.dev/verification_summary/v1"
)

// Predicates lists them, in the order in which they are made.
func Predicates() []string { return []string{Provenance, Summary, CycloneDX, SPDX, TestResult} }

// Predicate is what a statement says, without whom it is about.
type Predicate struct {
	Type string
	JSON []byte // canonical: no white space, sorted names
}

// Bundle is what statements are about.
type Bundle struct {
	Manifest digest.Digest
	Record   ir.Record
	// Repository is where the bundle is published, host and path; "" when the
	// fleet names no registry.
	Repository string
}

// Run says who made the statements, and when by the run's own reckoning.
type Run struct {
	// Builder is the URI of the environment that compiled and judged; its
	// signing key is what makes the claim worth something.
	Builder string
	// Compiler is the version of Darkstart, and CompilerCommit the commit that it
	// was built from; "" when it cannot say.
	Compiler, CompilerCommit string
	// Now is what findings were judged at (D13), RFC 3339.
	Now string
}

// UnnamedBuilder is the builder of a run that was given no name.
const UnnamedBuilder = "https://darkstart.dev/builder/unnamed"

// newPredicate encodes a predicate and holds it to its published definition, so
// that nothing is signed which a reader would refuse.
func newPredicate(predicateType string, v any) (*Predicate, error) {
	b, err := encode(v)
	if err != nil {
		return nil, err
	}
	return fromLibrary(predicateType, b)
}

// fromLibrary is newPredicate of what was encoded already: names are sorted and
// white space goes, whatever order a library writes.
func fromLibrary(predicateType string, b []byte) (*Predicate, error) {
	var tree any
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&tree); err != nil {
		return nil, err
	}
	b, err := encode(tree)
	if err != nil {
		return nil, err
	}
	if _, err := Read(predicateType, b); err != nil {
		return nil, fmt.Errorf("make %s: %w", predicateType, err)
	}
	return &Predicate{Type: predicateType, JSON: b}, nil
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// CheckStatement holds the payload of an envelope to in-toto's definition of a
// statement, v1 or v0.1, after refusing what two parsers would read in two ways.
func CheckStatement(payload []byte) error {
	var st statement.Statement
	if err := decode(payload, &st); err != nil {
		return err
	}
	return st.Validate()
}

// decode reads JSON into a published definition. Fields that the definition
// does not know are passed over, as in-toto's parsing rules ask.
func decode(b []byte, m proto.Message) error {
	if err := strict(b); err != nil {
		return err
	}
	return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(b, m)
}
