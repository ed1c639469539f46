package darkstart.rules.dr010_test

import data.darkstart.rules.dr010

store(group) := {"group": group, "backups": {"nightly": {}}}

found(a, b, need) := result if {
	result := {f.msg | some f in dr010.deny} with input as {
		"fleet": {"stores": {"orders": a, "ledger": b}, "services": {"shop": {"requires": {"run": need}}}},
		"clusters": {},
	}
}

test_one_group if found(store("money"), store("money"), ["orders", "ledger"]) == set()

test_none if found(store(""), store(""), ["orders", "ledger"]) == {"shop writes ledger and orders, which are restored each to a point of its own"}

test_two_groups if count(found(store("a"), store("b"), {"all": ["orders", {"all": ["ledger"]}]})) == 1

test_one_store if found(store(""), store(""), ["orders"]) == set()

test_without_backup_there_is_no_point if found(store(""), {}, ["orders", "ledger"]) == set()

test_component if {
	count(dr010.deny) == 1 with input as {
		"fleet": {"stores": {"orders": store(""), "ledger": store("")}},
		"clusters": {"prod": {"components": {"web": {"requires": {"run": ["orders", "ledger"]}}}}},
	}
}

test_alternatives_are_not_written_together if {
	count(dr010.deny) == 0 with input as {"fleet": {"stores": {"a": {"backups": {"n": {}}}, "b": {"backups": {"n": {}}}}, "services": {"shop": {"requires": {"run": {"any": ["a", "b"]}}}}}, "clusters": {}}
}

test_all_of_them_by_full_name_are if {
	count(dr010.deny) == 1 with input as {"fleet": {"stores": {"a": {"backups": {"n": {}}}, "b": {"backups": {"n": {}}}}, "services": {"shop": {"requires": {"run": {"all": ["/a", "b"]}}}}}, "clusters": {}}
}

test_all_of_some_is_no_choice if {
	count(found(store(""), store(""), {"atLeast": 2, "of": ["orders", "ledger"]})) == 1
	count(found(store(""), store(""), {"any": [{"all": ["orders", "ledger"]}]})) == 1
	found(store(""), store(""), {"atLeast": 1, "of": ["orders", "ledger"]}) == set()
	found(store(""), store(""), ["orders", {"any": ["ledger", "shop"]}]) == set()
}
