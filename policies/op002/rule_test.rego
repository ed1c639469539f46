package darkstart.rules.op002_test

import data.darkstart.rules.op002

good := {"version": "1.36.2", "previous": "1.35.6", "placement": {"replicas": [["office"], ["north"]]}}

found(tool, changes) := result if {
	result := {trim_prefix(f.msg, `tool "kubectl" `) | some f in op002.deny} with input as {
		"fleet": {"tools": {"kubectl": tool}}, "changes": changes,
		"clusters": {"hub": {"phases": [{"name": "seed"}, {"name": "apps"}], "components": {"early": {"phase": "seed"}, "late": {"phase": "apps"}, "unphased": {}}}},
		"recovery": {"procedures": {"restore": {"steps": {"s": {"needs": {"any": ["kubectl"]}}}}}},
	}
}

test_good if found(good, null) == set()

test_pin if {
	found(object.union(good, {"version": "latest"}), null) == {"is not pinned to an exact version or digest"}
	found(object.union(good, {"version": "latest", "digest": "sha256:1111111111111111111111111111111111111111111111111111111111111111"}), null) == set()
}

test_previous if {
	found(object.remove(good, ["previous"]), null) == {"keeps no version before the current one"}
	found(object.union(good, {"previous": "1.36.2"}), null) == {"keeps no version before the current one"}
}

test_place if {
	found(object.union(object.remove(good, ["placement"]), {"placement": {"replicas": [["office"]]}}), null) == {"stands in one place, and goes with it"}
	found(object.union(object.remove(good, ["placement"]), {"placement": {"in": "hub/early"}}), null) == set()
	found(object.union(object.remove(good, ["placement"]), {"placement": {"in": "hub/late"}}), null) == {"stands in one place, and goes with it"}
	found(object.remove(good, ["placement"]), null) == set()
}

test_change if {
	found(good, {"tools": [{"tool": "kubectl", "before": "1.35.6", "after": "1.36.2"}], "procedures": ["restore"]}) == {"changes from 1.35.6 to 1.36.2 together with procedure restore, which needs it"}
	found(good, {"tools": [{"tool": "kubectl", "before": "1.35.6", "after": "1.36.2"}], "procedures": []}) == set()
}

test_previous_is_another_version if {
	found(object.union(good, {"previous": "v1.36.2"}), null) == {"keeps no version before the current one"}
	found(object.union(good, {"previous": "latest"}), null) == {"goes back to latest, which is no exact version or digest"}
}

test_one_place_twice if {
	found(object.union(object.remove(good, ["placement"]), {"placement": {"replicas": [["office"], ["office", "north"]]}}), null) == {"stands in one place, and goes with it"}
}

test_without_a_phase_is_the_last if {
	found(object.union(object.remove(good, ["placement"]), {"placement": {"in": "hub/unphased"}}), null) == {"stands in one place, and goes with it"}
}
