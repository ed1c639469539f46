package darkstart.rules.bs007_test

import data.darkstart.rules.bs007

fleet := {"tiers": {"tier-0": {"rank": 0, "objectives": {"default": {"rpo": "1h"}}}}, "domains": {"acct": {"kind": "account"}}}

self(changes) := {"tier": "tier-0", "components": {}, "controlPlane": {"self": object.union(
	{
		"members": [["a", "acct"], ["b", "acct"], ["c", "acct"]],
		"etcd": {"init": "new"},
		"encryption": "kms",
		"snapshots": {"in": ["north"], "every": "30m"},
	},
	changes,
)}}

found(spec) := result if {
	result := {trim_prefix(f.msg, `cluster "prod" `) | some f in bs007.deny} with input as {
		"cluster": "prod", "spec": spec, "fleet": fleet, "kinds": {}, "recovery": null,
	}
}

test_self_managed if found(self({})) == set()

test_even if found(self({"members": [["a"], ["b"], ["c"], ["d"]]})) == {"has 4 control plane members, and an even number survives no more failures than one less"}

test_one_place if found(self({"members": [["a", "acct"], ["a"], ["b"]]})) == {"is of tier rank 0, and its 3 control plane members stand in 2 places"}

test_etcd if {
	found(self({"encryption": ""})) == {"does not encrypt secrets in etcd"}
	found(self({"snapshots": {"every": "2h"}})) == {"takes a snapshot of etcd every 2h, and its strictest recovery point objective is 3600 seconds"}
	found(self({"etcd": {"init": "restore"}})) == {"restores etcd from a snapshot, and names none"}
	found(json.remove(self({}), ["controlPlane/self/snapshots"])) == {"takes no snapshots of etcd"}
}

managed(components) := {"tier": "tier-0", "controlPlane": {"managed": "aurora"}, "components": components}

test_managed_without_procedure if found(managed({})) == {"has a managed control plane, and no procedure makes it again"}

procedures := {"procedures": {"recreate": {"restores": ["prod/@machines"], "steps": {}}}}

test_managed_with_procedure if {
	count(bs007.deny) == 0 with input as {"cluster": "prod", "spec": managed({}), "fleet": fleet, "kinds": {}, "recovery": procedures}
}

test_objects_that_are_not_in_git if {
	made := managed({"ca": {"creates": ["Secret/ca/root"]}})
	count(bs007.deny) == 1 with input as {"cluster": "prod", "spec": made, "fleet": fleet, "kinds": {}, "recovery": procedures}
	count(bs007.deny) == 0 with input as {
		"cluster": "prod", "spec": made, "fleet": fleet, "recovery": procedures,
		"kinds": {"Schedule": [{"group": "velero.io", "kind": "Schedule", "content": {"spec": {}}}]},
	}
}

test_without_a_tier_a_managed_plane_is_not_judged if bs007.evaluated == 0 with input as {"cluster": "prod", "spec": {"controlPlane": {"managed": "aurora"}, "components": {}}, "fleet": fleet}

test_a_schedule_that_backs_nothing_up if {
	made := managed({"ca": {"creates": ["Secret/ca/root"]}})
	every schedule in [{"group": "velero.io", "content": {"spec": {"paused": true}}}, {"group": "k8up.io", "content": {"spec": {"prune": {}}}}] {
		count(bs007.deny) == 1 with input as {"cluster": "prod", "spec": made, "fleet": fleet, "kinds": {"Schedule": [schedule]}, "recovery": procedures}
	}
}

test_its_own_objective_takes_the_place_of_its_tier if {
	found(object.union(self({"snapshots": {"every": "6h"}}), {"objectives": {"default": {"rpo": "12h"}}})) == set()
}
