package cli

import (
	"flag"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler/drift"
	"github.com/darkstart-dev/darkstart/internal/testkit/shapes"
)

var updateShapes = flag.Bool("update-schemas", false, "write docs/verify.schema.json and docs/inspect.schema.json")

// documents are the documents that verify and inspect print as JSON. A script
// validates real ones (schemas.txtar).
func documents() map[string]shapes.Config {
	packages := []string{"internal/cli", "internal/diag", "internal/object", "compiler/ir", "compiler/seal", "compiler/seal/attest", "compiler/drift"}
	return map[string]shapes.Config{
		"verify": {
			ID: "https://darkstart.dev/verify/v1.schema.json", Title: "What darkstart verify has to say", Version: "darkstart.dev/verify/v1",
			Of: []any{&verified{}}, Root: "../..", Packages: packages,
			Names: map[reflect.Type]string{reflect.TypeFor[drift.Report](): "Drift", reflect.TypeFor[drift.Finding](): "DriftFinding", reflect.TypeFor[drift.Field](): "DriftField"},
		},
		"inspect": {
			ID: "https://darkstart.dev/inspect/v1.schema.json", Title: "What darkstart inspect shows of a bundle, or of a layout", Version: "darkstart.dev/inspect/v1",
			Of: []any{&inspected{}, &listed{}}, Root: "../..", Packages: packages,
		},
	}
}

// The schemas that are published are those that the types have.
func TestShapesArePublished(t *testing.T) {
	for name, c := range documents() {
		t.Run(name, func(t *testing.T) {
			file, err := filepath.Abs("../../docs/" + name + ".schema.json")
			if err != nil {
				t.Fatal(err)
			}
			shapes.Published(t, file, shapes.Describe(t, c), *updateShapes)
		})
	}
}

// What is none of the documents is refused.
func TestShapesRefuse(t *testing.T) {
	for name, texts := range map[string][]string{
		"verify": {
			`{}`, `{"version": "darkstart.dev/verify/v2", "source": "x", "trust": {}, "reports": [], "diagnostics": [], "exitCode": 0}`,
			`{"version": "darkstart.dev/verify/v1", "source": "x", "trust": {}, "reports": null, "diagnostics": [], "exitCode": 0}`,
		},
		"inspect": {`{}`, `{"version": "darkstart.dev/inspect/v1", "source": "x"}`, `{"version": "darkstart.dev/inspect/v1", "source": "x", "artifacts": [1]}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := shapes.Compile(t, shapes.Describe(t, documents()[name]))
			for _, d := range texts {
				if shapes.Validate(s, []byte(d)) == nil {
					t.Errorf("valid: %s", d)
				}
			}
			good := map[string]string{"verify": strings.Replace(texts[len(texts)-1], "null", "[]", 1), "inspect": strings.Replace(texts[len(texts)-1], "[1]", "[]", 1)}[name]
			if err := shapes.Validate(s, []byte(good)); err != nil {
				t.Errorf("%s: %v", good, err)
			}
		})
	}
}
