package guard

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

// Limits of waivers where the project sets none.
const (
	// DefaultWaiverMax is the longest a waiver may still have to run.
	DefaultWaiverMax = 90 * plans.Day
	// DefaultWaiverWarn is how long before its end a waiver is reported.
	DefaultWaiverWarn = 14 * plans.Day
)

// waiver is one acceptance. Today they come from waivers/*.cue; where they are
// written does not matter to what they do.
type waiver struct {
	spec.Waiver
	id   string
	at   diag.Position
	end  time.Time // first moment at which it no longer holds
	used bool
}

// waive marks the findings that somebody accepted, and returns what is to be
// said about the waivers themselves.
func (s *session) waive(findings diag.List, results map[string]*ir.RuleResult) diag.List {
	u := s.in.Fleet.Units.Waivers
	if s.cfg.NoWaivers || u == nil {
		return nil
	}
	var out diag.List
	var valid []*waiver
	for _, id := range sortedKeys(u.Spec.Waivers) {
		w := &waiver{Waiver: u.Spec.Waivers[id], id: id, at: u.Pos.First(ir.Pointer("waivers", id))}
		problem := s.check(w, results)
		out.Add(problem)
		if problem == nil || problem.Severity < diag.Error && problem.Code != "GRD012" {
			valid = append(valid, w)
		}
	}
	for _, f := range findings {
		if w := match(valid, f); w != nil {
			w.used = true
			f.Waived = &diag.Waived{ID: w.id, Reason: w.Reason, Owner: w.Owner, Ticket: w.Ticket, Expires: w.Expires, At: w.at}
			f.ValidUntil = stamp(w.end)
		}
	}
	for _, w := range valid {
		if !w.used && s.present(w) {
			out.Add(diag.Warningf("GRD015", "waiver %q matches no finding", w.id).At(w.at, "").
				About(w.subject()).Fix("remove it: what it accepted is fixed, or its scope is misspelt"))
		}
	}
	return out
}

// check judges one waiver by itself; nil and a warning other than "expired"
// leave it in force.
func (s *session) check(w *waiver, results map[string]*ir.RuleResult) *diag.Diagnostic {
	if d := s.malformed(w, results); d != nil {
		return d.About(w.subject())
	}
	now := s.in.Now
	longest := DefaultWaiverMax
	if p := s.in.Fleet.Units.Project; p != nil && p.Spec.Guardrails.WaiverMax > 0 {
		longest = p.Spec.Guardrails.WaiverMax
	}
	warn := cmp.Or(s.cfg.WaiverWarn, DefaultWaiverWarn)
	left := plans.Duration(w.end.Sub(now).Milliseconds())
	switch {
	case left <= 0:
		return diag.Warningf("GRD012", "waiver %q expired on %s: what it accepted counts again", w.id, w.Expires).
			At(w.at, "").About(w.subject()).
			Fix("fix what %s reports, then remove the waiver; or have %s renew it", w.Rule, w.Owner)
	case left > longest+plans.Day: // the last day counts whole
		d := diag.Errorf("GRD014", "waiver %q runs until %s, longer than the maximum of %s", w.id, w.Expires, longest).
			At(w.at, "").About(w.subject()).
			Fix("let it expire by %s, or raise guardrails: waiverMax", now.Add(span(longest)).UTC().Format(time.DateOnly))
		d.ValidUntil = stamp(w.end.Add(-span(longest + plans.Day)))
		return d
	case w.everything():
		return diag.Warningf("GRD016", "waiver %q accepts every finding of %s", w.id, w.Rule).At(w.at, "").About(w.subject()).
			Fix("narrow it to a cluster, component, object, path or node")
	case left <= warn:
		d := diag.Warningf("GRD013", "waiver %q expires on %s", w.id, w.Expires).At(w.at, "").About(w.subject()).
			Fix("fix what %s reports before then, or have %s renew it", w.Rule, w.Owner)
		d.ValidUntil = stamp(w.end)
		return d
	}
	return nil
}

