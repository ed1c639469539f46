# METADATA
# title: automation declares rate, scope and stop; what cannot be undone asks first
# description: |
#   Judges every action and every irreversible step. An action is bounded when it is
#   guarded, or stops before it has touched enough of a target to break an objective:
#   blast radius × steps until detection. Something irreversible needs an approval, a
#   guard, or a delay that is longer than detection. An action needs a reverse that
#   restores the former state within the objective of what it touches.
# custom:
#   id: DR008
#   severity: error
#   applies: recovery
#   scope: fleet
#   reads: [defects, fleet]
#   since: v0.1.0
#   rationale: >-
#     The large outages of the last decade were changes that were correct for one machine and reached all of
#     them before the first alert. A rate, a stop and a person before the point of no return are what kept
#     the others small.
#   remediation: give the action a blast, an interval, a stop and a reverse, and the irreversible step an approval
#   frameworks:
#     - Google SRE Workbook chapter 16
#     - NIST SP 800-53 CM-3
#     - ISO 27001 A.8.32
package darkstart.rules.dr008

import data.darkstart.defects
import data.darkstart.lib

# What the linker derives (pinning a release in all clusters at once is an action)
# is judged as well, and is known here by its defects alone.
evaluated := max([declared, count(deny)])

declared := count(lib.list(recovery, "actions")) + count([s |
	some procedure in object.get(recovery, "procedures", {})
	some s in object.get(procedure, "steps", {})
	s.irreversible
])

default recovery := {}

recovery := input.recovery if is_object(input.recovery)

deny contains defects.finding(defect, [help[defect.class]]) if {
	some defect in defects.of("DR008")
}

help := {
	"unbounded-automation": "declare guard, or blast with interval and a stop condition that detects it in time",
	"irreversible-action-without-guard": `add approval: {role: "…", wait: ["…", "…"]} to it, or to a step before it`,
	"rollback-impossible": "name a reverse procedure that restores the former state, and fast enough for the objective",
}
