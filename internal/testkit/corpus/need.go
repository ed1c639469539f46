package corpus

import (
	"os"
	"testing"

	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
)

// Need returns the folder of manifests that is beside the repository. Without it
// the test is skipped, and fails in CI.
func Need(t testing.TB) string {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	manifests := Dir(here)
	if manifests == "" {
		tools.Missing(t, "the corpus of manifests is not beside the repository")
	}
	return manifests
}
