package attest

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// FuzzRead guards that what is read was unambiguous: a predicate that Read takes
// says the same after its names were sorted and its white space was dropped,
// and no name of it is there in two spellings.
func FuzzRead(f *testing.F) {
	kinds := Predicates()
	for i, p := range made(f) {
		f.Add(i, p.JSON)
	}
	result, err := NewTestResult(drills())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(4, result.JSON)
	for i, kind := range kinds[2:4] {
		f.Add(i+2, boms(f, bundle(), contents())[kind].JSON)
	}
	f.Add(1, []byte(`{"verifier":{"id":"a:"},"a":1,"A":2}`))
	f.Fuzz(func(t *testing.T, i int, b []byte) {
		kind := kinds[uint(i)%uint(len(kinds))]
		c, err := Read(kind, b)
		if (c == nil) == (err == nil) {
			t.Fatalf("%+v, %v", c, err)
		}
		if err != nil {
			return
		}
		var tree any
		if err := json.Unmarshal(b, &tree); err != nil {
			t.Fatalf("taken, and no JSON: %v", err)
		}
		folded(t, tree)
		again, err := fromLibrary(kind, b)
		if err != nil {
			t.Fatalf("taken once and refused in canonical form: %v", err)
		}
		if c2, err := Read(kind, again.JSON); err != nil || !reflect.DeepEqual(c, c2) {
			t.Fatalf("%+v became %+v, %v", c, c2, err)
		}
	})
}

func folded(t *testing.T, v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			folded(t, x)
		}
	case map[string]any:
		seen := map[string]bool{}
		for name, x := range v {
			for other := range seen {
				if strings.EqualFold(name, other) {
					t.Fatalf("%q and %q are there", name, other)
				}
			}
			seen[name] = true
			folded(t, x)
		}
	}
}
