package darkstart.rules.bs006_test

import data.darkstart.rules.bs006

found(credential, losses) := result if {
	result := {f.msg | some f in bs006.deny} with input as {
		"fleet": {"credentials": {"key": object.union({"escrow": true}, credential)}},
		"defects": {}, "losses": losses,
	}
}

test_one_place if {
	found({"custody": [["safe"]]}, {}) == {`"key" is in 1 custody places, and needs 2: the loss of one must leave enough`}
	count(found({"custody": [["safe"], ["safe"]]}, {})) == 1
	count(found({}, {})) == 1
}

test_shares_need_one_more if {
	count(found({"shares": 2, "custody": [["a"], ["b"]]}, {})) == 1
	found({"shares": 2, "custody": [["a"], ["b"], ["c"]]}, {}) == set()
}

test_a_scenario_takes_both if {
	found({"custody": [["a"], ["b"]]}, {"key": ["z", "y"]}) == {`"key" is lost under y, z: too few of its custody places survive`}
	found({"custody": [["a"], ["b"]]}, {"other": ["z"]}) == set()
}

test_only_escrow_is_judged if {
	bs006.evaluated == 0 with input as {"fleet": {"credentials": {"key": {}}}, "defects": {}, "losses": {}}
	bs006.evaluated == 0 with input as {"fleet": null, "defects": {}, "losses": {}}
}
