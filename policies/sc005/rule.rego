# METADATA
# title: rendering is deterministic, and nothing in it asks the clock or for random numbers
# description: |
#   Judges every component as it was rendered. Charts are rendered twice with other answers of the clock
#   and of random functions: where an object differs, the compile stops (RND054 to RND057), and no waiver
#   helps, since the same commit could not give the same bundle again. What is left for this rule are
#   charts that call such functions although no object shows it today: a warning, because a value or the
#   next version of the chart can change that.
# custom:
#   id: SC005
#   severity: error
#   applies: always
#   scope: cluster
#   reads: [renderings]
#   since: v0.1.0
#   rationale: >-
#     A release that cannot be rendered again cannot be verified, and each sync of a random value rotates
#     a key that somebody still uses.
#   remediation: set the value that the chart makes up, or remove the function from the template
#   frameworks:
#     - Reproducible Builds
#     - SLSA v1.0
#     - OpenGitOps v1.0
package darkstart.rules.sc005

import data.darkstart.lib

evaluated := count(input.renderings)

deny contains {
	"msg": sprintf("the chart of %q calls %s, whose answers reach no object today", [r.component, concat(", ", r.impure)]),
	"subject": {"component": r.component, "path": lib.pointer(["components", r.component, "source"])},
	"warning": true,
} if {
	some r in input.renderings
	count(r.impure) > 0
}
