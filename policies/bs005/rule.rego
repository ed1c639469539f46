# METADATA
# title: every phase names a rollback target
# description: |
#   Judges every declared phase that holds at least one component: the phase itself,
#   or each of its components, says how to go back. Phases without a component, which
#   clusters may inherit, are not judged.
# custom:
#   id: BS005
#   severity: error
#   applies: phase
#   scope: cluster
#   reads: [spec, parts]
#   since: v0.1.0
#   rationale: >-
#     Half of a bootstrap is the state nobody has planned for. Whoever stands in it at night needs to know what
#     to go back to, and that is decided best while nothing burns.
#   remediation: >-
#     declare rollback on the phase, or on each of its components
#   frameworks:
#     - NIST SP 800-34 4.3
#     - NIST SP 800-53 CM-3
#     - ISO 27001 A.8.32
package darkstart.rules.bs005

import data.darkstart.lib

evaluated := count(phases)

phases[i] := members if {
	some i, phase in input.spec.phases
	members := {name | some [name, where] in lib.placed(input.parts); where == phase.name}
	count(members) > 0
}

deny contains {
	"msg": sprintf("phase %q names no rollback target", [phase.name]),
	"subject": {"path": lib.pointer(["phases", i])},
	"notes": [sprintf("neither do %s", [concat(", ", sort(without))])],
	"help": [`add rollback: "what to go back to, and how" to the phase`, "or rollback: {to: \"previous\"} to each of its components"],
} if {
	some i, members in phases
	phase := input.spec.phases[i]
	object.get(phase, "rollback", "") == ""
	without := {name | some name in members; not input.spec.components[name].rollback}
	count(without) > 0
}
