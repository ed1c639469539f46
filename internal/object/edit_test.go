package object

import (
	"encoding/json"
	"testing"
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
