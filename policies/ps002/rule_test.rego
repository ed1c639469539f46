package darkstart.rules.ps002_test

import data.darkstart.rules.ps002

binding(role) := {
	"key": "b", "component": "web", "group": "rbac.authorization.k8s.io", "kind": "ClusterRoleBinding", "namespace": "", "name": "b",
	"content": {"roleRef": {"kind": "ClusterRole", "name": role}},
}

role(rules) := {"group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "namespace": "", "name": "r", "content": {"rules": rules}}

found(b, rules, component) := count(result) if {
	result := ps002.deny with input as {
		"spec": {"components": {"web": component}},
		"kinds": {"ClusterRoleBinding": [b], "ClusterRole": [role(rules)]},
	}
}

test_cluster_admin if {
	found(binding("cluster-admin"), [], {}) == 1
	found(binding("cluster-admin"), [], {"privileged": {"reason": "r", "owner": "o"}}) == 0
	found(binding("view"), [], {}) == 0
}

test_everything if {
	found(binding("r"), [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get"]}], {}) == 1
	found(binding("other"), [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}], {}) == 0
}

test_own_groups_are_fine if {
	found(binding("r"), [{"apiGroups": ["example.com"], "resources": ["*"], "verbs": ["*"]}], {}) == 0
	found(binding("r"), [{"nonResourceURLs": ["*"], "verbs": ["get"]}], {}) == 0
}

test_the_core_group if {
	found(binding("r"), [{"apiGroups": [""], "resources": ["*"], "verbs": ["list"]}], {}) == 1
	within := object.union(binding("r"), {"kind": "RoleBinding", "namespace": "web"})
	found(within, [{"apiGroups": [""], "resources": ["*"], "verbs": ["list"]}], {}) == 0
}

# What an aggregated role allows is what it selects, and nothing that it lists.
test_aggregated_roles if {
	parts := [{"group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "namespace": "", "name": name, "content": content} |
		some name, content in {
			"r": {"metadata": {}, "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"to": "r"}}]}, "rules": []},
			"s": {"metadata": {}, "aggregationRule": {"clusterRoleSelectors": [{"matchExpressions": [{"key": "to", "operator": "DoesNotExist"}]}]}},
			"part": {"metadata": {"labels": {"to": "r"}}, "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]},
		}
	]
	names := {d.msg | some d in ps002.deny} with input as {
		"spec": {"components": {"web": {}}},
		"kinds": {"ClusterRoleBinding": [binding("r"), binding("s")], "ClusterRole": parts},
	}
	count(names) == 1
	every msg in names {
		contains(msg, "binds \"r\"")
	}
}
