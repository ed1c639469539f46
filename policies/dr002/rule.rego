# METADATA
# title: no scenario loses more data than the recovery point objective allows
# description: |
#   Judges every cell of the matrix of objectives and scenarios that has an RPO
#   and that nobody accepted. The loss is that of the recovery point which the
#   procedure really takes: nothing for a synchronous copy, its lag for an
#   asynchronous one, the period and the duration for a backup; a point that no
#   step restores from proves nothing. A service loses what the worst store below
#   it loses, and a consistency group goes back to its oldest common point. A
#   point without a complete restore test leaves the cell *unknown*: a warning,
#   or an error for the tiers in `strictUnknown`.
# custom:
#   id: DR002
#   severity: error
#   applies: objective
#   scope: fleet
#   reads: [cells]
#   since: v0.1.0
#   rationale: >-
#     Replicas obey a deletion as fast as anything else, and the backup of last night is a day old on the
#     evening that it is needed. Which point survives depends on the disaster, so each one is asked.
#   remediation: back up more often, keep a copy outside of the disaster, or restore from a newer point
#   frameworks:
#     - NIST SP 800-34 3.2.1
#     - ISO 22301 8.3.2
#     - DORA Article 12
package darkstart.rules.dr002

import data.darkstart.recovery

evaluated := input.cells.judged.rpo

deny contains {
	"msg": message(cell),
	"subject": {"node": cell.node},
	"at": recovery.positions(cell, sprintf("%s is the objective for %q", [cell.limit, cell.class])),
	"notes": array.concat(recovery.notes(object.union(cell, {"path": []})), point(cell)),
	"help": help(cell),
	"unknown": cell.unknown,
} if {
	some cell in input.cells.rpo
}

message(cell) := sprintf("%q loses all of its data under %s, its objective is %s", [cell.node, cell.scenario.id, cell.limit]) if {
	not cell.unknown
	cell.least == "forever"
} else := sprintf("%q loses %s of data at least under %s, its objective is %s", [cell.node, cell.least, cell.scenario.id, cell.limit]) if {
	not cell.unknown
} else := sprintf("whether %q loses no more than %s of data under %s is unknown", [cell.node, cell.limit, cell.scenario.id])

point(cell) := [sprintf("the newest point that the plan restores from is %q", [cell.point])] if {
	cell.point != ""
} else := [sprintf("no step restores %q from a point that survives", [cell.node])] if {
	cell.least == "forever"
} else := []

help(cell) := recovery.settle(cell) if {
	cell.unknown
	count(cell.unknowns) > 0
} else := array.concat(more(cell), [recovery.accept(cell)])

more(cell) := [sprintf("write %q more often, or restore from a point that is newer", [cell.point])] if {
	cell.point != ""
} else := ["keep a copy or backup that this scenario cannot reach, and name it in the step that restores: from: \"store.backup\""]
