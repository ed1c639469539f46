package validate

import (
	"context"
	"testing"

	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// TestDefinitionsAreShared guards that a definition is read once for clusters
// that only label it differently, and that a label the API server refuses is
// still judged.
func TestDefinitionsAreShared(t *testing.T) {
	c := NewCatalog(nil)
	read := func(labels map[string]any, plural string) *crd {
		o := object.New(map[string]any{
			"apiVersion": crdGroup + "/v1", "kind": crdKind,
			"metadata": map[string]any{"name": plural + ".example.com", "labels": labels},
			"spec": map[string]any{
				"group": "example.com", "scope": "Namespaced",
				"names": map[string]any{"plural": plural, "singular": "w", "kind": "W", "listKind": "WList"},
				"versions": []any{map[string]any{
					"name": "v1", "served": true, "storage": true,
					"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object"}},
				}},
			},
		}, object.Origin{})
		out, err := c.crd(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		if object.Map(o.Content(), "metadata", "labels") == nil {
			t.Fatal("the object lost its labels")
		}
		return out
	}
	a := read(map[string]any{"cluster": "a"}, "ws")
	if b := read(map[string]any{"cluster": "b"}, "ws"); a != b || len(a.errors) > 0 || a.broken != nil {
		t.Errorf("read twice, or refused: %v %v", a.errors, a.broken)
	}
	if other := read(map[string]any{"cluster": "a"}, "xs"); other == a {
		t.Error("another definition is the same")
	}
	if bad := read(map[string]any{"cluster": "not a label"}, "ws"); bad == a || len(bad.errors) == 0 {
		t.Error("a bad label is not judged")
	}
	if odd := read(map[string]any{"cluster": int64(1)}, "ws"); odd == a || odd.broken == nil {
		t.Error("a label that is a number is not judged")
	}
}

// TestSoundIsKept guards that a definition with nothing wrong is judged once for
// all compiles, and that one with an error is told of by each.
func TestSoundIsKept(t *testing.T) {
	kept := cache.Open(cache.Config{Dir: t.TempDir(), Maker: "test"})
	definition := func(plural string) *object.Object {
		return object.New(map[string]any{
			"apiVersion": crdGroup + "/v1", "kind": crdKind, "metadata": map[string]any{"name": "ws.example.com"},
			"spec": map[string]any{
				"group": "example.com", "scope": "Namespaced",
				"names":    map[string]any{"plural": plural, "singular": "w", "kind": "W", "listKind": "WList"},
				"versions": []any{map[string]any{"name": "v1", "served": true, "storage": true, "schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object"}}}},
			},
		}, object.Origin{})
	}
	for range 2 {
		c := NewCatalog(nil)
		c.Cache = kept
		for plural, problems := range map[string]int{"ws": 0, "others": 1} {
			d, err := c.crd(context.Background(), definition(plural))
			if err != nil || len(d.errors) != problems || d.versions["v1"].schema == nil {
				t.Errorf("%s: %v, %v; want %d problems", plural, d, err, problems)
			}
		}
	}
	if got, want := kept.Run().Tallies["definition"], (cache.Tally{Hits: 1, Misses: 3}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
