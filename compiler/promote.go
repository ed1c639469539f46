package compiler

import (
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// PinRecorded returns the objects that pin the engines of a cluster to a
// release that was recorded before, in a registry ("oci://host/path"), with
// paths below its own folder. res is a compile of the revision that the entry
// names; content that differs from what is recorded is refused, since its parts
// need not be those of the release. With approve, what a phase's approval holds
// back goes on.
func PinRecorded(res *Result, registry, cluster string, e ir.Recorded, before Pinned, approve bool) ([]ir.File, diag.List, error) {
	a := artifactOf(res, cluster)
	if a == nil {
		return nil, diag.List{diag.Errorf("REL005", "revision %s, from which serial %d of %q was released, has no such cluster", e.Revision, e.Serial, cluster).
			Fix("release again: `darkstart release`")}, nil
	}
	var ds diag.List
	x := &sealing{artifact: a, kept: res.kept, about: func(found diag.List) { ds.Add(found...) }}
	content, err := x.content()
	if err != nil || ds.HasErrors() {
		return nil, ds, err
	}
	if content != e.Content {
		return nil, diag.List{diag.Errorf("REL005", "serial %d of %q cannot be pinned: it is recorded with content %s, and this compiler makes %s of revision %s", e.Serial, cluster, e.Content.Short(), content.Short(), e.Revision).
			Fix("promote with the version of darkstart that made the release (%s)", e.MinCompiler).
			Fix("or release again with this version, and start with the first ring")}, nil
	}
	return pin(res, registry, cluster, e, before, approve)
}

// StaleForPromotion returns the findings of DR005 that a check warns about and
// a promotion refuses: a recovery of something in the most important tier that
// was drilled only before it changed (DESIGN §5.8). Waived ones are accepted.
func StaleForPromotion(res *Result) diag.List {
	var out diag.List
	if res.Plan == nil || res.Fleet == nil {
		return nil
	}
	first := map[string]bool{}
	for _, t := range res.Fleet.Model.Tiers {
		first[t.ID] = t.Rank == 0
	}
	important := map[string]bool{}
	for i := range res.Fleet.Model.Nodes {
		n := &res.Fleet.Model.Nodes[i]
		important[n.ID] = first[n.Tier]
	}
	for _, f := range res.Plan.Findings {
		if f.Rule != "DR005" || f.Note || !f.Stale || len(f.Nodes) == 0 ||
			!slices.ContainsFunc(f.Nodes, func(n string) bool { return important[n] }) {
			continue
		}
		for _, d := range res.Diagnostics {
			// The rule reports each defect as the solver words it, about its first node.
			if d.Code == f.Rule && d.Waived == nil && d.Message == f.Message && d.Subject.Node == f.Nodes[0] {
				out.Add(d)
			}
		}
	}
	return out
}
