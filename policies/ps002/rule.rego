# METADATA
# title: nothing outside privileged components is bound to all rights
# description: |
#   Judges every rendered ClusterRoleBinding and RoleBinding: none binds
#   `cluster-admin`, nor a role of the cluster with a rule over every resource of
#   every group, unless its component is marked `privileged: {reason, owner}`; nor is
#   one over every resource of the core group bound in all namespaces. The rules of an
#   aggregated ClusterRole are those that it selects. A wildcard within the component's
#   own API groups is its own business. That reconcilers impersonate scoped accounts is
#   not judged.
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

# What a role allows. A ClusterRole with an aggregationRule has the rules of all
# that it selects; its own are overwritten by them.
rules(role) := lib.list(role.content, "rules") if not role.content.aggregationRule

rules(role) := [r |
	some selector in lib.list(role.content.aggregationRule, "clusterRoleSelectors")
	some part in input.kinds.ClusterRole
	part.group == rbac
	selects(selector, object.get(part.content.metadata, "labels", {}))
	some r in lib.list(part.content, "rules")
] if {
	role.content.aggregationRule
}

selects(selector, labels) if {
	every key, value in object.get(selector, "matchLabels", {}) {
		labels[key] == value
	}
	every e in object.get(selector, "matchExpressions", []) {
		holds(e.operator, e, labels)
	}
}

holds("In", e, labels) if labels[e.key] in e.values

holds("NotIn", e, labels) if not object.get(labels, e.key, null) in e.values

holds("Exists", e, labels) if e.key in object.keys(labels)

holds("DoesNotExist", e, labels) if not e.key in object.keys(labels)

# Roles over everything, and over all of the core group: with any verb, since
# reading every Secret is enough.
wildcards contains {"kind": role.kind, "namespace": role.namespace, "name": role.name, "group": group} if {
	some kind in ["ClusterRole", "Role"]
	some role in input.kinds[kind]
	role.group == rbac
	some r in rules(role)
	"*" in object.get(r, "resources", [])
	some group in object.get(r, "apiGroups", [])
	group in {"*", ""}
}

covered(binding) := "every resource of every group" if {
	binding.content.roleRef.kind == "ClusterRole"
	binding.content.roleRef.name == "cluster-admin"
} else := "every resource of every group" if {
	bound(binding, "*")
} else := "every resource of the core group, Secrets too" if {
	# In its own namespace, a component may do with the core group what it likes.
	binding.kind == "ClusterRoleBinding"
	bound(binding, "")
}

bound(binding, group) if {
	ref := binding.content.roleRef
	{"kind": ref.kind, "namespace": namespace(binding, ref.kind), "name": ref.name, "group": group} in wildcards
}

namespace(binding, kind) := binding.namespace if {
	kind == "Role"
} else := ""

deny contains {
	"msg": sprintf("%s %q binds %q, which covers %s, and its component is not marked privileged", [binding.kind, binding.name, binding.content.roleRef.name, what]),
	"subject": lib.subject(binding, lib.pointer(["roleRef", "name"])),
	"help": [
		sprintf("bind a role that lists what %q uses", [binding.component]),
		sprintf("or mark components: %q: privileged: {reason: \"…\", owner: \"…\"}", [binding.component]),
	],
} if {
	some binding in bindings
	what := covered(binding)
	not input.spec.components[binding.component].privileged
}
