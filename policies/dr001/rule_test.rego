package darkstart.rules.dr001_test

import data.darkstart.rules.dr001

set := {
	"key": "s", "component": "db", "group": "apps", "kind": "StatefulSet", "namespace": "shop", "name": "db",
	"content": {"spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}},
}

backed := {"b": {"in": ["north"]}}

found(stores, component) := result if {
	result := {f.msg | some f in dr001.deny} with input as {
		"cluster": "west", "kinds": {"StatefulSet": [set]}, "fleet": {"stores": stores}, "spec": {"components": {"db": component}},
	}
}

test_nobody_holds_it if {
	found({}, {}) == {`StatefulSet "db" keeps state, and no store holds it`}
	count(found({"s": {"holds": ["east/StatefulSet/shop/db"], "backups": backed}}, {})) == 1
}

test_held if {
	every pattern in ["StatefulSet/shop/db", "west/StatefulSet/shop/db", "StatefulSet/shop/*", "PersistentVolumeClaim/shop/data-db-0"] {
		found({"s": {"holds": [pattern], "backups": backed}}, {}) == set()
	}
}

test_held_by_a_store_without_protection if {
	found({"s": {"holds": ["StatefulSet/shop/db"]}}, {}) == {`StatefulSet "db" keeps state, and its store "s" has neither copy nor backup`}
}

test_the_component_says if {
	found({"s": {"backups": backed}}, {"protection": {"store": "s"}}) == set()
	found({}, {"disposable": {"reason": "cache", "owner": "shop"}}) == set()
}

test_stateless_sets_are_not_judged if {
	o := object.union(set, {"content": {"spec": {"volumeClaimTemplates": []}}})
	dr001.evaluated == 0 with input as {"cluster": "west", "kinds": {"StatefulSet": [o]}, "fleet": null, "spec": {"components": {}}}
}

# All the claims that a set makes must be held, by names or by a pattern.
test_every_template_is_held if {
	found({"s": {"holds": ["PersistentVolumeClaim/shop/*"], "backups": backed}}, {}) == set()
	two := object.union(set, {"content": {"spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}}, {"metadata": {"name": "wal"}}]}}})
	count(dr001.deny) == 1 with input as {
		"cluster": "west", "kinds": {"StatefulSet": [two]}, "spec": {"components": {"db": {}}},
		"fleet": {"stores": {"s": {"holds": ["PersistentVolumeClaim/shop/data-db-0"], "backups": backed}}},
	}
}

test_operators_that_claim_when_told if {
	bare := {"key": "p", "component": "m", "group": "monitoring.coreos.com", "kind": "Prometheus", "namespace": "m", "name": "k8s", "content": {"spec": {}}}
	count(dr001.deny) == 0 with input as {"cluster": "west", "kinds": {"Prometheus": [bare]}, "fleet": null, "spec": {"components": {"m": {}}}}
	told := object.union(bare, {"content": {"spec": {"storage": {"volumeClaimTemplate": {}}}}})
	count(dr001.deny) == 1 with input as {"cluster": "west", "kinds": {"Prometheus": [told]}, "fleet": null, "spec": {"components": {"m": {}}}}
}
