# METADATA
# title: every namespace declares a Pod Security level; privileged only where declared
# description: |
#   Judges every rendered Namespace: `pod-security.kubernetes.io/enforce` must be
#   privileged, baseline or restricted. `privileged` needs the component that
#   renders the namespace to be marked `privileged: {reason, owner}`. Only
#   enforce counts: audit and warn stop nothing. Namespaces that nobody renders
#   are not judged.
# custom:
#   id: PS001
#   severity: error
#   applies: always
#   scope: cluster
#   reads: [spec, objects]
#   since: v0.1.0
#   rationale: >-
#     Without the label the cluster's default decides, and that default belongs to the machine that
#     was lost: a rebuilt cluster admits what the old one refused, or the reverse.
#   remediation: >-
#     set the label pod-security.kubernetes.io/enforce on the namespace
#   frameworks:
#     - Kubernetes Pod Security Standards
#     - CIS Kubernetes Benchmark 5.2.1
#     - NSA/CISA Kubernetes Hardening Guide 1.2
package darkstart.rules.ps001

import data.darkstart.lib

label := "pod-security.kubernetes.io/enforce"

levels := {"privileged", "baseline", "restricted"}

namespaces := [object |
	some object in input.kinds.Namespace
	object.group == ""
]

evaluated := count(namespaces)

enforced(namespace) := object.get(namespace.content, ["metadata", "labels", label], "")

deny contains finding(namespace, "declares no Pod Security level", ["metadata"], help) if {
	some namespace in namespaces
	enforced(namespace) == ""
	help := sprintf("add the label %s: restricted, or baseline where its Pods need more", [label])
}

deny contains finding(namespace, sprintf("has the unknown Pod Security level %q", [level]), path, help) if {
	some namespace in namespaces
	level := enforced(namespace)
	level != ""
	not level in levels
	path := ["metadata", "labels", label]
	help := "write privileged, baseline or restricted"
}

deny contains finding(namespace, "is privileged, but its component is not marked so", path, help) if {
	some namespace in namespaces
	enforced(namespace) == "privileged"
	not input.spec.components[namespace.component].privileged
	path := ["metadata", "labels", label]
	help := sprintf("mark components: %q: privileged: {reason: \"…\", owner: \"…\"}, or lower the level", [namespace.component])
}

finding(namespace, what, path, help) := {
	"msg": sprintf("namespace %q %s", [namespace.name, what]),
	"subject": lib.subject(namespace, lib.pointer(path)),
	"help": [help],
}
