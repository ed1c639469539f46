# METADATA
# title: every service and store is back within its recovery time objective, in each scenario
# description: |
#   Judges every cell of the matrix of objectives and scenarios that has an RTO
#   and that nobody accepted. *Violated*: even the fastest way back takes longer.
#   *Proven*: the joint schedule of the scenario, with its people and links, at
#   the upper ends of all durations, is within the objective. Between the two it
#   is *unknown*: a warning, or an error for the tiers in `strictUnknown`, which
#   names the declaration that would settle it. What cannot come back at all is
#   told by BS002.
# custom:
#   id: DR003
#   severity: error
#   applies: objective
#   scope: fleet
#   reads: [cells]
#   since: v0.1.0
#   rationale: >-
#     An objective is a promise about the worst day. Detection, decision, approval, travel, queues for
#     people and for bandwidth all count on that day, and hardly ever do in the number on the wiki.
#   remediation: shorten the step that decides, add a faster procedure, or have the objective's owner accept more
#   frameworks:
#     - NIST SP 800-34 3.2.1
#     - ISO 22301 8.2.2
#     - DORA Article 12
package darkstart.rules.dr003

import data.darkstart.recovery

evaluated := input.cells.judged.rto

deny contains {
	"msg": message(cell),
	"subject": {"node": cell.node},
	"at": recovery.positions(cell, objective(cell)),
	"notes": array.concat(recovery.notes(cell), decides(cell)),
	"help": help(cell),
	"unknown": cell.unknown,
} if {
	some cell in input.cells.rto
}

message(cell) := sprintf("%q takes %s at least to come back under %s, its objective is %s", [cell.node, cell.least, cell.scenario.id, cell.limit]) if {
	not cell.unknown
} else := sprintf("whether %q comes back under %s is unknown", [cell.node, cell.scenario.id]) if {
	cell.limit == ""
} else := sprintf("whether %q comes back within %s under %s is unknown", [cell.node, cell.limit, cell.scenario.id]) if {
	cell.most == "forever"
} else := sprintf(
	"%q takes between %s and %s to come back under %s, its objective is %s",
	[cell.node, cell.least, cell.most, cell.scenario.id, cell.limit],
)

objective(cell) := sprintf("%s is the objective for %q", [cell.limit, cell.class]) if {
	cell.limit != ""
} else := ""

decides(cell) := [sprintf("%s decides: it is the longest step on the way", [cell.decides])] if {
	cell.decides != ""
} else := []

help(cell) := recovery.settle(cell) if {
	cell.unknown
	count(cell.unknowns) > 0
} else := array.concat(shorten(cell), [
	`add a procedure that is faster, or raise the objective`,
	recovery.accept(cell),
])

shorten(cell) := [sprintf("shorten %q, or measure it in a drill: an estimate that proves too long is replaced", [cell.decides])] if {
	cell.decides != ""
} else := []
