package darkstart.rules.bs001_test

import data.darkstart.rules.bs001

found(edge) := result if {
	result := [f | some f in bs001.deny] with input as {"facts": {"dangling": [edge], "edges": 1}}
}

test_unknown_name_proposes_the_nearest if {
	[f] := found({"node": "a/b", "set": "start", "name": "registri", "nearest": "registry"})
	contains(f.msg, "does not exist")
	f.help == [`did you mean "registry"?`]
}

test_unknown_name_without_neighbour if {
	[f] := found({"node": "a/b", "set": "run", "name": "x"})
	contains(f.help[0], "declare \"x\"")
}

test_inadmissible_kind if {
	[f] := found({"node": "a/b", "set": "by", "name": "db", "kind": "store"})
	contains(f.msg, "is a store")
	contains(f.help[0], "another kind")
}

test_derived_edges_are_not_judged if {
	found({"node": "a/b", "set": "run", "name": "x", "derived": true}) == []
}

test_positions_carry_the_reason if {
	[f] := found({"node": "a/b", "set": "run", "name": "x", "why": {"reason": "r", "at": [{"file": "f.cue", "line": 2}]}})
	f.at == [{"file": "f.cue", "line": 2, "text": "r"}]
	f.notes == ["r"]
}
