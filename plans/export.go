package plans

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
)

// View is one way to look at a plan. Every view is plain data: JSON encodes it
// in canonical form, and the methods draw the same facts for people.
type View interface {
	// Text fits a screen; lines are at most 120 columns wide.
	Text() string
	// Mermaid is a diagram for Markdown.
	Mermaid() string
	// DOT is a diagram for Graphviz.
	DOT() string
}

// JSON encodes a plan, a view or any other noun of this package as canonical
// JSON (RFC 8785): equal values give equal bytes. Use Content for what goes
// into a bundle.
func JSON(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jsoncanonicalizer.Transform(b)
}

// Content is the plan without findings that depend on now: content is a pure
// function of tree and compiler (D2), and dates expire without a commit.
func (p *Plan) Content() *Plan {
	c := *p
	c.Findings = slices.DeleteFunc(slices.Clone(p.Findings), func(f Finding) bool { return f.Timed })
	return &c
}

// Recovery returns the scenario with that id, or nil.
func (p *Plan) Recovery(scenario string) *Recovery {
	i, ok := slices.BinarySearchFunc(p.Scenarios, scenario, func(r Recovery, id string) int { return strings.Compare(r.Scenario.ID, id) })
	if !ok {
		return nil
	}
	return &p.Scenarios[i]
}

// Step returns the planned step with that id, or nil.
func (r *Recovery) Step(id string) *PlannedStep {
	for w := range r.Waves {
		for s := range r.Waves[w].Steps {
			if r.Waves[w].Steps[s].ID == id {
				return &r.Waves[w].Steps[s]
			}
		}
	}
	return nil
}
