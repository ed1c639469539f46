package darkstart.rules.dr007_test

import data.darkstart.rules.dr007

found(change) := result if {
	result := {f.msg | some f in dr007.deny} with input as {"changes": {"objects": [change]}}
}

change(object, kind, stateful) := {
	"action": "removed", "cluster": "prod", "component": "db", "object": object, "stateful": stateful,
	"dangers": [{"kind": kind, "text": "it is gone"}],
}

test_data if {
	found(change("PersistentVolumeClaim/db/data", "stateful-deletion", true)) == {"PersistentVolumeClaim/db/data is removed, and it holds data"}
}

test_what_holds_others if {
	found(change("Namespace/db", "namespace-removal", false)) == {"Namespace/db is removed, with everything in it"}
	found(change("apiextensions.k8s.io/CustomResourceDefinition/dbs.example.com", "crd-removal", false)) == {"apiextensions.k8s.io/CustomResourceDefinition/dbs.example.com is removed, with everything of its kind"}
}

test_immutable_field if {
	found(change("apps/Deployment/shop/web", "immutable-field", false)) == {"apps/Deployment/shop/web is changed in a field that cannot change"}
}

test_phase if {
	found(change("apps/StatefulSet/db/db", "re-phase", true)) == {"apps/StatefulSet/db/db is moved to another phase"}
}

test_prune_on_the_way if {
	found(change("apps/Deployment/shop/web", "prune", false)) == {"apps/Deployment/shop/web is pruned on its way to another part"}
	found(change("example.com/Database/db/main", "prune", true)) == {"example.com/Database/db/main is pruned on its way to another part"}
}

test_prune_is_an_error_for_data if {
	warns := {stateful: f.warning | some stateful in [true, false]; some f in dr007.deny with input as {"changes": {"objects": [change("apps/Deployment/shop/web", "prune", stateful)]}}}
	warns == {true: false, false: true}
}

test_a_move_takes_two_releases if {
	some f in dr007.deny with input as {"changes": {"objects": [change("apps/Deployment/shop/web", "prune", false)]}}
	startswith(f.help[0], "move it in two releases: first set `kustomize.toolkit.fluxcd.io/prune: disabled` on it")
}

test_ordinary_changes if {
	found(change("apps/Deployment/shop/web", "image-change", false)) == set()
	found({"action": "changed", "cluster": "prod", "object": "ConfigMap/shop/web"}) == set()
}

test_the_subject_can_be_waived if {
	subjects := {f.subject | some f in dr007.deny} with input as {"changes": {"objects": [change("Namespace/db", "namespace-removal", false)]}}
	subjects == {{"cluster": "prod", "component": "db", "object": "Namespace/db", "path": ""}}
}

test_without_changes_nothing_is_judged if dr007.evaluated == 0 with input as {"changes": {"objects": []}}
