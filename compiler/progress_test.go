package compiler_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/darkstart-dev/darkstart/policies"
	"github.com/darkstart-dev/darkstart/schemas"
	"github.com/darkstart-dev/darkstart/schemas/kubernetes"
)

// TestProgress: every stage that works on clusters tells of each of them once,
// and of how many there are, so that what is left can be estimated.
func TestProgress(t *testing.T) {
	files := cached()
	var mu sync.Mutex
	told := map[string][]compiler.Event{}
	var order []string
	tr := tree.FromMap(files)
	res, err := compiler.Compile(t.Context(), &compiler.Config{
		Tree: tr, Schemas: schemas.FS, Kubernetes: kubernetes.FS, Policies: policies.FS,
		Progress: func(e compiler.Event) {
			mu.Lock()
			defer mu.Unlock()
			if !slices.Contains(order, e.Stage) {
				order = append(order, e.Stage)
			}
			if e.Total > 0 {
				told[e.Stage] = append(told[e.Stage], e)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, ds, err := compiler.Seal(t.Context(), tr, res, ir.Revision{}, nil); err != nil || ds.HasErrors() {
		t.Fatal(err, ds)
	}
	if got, want := strings.Join(order, " "), "evaluate render link plan guard emit seal"; got != want {
		t.Errorf("stages %q, want %q", got, want)
	}
	for stage, units := range map[string][]string{
		"evaluate": {"a", "b"}, "render": {"a", "b"}, "guard": {"a", "b"}, "emit": {"a", "b"}, "seal": {"a", "b", ir.FleetArtifact},
	} {
		var names []string
		var done []int
		for _, e := range told[stage] {
			names, done = append(names, e.Unit), append(done, e.Done)
			if e.Total != len(units) {
				t.Errorf("%s: %+v, want a total of %d", stage, e, len(units))
			}
		}
		slices.Sort(names)
		slices.Sort(done)
		if !slices.Equal(names, units) || !slices.Equal(done, []int{1, 2, 3}[:len(units)]) {
			t.Errorf("%s tells of %v as %v", stage, names, done)
		}
	}
}
