package guard

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// judgment is a run on a cluster as it is kept between compiles.
type judgment struct {
	Findings diag.List
	Tallies  []keptTally
}

type keptTally struct {
	Rule                string
	Evaluated, Excepted int
	Skipped             string
	Failed              bool
}

// errUnkept stands for a run that says something about the rules: one that ran
// out of time may do better the next time.
var errUnkept = errors.New("the rules did not all answer")

// judgeCluster is judge for a cluster, from the cache if it was judged before.
// Everything that a document of the cluster is made of has a name there.
func (s *session) judgeCluster(ctx context.Context, c *ir.Linked, users *userPolicies) (*run, error) {
	inputs, ok := s.names(c)
	if !ok {
		return s.judge(ctx, c, users)
	}
	var made *run
	kept, err := cache.Value(s.cfg.Cache, "judge", inputs, func() (judgment, error) {
		var err error
		if made, err = s.judge(ctx, c, users); err != nil {
			return judgment{}, err
		}
		if len(made.diags) > 0 {
			return judgment{}, errUnkept
		}
		return keep(made), nil
	})
	if made != nil && (err == nil || errors.Is(err, errUnkept)) {
		return made, nil
	}
	return kept.run(), err
}

func keep(r *run) judgment {
	j := judgment{Findings: r.findings}
	for _, t := range r.tallies {
		j.Tallies = append(j.Tallies, keptTally{t.rule, t.evaluated, t.excepted, t.skipped, t.failed})
	}
	return j
}

func (j judgment) run() *run {
	r := &run{findings: j.Findings}
	for _, t := range j.Tallies {
		r.tallies = append(r.tallies, tally{t.Rule, t.Evaluated, t.Excepted, t.Skipped, t.Failed})
	}
	return r
}

// names lists what a judgment on a cluster depends on; false when something of
// it has no name.
func (s *session) names(c *ir.Linked) ([]string, bool) {
	r := s.rendered[c.Name]
	if s.cfg.Cache == nil || r == nil {
		return nil, false
	}
	out := []string{c.Name, c.Unit.ID, s.shared()}
	for i := range r.Components {
		out = append(out, r.Components[i].Name, r.Components[i].ID)
	}
	for _, p := range c.Parts {
		out = append(out, fmt.Sprint(p.ID(), p.Node, p.Phase, len(p.Objects)))
	}
	return out, !slices.Contains(out, "")
}

// shared names what all clusters are judged by and with, "" when something of it
// has no name.
func (s *session) shared() string {
	s.sharing.Do(func() {
		u := s.in.Fleet.Units
		texts := []string{string(s.digests.sum()), strings.Join(s.cfg.Namespaces, ","), fmt.Sprint(s.cfg.Locate != nil, s.cfg.Replace != nil, s.cfg.AddField != nil)}
		ids := []string{}
		if u.Project != nil {
			ids = append(ids, "project", u.Project.ID)
		}
		if u.Fleet != nil {
			ids = append(ids, "fleet", u.Fleet.ID)
		}
		if u.Recovery != nil {
			ids = append(ids, "recovery", u.Recovery.ID)
		}
		if slices.Contains(ids, "") {
			return
		}
		texts = append(texts, ids...)
		if slices.ContainsFunc(s.rules, func(r *compiled) bool { return r.Scope == ScopeCluster && slices.Contains(r.Reads, "now") }) {
			texts = append(texts, s.in.Now.String())
		}
		if l := s.in.Lock; l != nil {
			for _, m := range []map[string]ir.LockEntry{l.Images, l.Charts, l.Other} {
				for _, k := range sortedKeys(m) {
					texts = append(texts, fmt.Sprint(k, m[k]))
				}
				texts = append(texts, "")
			}
		}
		h := sha256.New()
		for _, t := range texts {
			fmt.Fprintf(h, "%d:%s", len(t), t)
		}
		s.sharedName = hex.EncodeToString(h.Sum(nil))
	})
	return s.sharedName
}
