package diag

import (
	"slices"

	"github.com/agnivade/levenshtein"
)

// Nearest returns the candidate closest to name by edit distance, or "" when
// none is close enough to be a likely slip (a third of the name, at least 2).
// Ties go to the candidate that sorts first, so that the answer is stable.
func Nearest(name string, candidates []string) string {
	best, limit := "", max(2, len(name)/3)
	sorted := slices.Sorted(slices.Values(candidates))
	for _, c := range sorted {
		if c == name {
			continue
		}
		if d := levenshtein.ComputeDistance(name, c); d <= limit && d < len(c) {
			best, limit = c, d-1
		}
		if limit < 0 {
			break
		}
	}
	return best
}
