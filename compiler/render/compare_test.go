package render_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/darkstart-dev/darkstart/internal/object"
)

// compare reports the objects in which two lists differ.
func compare(t testing.TB, want, got []*object.Object) {
	t.Helper()
	index := map[object.Key]*object.Object{}
	for _, o := range got {
		index[o.Key()] = o
	}
	if len(want) != len(got) {
		t.Errorf("%d objects, want %d", len(got), len(want))
	}
	for _, w := range want {
		g := index[w.Key()]
		if g == nil {
			t.Errorf("%s is missing", w.Key())
			continue
		}
		if d := cmp.Diff(w.Content(), g.Content()); d != "" {
			t.Errorf("%s differs (-want +got):\n%s", w.Key(), d)
		}
	}
}
