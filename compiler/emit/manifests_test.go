package emit

import (
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/darkstart-dev/darkstart/internal/object"
)

// TestImagesOfShared: the images of objects that share a base are those of their
// contents, whatever was asked before.
func TestImagesOfShared(t *testing.T) {
	containers := func(ref string) map[string]any {
		return map[string]any{"template": map[string]any{"containers": []any{map[string]any{"image": ref}}, "other": []any{map[string]any{"image": "no"}}}}
	}
	base := map[string]any{"spec": containers("a"), "jobs": []any{containers("b")}, "initContainers": []any{map[string]any{"image": "c"}}, "kind": "X"}
	edits := []object.Edit{
		{Path: []string{"spec", "template", "containers", "0", "image"}, Value: "d"},
		{Path: []string{"jobs", "0", "template", "containers", "0", "image"}, Value: ""},
		{Path: []string{"initContainers", "0", "image"}, Value: "e"},
		{Path: []string{"metadata", "labels"}, Value: map[string]any{"image": "no"}, Merge: true},
		{Path: []string{"jobs"}, Value: []any{containers("f"), containers("b")}},
	}
	rapid.Check(t, func(t *rapid.T) {
		var s shared
		for range 4 {
			o := object.New(base, object.Origin{}).With(rapid.SliceOfN(rapid.SampledFrom(edits), 0, 2).Draw(t, "edits")...)
			got, want := map[string]bool{}, map[string]bool{}
			s.pull(o, o.Content(), got)
			podImages(o.Content(), want)
			if !maps.Equal(got, want) {
				t.Fatalf("got %v, want %v", got, want)
			}
		}
	})
}
