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

// waiver is one acceptance that is judged.
type waiver struct {
	ir.Waiver
	end   time.Time // first moment at which it no longer holds
	state ir.WaiverState
	found diag.List // the findings that it covers
	holds diag.List // those that it is the waiver of
}

// written returns every waiver of the fleet: those of waivers/*.cue by name,
// then those beside lines, by place. From here on they are alike.
func (s *session) written() []*waiver {
	var out []*waiver
	if u := s.in.Fleet.Units.Waivers; u != nil {
		for _, id := range sortedKeys(u.Spec.Waivers) {
			out = append(out, &waiver{Waiver: ir.Waiver{Waiver: u.Spec.Waivers[id], ID: id, At: u.Pos.First(ir.Pointer("waivers", id))}})
		}
	}
	for _, w := range s.in.Comments {
		out = append(out, &waiver{Waiver: w})
	}
	return out
}

// waive marks the findings that somebody accepted, and returns what became of
// the waivers and what is to be said about them. failed holds the rules that
// could not be evaluated everywhere.
func (s *session) waive(findings diag.List, rules []string, failed map[string]bool) ([]ir.WaiverResult, diag.List) {
	if s.cfg.NoWaivers {
		return nil, nil
	}
	var out diag.List
	ws := s.written()
	l := s.limits()
	for _, w := range ws {
		out.Add(l.check(w, rules)...)
	}
	for _, f := range findings {
		accept(ws, f)
	}
	var results []ir.WaiverResult
	for _, w := range ws {
		if w.state == "" {
			w.state = ir.WaiverUsed
			if len(w.found) == 0 {
				w.state = s.unused(w, failed)
			}
		}
		if w.state == ir.WaiverUnused {
			out.Add(s.removable(w))
		}
		results = append(results, w.result())
	}
	return results, out
}

// accept marks a finding as waived by the waiver that holds longest, the first
// of several; all that cover it are used.
func accept(ws []*waiver, f *diag.Diagnostic) {
	var best *waiver
	for _, w := range ws {
		if w.state != "" || !w.Covers(f) {
			continue
		}
		w.found.Add(f)
		if best == nil || w.end.After(best.end) {
			best = w
		}
	}
	if best == nil {
		return
	}
	best.holds.Add(f)
	f.Waived = &diag.Waived{
		ID: best.ID, Reason: best.Reason, Owner: best.Owner, Ticket: best.Ticket, Expires: best.Expires, At: best.At,
	}
	f.ValidUntil = stamp(best.end)
}

func (w *waiver) result() ir.WaiverResult {
	r := ir.WaiverResult{Waiver: w.Waiver, State: w.state, Findings: len(w.found)}
	if !w.end.IsZero() {
		r.Ends = stamp(w.end)
	}
	for _, f := range w.holds {
		if f.Subject.Cluster == "" {
			r.Fleet = true
		} else {
			r.Clusters = append(r.Clusters, f.Subject.Cluster)
		}
	}
	slices.Sort(r.Clusters)
	r.Clusters = slices.Compact(r.Clusters)
	return r
}

// removable reports a waiver that accepts nothing, with the edit that removes it.
func (s *session) removable(w *waiver) *diag.Diagnostic {
	d := diag.Warningf("GRD015", "waiver %q matches no finding", w.ID).At(w.At, "").
		About(w.Subject()).Fix("remove it: what it accepted is fixed, or its scope is misspelt")
	if s.cfg.Remove == nil {
		return d
	}
	if edits := s.cfg.Remove(&w.Waiver); len(edits) > 0 {
		d.Fixes = append(d.Fixes, diag.Fix{Title: "remove the unused waiver", Edits: edits})
	}
	return d
}

// limits is what the project says about all waivers, and now.
type limits struct {
	now           time.Time
	longest, warn plans.Duration
	noComments    bool
}

func (s *session) limits() limits { return limitsOf(s.in.Fleet.Units.Project, s.in.Now) }

func limitsOf(p *ir.Unit[spec.Project], now time.Time) limits {
	l := limits{now: now, longest: DefaultWaiverMax, warn: DefaultWaiverWarn}
	if p == nil {
		return l
	}
	l.longest = cmp.Or(p.Spec.Guardrails.WaiverMax, l.longest)
	l.warn = cmp.Or(p.Spec.Guardrails.WaiverWarn, l.warn)
	l.noComments = p.Spec.Guardrails.WaiverComments != nil && !*p.Spec.Guardrails.WaiverComments
	return l
}

// CheckWaiver judges one waiver by itself, as Guard does: an error means that it
// would not be honoured. Rules are the ids that exist.
func CheckWaiver(w ir.Waiver, rules []string, project *ir.Unit[spec.Project], now time.Time) diag.List {
	l := limitsOf(project, now)
	return l.check(&waiver{Waiver: w}, rules)
}

