# METADATA
# title: nothing outside privileged components is bound to all rights
# description: |
#   Judges every rendered ClusterRoleBinding and RoleBinding: none binds
#   `cluster-admin`, nor a role of the cluster with a rule over every resource of
#   every group, unless its component is marked `privileged: {reason, owner}`. A
#   wildcard within the component's own API groups is its own business. That
#   reconcilers impersonate scoped accounts is not judged.
# custom:
#   id: PS002
#   severity: error
#   applies: always
#   scope: cluster
#   reads: [spec, objects]
#   since: v0.1.0
#   rationale: >-
#     Whoever takes over one controller with all rights has the cluster, its Secrets and the credentials of the
#     backups with it. That is the difference between a restart and a rebuild from nothing.
#   remediation: >-
#     bind a role with the groups, resources and verbs that are used, or mark the component privileged with a reason and an owner
#   frameworks:
#     - CIS Kubernetes Benchmark 5.1.1
#     - CIS Kubernetes Benchmark 5.1.3
#     - NSA/CISA Kubernetes Hardening Guide 4.1
package darkstart.rules.ps002

import data.darkstart.lib

rbac := "rbac.authorization.k8s.io"

bindings := [object |
	some kind in ["ClusterRoleBinding", "RoleBinding"]
	some object in input.kinds[kind]
	object.group == rbac
]

evaluated := count(bindings)

# Roles over everything: with any verb, since reading every Secret is enough.
unlimited contains [role.kind, role.namespace, role.name] if {
	some kind in ["ClusterRole", "Role"]
	some role in input.kinds[kind]
	role.group == rbac
	some r in lib.list(role.content, "rules")
	"*" in object.get(r, "apiGroups", [])
	"*" in object.get(r, "resources", [])
}

too_much(binding) := "cluster-admin" if {
	ref := binding.content.roleRef
	ref.kind == "ClusterRole"
	ref.name == "cluster-admin"
} else := ref.name if {
	ref := binding.content.roleRef
	[ref.kind, namespace(binding, ref.kind), ref.name] in unlimited
}

namespace(binding, kind) := binding.namespace if {
	kind == "Role"
} else := ""

deny contains {
	"msg": sprintf("%s %q binds %q, which covers every resource of every group, and its component is not marked privileged", [binding.kind, binding.name, role]),
	"subject": lib.subject(binding, lib.pointer(["roleRef", "name"])),
	"help": [
		sprintf("bind a role that lists what %q uses", [binding.component]),
		sprintf("or mark components: %q: privileged: {reason: \"…\", owner: \"…\"}", [binding.component]),
	],
} if {
	some binding in bindings
	role := too_much(binding)
	not input.spec.components[binding.component].privileged
}
