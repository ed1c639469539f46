package report

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// amount is a word that changes while the finding stays: a count, a share, a
// duration; hash is a digest, and place ends in a line and a column. A number
// inside a name is part of it: a finding on "db-2" is not the one on "db-1".
var (
	amount = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(%|ns|us|µs|ms|s|m|h|d|w|y|[KMGTP]i?B?|B)?)+[.:]?$`)
	hash   = regexp.MustCompile(`[0-9a-f]{12,}`)
	place  = regexp.MustCompile(`^(.+?):[0-9]+(:[0-9]+)?:?$`)
)

// plainer returns a message without its amounts. A word is something quoted, or
// what stands between spaces and brackets.
func plainer(message string) string {
	var b strings.Builder
	for s := message; s != ""; {
		n := quoted(s, "\"`'")
		if n > 0 {
			b.WriteString(s[:n])
			s = s[n:]
			continue
		}
		if n = strings.IndexAny(s, " \t\n\f\r()[]{},;\"`"); n < 0 {
			n = len(s)
		}
		b.WriteString(plainWord(s[:n]))
		if s = s[n:]; s != "" && quoted(s, "\"`") == 0 {
			b.WriteByte(s[0])
			s = s[1:]
		}
	}
	return b.String()
}

func plainWord(w string) string {
	usual := len(w) < 12 && !strings.ContainsAny(w, "0123456789") // and none of the three
	if usual || strings.HasPrefix(w, "'") {
		return w
	}
	if amount.MatchString(w) {
		return "#"
	}
	return hash.ReplaceAllString(place.ReplaceAllString(w, "$1:#"), "#")
}

// quoted returns how long what s begins with is, when that stands between two of
// one of these marks, and 0 when it does not.
func quoted(s, marks string) int {
	if s == "" || strings.IndexByte(marks, s[0]) < 0 {
		return 0
	}
	end := strings.IndexByte(s[1:], s[0])
	if end < 0 {
		return 0
	}
	return 1 + end + 1
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
