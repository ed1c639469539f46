package darkstart.rules.bs005_test

import data.darkstart.rules.bs005

found(phase, component) := result if {
	result := {f.msg | some f in bs005.deny} with input as {
		"spec": {"phases": [object.union({"name": "base"}, phase)], "components": {"web": component}},
		"parts": [{"component": "web", "name": "run", "phase": "base"}],
	}
}

test_missing if found({}, {}) == {`phase "base" names no rollback target`}

test_the_phase_or_its_components_say if {
	found({"rollback": "release the content before"}, {}) == set()
	found({}, {"rollback": {"to": "previous"}}) == set()
}

test_empty_phases_are_not_judged if {
	bs005.evaluated == 0 with input as {"spec": {"phases": [{"name": "apps"}], "components": {}}, "parts": []}
}
