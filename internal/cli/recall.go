package cli

import (
	"encoding/json"
	"errors"
	"slices"

	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// recall returns what a command said of a fleet in which nothing has changed
// that the command read, or does the work. The kind names the command, and more
// is what its outcome depends on besides what it shares with the others.
//
// The work must not hold on to the session that it is given: its tree notes what
// it is asked. A rule that ran out of time may do better the next time, so an
// outcome of that is not kept.
func (p *pipeline) recall(inv *Invocation, s *session, kept *cache.Store, kind string, more []string, work func(*session) (outcome, error)) (outcome, error) {
	if kept == nil || s.tree == nil || len(s.diags) > 0 {
		return work(s)
	}
	asked, err := json.Marshal([]any{p.in.now, s.rev.Time, p.in.clusters, p.in.namespaces, p.in.pairs, p.noWaivers, p.onlyLocked, more})
	if err != nil {
		return outcome{}, err
	}
	var hasty *outcome
	o, _, err := cache.Memo(kept, s.tree, kind, []string{string(asked)}, func(t *tree.Tree) (outcome, error) {
		noted := *s
		noted.tree = t
		o, err := work(&noted)
		if err == nil && slices.ContainsFunc(o.Diagnostics, func(d *diag.Diagnostic) bool { return d.Code == "GRD004" }) {
			hasty, err = &o, errHasty
		}
		return o, err
	})
	if errors.Is(err, errHasty) {
		return *hasty, nil
	}
	complain(inv, kept)
	if err == nil {
		p.in.used(inv, kept)
	}
	return o, poisoned(err)
}

var errHasty = errors.New("a rule ran out of time")
