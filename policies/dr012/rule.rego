# METADATA
# title: people can reach and see what has an objective while it is down
# description: |
#   Judges what is declared under `operate` and `observe` of everything with an
#   objective, in every scenario that is no start from nothing: at least one way to
#   operate it, and one way to see it, must survive or come back without it. What
#   declares neither is counted as coverage, and is no finding.
# custom:
#   id: DR012
#   severity: warning
#   applies: objective
#   scope: fleet
#   reads: [defects]
#   since: v0.1.0
#   rationale: >-
#     Engineers were locked out of their own buildings by the outage that they had come to mend, and more than
#     one status page was served by the system that it reported on.
#   remediation: declare a second way to operate or to observe it, outside of the failure
#   frameworks:
#     - Google SRE Book chapter 14
#     - NIST SP 800-53 CP-8
#     - ISO 22301 8.4.3
package darkstart.rules.dr012

import data.darkstart.defects

evaluated := input.solved

deny contains defects.finding(defect, [help[defect.class]]) if {
	some defect in defects.of("DR012")
	defect.judged
	defect.declared
}

help := {
	"out-of-band-access-depends-on-failed-system": "add a way to operate it that stands elsewhere: a bastion at another provider, a console, a site",
	"monitoring-depends-on-failed-system": "add a way to observe it from elsewhere: an outside probe, or a pager at another provider",
}
