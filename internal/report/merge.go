package report

import (
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
)

// addUncovered adds up the kinds without a schema of several clusters, sorted.
func addUncovered(to, more []ir.Uncovered) []ir.Uncovered {
	for _, u := range more {
		i, ok := slices.BinarySearchFunc(to, u, func(a, b ir.Uncovered) int { return strings.Compare(a.Kind, b.Kind) })
		if !ok {
			to = slices.Insert(to, i, ir.Uncovered{Kind: u.Kind})
		}
		to[i].Objects += u.Objects
	}
	return to
}
