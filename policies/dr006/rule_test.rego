package darkstart.rules.dr006_test

import data.darkstart.rules.dr006

defect := {
	"rule": "DR006", "class": "capacity-insufficient-at-recovery", "nodes": ["shop"], "message": "shop has a defect", "scenarios": ["zone-down"],
	"at": [{"file": "base.cue", "line": 1}, {"file": "f.cue", "line": 2}], "edges": [], "judged": true, "declared": true,
}

found(change) := result if {
	result := [f | some f in dr006.deny] with input as {"defects": {"DR006": [object.union(defect, change)]}, "solved": 4, "clusters": {}}
}

test_told_once_with_its_scenarios if {
	[f] := found({})
	f.msg == "shop has a defect"
	f.subject == {"node": "shop"}
	f.at == [{"file": "f.cue", "line": 2, "text": ""}]
	f.notes == ["under zone-down"]
	count(f.help) > 0
}

test_many_scenarios_are_cut if {
	[f] := found({"scenarios": ["a", "b", "c", "d", "e", "f", "g"]})
	f.notes == ["under a, b, c, d and 3 more scenarios"]
}

test_another_rule_is_not_told if {
	count(dr006.deny) == 0 with input as {"defects": {"XX001": [defect]}, "solved": 4, "clusters": {}}
	dr006.evaluated > 0 with input as {"defects": {}, "solved": 4, "clusters": {}}
}

test_starts_from_nothing_are_not_judged if {
	found({"declared": false}) == []
	found({"judged": false}) == []
	count(found({"judged": false, "scenarios": []})) == 1
}

mirrored(allow) := result if {
	result := {f.subject.path | some f in dr006.deny} with input as {"defects": {}, "solved": 0, "clusters": {
		"west": {"kubernetes": "1.36", "environment": "production", "components": {"db": {"version": "1"}, "shop": {}}},
		"staging": {"kubernetes": "1.36", "environment": "staging", "components": {"db": {"version": "2"}}, "mirrors": {"of": "west", "allow": allow}},
	}}
}

test_mirrors_differ_only_where_allowed if {
	mirrored([]) == {"/environment", "/components/db/version", "/components/shop"}
	mirrored(["/environment", "/components"]) == set()
	mirrored(["/environment", "/components/db", "/components/shop"]) == set()
}
