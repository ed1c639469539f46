package render

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/darkstart-dev/darkstart/internal/object"
)

// contents draws objects of few words, so that places and edits meet.
func contents(depth int) *rapid.Generator[map[string]any] {
	field := rapid.SampledFrom([]string{"spec", "containers", "volumes", "image", "reference", "annotations", "metadata", "namespace", "replicas", "repository"})
	return rapid.MapOfN(field, drawn(depth), 0, 3)
}

func drawn(depth int) *rapid.Generator[any] {
	leaf := rapid.SampledFrom([]any{"", "a/b:1", "c", "NOT A REFERENCE", int64(1), nil})
	if depth == 0 {
		return leaf
	}
	return rapid.OneOf(leaf, contents(depth-1).AsAny(), rapid.SliceOfN(drawn(depth-1), 0, 2).AsAny())
}

// paths draws the place of an edit, which need not be there yet.
func paths(t *rapid.T) []string {
	p := []string{rapid.SampledFrom([]string{"spec", "metadata"}).Draw(t, "top")}
	for range rapid.IntRange(0, 5).Draw(t, "steps") {
		p = append(p, rapid.SampledFrom([]string{"spec", "containers", "volumes", "0", "image", "reference", "annotations", "namespace", "replicas"}).Draw(t, "step"))
	}
	return p
}

// TestSharedImages: what was found in a base, with an object's edits, is what is
// found in its content.
func TestSharedImages(t *testing.T) {
	heads := []map[string]any{
		{"apiVersion": "apps/v1", "kind": "Deployment"}, {"apiVersion": "a.io/v1", "kind": "Thing"}, {"apiVersion": "kyverno.io/v1", "kind": "Policy"}, {"apiVersion": "v1", "kind": "Secret"},
	}
	rapid.Check(t, func(t *rapid.T) {
		content := map[string]any{"spec": contents(5).Draw(t, "spec"), "metadata": contents(3).Draw(t, "metadata")}
		for k, v := range rapid.SampledFrom(heads).Draw(t, "kind") {
			content[k] = v
		}
		cache, o := NewCache(nil), object.New(content, object.Origin{})
		for range rapid.IntRange(1, 3).Draw(t, "objects") {
			edited := o
			for range rapid.IntRange(0, 3).Draw(t, "edits") {
				e := object.Edit{Path: paths(t)}
				if places := imagePlaces(content, nil); len(places) > 0 && rapid.Bool().Draw(t, "an image") {
					e.Path = rapid.SampledFrom(places).Draw(t, "place").path
				}
				if e.Merge = rapid.Bool().Draw(t, "merge"); e.Merge {
					e.Value = contents(1).Draw(t, "fields")
				} else {
					e.Value = drawn(1).Draw(t, "value")
				}
				edited = edited.With(e)
			}
			whole := edited.Own()
			whole.Base, whole.Edits, whole.Sole = edited.Content(), nil, true
			images, ds := cache.images([]*object.Object{edited})
			want, dsWant := NewCache(nil).images([]*object.Object{whole})
			if d := cmp.Diff(want, images) + cmp.Diff(dsWant.String(), ds.String()); d != "" {
				t.Fatalf("%v with %v: %s", content, edited.Edits, d)
			}
		}
	})
}

// TestReuse: the value is what it was, and shares all that did not change.
func TestReuse(t *testing.T) {
	was := map[string]any{"a": map[string]any{"x": []any{"1", nil}}, "b": []any{map[string]any{"k": int64(1)}, map[string]any{"k": int64(2)}}, "gone": "c"}
	now := func() map[string]any {
		return map[string]any{"a": map[string]any{"x": []any{"1", nil}}, "b": []any{map[string]any{"k": int64(1)}, map[string]any{"k": int64(3)}}, "new": map[string]any{}}
	}
	got := reuse(was, now())
	if d := cmp.Diff(now(), got); d != "" {
		t.Error(d)
	}
	same := func(a, b any) bool { return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer() }
	if !same(got["a"], was["a"]) || !same(got["b"].([]any)[0], was["b"].([]any)[0]) || same(got["b"], was["b"]) {
		t.Error("what did not change is there twice, or what changed is shared")
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := contents(4).Draw(t, "was"), contents(4).Draw(t, "now")
		want := encoded(b)
		if d := cmp.Diff(want, encoded(reuse(a, b))); d != "" {
			t.Fatal(d)
		}
	})
}

func encoded(v any) string {
	b, err := object.Encode(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// TestResultsShare: a result holds what an earlier one has of the same objects,
// says what it said, and leaves the earlier one as it was.
func TestResultsShare(t *testing.T) {
	c := NewCache(nil)
	made := func(image string) *result {
		return &result{Objects: []*object.Object{
			object.New(map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "same"}, "data": map[string]any{"k": "v"}}, object.Origin{}),
			object.New(map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "other"}, "spec": map[string]any{"image": image, "dns": map[string]any{"a": "b"}}}, object.Origin{}),
		}}
	}
	same := func(a, b map[string]any) bool { return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer() }
	first, second := made("x"), made("y")
	c.settle(first)
	c.settle(second)
	for i, want := range [][]*object.Object{made("x").Objects, made("y").Objects} {
		for k, o := range [][]*object.Object{first.Objects, second.Objects}[i] {
			if d := cmp.Diff(want[k], o); d != "" {
				t.Errorf("result %d: %s", i, d)
			}
		}
	}
	a, b := first.Objects, second.Objects
	if !same(a[0].Base, b[0].Base) || same(a[1].Base, b[1].Base) || !same(object.Map(a[1].Base, "spec", "dns"), object.Map(b[1].Base, "spec", "dns")) {
		t.Error("what is equal is there twice, or what differs is shared")
	}
}
