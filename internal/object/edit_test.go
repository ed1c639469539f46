package object

import (
	"encoding/json"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// Content is Base with the edits in their order; Base and earlier contents stay
// as they are, whatever is edited later.
func TestEdits(t *testing.T) {
	const base = `{"kind":"K","metadata":{"labels":{"a":"1"},"name":"n"},"spec":{"list":[{"image":"x","keep":true},"text"],"other":{"deep":[1]}}}`
	var content map[string]any
	if err := json.Unmarshal([]byte(base), &content); err != nil {
		t.Fatal(err)
	}
	o := New(content, Origin{})
	text := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	merge := Edit{Path: []string{"metadata", "labels"}, Value: map[string]any{"a": "2", "b": "3"}, Merge: true}
	for _, tt := range []struct {
		name  string
		edits []Edit
		want  string
	}{
		{"none", nil, base},
		{
			"a field, made on the way",
			[]Edit{{Path: []string{"spec", "template", "x"}, Value: int64(1)}},
			`{"kind":"K","metadata":{"labels":{"a":"1"},"name":"n"},"spec":{"list":[{"image":"x","keep":true},"text"],"other":{"deep":[1]},"template":{"x":1}}}`,
		},
		{
			"an item of a list",
			[]Edit{{Path: []string{"spec", "list", "0", "image"}, Value: "y"}, {Path: []string{"spec", "list", "1"}, Value: "t"}},
			`{"kind":"K","metadata":{"labels":{"a":"1"},"name":"n"},"spec":{"list":[{"image":"y","keep":true},"t"],"other":{"deep":[1]}}}`,
		},
		{"no such item", []Edit{{Path: []string{"spec", "list", "7", "image"}, Value: "y"}}, base},
		{
			"fields join, then one of them changes",
			[]Edit{merge, {Path: []string{"metadata", "labels", "b"}, Value: "4"}},
			`{"kind":"K","metadata":{"labels":{"a":"2","b":"4"},"name":"n"},"spec":{"list":[{"image":"x","keep":true},"text"],"other":{"deep":[1]}}}`,
		},
		{
			"a text where a map must be",
			[]Edit{{Path: []string{"kind", "x"}, Value: true}},
			`{"kind":{"x":true},"metadata":{"labels":{"a":"1"},"name":"n"},"spec":{"list":[{"image":"x","keep":true},"text"],"other":{"deep":[1]}}}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			edited := o.With(tt.edits...)
			for range 2 { // the first call changed nothing that the second reads
				if got := text(edited.Content()); got != tt.want {
					t.Errorf("got  %s\nwant %s", got, tt.want)
				}
			}
			if got := text(o.Content()); got != base {
				t.Errorf("the base became %s", got)
			}
		})
	}
	if got := text(merge.Value); got != `{"a":"2","b":"3"}` {
		t.Errorf("the value of an edit became %s", got)
	}
	one := o.With(Edit{Path: []string{"kind"}, Value: "A"})
	two, three := one.With(Edit{Path: []string{"x"}, Value: "2"}), one.With(Edit{Path: []string{"x"}, Value: "3"})
	if two.Content()["x"] != "2" || three.Content()["x"] != "3" {
		t.Error("copies share their edits")
	}
}

// TestGet: a path reads as it does in the content, whatever is edited above,
// below and beside it.
func TestGet(t *testing.T) {
	step := rapid.SampledFrom([]string{"a", "b", "0", "1"})
	path := rapid.SliceOfN(step, 0, 4)
	leaf := rapid.OneOf(rapid.Just(any(nil)), rapid.Just(any("text")), rapid.Just(any(int64(3))))
	var value func(depth int) *rapid.Generator[any]
	fields := func(depth int) *rapid.Generator[map[string]any] { return rapid.MapOfN(step, value(depth), 0, 3) }
	value = func(depth int) *rapid.Generator[any] {
		if depth == 0 {
			return leaf
		}
		return rapid.OneOf(leaf, fields(depth-1).AsAny(), rapid.SliceOfN(value(depth-1), 0, 2).AsAny())
	}
	rapid.Check(t, func(t *rapid.T) {
		o := New(fields(4).Draw(t, "base"), Origin{})
		for range rapid.IntRange(0, 4).Draw(t, "edits") {
			e := Edit{Path: path.Draw(t, "edit"), Merge: rapid.Bool().Draw(t, "merge")}
			if e.Merge || len(e.Path) == 0 {
				e.Value = fields(2).Draw(t, "fields")
			} else {
				e.Value = value(2).Draw(t, "value")
			}
			o = o.With(e)
		}
		at := path.Draw(t, "path")
		if got, want := o.Get(at...), Get(o.Content(), at...); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q is %v, in the content %v", at, got, want)
		}
	})
}
