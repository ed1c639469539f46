package darkstart.rules.dr002_test

import data.darkstart.rules.dr002

region := {"id": "region-loss", "mode": "lost", "class": "", "cluster": "", "removes": ["eu-west"], "domains": true, "at": []}

cell := {
	"scenario": region, "node": "orders", "class": "default", "unknown": false, "limit": "1h", "least": "24h5m", "most": "24h5m",
	"point": "orders/nightly", "decides": "", "because": [], "unknowns": [], "path": [],
	"at": [{"file": "fleet/stores.cue", "line": 7}],
}

found(change) := result if {
	result := [f | some f in dr002.deny] with input as {"cells": {"rpo": [object.union(cell, change)], "rto": [], "judged": {"rto": 0, "rpo": 2}, "accepted": []}}
}

test_violated if {
	[f] := found({})
	f.msg == `"orders" loses 24h5m of data at least under region-loss, its objective is 1h`
	f.notes == ["scenario: region-loss (lost) removes eu-west", `the newest point that the plan restores from is "orders/nightly"`]
	f.help[0] == `write "orders/nightly" more often, or restore from a point that is newer`
	contains(f.help[1], `"default": accepted`)
}

test_nothing_survives if {
	[f] := found({"least": "forever", "point": ""})
	f.msg == `"orders" loses all of its data under region-loss, its objective is 1h`
	contains(f.help[0], "cannot reach")
}

test_unknown if {
	gap := {"node": "orders.nightly", "what": "no complete restore test is on record", "settle": "tested: of orders.nightly, after a restore test", "at": []}
	[f] := found({"unknown": true, "unknowns": [gap]})
	f.msg == `whether "orders" loses no more than 1h of data under region-loss is unknown`
	f.help == ["declare tested: of orders.nightly, after a restore test"]
}

test_green if {
	cells := {"rto": [cell], "rpo": [], "judged": {"rto": 5, "rpo": 3}, "accepted": []}
	count(dr002.deny) == 0 with input as {"cells": cells}
	dr002.evaluated == 3 with input as {"cells": cells}
}
