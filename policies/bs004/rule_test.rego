package darkstart.rules.bs004_test

import data.darkstart.rules.bs004

phase := {"name": "base", "preflight": [{"run": "true"}], "endpoint": "https://x"}

gate := {"object": "Deployment/a/b", "timeout": "5m"}

run(component) := {"component": component, "name": "run", "phase": "base"}

found(p, component) := result if {
	result := {f.msg | some f in bs004.deny} with input as {
		"spec": {"phases": [p], "components": {"web": component}},
		"parts": [run("web")],
	}
}

test_complete_is_green if {
	found(phase, {"gates": [gate]}) == set()
}

test_each_thing_that_is_missing if {
	found(object.remove(phase, ["preflight"]), {"gates": [gate]}) == {`phase "base" has no preflight`}
	found(object.remove(phase, ["endpoint"]), {"gates": [gate]}) == {`phase "base" has no observable endpoint`}
	found(phase, {}) == {`phase "base" has no gate`}
}

test_preflight_of_a_component_counts if {
	found(object.remove(phase, ["preflight"]), {"gates": [gate], "preflight": [{"run": "true"}]}) == set()
}

test_gate_without_timeout if {
	every timeout in ["", "0", "0s"] {
		found(phase, {"gates": [object.union(gate, {"timeout": timeout})]}) == {`gate "Deployment/a/b" of "web" has no timeout`}
	}
	found(phase, {"gates": [object.remove(gate, ["timeout"])]}) == {`gate "Deployment/a/b" of "web" has no timeout`}
}

test_empty_phases_are_not_judged if {
	bs004.evaluated == 0 with input as {"spec": {"phases": [{"name": "apps"}], "components": {}}, "parts": []}
	count(bs004.deny) == 0 with input as {"spec": {"phases": [{"name": "apps"}], "components": {}}, "parts": []}
}

# A component is where its workload is; one that has none is where its definitions are.
test_where_a_component_is if {
	defs := object.union(run("web"), {"name": "defs"})
	bs004.evaluated == 1 with input as {"spec": {"phases": [phase], "components": {"web": {}}}, "parts": [defs]}
	elsewhere := object.union(run("web"), {"phase": "other"})
	bs004.evaluated == 0 with input as {"spec": {"phases": [phase], "components": {"web": {}}}, "parts": [defs, elsewhere]}
}
