package digest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/darkstart-dev/darkstart/internal/digest"
)

// empty is the digest of no bytes, as every tool of the field prints it.
const empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func TestOf(t *testing.T) {
	if got := digest.Of(nil); got != empty {
		t.Errorf("Of(nil) = %s", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOf(rapid.Byte()).Draw(t, "content")
		d := digest.Of(b)
		if want := fmt.Sprintf("sha256:%x", sha256.Sum256(b)); string(d) != want {
			t.Fatalf("Of = %s, want %s", d, want)
		}
		w, cut := digest.NewWriter(), rapid.IntRange(0, len(b)).Draw(t, "cut")
		w.Write(b[:cut])
		w.Write(b[cut:])
		if w.Digest() != d {
			t.Fatalf("written in two pieces: %s, want %s", w.Digest(), d)
		}
		if back, err := digest.Parse(string(d)); err != nil || back != d {
			t.Fatalf("Parse(%s) = %s, %v", d, back, err)
		}
	})
}

// TestParseAcceptsOneForm: a second spelling of a digest would be a second
// name for one content, and pins are compared as text.
func TestParseAcceptsOneForm(t *testing.T) {
	hex := strings.TrimPrefix(empty, "sha256:")
	for _, s := range []string{
		"", "sha256:", hex, "sha256:" + hex[1:], "sha256:" + hex + "0", "sha256:" + strings.ToUpper(hex), "SHA256:" + hex,
		"sha512:" + hex + hex, " " + empty, empty + "\n", "sha256:" + hex[:30] + "gg" + hex[32:], "sha256:../" + hex[3:],
	} {
		if d, err := digest.Parse(s); err == nil || d != "" || !strings.Contains(err.Error(), "not a digest") {
			t.Errorf("Parse(%q) = %q, %v", s, d, err)
		}
	}
	form := regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	rapid.Check(t, func(t *rapid.T) {
		b := []byte(empty)
		b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		if _, err := digest.Parse(string(b)); (err == nil) != form.Match(b) {
			t.Fatalf("Parse(%q): %v", b, err)
		}
	})
}

func TestShort(t *testing.T) {
	for d, want := range map[digest.Digest]string{empty: "e3b0c44298fc", "sha256:abc": "abc", "": ""} {
		if got := d.Short(); got != want || !strings.HasPrefix(d.Hex(), got) {
			t.Errorf("%q is %q in short and %q in hex", d, got, d.Hex())
		}
	}
}

// TestDir: the hash is that of `go mod`'s checksums, and names count.
func TestDir(t *testing.T) {
	files := map[string]string{"b/c": "2", "a": "1"}
	open := func(name string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(files[name])), nil }
	line := func(name string) string { return fmt.Sprintf("%x  %s\n", sha256.Sum256([]byte(files[name])), name) }
	got, err := digest.Dir([]string{"b/c", "a"}, open)
	if want := fmt.Sprintf("%x", sha256.Sum256([]byte(line("a")+line("b/c")))); err != nil || got != want {
		t.Errorf("Dir = %s, %v, want %s", got, err, want)
	}
	if other, err := digest.Dir([]string{"a"}, open); err != nil || other == got {
		t.Errorf("a file less gives %s, %v", other, err)
	}
}

// TestWriterJSON: a value has the digest of what json.Encoder writes, however large it is.
func TestWriterJSON(t *testing.T) {
	t.Parallel()
	for _, v := range []any{
		nil, "a<b>&\u2028", 1, []string(nil),
		[]int{},
		map[string]any{"z": nil, "a": map[string]int{"y": 1, "b": 2}},
		struct {
			A []byte            `json:"a,omitempty"`
			B *int              `json:"b"`
			C map[string]string `json:"c"`
		}{},
		slices.Repeat([]any{strings.Repeat("x", 1000), 1.5, true}, 1000),
	} {
		var b bytes.Buffer
		if err := json.NewEncoder(&b).Encode(v); err != nil {
			t.Fatal(err)
		}
		w := digest.NewWriter()
		if err := w.JSON(v); err != nil {
			t.Fatal(err)
		}
		if w.Digest() != digest.Of(b.Bytes()) {
			t.Errorf("%.80v has a digest of its own", v)
		}
	}
	if err := digest.NewWriter().JSON(func() {}); err == nil {
		t.Error("a function has a digest")
	}
}
