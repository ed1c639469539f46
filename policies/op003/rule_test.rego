package darkstart.rules.op003_test

import data.darkstart.rules.op003

found(doc) := result if {
	result := {f.msg | some f in op003.deny} with input as object.union({"clusters": {}, "fleet": null, "recovery": null, "defects": {}, "now": "2026-06-01T12:00:00Z"}, doc)
}

test_flags if {
	found({"clusters": {"west": {"flags": {"f": {"remove": "2026-05-31"}}}}}) == {`flag "f" of "west" is past its removal date: 2026-05-31`}
	found({"clusters": {"west": {"flags": {"f": {"remove": "2026-06-01"}}}}}) == set()
}

test_credentials_and_losses if {
	found({"fleet": {"credentials": {"key": {"expires": "2026-01-01"}, "new": {"expires": "2027-01-01"}, "none": {}}}}) == {`credential "key" has expired: 2026-01-01`}
	count(found({"fleet": {"tiers": {"t": {"objectives": {"region": {"accepted": {"review": "2026-01-01"}}}}}}})) == 1
	found({"fleet": {"tiers": {"t": {"objectives": {"region": {"rto": "1h"}}}}}}) == set()
}

test_without_a_time_nothing_is_judged if {
	found({"now": null, "fleet": {"credentials": {"key": {"expires": "2026-01-01"}}}}) == set()
	op003.evaluated == 0 with input as {"clusters": {}, "fleet": {"credentials": {"key": {"expires": "2026-01-01"}}}, "recovery": null, "defects": {}, "now": null}
}
