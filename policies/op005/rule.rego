# METADATA
# title: versions and declarations agree with what is known to run
# description: |
#   Judges every pair under `pins` of the recovery folder: two versions that must go
#   together, with the skew that somebody found between them.
# custom:
#   id: OP005
#   severity: warning
#   applies: pin
#   scope: fleet
#   reads: [defects, fleet]
#   since: v0.1.0
#   rationale: >-
#     Tools and what they restore drift apart one upgrade at a time. The restore that worked with the last
#     minor version is the one that nobody has tried with this one.
#   remediation: upgrade the one that is behind, and remove the skew
#   frameworks:
#     - Kubernetes version skew policy
#     - NIST SP 800-53 CM-2
package darkstart.rules.op005

import data.darkstart.defects

default evaluated := 0

evaluated := count(input.recovery.pins) if is_object(input.recovery.pins)

deny contains defects.finding(defect, ["upgrade the one that is behind until they go together, and remove skew from the pin"]) if {
	some defect in defects.of("OP005")
}
