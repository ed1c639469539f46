package solver

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/darkstart-dev/darkstart/plans"
)

// The defect classes: ids are stable API (DESIGN §5).
const (
	rtoUnreachable      = "rto-unreachable"
	rpoUnreachable      = "rpo-unreachable"
	singleDomain        = "single-failure-domain"
	hiddenDependency    = "hidden-dependency-on-failed-domain"
	circularRecovery    = "circular-recovery-dependency"
	outOfBand           = "out-of-band-access-depends-on-failed-system"
	blindMonitoring     = "monitoring-depends-on-failed-system"
	backupInDomain      = "backup-in-failed-domain"
	backupUntested      = "backup-untested"
	capacityShort       = "capacity-insufficient-at-recovery"
	sharedChange        = "shared-change-domain"
	unboundedAutomation = "unbounded-automation"
	irreversible        = "irreversible-action-without-guard"
	rollbackImpossible  = "rollback-impossible"
	splitBrain          = "quorum-or-split-brain"
	neverDrilled        = "never-drilled"
	staleRunbook        = "stale-or-missing-runbook"
	lostCredential      = "credential-or-key-unavailable"
	versionDrift        = "version-or-config-drift"
)

// class is one kind of defect: a query over scenarios, over the model, or
// both. Nothing else in the solver knows a class.
type class struct {
	id    string
	rule  string // the guardrail that reports it
	scene func(*scene) []plans.Finding
	fleet func(*fleet) []plans.Finding
}

// Classes lists the ids of the defect classes in a fixed order.
func Classes() []string {
	var out []string
	for _, c := range catalogue() {
		out = append(out, c.id)
	}
	return out
}

func catalogue() []class {
	return []class{
		{id: rtoUnreachable, rule: "DR003", scene: (*scene).tooSlow},
		{id: rpoUnreachable, rule: "DR002", scene: (*scene).tooMuchLost},
		{id: singleDomain, rule: "DR003", scene: (*scene).singleDomain},
		{id: hiddenDependency, rule: "DR003", scene: (*scene).hiddenDependency},
		{id: circularRecovery, rule: "BS002", scene: (*scene).circular},
		{id: outOfBand, rule: "DR012", scene: (*scene).lockedOut},
		{id: blindMonitoring, rule: "DR012", scene: (*scene).blind},
		{id: backupInDomain, rule: "DR004", scene: (*scene).backupLost},
		{id: backupUntested, rule: "DR005", fleet: (*fleet).untestedBackups},
		{id: capacityShort, rule: "DR006", scene: (*scene).shortOfCapacity, fleet: (*fleet).shortOfPeople},
		{id: sharedChange, rule: "DR003", scene: (*scene).sharedChange},
		{id: unboundedAutomation, rule: "DR008", fleet: (*fleet).unbounded},
		{id: irreversible, rule: "DR008", fleet: (*fleet).unguarded},
		{id: rollbackImpossible, rule: "DR008", fleet: (*fleet).noWayBack},
		{id: splitBrain, rule: "BS007", scene: (*scene).quorumLost, fleet: (*fleet).forks},
		{id: neverDrilled, rule: "DR005", scene: (*scene).smallerDrills, fleet: (*fleet).undrilled},
		{id: staleRunbook, rule: "OP003", fleet: (*fleet).staleRunbooks},
		{id: lostCredential, rule: "BS006", scene: (*scene).credentialLost, fleet: (*fleet).untracked},
		{id: versionDrift, rule: "OP005", fleet: (*fleet).drift},
	}
}

// findings runs the queries about a scenario. In cells that are proven or
// accepted all the same they are notes.
func (s *scene) findings() []plans.Finding {
	var out []plans.Finding
	for _, c := range catalogue() {
		if c.scene == nil {
			continue
		}
		for _, f := range c.scene(s) {
			f.Class, f.Rule, f.Scenario = c.id, c.rule, s.sc.ID
			f.Note = s.isNote(f.Nodes) && (c.id != capacityShort || !s.keepsQuorum(f.Nodes))
			out = append(out, f)
		}
	}
	for _, c := range s.cells {
		c.Classes = s.classesOf(c.Node, out)
	}
	return out
}

// keepsQuorum: a judged node keeps its quorum in the scenario. That says nothing of
// what the survivors can carry, so a lack of capacity is no note there.
func (s *scene) keepsQuorum(nodes []string) bool {
	return slices.ContainsFunc(nodes, func(id string) bool {
		c := s.cell[s.g.ids[id]]
		return c != nil && c.Node == id && c.Verdict == plans.Unaffected
	})
}

// isNote: the judged nodes of a finding are all settled; where it has none,
// every cell of the scenario is.
func (s *scene) isNote(nodes []string) bool {
	note, judged := true, false
	for _, id := range nodes {
		if c := s.cell[s.g.ids[id]]; c != nil && s.g.nodes[s.g.ids[id]].ID == id {
			note, judged = note && settled(c.Verdict), true
		}
	}
	if !judged {
		return s.fine && len(s.cells) > 0
	}
	return note
}

func (s *scene) classesOf(node string, fs []plans.Finding) []string {
	var out []string
	for _, f := range fs {
		if slices.Contains(f.Nodes, node) && !slices.Contains(out, f.Class) {
			out = append(out, f.Class)
		}
	}
	return out
}

// about makes a finding on one node.
func (g *graph) about(i int32, format string, args ...any) plans.Finding {
	return plans.Finding{Nodes: []string{g.name(i)}, Message: fmt.Sprintf(format, args...), At: g.nodes[i].At}
}

func sortFindings(fs []plans.Finding) {
	slices.SortStableFunc(fs, func(a, b plans.Finding) int {
		return cmp.Or(cmp.Compare(a.Scenario, b.Scenario), cmp.Compare(a.Class, b.Class), slices.Compare(a.Nodes, b.Nodes), cmp.Compare(a.Message, b.Message))
	})
}
