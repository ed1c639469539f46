# METADATA
# title: every edge points at an existing node of an admissible kind
# description: |
#   Judges every requirement, actor, source and procedure reference that a user
#   declared. A reference to nothing, or to a node that cannot be needed in that
#   way, is a finding. Edges that were only derived from manifests are not judged
#   here: where they end nowhere, the plan says *unknown* and names the
#   declaration that would settle it.
# custom:
#   id: BS001
#   severity: error
#   applies: always
#   scope: fleet
#   reads: [facts]
#   since: v0.1.0
#   rationale: >-
#     A dependency on a name that nobody declares is a dependency that no plan contains. It is noticed
#     when the step that needs it is reached, which is in the middle of a recovery.
#   remediation: correct the name, or declare the node
#   frameworks:
#     - NIST SP 800-34 3.2
#     - ISO 22301 8.2.2
package darkstart.rules.bs001

import data.darkstart.lib

evaluated := input.facts.edges

deny contains {
	"msg": message(edge),
	"subject": {"node": edge.node},
	"at": lib.positions([edge]),
	"notes": [reason | reason := edge.why.reason],
	"help": [help(edge)],
} if {
	some edge in input.facts.dangling
	not edge.derived
}

message(edge) := sprintf("%q needs %q (%s), which is a %s and cannot be needed there", [edge.node, edge.name, edge.set, edge.kind]) if {
	inadmissible(edge)
} else := sprintf("%q needs %q (%s), which does not exist", [edge.node, edge.name, edge.set])

help(edge) := sprintf("did you mean %q?", [edge.nearest]) if {
	object.get(edge, "nearest", "") != ""
} else := sprintf("name a node of another kind than %s", [edge.kind]) if {
	inadmissible(edge)
} else := sprintf("declare %q, as an external for example, or remove the requirement", [edge.name])

inadmissible(edge) if object.get(edge, "kind", "") != ""
