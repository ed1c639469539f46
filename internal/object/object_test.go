package object_test

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/darkstart-dev/darkstart/internal/object"
)

// values draws what a decoder may hand over: any of its number types, nested.
func values() *rapid.Generator[any] {
	leaf := rapid.OneOf(
		rapid.Just(any(nil)), rapid.Bool().AsAny(), rapid.Int().AsAny(), rapid.Int64().AsAny(), rapid.Uint64().AsAny(),
		rapid.Float64().AsAny(),
		rapid.Map(rapid.Int64(), func(n int64) any { b, _ := json.Marshal(n); return json.Number(b) }),
		rapid.Map(rapid.Float64(), func(f float64) any { b, _ := json.Marshal(f); return json.Number(b) }),
		rapid.StringOf(rapid.RuneFrom([]rune("a<&>\"\\\u2028é\n"))).AsAny(),
	)
	return rapid.Custom(func(t *rapid.T) any { return nested(t, leaf, 3) })
}

func nested(t *rapid.T, leaf *rapid.Generator[any], depth int) any {
	switch shape := rapid.IntRange(0, 3).Draw(t, "shape"); {
	case depth == 0 || shape > 1:
		return leaf.Draw(t, "leaf")
	case shape == 0:
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			list = append(list, nested(t, leaf, depth-1))
		}
		return list
	}
	m := map[string]any{}
	for range rapid.IntRange(0, 3).Draw(t, "fields") {
		m[rapid.StringMatching(`[a-cB~/<]{0,3}`).Draw(t, "field")] = nested(t, leaf, depth-1)
	}
	return m
}

// TestNormalizeGivesTheTypesOfThePackage, and once is enough.
func TestNormalizeGivesTheTypesOfThePackage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := object.Normalize(values().Draw(t, "value"))
		normal(t, v)
		before, err := object.Encode(v)
		if err != nil {
			t.Fatal(err)
		}
		if after, err := object.Encode(object.Normalize(v)); err != nil || !bytes.Equal(before, after) {
			t.Fatalf("%s became %s", before, after)
		}
	})
}

// normal fails on a type that the package does not speak of.
func normal(t *rapid.T, v any) {
	switch x := v.(type) {
	case map[string]any:
		for _, e := range x {
			normal(t, e)
		}
	case []any:
		for _, e := range x {
			normal(t, e)
		}
	case nil, string, bool, int64, float64:
	default:
		t.Fatalf("%T in a normal value", v)
	}
}

// TestNormalizeKeepsIntegersExact: a replica count or an id of 2^60 that went
// through a float64 would be another number.
func TestNormalizeKeepsIntegersExact(t *testing.T) {
	for _, tt := range []struct{ in, want any }{
		{json.Number("9007199254740993"), int64(9007199254740993)},
		{json.Number("-9223372036854775808"), int64(math.MinInt64)},
		{json.Number("9223372036854775808"), float64(1 << 63)},
		{json.Number("1.50"), 1.5},
		{json.Number("1e3"), 1000.0},
		{uint64(math.MaxInt64), int64(math.MaxInt64)},
		{uint64(math.MaxUint64), float64(math.MaxUint64)},
		{7, int64(7)},
		{"7", "7"},
		{map[any]any{1: 2}, map[any]any{1: 2}},
	} {
		if got := object.Normalize(tt.in); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("Normalize(%T %v) = %T %v, want %v", tt.in, tt.in, got, got, tt.want)
		}
	}
}

// TestEncodeRoundTrips: what a bundle holds reads back as the same value, and
// is written again as the same bytes.
func TestEncodeRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, err := object.Encode(object.Normalize(values().Draw(t, "value")))
		if err != nil {
			t.Fatal(err)
		}
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.UseNumber()
		var back any
		if err := dec.Decode(&back); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		again, err := object.Encode(object.Normalize(back))
		if err != nil || !bytes.Equal(b, again) {
			t.Fatalf("%s became %s, %v", b, again, err)
		}
	})
}

// TestEncode pins the form: its bytes are in every digest.
func TestEncode(t *testing.T) {
	o := object.New(map[string]any{
		"kind": "ConfigMap", "apiVersion": "v1",
		"metadata": map[string]any{"name": "c", "namespace": "n", "labels": map[string]any{}},
		"data":     map[string]any{"b": "<&>", "B": "\u2028é", "a": []any{}, "n": nil},
	}, object.Origin{})
	want := `{
  "apiVersion": "v1",
  "data": {
    "B": "\u2028é",
    "a": [],
    "b": "<&>",
    "n": null
  },
  "kind": "ConfigMap",
  "metadata": {
    "labels": {},
    "name": "c",
    "namespace": "n"
  }
}
`
	b, err := o.Encode()
	if err != nil || string(b) != want {
		t.Errorf("got %s, %v", b, err)
	}
	if _, err := object.Encode(math.Inf(1)); err == nil {
		t.Error("infinity was encoded")
	}
}

