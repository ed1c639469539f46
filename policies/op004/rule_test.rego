package darkstart.rules.op004_test

import data.darkstart.rules.op004

found(component) := result if {
	result := {f.msg | some f in op004.deny} with input as {"spec": {"components": {"web": component}}}
}

test_missing if {
	found({}) == {`component "web" declares no test`}
	found({"tests": []}) == {`component "web" declares no test`}
}

test_any_rung_counts if found({"tests": [{"kind": "smoke", "run": "true"}]}) == set()

test_counted if op004.evaluated == 2 with input as {"spec": {"components": {"a": {}, "b": {}}}}
