package guard

import (
	"encoding/base64"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// TestScanOfShared: what was found in fields that objects share is what is found
// in each object alone: whatever it has otherwise, and where one value stands in
// two fields or kinds.
func TestScanOfShared(t *testing.T) {
	const token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
	values := map[string]any{"token": token, "coded": base64.StdEncoding.EncodeToString([]byte("token: " + token)), "other": "nothing at all"}
	var bases []map[string]any
	for _, kind := range []string{"Secret", "ConfigMap"} {
		bases = append(bases, map[string]any{"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": "x"}, "data": values, "stringData": values})
	}
	edits := []object.Edit{
		{Path: []string{"metadata", "labels"}, Value: map[string]any{"a": "b"}, Merge: true},
		{Path: []string{"data", "token"}, Value: "replaced"},
		{Path: []string{"stringData", "other"}, Value: token},
		{Path: []string{"more", "token"}, Value: token},
	}
	var detectors, unbuilt, later detectors
	kept := cache.Open(cache.Config{Dir: t.TempDir(), Maker: "test"})
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		alone := func(o *object.Object) []hit {
			s := &scanner{detectors: &detectors, fields: map[field][]recognised{}}
			hits, err := s.object(o)
			if err != nil {
				t.Fatal(err)
			}
			return hits
		}
		s := &scanner{detectors: &unbuilt, kept: kept, fields: map[field][]recognised{}}
		for range 4 {
			base := rapid.SampledFrom(bases).Draw(t, "base")
			o := object.New(base, object.Origin{}).With(rapid.SliceOfN(rapid.SampledFrom(edits), 0, 2).Draw(t, "edits")...)
			got, err := s.object(o)
			if err != nil {
				t.Fatal(err)
			}
			if want := alone(o); !slices.Equal(got, want) {
				t.Fatalf("%s: got %v, want %v", o.Kind, got, want)
			}
			found += len(got)
		}
	})
	if found == 0 {
		t.Error("nothing was found at all")
	}
	// All that these objects say is known by now, so who compiles next builds nothing.
	s := &scanner{detectors: &later, kept: kept, fields: map[field][]recognised{}}
	for _, base := range bases {
		want, err := (&scanner{detectors: &detectors, fields: map[field][]recognised{}}).object(object.New(base, object.Origin{}))
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.object(object.New(base, object.Origin{}))
		if err != nil || !slices.Equal(got, want) || later.detector != nil {
			t.Errorf("recalled %v, %v; want %v, without a detector", got, err, want)
		}
	}
}
