package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// Source is one line of a file that a finding points at, as it was compiled: what
// a code frame needs, so that a result can be shown where the fleet is not.
type Source struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Text string `json:"text"`
}

// Bounds of the lines that are kept: a frame of more is no frame.
const (
	maxSourceLine = 4096
	maxSources    = 20_000
)

// Excerpt keeps the lines that the findings point at. Those of what may be
// a credential are left out: a report of a secret must not be one.
func (r *Result) Excerpt(source func(file string) ([]byte, error)) {
	files, want := map[string][]string{}, map[diag.Position]bool{}
	for _, d := range r.Diagnostics {
		for _, l := range d.Labels {
			for n := max(l.Line-1, 1); l.Line > 0 && n <= l.Line+1 && d.Code != secretRule; n++ {
				want[diag.Position{File: l.File, Line: n}] = true // a frame shows a single line between two marks
			}
		}
		if d.Waived != nil && d.Waived.At.Line > 0 {
			want[diag.Position{File: d.Waived.At.File, Line: d.Waived.At.Line}] = true
		}
	}
	r.Sources = nil
	for _, d := range r.Diagnostics {
		for _, l := range d.Labels {
			for n := l.Line - 1; d.Code == secretRule && n <= l.Line+1; n++ {
				delete(want, diag.Position{File: l.File, Line: n})
			}
		}
	}
	for p := range want { // sorted below
		ls, ok := files[p.File]
		if !ok {
			if b, err := source(p.File); err == nil {
				ls = strings.Split(string(b), "\n")
			}
			files[p.File] = ls
		}
		if p.Line <= len(ls) {
			text := strings.TrimSuffix(ls[p.Line-1], "\r")
			if len(text) <= maxSourceLine {
				r.Sources = append(r.Sources, Source{p.File, p.Line, strings.ToValidUTF8(text, "\uFFFD")})
			}
		}
	}
	slices.SortFunc(r.Sources, func(a, b Source) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line)) })
	r.Sources = r.Sources[:min(len(r.Sources), maxSources)]
}

// secretRule reports what looks like a credential.
const secretRule = "SC004"

// lines returns the kept lines of each file at their places.
func (r *Result) lines() map[string][]string {
	out := map[string][]string{}
	for _, s := range r.Sources {
		ls := out[s.File]
		for len(ls) < s.Line {
			ls = append(ls, missing)
		}
		ls[s.Line-1] = s.Text
		out[s.File] = ls
	}
	return out
}

// missing stands for a line that was not kept: no file has it.
const missing = "\x00"

// Explain keeps the documentation of the guardrails that the result speaks of,
// and of every other code in it.
func (r *Result) Explain(docs []RuleDoc) {
	used := map[string]bool{}
	for _, d := range r.Diagnostics {
		used[d.Code] = true
	}
	if r.Rules != nil {
		for _, x := range r.Rules.Results {
			used[x.ID] = true
		}
	}
	r.Catalogue = slices.DeleteFunc(slices.Clone(docs), func(d RuleDoc) bool { return !used[d.ID] })
}
