package object_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

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

type (
	written  string
	selfText struct{ A int }
	selfJSON []int
	pointed  struct{ B int }
	inner    struct {
		Kind string `json:"kind"`
		Note string `json:"note,omitempty"`
	}
	loop struct {
		Next *loop
	}
	wide struct {
		inner
		Plain    string
		Empty    string            `json:"empty,omitempty"`
		List     []inner           `json:"list"`
		Lists    [][]string        `json:"lists,omitempty"`
		Map      map[written]inner `json:"map"`
		Maps     map[string]any    `json:"maps,omitempty"`
		Pointer  *inner            `json:"pointer,omitempty"`
		Null     *inner            `json:"null"`
		Any      any               `json:"any"`
		Text     selfText          `json:"text,omitempty"`
		JSON     selfJSON          `json:"json"`
		JSONs    map[string]selfJSON
		Deep     struct{ JSON selfJSON }
		Number   int16   `json:"number,omitempty"`
		Unsigned uint64  `json:",omitempty"`
		Float    float64 `json:"float"`
		Flag     bool    `json:"<flag>,omitempty"`
		Left     int     `json:"-"`
		hidden   int
	}
)

type failing struct{}

type raw string

func (r raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

func (failing) MarshalText() ([]byte, error) { return nil, errors.New("no text") }

func deep(n int) any {
	var v any = 1.0
	for range n {
		v = []any{struct{ In any }{v}}
	}
	return v
}

func (s selfText) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "<%d>", s.A), nil }

func (s selfJSON) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `{"len":%d,"of":[1,{"a":[]}]}`, len(s)), nil
}

func (p *pointed) MarshalJSON() ([]byte, error) { return []byte(`"pointed"`), nil }

// TestEncodeStructs: Go's own values too are written as encoding/json does.
func TestEncodeStructs(t *testing.T) {
	cycle := &loop{}
	cycle.Next = cycle
	for _, v := range []any{
		wide{},
		&wide{},
		[]wide{{}, {}},
		map[string]*wide{"b": {}, "a": nil},
		[]byte("base64"),
		[2]int{1, 2},
		map[int]string{2: "b", 1: "a"},
		float32(0.1),
		struct{}{},
		[]struct{}{{}},
		json.RawMessage(`{"b":1,"a":[1,2]}`),
		[]any{json.RawMessage(`[]`)},
		json.Number("1e3"),
		[]json.Number{"1"},
		pointed{1},
		&pointed{1},
		[]pointed{{1}},
		struct{ P pointed }{},
		&struct{ P pointed }{},
		struct {
			A int `json:"a,string"`
		}{1},
		struct {
			A int `json:"a,omitzero"`
		}{},
		struct {
			inner
			Kind string `json:"kind"`
		}{inner{"x", ""}, "y"},
		struct{ *inner }{&inner{"x", ""}},
		struct {
			inner `json:"named"`
		}{inner{"x", ""}},
		struct{ Written written }{"\xff"},
		struct{ C chan int }{},
		cycle,
		deep(10), deep(40), deep(999), (*selfText)(nil),
		struct{ A, B *selfText }{nil, &selfText{2}},
		failing{},
		[]any{failing{}},
		raw(`""`), raw(`"1h30m"`), raw(`"a<&>"`), raw(`"\u0041"`), raw("\"\u2028\""), raw(`"`), raw(`"a"b"`), raw(`1`), raw(` "a" `), raw(``), raw(`{`),
		[]raw{`"a"`, `[]`},
		(*raw)(nil),
		map[raw]int{"a": 1},
		struct {
			A [2]int `json:",omitempty"`
		}{},
		struct {
			A [0]int `json:",omitempty"`
		}{},
		struct {
			A float64 `json:",omitempty"`
		}{math.Copysign(0, -1)},
		struct {
			A *wide    `json:",omitempty"`
			B any      `json:",omitempty"`
			C struct{} `json:",omitempty"`
		}{B: ""},
		selfText{1},
		map[selfText]int{{1}: 2},
		time.Unix(0, 0).UTC(),
		[]time.Time{time.Unix(1, 0).UTC()},
		time.Second,
	} {
		sameAsStock(t, v)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("a<&\"\\\n\u2028é"))).Draw
		in := func(name string) inner { return inner{text(t, name), text(t, name)} }
		w := wide{
			inner: in("embedded"), Plain: text(t, "plain"), Empty: text(t, "empty"), Text: selfText{rapid.Int().Draw(t, "text")},
			Any: values().Draw(t, "any"), Number: rapid.Int16().Draw(t, "number"), Unsigned: rapid.Uint64().Draw(t, "unsigned"),
			Float: rapid.Float64().Draw(t, "float"), Flag: rapid.Bool().Draw(t, "flag"), hidden: 1,
		}
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			x := in("item")
			w.List, w.Pointer, w.JSON = append(w.List, x), &x, append(w.JSON, 1)
			w.Lists = append(w.Lists, []string{x.Kind}, nil, []string{})
			w.Map = map[written]inner{written(x.Kind): x, "b": x}
			w.Maps = map[string]any{"x": x, "w": &w.inner, "n": nil}
			w.JSONs = map[string]selfJSON{"a": nil, "b": {1}}
		}
		sameAsStock(t, w)
		sameAsStock(t, &w)
		sameAsStock(t, []any{map[string]any{"w": w}})
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
