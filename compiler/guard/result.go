package guard

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// ruleAnswer is what a built-in rule must answer: a set of findings and the
// number of inputs it judged (D6).
type ruleAnswer struct {
	Deny      []ruleFinding `json:"deny"`
	Evaluated *int          `json:"evaluated"`
}

// ruleFinding is one member of `deny`. Path is a JSON pointer into Object when
// that is set, else into the spec: of the subject's cluster, or of the fleet,
// recovery or project unit.
type ruleFinding struct {
	Msg     string         `json:"msg"`
	Subject diag.Subject   `json:"subject"`
	At      []rulePosition `json:"at"`
	Notes   []string       `json:"notes"`
	Help    []string       `json:"help"`
	Unknown bool           `json:"unknown"`
	// Warning lowers an error: some findings of a rule weigh less than others.
	Warning bool `json:"warning"`
	// Fix is the change that settles the finding, where a program can make it.
	Fix *ruleFix `json:"fix"`
}

// rulePosition is diag.Position with the text of its label.
type rulePosition struct {
	diag.Position
	Text string `json:"text"`
}

// readAnswer decodes strictly: a field that nobody reads, a missing message or
// a missing count is an error, since a rule with a typo would pass everything.
func readAnswer(v any) (*ruleAnswer, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	var a ruleAnswer
	if err := dec.Decode(&a); err != nil {
		return nil, err
	}
	if a.Deny == nil {
		return nil, fmt.Errorf("deny is not a set of findings")
	}
	if a.Evaluated == nil || *a.Evaluated < 0 {
		return nil, fmt.Errorf("evaluated is not a count")
	}
	for _, f := range a.Deny {
		if f.Msg == "" {
			return nil, fmt.Errorf("a finding without msg")
		}
		for _, p := range f.At {
			if p.File == "" {
				return nil, fmt.Errorf("a position without file in %q", f.Msg)
			}
		}
	}
	if *a.Evaluated == 0 && len(a.Deny) > 0 {
		return nil, fmt.Errorf("findings, but evaluated is 0")
	}
	return &a, nil
}
