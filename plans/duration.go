package plans

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Duration is a length of time in whole milliseconds. Integers keep plans
// equal on every machine.
type Duration int64

// Forever is the pessimistic value of an unknown duration.
const Forever Duration = math.MaxInt64 / 4

// Units of Duration. A day is 24 hours: recovery time is elapsed time.
const (
	Millisecond Duration = 1
	Second               = 1000 * Millisecond
	Minute               = 60 * Second
	Hour                 = 60 * Minute
	Day                  = 24 * Hour
	Week                 = 7 * Day
)

var durationUnits = []struct {
	suffix string
	size   Duration
}{{"w", Week}, {"d", Day}, {"h", Hour}, {"m", Minute}, {"s", Second}, {"ms", Millisecond}}

// ParseDuration reads "1w2d3h4m5s6ms": whole or decimal numbers with a unit,
// largest first, each unit at most once. "0" is zero. Negative is an error.
func ParseDuration(s string) (Duration, error) {
	bad := func() (Duration, error) {
		return 0, fmt.Errorf(`%q is not a duration (want for example "30s", "1h30m" or "2d")`, s)
	}
	if s == "0" {
		return 0, nil
	}
	rest, total, next := s, 0.0, 0
	for rest != "" {
		n := strings.IndexFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if n <= 0 {
			return bad()
		}
		v, err := strconv.ParseFloat(rest[:n], 64)
		if err != nil {
			return bad()
		}
		rest = rest[n:]
		u := strings.IndexFunc(rest, func(r rune) bool { return r >= '0' && r <= '9' })
		if u < 0 {
			u = len(rest)
		}
		i := next
		for i < len(durationUnits) && durationUnits[i].suffix != rest[:u] {
			i++
		}
		if i == len(durationUnits) {
			return bad()
		}
		total, next, rest = total+v*float64(durationUnits[i].size), i+1, rest[u:]
	}
	if s == "" || total > float64(Forever) {
		return bad()
	}
	return Duration(math.Round(total)), nil
}

// String prints the shortest exact form: "1h30m", "2d", "0s".
func (d Duration) String() string {
	if d >= Forever {
		return "forever"
	}
	if d < 0 {
		return "-" + (-max(d, -Forever)).String() // the least integer has no negative
	}
	if d == 0 {
		return "0s"
	}
	var b []byte
	for _, u := range durationUnits[1:] { // weeks read worse than days
		if n := d / u.size; n > 0 {
			b = append(strconv.AppendInt(b, int64(n), 10), u.suffix...)
			d -= n * u.size
		}
	}
	return string(b)
}

// MarshalJSON writes the string form, which has nothing to escape.
func (d Duration) MarshalJSON() ([]byte, error) { return []byte(`"` + d.String() + `"`), nil }

// UnmarshalJSON reads the string form.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if s == "forever" {
		*d = Forever
		return nil
	}
	v, err := ParseDuration(s)
	*d = v
	return err
}

// Interval is a duration between Lo and Hi, both included. In JSON and CUE it
// is a list of two durations, or one duration for both.
type Interval struct{ Lo, Hi Duration }

// Exactly returns the interval that holds only d.
func Exactly(d Duration) Interval { return Interval{d, d} }

// String prints "1m…5m", or one duration when both ends are equal.
func (i Interval) String() string {
	if i.Lo == i.Hi {
		return i.Lo.String()
	}
	return i.Lo.String() + "…" + i.Hi.String()
}

// MarshalJSON writes a list of two durations.
func (i Interval) MarshalJSON() ([]byte, error) {
	return []byte(`["` + i.Lo.String() + `","` + i.Hi.String() + `"]`), nil
}

// UnmarshalJSON reads a list of two durations or one duration.
func (i *Interval) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		err := i.Lo.UnmarshalJSON(b)
		i.Hi = i.Lo
		return err
	}
	var pair []Duration
	if err := json.Unmarshal(b, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return fmt.Errorf("an interval has two ends, not %d", len(pair))
	}
	i.Lo, i.Hi = pair[0], pair[1]
	return nil
}
