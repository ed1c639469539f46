package diff

import (
	"testing"

	"github.com/darkstart-dev/darkstart/internal/object"
)

func TestShrinks(t *testing.T) {
	claim := object.New(map[string]any{"apiVersion": "v1", "kind": "PersistentVolumeClaim"}, object.Origin{})
	const storage = "/spec/resources/requests/storage"
	for _, c := range []struct {
		before, after any
		want          bool
	}{
		{"10Gi", "5Gi", true},
		{"1Ti", "999Gi", true},
		{"10Gi", "10G", true},
		{"10Gi", "20Gi", false},
		{"1Gi", "1073741824", false},
		{"10Gi", "all of it", false},
		{nil, "5Gi", false},
	} {
		if got := shrinks(claim, storage, c.before, c.after); got != c.want {
			t.Errorf("%v to %v: %v, want %v", c.before, c.after, got, c.want)
		}
	}
	if shrinks(claim, "/spec/resources/limits/storage", "10Gi", "5Gi") {
		t.Error("a limit is no request")
	}
}
