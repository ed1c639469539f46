package spec

import "time"

// WaiverEnd reads when a waiver ends: the first moment at which it no longer
// holds. A date counts to its end in UTC; a time is the end itself. Whoever
// judges a waiver (check, compile, verify) reads it here, so that all agree on
// its last day.
func WaiverEnd(expires string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, expires); err == nil {
		return t.AddDate(0, 0, 1), nil
	}
	return time.Parse(time.RFC3339, expires)
}
