package darkstart.rules.ps003_test

import data.darkstart.rules.ps003

pod := {"kind": "Deployment", "component": "web", "namespace": "shop", "content": {"spec": {"template": {"spec": {"containers": []}}}}}

policy(spec) := {"kind": "NetworkPolicy", "group": "networking.k8s.io", "component": "web", "namespace": "shop", "content": {"spec": spec}}

found(policies, fleet) := result if {
	result := {f.msg | some f in ps003.deny} with input as {
		"cluster": "prod",
		"spec": {"components": {"web": {}}},
		"fleet": fleet,
		"kinds": {"Deployment": [pod], "NetworkPolicy": policies},
	}
}

closed := policy({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})

out := policy({"podSelector": {"matchLabels": {"app": "db"}}, "policyTypes": ["Egress"], "egress": [{"ports": [{"port": 443}]}]})

store := {"stores": {"orders": {"holds": ["prod/StatefulSet/shop/db"], "backups": {"nightly": {}}}}}

test_closed if found([closed], null) == set()

test_open if found([], null) == {`namespace "shop" does not deny ingress and egress by default`}

test_one_direction if {
	found([policy({"podSelector": {}, "policyTypes": ["Ingress"]})], null) == {`namespace "shop" does not deny egress by default`}
	found([policy({"podSelector": {}})], null) == {`namespace "shop" does not deny egress by default`}
}

test_a_policy_that_allows_is_no_default if {
	found([policy({"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{}]})], null) == {`namespace "shop" does not deny ingress by default`}
	found([policy({"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress", "Egress"]})], null) == {`namespace "shop" does not deny ingress and egress by default`}
}

test_backups_need_egress if {
	found([closed], store) == {`namespace "shop" denies egress, and nothing lets the backup of orders out`}
	found([closed, out], store) == set()
}

test_host_network_is_out_of_reach if {
	ps003.evaluated == 0 with input as {"spec": {"components": {}}, "kinds": {"DaemonSet": [{
		"kind": "DaemonSet", "component": "cni", "namespace": "cni",
		"content": {"spec": {"template": {"spec": {"hostNetwork": true}}}},
	}]}}
}

test_privileged_components_are_left_out if {
	ps003.evaluated == 0 with input as {"spec": {"components": {"web": {"privileged": {"reason": "it is the network"}}}}, "kinds": {"Deployment": [pod]}}
}

test_types_as_the_api_server_fills_them_in if {
	found([policy({"podSelector": {}, "egress": []})], null) == {`namespace "shop" does not deny egress by default`}
	found([policy({"podSelector": {}, "policyTypes": []}), policy({"podSelector": {}, "policyTypes": ["Egress"]})], null) == set()
}

test_null_is_no_rule if {
	found([policy({"podSelector": {"matchLabels": null}, "policyTypes": ["Ingress", "Egress"], "ingress": null, "egress": null})], null) == set()
}

test_egress_that_is_not_read_lets_nothing_out if {
	deaf := policy({"podSelector": {}, "policyTypes": ["Ingress"], "egress": [{}]})
	found([closed, deaf], store) == {`namespace "shop" denies egress, and nothing lets the backup of orders out`}
}
