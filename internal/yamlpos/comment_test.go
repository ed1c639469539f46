package yamlpos

import (
	"slices"
	"strings"
	"testing"
)

// TestComments holds the answer for each occurrence, in the order of the text:
// c is in a comment, v is in a value.
func TestComments(t *testing.T) {
	const word = "mark:word"
	for _, c := range []struct{ src, want string }{
		{"a: 1 # W\n", "c"},
		{"# W\n---\n# W\na: W\n", "ccv"},
		{"a: |\n  # W\n# W\n", "vc"},
		{"a: >\n  x # W\n\n  # W\nb: 1\n", "vv"},
		{"a: 'x # W' # W\n", "vc"},
		{"W: 1\n", "v"},
		{"a: &x 1 # W\nb: *x # W\n", "cc"},
		{"a: [1, # W\n  2] # W\n", "cc"},
		{"a: {b: W} # W\n", "vc"},
		{"a:\n# W\n  - 1\n# W\n  - 2\n  # W\n", "ccc"},
		{"# W\n", "c"},
		{"a: [\n", ""},
		{"a: plain\n  text W # W\n", "vc"},
	} {
		src := strings.ReplaceAll(c.src, "W", word)
		in := Comments([]byte(src), word)
		got, at := "", 0
		for {
			i := strings.Index(src[at:], word)
			if i < 0 {
				break
			}
			if slices.Contains(in, at+i) {
				got += "c"
			} else {
				got += "v"
			}
			at += i + len(word)
		}
		if c.want != "" && got != c.want || c.want == "" && len(in) > 0 {
			t.Errorf("%q: want %q, got %q", c.src, c.want, got)
		}
	}
}
