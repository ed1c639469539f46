package darkstart.rules.dr004_test

import data.darkstart.rules.dr004

domains := {"eu": {"kind": "region"}, "eu-a": {"kind": "zone", "parents": ["eu"]}, "north": {"kind": "region"}, "prod": {"kind": "account"}, "safe": {"kind": "account"}}

good := {"in": ["north", "safe"], "encrypted": true, "immutable": true, "integrity": "checksums", "writers": ["safe"]}

found(change) := notes({"only": object.union(good, change)})

notes(backups) := result if {
	result := {n | some f in dr004.deny; some n in f.notes} with input as {
		"defects": {}, "clusters": {"west": {"placement": {"replicas": [["eu-a", "prod"]]}}},
		"fleet": {"domains": domains, "stores": {"orders": {"holds": ["west/StatefulSet/shop/db"], "backups": backups}}},
	}
}

test_good if found({}) == set()

test_each_thing if {
	found({"encrypted": false}) == {`backup "only" is not encrypted`}
	found({"immutable": false}) == {`backup "only" is not immutable`}
	found({"integrity": ""}) == {`backup "only" has no integrity check`}
	found({"in": ["eu", "safe"]}) == {`backup "only" stands where the store stands`}
	found({"in": ["north", "prod"]}) == {`backup "only" is in no account of its own`}
	found({"in": ["north"]}) == {`backup "only" is in no account of its own`}
	found({"writers": ["prod"]}) == {`backup "only" can be written by a realm of the store`}
}

test_one_good_backup_is_enough if notes({"near": {"in": ["eu"]}, "far": good}) == set()

test_stores_without_backups_are_not_judged if {
	dr004.evaluated == 0 with input as {"defects": {}, "clusters": {}, "fleet": {"stores": {"orders": {}}}}
	dr004.evaluated == 0 with input as {"defects": {}, "clusters": {}, "fleet": null}
}
