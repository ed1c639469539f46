package seal

import (
	"path/filepath"
	"testing"

	"github.com/darkstart-dev/darkstart/internal/testkit/registry"
	"github.com/darkstart-dev/darkstart/internal/testkit/vectors"
)

// TestVectorsCosign holds stock cosign to what the vectors say of it: it judges
// the signature, and nothing that Darkstart refuses beside that.
func TestVectorsCosign(t *testing.T) {
	t.Parallel()
	c := newCosign(t)
	key, err := filepath.Abs(filepath.Join(vectorDir, "keys", "release.pub"))
	if err != nil {
		t.Fatal(err)
	}
	hosts := []string{registry.Memory(t, true), registry.Memory(t, false)}
	for i, v := range storedVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			repository := hosts[i%2] + "/vectors/" + v.Name
			if err := v.Push(t.Context(), repository); err != nil {
				t.Fatal(err)
			}
			out, err := c.verify(key, repository+"@"+string(v.Digest()))
			if got := map[bool]string{true: vectors.OK, false: "refused"}[err == nil]; got != v.Cosign {
				t.Errorf("want %s, got %s (%s)\n%s", v.Cosign, got, v.Why, out)
			}
		})
	}
}
