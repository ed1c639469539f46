# METADATA
# title: every component declares its test ladder
# description: |
#   Judges every component of a cluster in which at least one component declares a
#   test: each has one rung at least, smoke, integration, soak, chaos or restore.
# custom:
#   id: OP004
#   severity: warning
#   applies: test
#   scope: cluster
#   reads: [spec]
#   since: v0.1.0
#   rationale: >-
#     After a recovery somebody has to say that a component works. Without a test that is an opinion, formed at
#     the end of a long night.
#   remediation: >-
#     add tests: [{kind: "smoke", run: "…"}] to the component
#   frameworks:
#     - ISO 22301 8.5
#     - Google SRE Book chapter 17
package darkstart.rules.op004

import data.darkstart.lib

evaluated := count(input.spec.components)

deny contains {
	"msg": sprintf("component %q declares no test", [name]),
	"subject": {"component": name, "path": lib.pointer(["components", name])},
	"help": [`add tests: [{kind: "smoke", run: "…"}] to the component`],
} if {
	some name, component in input.spec.components
	count(lib.list(component, "tests")) == 0
}
