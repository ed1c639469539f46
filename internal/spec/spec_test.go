package spec_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/darkstart-dev/darkstart/internal/spec"
)

// requirement draws any of the shapes that a user may write, nested.
func requirement(t *rapid.T, depth int) spec.Requirement {
	list := func() []spec.Requirement {
		out := []spec.Requirement{}
		for range rapid.IntRange(1, 3).Draw(t, "items") {
			out = append(out, requirement(t, depth-1))
		}
		return out
	}
	shape := rapid.IntRange(0, 4).Draw(t, "shape")
	switch {
	case depth == 0 || shape == 0:
		return spec.Requirement{Node: rapid.StringMatching(`[./a-z@-]{1,8}`).Draw(t, "node")}
	case shape == 1:
		return spec.Requirement{List: append(list(), list()...)[:rapid.IntRange(0, 2).Draw(t, "length")]}
	case shape == 2:
		return spec.Requirement{All: list()}
	case shape == 3:
		return spec.Requirement{Any: list()}
	}
	of := list()
	return spec.Requirement{AtLeast: rapid.IntRange(1, len(of)).Draw(t, "k"), Of: of}
}

// TestRequirementRoundTrips: the unit's JSON, which rules read, has the shape
// that the user wrote; an empty list stays an empty list.
func TestRequirementRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := requirement(t, 3)
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got spec.Requirement
		if err := json.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s became %+v, %v; want %+v", b, got, err, want)
		}
	})
}

// TestRequirementShapes: the text is what users write in CUE, as JSON.
func TestRequirementShapes(t *testing.T) {
	node := func(s string) spec.Requirement { return spec.Requirement{Node: s} }
	for text, want := range map[string]spec.Requirement{
		`"vault"`:                         node("vault"),
		`[]`:                              {List: []spec.Requirement{}},
		`["a",["b"]]`:                     {List: []spec.Requirement{node("a"), {List: []spec.Requirement{node("b")}}}},
		`{"all":["a",{"any":["b"]}]}`:     {All: []spec.Requirement{node("a"), {Any: []spec.Requirement{node("b")}}}},
		`{"atLeast":2,"of":["a","b"]}`:    {AtLeast: 2, Of: []spec.Requirement{node("a"), node("b")}},
		" {\n\"any\": [\"./a\", \"/b\"]}": {Any: []spec.Requirement{node("./a"), node("/b")}},
	} {
		var got spec.Requirement
		if err := json.Unmarshal([]byte(text), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "3", `{"all":"a"}`, `[3]`, `{"atLeast":"2"}`, `["a"`} {
		var r spec.Requirement
		if err := r.UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("%q is %+v", text, r)
		}
	}
}
