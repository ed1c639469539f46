package report

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// readSARIF reads back what tests look at.
func readSARIF(t *testing.T, r *Result) (run sarifRun, b []byte) {
	t.Helper()
	b = written(t, SARIF, r.Finish())
	var log sarifLog
	if err := json.Unmarshal(b, &log); err != nil {
		t.Fatal(err)
	}
	return log.Runs[0], b
}

func places1500() *diag.Diagnostic {
	d := diag.Errorf("X", "many places").Fix("mend")
	for i := range 1500 {
		d.At(diag.Position{File: "a.cue", Line: i + 1}, "place %d", i)
	}
	return d
}

// What a limit cuts off is counted in a notification, and the log stays valid.
func TestSARIFSaysWhatIsLeftOut(t *testing.T) {
	schema := oasis(t)
	for name, c := range map[string]struct {
		fill func(r *Result)
		want string
	}{
		"places":  {func(r *Result) { r.Diagnostics.Add(places1500()) }, "500 places left out: "},
		"message": {func(r *Result) { r.Diagnostics.Add(diag.Errorf("X", "%s", strings.Repeat("é", maxSARIFMessage))) }, "1 message cut at 16 KB"},
		"tags": {func(r *Result) {
			r.Catalogue = []RuleDoc{{ID: "X", Title: "x"}}
			for i := range 23 {
				r.Catalogue[0].Frameworks = append(r.Catalogue[0].Frameworks, fmt.Sprint("F", i))
			}
		}, "3 tags left out: "},
		"rules": {func(r *Result) {
			for i := range maxSARIFRules + 7 {
				r.Catalogue = append(r.Catalogue, RuleDoc{ID: fmt.Sprint("R", i), Title: "t"})
			}
			r.Diagnostics.Add(diag.Errorf(fmt.Sprint("R", maxSARIFRules+6), "of a rule that is left out"))
		}, "7 rules left out: "},
	} {
		t.Run(name, func(t *testing.T) {
			r := New(Tool{"darkstart", "v1"}, "check")
			c.fill(r)
			run, b := readSARIF(t, r)
			said := run.Invocations[0].Notifications
			if len(said) != 1 || !strings.HasPrefix(said[0].Message.Text, c.want) {
				t.Errorf("%+v, want %q", said, c.want)
			}
			if n := len(run.Tool.Driver.Rules); n > maxSARIFRules {
				t.Errorf("%d rules", n)
			}
			for _, x := range run.Results {
				if n := len(x.Locations) + len(x.Related); n > maxSARIFLocations {
					t.Errorf("%d places", n)
				}
				if x.RuleIndex != nil && run.Tool.Driver.Rules[*x.RuleIndex].ID != x.RuleID {
					t.Errorf("%s points at another rule", x.RuleID)
				}
				if len(x.Message.Text) > maxSARIFMessage+len("…") || strings.ContainsRune(x.Message.Text, '\uFFFD') {
					t.Errorf("a message of %d bytes, or cut in a character", len(x.Message.Text))
				}
			}
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(v); err != nil {
				t.Error(err)
			}
		})
	}
}

// Text that hardly compresses meets the limit of an upload before that of a file.
func TestSARIFFitsCompressed(t *testing.T) {
	r, noise := New(Tool{"darkstart", "v1"}, "check"), rand.NewChaCha8([32]byte{})
	const n = 12_000
	for i := range n {
		x := make([]byte, 900)
		if _, err := noise.Read(x); err != nil {
			t.Fatal(err)
		}
		r.Diagnostics.Add(diag.Errorf("W", "%x", x).At(diag.Position{File: fmt.Sprint(i)}, ""))
	}
	run, b := readSARIF(t, r)
	var z bytes.Buffer
	g := gzip.NewWriter(&z)
	if _, err := g.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if z.Len() > maxSARIFGzip || len(b) > maxSARIFBytes {
		t.Errorf("%d bytes, %d compressed", len(b), z.Len())
	}
	said := run.Invocations[0].Notifications
	if want := count(n-len(run.Results), "finding") + " left out"; len(run.Results) < n/2 || len(said) != 1 || !strings.HasPrefix(said[0].Message.Text, want) {
		t.Errorf("%d of %d kept, want %q: %+v", len(run.Results), n, want, said)
	}
}

// Rules whose documentation alone is too long cannot be written: that is an error.
func TestSARIFOfRulesThatAreTooLong(t *testing.T) {
	r := New(Tool{"darkstart", "v1"}, "check")
	r.Catalogue = []RuleDoc{{ID: "R", Title: "étage", Description: strings.Repeat("x", maxSARIFBytes)}}
	if err := SARIF(io.Discard, r.Finish()); err == nil || !strings.Contains(err.Error(), "documentation of the rules is too long") {
		t.Error(err)
	}
}

// GitHub refuses the whole log when one result has no physical location in
// a file (github/codeql-action issue 1738).
func TestSARIFResultsHaveAPlace(t *testing.T) {
	r := rich()
	r.Diagnostics.Add(
		diag.Errorf("Y", "about an object").About(diag.Subject{Cluster: "prod", Object: "v1/ConfigMap/a/b"}),
		diag.Errorf("Y", "about a component").About(diag.Subject{Cluster: "prod", Component: "web"}),
		diag.Errorf("Y", "about a cluster").About(diag.Subject{Cluster: "prod"}),
		&diag.Diagnostic{Code: "Y", Message: "a line of no file", Labels: []diag.Label{{Position: diag.Position{Line: 3}, Text: "there"}}},
	)
	run, _ := readSARIF(t, r)
	names := map[string]string{}
	for _, x := range run.Results {
		if len(x.Locations) != 1 || x.Locations[0].Physical == nil || x.Locations[0].Physical.Artifact.URI == "" {
			t.Errorf("%s has no place: %+v", x.Message.Text, x.Locations)
			continue
		}
		for _, l := range x.Locations[0].Logical {
			names[x.Message.Text] = l.Name + " " + l.Kind + " in " + x.Locations[0].Physical.Artifact.URI
		}
	}
	for message, want := range map[string]string{
		"about an object":   "prod/v1/ConfigMap/a/b object in fleets/shop/cue.mod/module.cue",
		"about a component": "prod/web module in fleets/shop/cue.mod/module.cue",
		"about a cluster":   "prod namespace in fleets/shop/cue.mod/module.cue",
	} {
		if names[message] != want {
			t.Errorf("%s: %q, want %q", message, names[message], want)
		}
	}
}

func TestSentence(t *testing.T) {
	for in, want := range map[string]string{"": ".", "each store": "Each store.", "étage": "Étage."} {
		if got := sentence(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
