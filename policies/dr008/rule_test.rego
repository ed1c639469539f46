package darkstart.rules.dr008_test

import data.darkstart.rules.dr008

defect := {
	"rule": "DR008", "class": "unbounded-automation", "nodes": ["shop"], "message": "shop has a defect", "scenarios": ["zone-down"],
	"at": [{"file": "base.cue", "line": 1}, {"file": "f.cue", "line": 2}], "edges": [], "judged": true, "declared": true,
}

found(change) := result if {
	result := [f | some f in dr008.deny] with input as {"defects": {"DR008": [object.union(defect, change)]}, "solved": 4, "recovery": {"actions": {"a": {}}, "procedures": {"p": {"steps": {"s": {"irreversible": true}, "t": {}}}}}}
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
	count(dr008.deny) == 0 with input as {"defects": {"XX001": [defect]}, "solved": 4, "recovery": {"actions": {"a": {}}, "procedures": {"p": {"steps": {"s": {"irreversible": true}, "t": {}}}}}}
	dr008.evaluated > 0 with input as {"defects": {}, "solved": 4, "recovery": {"actions": {"a": {}}, "procedures": {"p": {"steps": {"s": {"irreversible": true}, "t": {}}}}}}
}

test_counts_actions_and_irreversible_steps if {
	dr008.evaluated == 2 with input as {"defects": {}, "solved": 0, "recovery": {"actions": {"a": {}}, "procedures": {"p": {"steps": {"s": {"irreversible": true}, "t": {}}}}}}
	dr008.evaluated == 0 with input as {"defects": {}, "solved": 0, "recovery": null}
}

test_a_derived_action_is_evaluated if {
	dr008.evaluated == 1 with input as {"defects": {"DR008": [defect]}, "solved": 4, "recovery": {"procedures": {}}}
}