// malformed reports a waiver that cannot be honoured, and sets its end.
func (s *session) malformed(w *waiver, results map[string]*ir.RuleResult) *diag.Diagnostic {
	if results[w.Rule] == nil {
		d := diag.Errorf("GRD010", "waiver %q names %q, which is no rule", w.id, w.Rule).At(w.at, "")
		return suggest(d, w.Rule, sortedKeys(results))
	}
	var missing []string
	for _, f := range []struct{ name, value string }{{"reason", w.Reason}, {"owner", w.Owner}, {"expires", w.Expires}} {
		if strings.TrimSpace(f.value) == "" {
			missing = append(missing, f.name)
		}
	}
	if len(missing) > 0 {
		return diag.Errorf("GRD011", "waiver %q has no %s", w.id, strings.Join(missing, " and no ")).At(w.at, "").
			Fix("add %s: a finding is accepted by somebody, for a reason, until a date", strings.Join(missing, ", "))
	}
	var err error
	if w.end, err = expiry(w.Expires); err != nil {
		return diag.Errorf("GRD011", "waiver %q expires %q, which is no date", w.id, w.Expires).At(w.at, "").
			Fix(`write it as "2027-01-31"`)
	}
	for _, pattern := range []string{w.Object, w.Node, w.Cluster, w.Component} {
		if _, err := path.Match(pattern, ""); err != nil {
			return diag.Errorf("GRD011", "waiver %q has the malformed pattern %q", w.id, pattern).At(w.at, "").
				Fix("* matches within one segment of Group/Kind/namespace/name; write [ as \\[")
		}
	}
	if s.in.Now.IsZero() {
		return diag.Errorf("GRD017", "no time is known to judge waiver %q by", w.id).At(w.at, "").
			Fix("commit, or pass --now")
	}
	return nil
}

// expiry reads a date, which counts to its end in UTC, or a time.
func expiry(s string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t.AddDate(0, 0, 1), nil
	}
	return time.Parse(time.RFC3339, s)
}

func span(d plans.Duration) time.Duration { return time.Duration(d) * time.Millisecond }
func stamp(t time.Time) string            { return t.UTC().Format(time.RFC3339) }

func (w *waiver) everything() bool {
	return w.Cluster == "" && w.Component == "" && w.Object == "" && w.Path == "" && w.Node == ""
}

func (w *waiver) subject() diag.Subject {
	return diag.Subject{Cluster: w.Cluster, Component: w.Component, Object: w.Object, Node: w.Node, Path: w.Path}
}

// match returns the first waiver, by id, that covers the finding.
func match(ws []*waiver, f *diag.Diagnostic) *waiver {
	i := slices.IndexFunc(ws, func(w *waiver) bool { return w.covers(f) })
	if i < 0 {
		return nil
	}
	return ws[i]
}

// covers: every field that the waiver sets must match. A path covers what lies
// below it; the others are patterns in which * stays within a segment.
func (w *waiver) covers(f *diag.Diagnostic) bool {
	glob := func(pattern, s string) bool {
		ok, err := path.Match(pattern, s)
		return pattern == "" || err == nil && ok
	}
	return w.Rule == f.Code &&
		glob(w.Cluster, f.Subject.Cluster) && glob(w.Component, f.Subject.Component) &&
		glob(w.Object, f.Subject.Object) && glob(w.Node, f.Subject.Node) &&
		(w.Path == "" || f.Subject.Path == w.Path || strings.HasPrefix(f.Subject.Path, strings.TrimSuffix(w.Path, "/")+"/"))
}

// present reports whether the cluster that a waiver names is part of this run:
// a partial run (--cluster) cannot say that a waiver is unused.
func (s *session) present(w *waiver) bool {
	if w.Cluster == "" {
		return len(s.in.Fleet.Clusters) == len(s.in.Fleet.Units.Clusters)
	}
	return s.in.Fleet.Cluster(w.Cluster) != nil || s.in.Fleet.Units.Cluster(w.Cluster) == nil
}