// check judges one waiver by itself, and sets the state of one that is not in
// force.
func (l limits) check(w *waiver, rules []string) diag.List {
	if d := l.malformed(w, rules); d != nil {
		w.state = ir.WaiverRefused
		return diag.List{d.About(w.Subject())}
	}
	var out diag.List
	left := plans.Duration(w.end.Sub(l.now).Milliseconds())
	switch {
	case left <= 0:
		w.state = ir.WaiverExpired
		out.Add(diag.Warningf("GRD012", "waiver %q expired on %s: what it accepted counts again", w.ID, w.Expires).
			Fix("fix what %s reports, then remove the waiver; or have %s renew it", w.Rule, w.Owner))
	case left > l.longest+plans.Day: // the last day counts whole
		w.state = ir.WaiverRefused
		d := diag.Errorf("GRD014", "waiver %q runs until %s, longer than the maximum of %s", w.ID, w.Expires, l.longest).
			Fix("let it expire by %s, or raise guardrails: waiverMax", l.now.Add(span(l.longest)).UTC().Format(time.DateOnly))
		d.ValidUntil = stamp(w.end.Add(-span(l.longest + plans.Day)))
		out.Add(d)
	case left <= l.warn:
		d := diag.Warningf("GRD013", "waiver %q expires on %s", w.ID, w.Expires).
			Fix("fix what %s reports before then, or have %s renew it", w.Rule, w.Owner)
		d.ValidUntil = stamp(w.end)
		out.Add(d)
	}
	if w.state == "" && w.Everything() {
		out.Add(l.everything(w))
	}
	for _, d := range out {
		d.At(w.At, "").About(w.Subject())
	}
	return out
}

func (l limits) everything(w *waiver) *diag.Diagnostic {
	if w.Beside != nil {
		return diag.Warningf("GRD016", "waiver %q accepts every finding of %s in its file", w.ID, w.Rule).
			Fix("put it beside the line that it is about")
	}
	return diag.Warningf("GRD016", "waiver %q accepts every finding of %s", w.ID, w.Rule).
		Fix("narrow it to a cluster, component, object, path or node")
}

// changesRule is the rule whose waiver is the approval of one change, and so
// has to name its object (DESIGN §6, DR007).
const changesRule = "DR007"

// malformed reports a waiver that cannot be honoured, and sets its end.
func (l limits) malformed(w *waiver, rules []string) *diag.Diagnostic {
	if l.noComments && w.Beside != nil {
		return diag.Errorf("GRD021", "waiver %q is a comment, and this fleet does not honour comments", w.ID).At(w.At, "").
			Fix("move it to waivers/, where its owners approve it; guardrails: waiverComments: false says so")
	}
	if !slices.Contains(rules, w.Rule) {
		d := diag.Errorf("GRD010", "waiver %q names %q, which is no rule", w.ID, w.Rule).At(w.At, "")
		return suggest(d, w.Rule, rules)
	}
	var missing []string
	for _, f := range []struct{ name, value string }{{"reason", w.Reason}, {"owner", w.Owner}, {"expires", w.Expires}} {
		if strings.TrimSpace(f.value) == "" {
			missing = append(missing, f.name)
		}
	}
	if len(missing) > 0 {
		return diag.Errorf("GRD011", "waiver %q has no %s", w.ID, strings.Join(missing, " and no ")).At(w.At, "").
			Fix("add %s: a finding is accepted by somebody, for a reason, until a date", strings.Join(missing, ", "))
	}
	var err error
	if w.end, err = spec.WaiverEnd(w.Expires); err != nil {
		return diag.Errorf("GRD011", "waiver %q expires %q, which is no date", w.ID, w.Expires).At(w.At, "").
			Fix(`write it as "2027-01-31"`)
	}
	for _, pattern := range []string{w.Object, w.Node, w.Cluster, w.Component} {
		if _, err := path.Match(pattern, ""); err != nil {
			return diag.Errorf("GRD011", "waiver %q has the malformed pattern %q", w.ID, pattern).At(w.At, "").
				Fix("* matches within one segment of Group/Kind/namespace/name; write [ as \\[")
		}
	}
	if w.Rule == changesRule && strings.Trim(w.Object, "*/") == "" {
		return diag.Errorf("GRD020", "waiver %q for %s names no object", w.ID, w.Rule).At(w.At, "").
			Fix(`add object: "PersistentVolumeClaim/namespace/name", as the finding names it: it is the approval of one change`)
	}
	if l.now.IsZero() {
		return diag.Errorf("GRD017", "no time is known to judge waiver %q by", w.ID).At(w.At, "").
			Fix("commit, or pass --now")
	}
	return nil
}

func span(d plans.Duration) time.Duration { return time.Duration(d) * time.Millisecond }
func stamp(t time.Time) string            { return t.UTC().Format(time.RFC3339) }

// unused tells a waiver that accepts nothing from one of which that cannot be
// said: a partial run (--cluster) has not judged every cluster, a rule that failed
// has not judged at all, and one about changes needs a base to compare with.
func (s *session) unused(w *waiver, failed map[string]bool) ir.WaiverState {
	if failed[w.Rule] || w.Rule == changesRule && s.in.Changes == nil {
		return ir.WaiverUnknown
	}
	if w.Rule == changesRule {
		return ir.WaiverUnknown // a change that this base does not show may still have to be released; it expires
	}
	for _, u := range s.in.Fleet.Units.Clusters {
		if s.in.Fleet.Cluster(u.Name) != nil {
			continue
		}
		if ok, err := path.Match(w.Cluster, u.Name); w.Cluster == "" || ok && err == nil {
			return ir.WaiverUnknown
		}
	}
	return ir.WaiverUnused
}
