package report

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
)

// Limits of what reads SARIF. GitHub refuses a log with more results, rules,
// places of a result or tags of a rule, and one of more than 10 MB when it is
// compressed as its uploads are ("SARIF results exceed one or more limits",
// GitHub's documentation); other readers stop at 25 MB. The length of a message is
// ours, so that one finding cannot push out the others.
const (
	maxSARIFResults   = 25_000
	maxSARIFRules     = 25_000
	maxSARIFLocations = 1_000
	maxSARIFTags      = 20
	maxSARIFMessage   = 16 << 10
	maxSARIFBytes     = 25 << 20
	maxSARIFGzip      = 10_000_000
)

// SARIF writes the result as a SARIF 2.1.0 log of one run. What the limits of
// its readers leave no room for is dropped, findings from the least severe on,
// and a notification says how many: never silently.
func SARIF(w io.Writer, r *Result) error {
	keep := min(len(r.Diagnostics), maxSARIFResults)
	for {
		b, err := encodeSARIF(newSARIFLog(r, keep))
		if err != nil {
			return err
		}
		over, err := tooLarge(b)
		if err != nil {
			return err
		}
		if over <= 1 {
			_, err = w.Write(b)
			return err
		}
		if keep == 0 {
			return fmt.Errorf("write SARIF: %d MB without one finding, of %d that readers take: the documentation of the rules is too long", len(b)>>20, maxSARIFBytes>>20)
		}
		// Each round drops what is too much, and a little more.
		keep = min(keep-1, int(float64(keep)*0.95/over))
	}
}

func encodeSARIF(log sarifLog) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(log)
	return b.Bytes(), err
}

// tooLarge returns how many times a log is as large as it may be: more than 1 is
// too large. What is short enough as it is is not compressed to see.
func tooLarge(b []byte) (float64, error) {
	over := float64(len(b)) / maxSARIFBytes
	if over > 1 || len(b) <= maxSARIFGzip {
		return over, nil
	}
	var n counter
	z := gzip.NewWriter(&n)
	if _, err := z.Write(b); err != nil {
		return 0, err
	}
	if err := z.Close(); err != nil {
		return 0, err
	}
	return max(over, float64(n)/maxSARIFGzip), nil
}

type counter int

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

// sarifLeft counts what was left out.
type sarifLeft struct{ findings, rules, places, tags, messages int }

func (l sarifLeft) notifications() []sarifNotification {
	var out []sarifNotification
	for _, x := range []struct {
		n          int
		what, text string
	}{
		{l.findings, "finding", fmt.Sprintf("left out, the least severe: readers of SARIF take %d results and %d MB, %d MB compressed", maxSARIFResults, maxSARIFBytes>>20, maxSARIFGzip/1_000_000)},
		{l.rules, "rule", fmt.Sprintf("left out: readers of SARIF take %d", maxSARIFRules)},
		{l.places, "place", fmt.Sprintf("left out: readers of SARIF take %d of a finding", maxSARIFLocations)},
		{l.tags, "tag", fmt.Sprintf("left out: readers of SARIF take %d of a rule", maxSARIFTags)},
		{l.messages, "message", fmt.Sprintf("cut at %d KB", maxSARIFMessage>>10)},
	} {
		if x.n > 0 {
			out = append(out, sarifNotification{"warning", sarifMessage{Text: count(x.n, x.what) + " " + x.text + ". darkstart check -o json has all."}})
		}
	}
	return out
}