// keys draws keys of the form that the API server admits: groups are DNS
// names, kinds start with a capital letter.
func keys() *rapid.Generator[object.Key] {
	return rapid.Custom(func(t *rapid.T) object.Key {
		return object.Key{
			Group: rapid.SampledFrom([]string{"", "apps", "a.io"}).Draw(t, "group"), Kind: rapid.SampledFrom([]string{"A", "Bc"}).Draw(t, "kind"),
			Namespace: rapid.SampledFrom([]string{"", "apps", "n"}).Draw(t, "namespace"), Name: rapid.SampledFrom([]string{"n", "apps", "a.io"}).Draw(t, "name"),
		}
	})
}

// TestKeysTellObjectsApart, both by order and as printed: waivers and findings
// name objects by the printed form.
func TestKeysTellObjectsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, l := keys().Draw(t, "k"), keys().Draw(t, "l")
		if (k.Compare(l) == 0) != (k == l) || k.Compare(l) != -l.Compare(k) {
			t.Fatalf("%+v and %+v compare as %d", k, l, k.Compare(l))
		}
		if (k.String() == l.String()) != (k == l) {
			t.Fatalf("%+v and %+v are both %q", k, l, k)
		}
	})
	list := []object.Key{{Kind: "B", Namespace: "n", Name: "b"}, {Group: "apps", Kind: "A", Name: "z"}, {Kind: "B", Namespace: "n", Name: "a"}, {Kind: "A", Name: "z"}}
	slices.SortFunc(list, object.Key.Compare)
	var got []string
	for _, k := range list {
		got = append(got, k.String())
	}
	if want := "A/z apps/A/z B/n/a B/n/b"; strings.Join(got, " ") != want {
		t.Errorf("sorted as %q, want %q", got, want)
	}
}

func TestGroupAndVersion(t *testing.T) {
	for _, tt := range []struct{ apiVersion, group, version string }{{"v1", "", "v1"}, {"apps/v1", "apps", "v1"}, {"a.io/v1beta1", "a.io", "v1beta1"}, {"", "", ""}} {
		o := object.New(map[string]any{"apiVersion": tt.apiVersion, "kind": "K", "metadata": map[string]any{"name": "x"}}, object.Origin{})
		if o.Group() != tt.group || o.Version() != tt.version || o.Key() != (object.Key{Group: tt.group, Kind: "K", Name: "x"}) {
			t.Errorf("%q: group %q, version %q, key %v", tt.apiVersion, o.Group(), o.Version(), o.Key())
		}
	}
}

// TestWalkersAreTotal: manifests are strangers' data, so a step into something
// else than expected is absent, not a panic.
func TestWalkersAreTotal(t *testing.T) {
	v := map[string]any{"spec": map[string]any{"n": int64(3), "f": 3.0, "s": "x", "l": []any{"y"}, "nil": nil}}
	if n, ok := object.Int(v, "spec", "n"); n != 3 || !ok {
		t.Errorf("Int = %d, %v", n, ok)
	}
	if _, ok := object.Int(v, "spec", "f"); ok {
		t.Error("a float was taken for an integer")
	}
	if object.String(v, "spec", "s") != "x" || len(object.Slice(v, "spec", "l")) != 1 || len(object.Map(v, "spec")) != 5 {
		t.Error("a value that is there was not found")
	}
	for _, path := range [][]string{{"spec", "s", "deeper"}, {"spec", "l", "0"}, {"spec", "nil", "x"}, {"none"}, {"spec", "n"}} {
		_, isInt := object.Int(v, path...)
		if object.String(v, path...) != "" || object.Slice(v, path...) != nil || object.Map(v, path...) != nil || isInt != (path[len(path)-1] == "n") {
			t.Errorf("%q leads somewhere", path)
		}
	}
	o := object.New(map[string]any{"kind": 3, "metadata": "x"}, object.Origin{})
	if o.Key() != (object.Key{}) || object.Get(nil, "a") != nil {
		t.Errorf("key of a malformed object is %v", o.Key())
	}
}
