# METADATA
# title: every application namespace denies traffic by default, and lets backups out
# description: |
#   Judges every namespace in which a component runs Pods that have a network of their own; Pods on the
#   host's network are out of reach of a NetworkPolicy, and components marked privileged are left out.
#   It asks for a NetworkPolicy that selects every Pod of the namespace, for both directions, and allows
#   nothing. Where a store with backups holds something in the namespace, another one has to let egress
#   out, or the backup ends at the default.
# custom:
#   id: PS003
#   severity: warning
#   applies: always
#   scope: cluster
#   reads: [spec, objects, fleet]
#   since: v0.1.0
#   rationale: >-
#     Without a default, one compromised Pod talks to everything, the backup's credentials included. With one
#     and nothing else, the backup fails silently on the day that the policy is applied.
#   remediation: >-
#     add a NetworkPolicy with podSelector: {} and policyTypes: [Ingress, Egress] to the namespace, and one
#     that allows what it needs
#   frameworks:
#     - CIS Kubernetes Benchmark 5.3.2
#     - NSA/CISA Kubernetes Hardening Guide
#     - NIST SP 800-190
package darkstart.rules.ps003

import data.darkstart.lib

system := {"kube-system", "kube-public", "kube-node-lease"}

privileged contains name if {
	some name, component in input.spec.components
	component.privileged
}

workloads := [workload |
	some kind, path in lib.pod_paths
	some workload in input.kinds[kind]
	not workload.component in privileged
	object.get(workload.content, array.concat(path, ["hostNetwork"]), false) != true
]

namespaces contains workload.namespace if {
	some workload in workloads
	not workload.namespace in system
	workload.namespace != ""
}

evaluated := count(namespaces)

policies(namespace) := [policy |
	some policy in input.kinds.NetworkPolicy
	policy.group == "networking.k8s.io"
	policy.namespace == namespace
]

everyone(policy) if {
	count(items(policy, ["podSelector", "matchLabels"])) == 0
	count(items(policy, ["podSelector", "matchExpressions"])) == 0
}

# What a field of a policy holds; absent, null and empty are one to the API server.
items(policy, path) := {k | some k, _ in object.get(policy.content, array.concat(["spec"], path), {})}

# As the API server fills them in: ingress always, egress when there are rules.
types(policy) := {t | some t in policy.content.spec.policyTypes} if {
	count(items(policy, ["policyTypes"])) > 0
} else := {"Ingress", "Egress"} if {
	count(items(policy, ["egress"])) > 0
} else := {"Ingress"}

denied(namespace) := {direction |
	some policy in policies(namespace)
	everyone(policy)
	some direction in types(policy)
	count(items(policy, [lower(direction)])) == 0
}

let_out(namespace) if {
	some policy in policies(namespace)
	"Egress" in types(policy) # else its egress rules are not read
	count(items(policy, ["egress"])) > 0
}

first(namespace) := [w | some w in workloads; w.namespace == namespace][0]

# The namespaces where something stands that is backed up.
backed_up[namespace] contains store if {
	is_object(input.fleet)
	some store, s in object.get(input.fleet, "stores", {})
	count(object.get(s, "backups", {})) > 0
	some held in object.get(s, "holds", [])
	parts := split(trim_prefix(held, sprintf("%s/", [input.cluster])), "/")
	count(parts) == 3
	namespace := parts[1]
}

deny contains {
	"msg": sprintf("namespace %q does not deny %s by default", [namespace, concat(" and ", [lower(d) | some d in ["Ingress", "Egress"]; d in missing])]),
	"subject": {"object": sprintf("Namespace/%s", [namespace]), "component": first(namespace).component},
	"help": [sprintf(`add a NetworkPolicy to %s with podSelector: {} and policyTypes: [Ingress, Egress], and one for what its Pods need`, [namespace])],
} if {
	some namespace in namespaces
	missing := {"Ingress", "Egress"} - denied(namespace)
	count(missing) > 0
}

deny contains {
	"msg": sprintf("namespace %q denies egress, and nothing lets the backup of %s out", [namespace, concat(", ", stores)]),
	"subject": {"object": sprintf("Namespace/%s", [namespace]), "component": first(namespace).component},
	"help": [sprintf("add a NetworkPolicy to %s whose egress reaches where the backup goes", [namespace])],
} if {
	some namespace, stores in backed_up
	namespace in namespaces
	"Egress" in denied(namespace)
	not let_out(namespace)
}
