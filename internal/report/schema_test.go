package report

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/internal/testkit/shapes"
)

// published is where the schema of a result stands; docs/pull-request.md links it.
var published = filepath.Join("..", "..", "docs", "result.schema.json")

// described reads the schema from the types; strict is for the test that nothing
// is written which is not described.
func described(t *testing.T, strict bool) []byte {
	t.Helper()
	return shapes.Describe(t, shapes.Config{
		ID: "https://darkstart.dev/result/v1.schema.json", Title: "What a run of darkstart has to say", Version: Version,
		Of: []any{&Result{}}, Strict: strict,
		Root: "../..", Packages: []string{"internal/report", "internal/diag", "internal/object", "compiler/ir", "plans"},
	})
}

// The schema that is published is the one that the types have.
func TestSchemaIsPublished(t *testing.T) {
	file, err := filepath.Abs(published)
	if err != nil {
		t.Fatal(err)
	}
	shapes.Published(t, file, described(t, false), *update)
}

// What JSON writes is what the schema describes, and nothing else; what is no
// result is refused.
func TestResultsAreValid(t *testing.T) {
	rs := map[string]*Result{"rich": rich(), "many": many(30), "empty": New(Tool{"darkstart", ""}, "check").Finish()}
	failed := New(Tool{"darkstart", "v1"}, "compile").Finish()
	failed.Error, failed.ExitCode = "no space left on device", 2
	rs["failed"] = failed
	strict := shapes.Compile(t, described(t, true))
	for name, r := range rs {
		if err := shapes.Validate(strict, written(t, JSON, r)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := string(written(t, JSON, rich()))
	for what, change := range map[string][2]string{
		"another version":  {Version, "darkstart.dev/result/v9"},
		"no severity":      {`"severity": "error"`, `"severity": "fatal"`},
		"a line of text":   {`"line": 2`, `"line": "2"`},
		"an unknown field": {`"exitCode"`, `"extiCode"`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good || shapes.Validate(strict, []byte(bad)) == nil {
			t.Errorf("%s is valid", what)
		}
	}
}
