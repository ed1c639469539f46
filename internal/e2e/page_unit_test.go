package e2e

import "testing"

// TestSameStory guards the check of the page: figures and line breaks may
// differ, a word may not.
func TestSameStory(t *testing.T) {
	want := []byte("- Flux applied serial 2\n  in 3.1 s, with 114 MB.\n")
	for got, same := range map[string]bool{
		"- Flux applied serial 2 in 12.0 s, with\n  9 MB.\n":    true,
		"- Flux applied serial 2 in 12.0\n  s, with 9\n  MB.\n": true,
		"- Flux applied serial 3\n  in 3.1 s, with 114 MB.\n":   false,
		"- Flux refused serial 2\n  in 3.1 s, with 114 MB.\n":   false,
		"- Flux applied serial 2\n  in 3.1 s.\n":                false,
	} {
		if err := sameStory(want, []byte(got)); (err == nil) != same {
			t.Errorf("%q: %v", got, err)
		}
	}
}
