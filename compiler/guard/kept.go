package guard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/cache"
)

// errUnkept stands for a run that says something about the rules: one that ran
// out of time may do better the next time.
var errUnkept = errors.New("the rules did not all answer")

// judgeCluster is judge for a cluster, from the cache if it was judged before.
// Everything that a document of the cluster is made of has a name there.
func (s *session) judgeCluster(ctx context.Context, c *ir.Linked, users *userPolicies) (*run, error) {
	names := s.names(c)
	if names == nil {
		return s.judge(ctx, c, users)
	}
	var unkept *run
	r, err := cache.Value(s.cfg.Cache, "judge", names, func() (*run, error) {
		r, err := s.judge(ctx, c, users)
		if err == nil && len(r.diags) > 0 {
			unkept, err = r, errUnkept
		}
		return r, err
	})
	if errors.Is(err, errUnkept) {
		return unkept, nil
	}
	return r, err
}

// names lists what a judgment on a cluster depends on; nil when something of it
// has no name, as without a cache.
func (s *session) names(c *ir.Linked) []string {
	r := s.rendered[c.Name]
	if s.cfg.Cache == nil || r == nil {
		return nil
	}
	out := append([]string{c.Name, c.Unit.ID}, s.shared()...)
	for i := range r.Components {
		out = append(out, r.Components[i].Name, r.Components[i].ID)
	}
	for _, p := range c.Parts {
		out = append(out, fmt.Sprint(p.ID(), p.Node, p.Phase, len(p.Objects)))
	}
	if slices.Contains(out, "") {
		return nil
	}
	return out
}

// shared names what all clusters are judged by and with.
func (s *session) shared() []string {
	u := s.in.Fleet.Units
	out := []string{
		string(s.digests.sum()), "namespaces:" + strings.Join(s.cfg.Namespaces, ","),
		fmt.Sprint(s.cfg.Locate != nil, s.cfg.Replace != nil, s.cfg.AddField != nil),
	}
	if u.Project != nil {
		out = append(out, "project", u.Project.ID)
	}
	if u.Fleet != nil {
		out = append(out, "fleet", u.Fleet.ID)
	}
	if u.Recovery != nil {
		out = append(out, "recovery", u.Recovery.ID)
	}
	if slices.ContainsFunc(s.rules, func(r *compiled) bool { return r.Scope == ScopeCluster && slices.Contains(r.Reads, "now") }) {
		out = append(out, s.in.Now.String())
	}
	if l := s.in.Lock; l != nil {
		for kind, m := range []map[string]ir.LockEntry{l.Images, l.Charts, l.Other} {
			for _, k := range sortedKeys(m) {
				out = append(out, fmt.Sprint(kind, k, m[k]))
			}
		}
	}
	return out
}
