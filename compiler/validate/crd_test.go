package validate

import (
	"context"
	"reflect"
	"slices"
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
			if err != nil || len(d.errors) != problems {
				t.Errorf("%s: %v, %v; want %d problems", plural, d, err, problems)
			}
			if checker, err := d.versions["v1"].get(); checker == nil || err != nil {
				t.Errorf("%s: no checker: %v", plural, err)
			}
		}
	}
	if got, want := kept.Run().Tallies["definition"], (cache.Tally{Hits: 1, Misses: 3}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestRecalledCRD guards that what is recalled of a definition, and decoded when its
// schemas are asked for, is what decoding gives: over every upstream definition.
func TestRecalledCRD(t *testing.T) {
	kept := cache.Open(cache.Config{Dir: t.TempDir(), Maker: "test"})
	seen := 0
	for _, component := range corpus(t).Components {
		for _, o := range component.Objects {
			if !isCRD(o) {
				continue
			}
			seen++
			var read [2]*crd
			for i := range read {
				c := NewCatalog(nil)
				c.Cache = kept
				var err error
				if read[i], err = c.crd(context.Background(), o); err != nil {
					t.Fatal(err)
				}
			}
			made, recalled := read[0], read[1]
			if recalled.kind != made.kind || recalled.namespaced != made.namespaced || recalled.broken != nil || len(made.errors)+len(made.unknown) > 0 ||
				!slices.Equal(recalled.served(), made.served()) || len(recalled.versions) != len(made.versions) {
				t.Errorf("%s: %+v, want %+v", o.Name, recalled, made)
				continue
			}
			for version, v := range made.versions {
				r := recalled.versions[version]
				if r.schema != nil {
					t.Errorf("%s: %s is decoded before somebody asks", o.Name, version)
				}
				want, err := v.get()
				if err != nil {
					t.Fatal(err)
				}
				got, err := r.get()
				if err != nil || r.served != v.served || r.deprecated != v.deprecated || r.warning != v.warning || (got == nil) != (want == nil) ||
					got != nil && (!reflect.DeepEqual(got.structural, want.structural) || got.namespaced != want.namespaced || got.status != want.status) {
					t.Errorf("%s: %s is another when it was recalled: %v", o.Name, version, err)
				}
			}
		}
	}
	if seen == 0 {
		t.Fatal("no definitions in the corpus")
	}
	if got := kept.Run().Tallies["definition"]; got.Misses != seen || got.Hits != seen {
		t.Errorf("%+v of %d definitions", got, seen)
	}
}
