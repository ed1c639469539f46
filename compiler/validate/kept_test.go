package validate

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/schemas/kubernetes"
)

// TestKeptComponents guards that a cluster of which some components were judged
// before is judged as if none had been, whichever of them changed: the objects, who
// defines their kind, and how, the release, the cluster.
func TestKeptComponents(t *testing.T) {
	definition := func(field string) map[string]any {
		return map[string]any{
			"apiVersion": crdGroup + "/v1", "kind": crdKind, "metadata": map[string]any{"name": "ws.example.com"},
			"spec": map[string]any{
				"group": "example.com", "scope": "Namespaced",
				"names": map[string]any{"plural": "ws", "singular": "w", "kind": "W", "listKind": "WList"},
				"versions": []any{map[string]any{"name": "v1", "served": true, "storage": true, "schema": map[string]any{"openAPIV3Schema": map[string]any{
					"type": "object", "properties": map[string]any{"spec": map[string]any{"type": "object", "properties": map[string]any{field: map[string]any{"type": "string"}}}},
				}}}},
			},
		}
	}
	broken := definition("a")
	broken["spec"].(map[string]any)["scope"] = "Nowhere"
	of := func(kind, version string, spec map[string]any) map[string]any {
		return map[string]any{"apiVersion": version, "kind": kind, "metadata": map[string]any{"name": "x", "namespace": "n"}, "spec": spec}
	}
	contents := []map[string]any{
		definition("a"), definition("b"), broken,
		of("W", "example.com/v1", map[string]any{"a": "x"}), of("W", "example.com/v1", map[string]any{"b": int64(1)}), of("W", "example.com/v2", nil),
		of("Unknown", "other.example/v1", nil), of("PodDisruptionBudget", "policy/v1beta1", nil), of("Service", "v1", map[string]any{"ports": "none"}),
	}
	fresh, store := NewCatalog(kubernetes.FS), cache.Open(cache.Config{Dir: t.TempDir(), Maker: "test"})
	rapid.Check(t, func(t *rapid.T) {
		kept := NewCatalog(kubernetes.FS)
		kept.Cache = store
		for range 6 {
			r := &ir.Rendered{Cluster: rapid.SampledFrom([]string{"one", "two"}).Draw(t, "cluster")}
			for i := range 3 {
				c := ir.RenderedComponent{Name: fmt.Sprintf("c%d", i)}
				for k, n := range rapid.SliceOfN(rapid.IntRange(0, len(contents)-1), 0, 3).Draw(t, c.Name) {
					o := object.New(contents[n], object.Origin{Pos: diag.Position{File: c.Name + ".yaml", Line: k + 1, Column: 1}})
					c.Objects = append(c.Objects, o)
				}
				r.Components = append(r.Components, c)
			}
			release := rapid.SampledFrom([]string{"1.24", "1.36", "1.99"}).Draw(t, "release")
			at := diag.Position{File: "cluster.cue", Line: rapid.IntRange(1, 2).Draw(t, "line"), Column: 1}
			from := func(i int) string {
				b, err := json.Marshal(r.Components[i].Objects)
				if err != nil {
					t.Fatal(err)
				}
				return string(b)
			}
			want, wantDiags, err := Validate(context.Background(), r, release, &Config{Catalog: fresh, Declared: at})
			if err != nil {
				t.Fatal(err)
			}
			got, gotDiags, err := Validate(context.Background(), r, release, &Config{Catalog: kept, Declared: at, MadeFrom: from})
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) || gotDiags.String() != wantDiags.String() || !sameJSON(t, gotDiags, wantDiags) {
				t.Fatalf("kept:\n%+v\n%s\nfresh:\n%+v\n%s", got, gotDiags, want, wantDiags)
			}
		}
	})
	if got := store.Run().Tallies["schemas"]; got.Hits < got.Misses/10 || got.Misses < 100 {
		t.Errorf("hardly anything was recalled: %+v", got)
	}
}

func sameJSON(t *rapid.T, a, b any) bool {
	x, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(x) == string(y)
}
