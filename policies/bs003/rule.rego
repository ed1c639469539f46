# METADATA
# title: parts precede what needs them, and a declared phase contradicts no edge
# description: |
#   Judges every part of every cluster against the phases that are declared: a
#   component whose phase comes before the phase of something that it needs to
#   start can never come up in that order. A fail-closed webhook counts as such a
#   need for everything that it intercepts, except for what brings the webhook
#   itself back.
# custom:
#   id: BS003
#   severity: error
#   applies: always
#   scope: fleet
#   reads: [facts]
#   since: v0.1.0
#   rationale: >-
#     In a running cluster the order does not show: everything is already there. It shows on the day
#     when the cluster is built from nothing, and the engine waits in the first phase for the third.
#   remediation: move the component to the phase of what it needs, or later
#   frameworks:
#     - NIST SP 800-34 3.4
#     - ISO 22301 8.4.4
package darkstart.rules.bs003

import data.darkstart.lib

evaluated := input.facts.parts

deny contains {
	"msg": message(found),
	"subject": {"cluster": found.cluster, "component": found.component},
	"at": lib.positions(found.path),
	"notes": lib.explain(found.path),
	"help": help(found),
} if {
	some found in input.facts.contradictions
}

message(found) := sprintf(
	"%q in phase %q waits for the webhook %q of %q, which comes in phase %q and fails closed",
	[found.component, found.phase, found.webhook, found.needs, found.needsPhase],
) if {
	intercepted(found)
} else := sprintf(
	"%q is in phase %q, but needs %q, which comes in phase %q",
	[found.component, found.phase, found.needs, found.needsPhase],
)

help(found) := [
	sprintf("let the webhook's namespaceSelector or objectSelector spare %q, or set failurePolicy: Ignore", [found.component]),
	move(found),
] if {
	intercepted(found)
} else := [
	move(found),
	sprintf("or move %q to phase %q or earlier", [found.needs, found.phase]),
]

move(found) := sprintf("move %q to phase %q or later", [found.component, found.needsPhase])

intercepted(found) if object.get(found, "webhook", "") != ""
