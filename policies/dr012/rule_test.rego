package darkstart.rules.dr012_test

import data.darkstart.rules.dr012

defect := {
	"rule": "DR012", "class": "monitoring-depends-on-failed-system", "nodes": ["shop"], "message": "shop has a defect", "scenarios": ["zone-down"],
	"at": [{"file": "base.cue", "line": 1}, {"file": "f.cue", "line": 2}], "edges": [], "judged": true, "declared": true,
}

found(change) := result if {
	result := [f | some f in dr012.deny] with input as {"defects": {"DR012": [object.union(defect, change)]}, "solved": 4}
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
	count(dr012.deny) == 0 with input as {"defects": {"XX001": [defect]}, "solved": 4}
	dr012.evaluated > 0 with input as {"defects": {}, "solved": 4}
}

test_starts_from_nothing_are_not_judged if {
	found({"declared": false}) == []
	found({"judged": false}) == []
}
