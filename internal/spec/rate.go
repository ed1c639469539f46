package spec

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/darkstart-dev/darkstart/plans"
)

// Rate is how much is done in a span of time: "40/m" is forty a minute. The
// span is one of s, m, h and d.
type Rate string

var spans = map[string]plans.Duration{"s": plans.Second, "m": plans.Minute, "h": plans.Hour, "d": plans.Day}

// Time is how long a number of units takes, rounded up to whole milliseconds.
func (r Rate) Time(units int) (plans.Duration, error) {
	count, span, _ := strings.Cut(string(r), "/")
	n, err := strconv.ParseFloat(count, 64)
	per, ok := spans[span]
	if err != nil || !ok || !(n > 0) || math.IsInf(n, 0) {
		return 0, fmt.Errorf(`%q is not a rate (want for example "40/m")`, string(r))
	}
	t := math.Ceil(float64(units) / n * float64(per))
	return plans.Duration(min(t, float64(plans.Forever))), nil
}

// Rates is a rate between the slowest and the fastest, or one rate for both.
// In JSON and CUE it is a list of two rates, or one.
type Rates struct{ Slow, Fast Rate }

// Time is how long a number of units takes.
func (r Rates) Time(units int) (plans.Interval, error) {
	lo, err := r.Fast.Time(units)
	if err != nil {
		return plans.Interval{}, err
	}
	hi, err := r.Slow.Time(units)
	return plans.Interval{Lo: lo, Hi: hi}, err
}

// UnmarshalJSON reads a list of two rates or one rate.
func (r *Rates) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		err := json.Unmarshal(b, &r.Slow)
		r.Fast = r.Slow
		return err
	}
	var pair []Rate
	if err := json.Unmarshal(b, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return fmt.Errorf("rates are two, not %d", len(pair))
	}
	r.Slow, r.Fast = pair[0], pair[1]
	return nil
}

// MarshalJSON writes a list of two rates.
func (r Rates) MarshalJSON() ([]byte, error) { return json.Marshal([2]Rate{r.Slow, r.Fast}) }
