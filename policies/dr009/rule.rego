# METADATA
# title: every recovery step says how long it takes and how to know that it worked
# description: |
#   Judges every step of every declared procedure: it has a duration, or what one is
#   computed from: units at a rate, or bytes (or a store) over a link; a verification; and an expected result. Steps that are
#   derived, such as those of a bootstrap, take theirs from gates.
# custom:
#   id: DR009
#   severity: warning
#   applies: recovery
#   scope: fleet
#   reads: [fleet]
#   since: v0.1.0
#   rationale: >-
#     A step without an expected result is finished when somebody is tired of it. A step without a duration
#     makes the recovery time of everything behind it unknown.
#   remediation: >-
#     add duration and verify: {run, expect} to the step
#   frameworks:
#     - NIST SP 800-34 4.4
#     - ISO 22301 8.4.4
#     - Google SRE Book chapter 11
package darkstart.rules.dr009

import data.darkstart.lib

steps := [{"procedure": p, "name": s, "step": step} |
	is_object(input.recovery)
	some p, procedure in object.get(input.recovery, "procedures", {})
	some s, step in object.get(procedure, "steps", {})
]

evaluated := count(steps)

deny contains {
	"msg": sprintf("step %s/%s has no %s", [s.procedure, s.name, concat(" and no ", lacks)]),
	"subject": {"path": lib.pointer(["procedures", s.procedure, "steps", s.name])},
	"help": ["add duration: [\"…\", \"…\"] and verify: {run: \"…\", expect: \"…\"} to the step"],
} if {
	some s in steps
	lacks := [what | some what in ["duration", "verification", "expected result"]; missing(s.step, what)]
	count(lacks) > 0
}

# The size of the store, over a link.
moves(step) if {
	step.link
	step.from
}

missing(step, "duration") if {
	not step.duration
	not step.bytes
	not step.rate
	not moves(step)
}

missing(step, "verification") if not step.verify

missing(step, "expected result") if {
	step.verify
	object.get(step.verify, "expect", "") == ""
}
