package object_test

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/darkstart-dev/darkstart/internal/object"
)

// stock is how bundles were always written: their digests depend on it.
func stock(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return b.Bytes(), err
}

func sameAsStock(t interface{ Fatalf(string, ...any) }, v any) {
	want, wantErr := stock(v)
	got, err := object.Encode(v)
	if !bytes.Equal(got, want) && wantErr == nil || (err == nil) != (wantErr == nil) {
		t.Fatalf("%#v\ngot  %q, %v\nwant %q, %v", v, got, err, want, wantErr)
	}
}

// TestEncodeIsStock: byte for byte what encoding/json writes, for every value
// that a decoder may hand over, and what is none.
func TestEncodeIsStock(t *testing.T) {
	for _, v := range []any{
		nil, map[string]any(nil), []any(nil),
		map[string]any{},
		[]any{},
		[]any{map[string]any{}, []any{}},
		0.0, math.Copysign(0, -1), 1e20, 1e21, -1e21, 1e-6, 9.9e-7, 1e-9, 1e-10, 1.5e-300, 1.5e300, math.MaxFloat64, math.SmallestNonzeroFloat64, 3.0, 0.1,
		math.Inf(1), math.NaN(), int64(math.MinInt64), int64(math.MaxInt64), 7, uint8(7), json.Number("1.0"),
		[]string{"a"},
		struct{ A, B any }{1, []any{}},
		"", "\x00\x1f\x7f\"\\/<>&'\b\f\n\r\t\v", "\u2027\u2028\u2029\u202a", "é\U0001F600\ufffd", "a\xffb", "\xed\xa0\x80", "\xc3",
		map[string]any{"\U0001F600": 1.0, "\uffff": 2.0, "a\nb": nil, "": true, "B": "", "a": []any{int64(1), "x", nil}},
		map[string]any{"a\xff": nil, "b": nil},
	} {
		sameAsStock(t, v)
	}
	rapid.Check(t, func(t *rapid.T) { sameAsStock(t, values().Draw(t, "value")) })
	rapid.Check(t, func(t *rapid.T) { sameAsStock(t, object.Normalize(values().Draw(t, "value"))) })
	rapid.Check(t, func(t *rapid.T) {
		sameAsStock(t, map[string]any{rapid.String().Draw(t, "key"): []any{rapid.String().Draw(t, "text"), string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))}})
	})
}

func FuzzEncode(f *testing.F) {
	f.Add([]byte(`{"a":[1,2.5e-7,"\u2028<",{}],"b":null}`), "k\xff")
	f.Fuzz(func(t *testing.T, doc []byte, text string) {
		sameAsStock(t, text)
		dec := json.NewDecoder(bytes.NewReader(doc))
		dec.UseNumber()
		var v any
		if dec.Decode(&v) == nil {
			sameAsStock(t, object.Normalize(v))
		}
	})
}

// TestEncoderIsEncode: what an encoder kept of other objects changes no byte,
// whatever an object has otherwise than its base.
func TestEncoderIsEncode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := map[string]any{}
		for _, k := range []string{"metadata", "spec", "data", "list", "a\"b"} {
			base[k] = object.Normalize(values().Draw(t, k))
		}
		var e object.Encoder
		o := object.New(base, object.Origin{})
		for range rapid.IntRange(3, 6).Draw(t, "objects") {
			x := o
			for range rapid.IntRange(0, 2).Draw(t, "edits") {
				path := rapid.SliceOfN(rapid.SampledFrom([]string{"metadata", "spec", "data", "list", "a", "0", "c"}), 1, 3).Draw(t, "path")
				x = x.With(object.Edit{Path: path, Value: rapid.SampledFrom([]any{"x", int64(1), map[string]any{"a": "b"}, []any{}}).Draw(t, "value")})
			}
			content := x.Content()
			got, err := e.Append(nil, x, content)
			want, wantErr := stock(content)
			if !bytes.Equal(got, want) && wantErr == nil || (err == nil) != (wantErr == nil) {
				t.Fatalf("got  %q, %v\nwant %q, %v", got, err, want, wantErr)
			}
		}
	})
}
