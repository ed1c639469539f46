package darkstart.rules.dr009_test

import data.darkstart.rules.dr009

found(step) := result if {
	result := {f.msg | some f in dr009.deny} with input as {"recovery": {"procedures": {"p": {"steps": {"s": step}}}}}
}

complete := {"duration": ["1m", "5m"], "verify": {"run": "true", "expect": "ok"}}

test_complete if found(complete) == set()

test_each_thing if {
	found({}) == {"step p/s has no duration and no verification"}
	found(object.remove(complete, ["duration"])) == {"step p/s has no duration"}
	found(object.union(object.remove(complete, ["duration"]), {"bytes": "10Gi"})) == set()
	found({"duration": ["1m", "5m"], "verify": {"run": "true"}}) == {"step p/s has no expected result"}
}

test_without_recovery_nothing_is_judged if dr009.evaluated == 0 with input as {"recovery": null}
