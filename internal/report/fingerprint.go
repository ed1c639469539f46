package report

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// word is what a message is made of: something quoted, or what stands between
// spaces and brackets. amount is a word that changes while the finding stays:
// a count, a share, a duration, a place's line and column, a digest. A number
// inside a name is part of it: a finding on "db-2" is not the one on "db-1".
var (
	word   = regexp.MustCompile("\"[^\"]*\"|`[^`]*`|'[^']*'|[^\\s()\\[\\]{},;\"`]+")
	amount = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(%|ns|us|µs|ms|s|m|h|d|w|y|[KMGTP]i?B?|B)?)+[.:]?$`)
	hash   = regexp.MustCompile(`[0-9a-f]{12,}`)
	place  = regexp.MustCompile(`^(.+?):[0-9]+(:[0-9]+)?:?$`)
)

// plainer returns a message without its amounts.
func plainer(message string) string {
	return word.ReplaceAllStringFunc(message, func(w string) string {
		if strings.ContainsAny(w[:1], "\"`'") {
			return w
		}
		if amount.MatchString(w) {
			return "#"
		}
		return hash.ReplaceAllString(place.ReplaceAllString(w, "$1:#"), "#")
	})
}

// fingerprint names what a finding is about: its code, its subject, the file of
// its primary place when it has no subject, and its message without amounts. A
// line that moves, or a duration that grows, leaves it as it is; another object,
// field or name does not.
func fingerprint(d *diag.Diagnostic) string {
	s := d.Subject
	parts := []string{d.Code, s.Cluster, s.Component, s.Object, s.Node, s.Path, plainer(d.Message)}
	if s == (diag.Subject{}) {
		parts = append(parts, d.Primary().File)
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// fingerprints names every finding of a sorted list; the second of two that are
// about the same gets a number, so that each name is used once.
func fingerprints(ds diag.List) {
	seen := map[string]int{}
	for _, d := range ds {
		f := fingerprint(d)
		if seen[f]++; seen[f] > 1 {
			f += "-" + strconv.Itoa(seen[f])
		}
		d.Fingerprint = f
	}
}

// Since compares a finished result with the findings of a base: those that the
// base has too are marked old, and what the base alone has was fixed. Waived
// findings count on neither side: a waiver taken away is a new finding, and
// a finding that the change waives is waived, not fixed.
// Without mark nothing is old: all of them count.
func (r *Result) Since(base diag.List, mark bool) {
	base = base.Sorted()
	fingerprints(base)
	before := map[string]bool{}
	for _, d := range base {
		if d.Waived == nil {
			before[d.Fingerprint] = true
		}
	}
	if r.Base == nil {
		r.Base = &Base{}
	}
	for _, d := range r.Diagnostics {
		if before[d.Fingerprint] && d.Waived == nil {
			d.Old = mark
			r.Base.Old++
		}
		delete(before, d.Fingerprint)
	}
	for _, d := range base {
		if before[d.Fingerprint] {
			r.Base.Fixed = append(r.Base.Fixed, Fixed{d.Code, d.Message, d.Fingerprint})
		}
	}
}
