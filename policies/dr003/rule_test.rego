package darkstart.rules.dr003_test

import data.darkstart.rules.dr003

region := {"id": "region-loss", "mode": "lost", "class": "", "cluster": "", "removes": ["eu-west"], "domains": true, "at": []}

cell := {
	"scenario": region, "node": "shop", "class": "region", "unknown": false, "limit": "1h", "least": "71m", "most": "2h",
	"point": "", "decides": "p/restore", "because": ["shop runs on db, which fails"], "unknowns": [],
	"at": [{"file": "fleet/people.cue", "line": 7}],
	"path": [
		{"step": "detect p", "by": "", "duration": "3m", "waited": "", "end": "3m", "known": true, "measured": null},
		{"step": "p/restore", "by": "dba", "duration": "50m", "waited": "18m", "end": "71m", "known": true, "measured": {"n": 4, "p90": "50m", "date": "2026-05-01"}},
	],
}

found(change) := result if {
	result := [f | some f in dr003.deny] with input as {"cells": {"rto": [object.union(cell, change)], "rpo": [], "judged": {"rto": 2, "rpo": 0}, "accepted": []}}
}

test_violated if {
	[f] := found({})
	f.msg == `"shop" takes 71m at least to come back under region-loss, its objective is 1h`
	f.at == [{"file": "fleet/people.cue", "line": 7, "text": `1h is the objective for "region"`}]
	f.notes == [
		"scenario: region-loss (lost) removes eu-west",
		"shop runs on db, which fails",
		concat("\n", [
			"critical path  by                             takes                                       until",
			"detect p       automation                        3m  estimated                               3m",
			"p/restore      dba         50m after 18m of waiting  measured (n 4, p90 50m, 2026-05-01)    71m",
		]),
		"p/restore decides: it is the longest step on the way",
	]
	f.unknown == false
	contains(f.help[0], `shorten "p/restore"`)
}

gap := {"node": "p/restore", "what": "it has no duration", "settle": `duration: ["…", "…"] of step "p/restore"`, "at": [{"file": "recovery/p.cue", "line": 9}]}

test_unknown_names_the_declaration_and_its_line if {
	[f] := found({"unknown": true, "most": "forever", "unknowns": [gap, gap]})
	f.msg == `whether "shop" comes back within 1h under region-loss is unknown`
	f.unknown
	f.help == [`declare duration: ["…", "…"] of step "p/restore"`]
	f.at[1] == {"file": "recovery/p.cue", "line": 9, "text": `add duration: ["…", "…"] of step "p/restore"`}
}

test_between_the_bounds if {
	[f] := found({"unknown": true})
	f.msg == `"shop" takes between 71m and 2h to come back under region-loss, its objective is 1h`
	count(f.help) == 3
}

test_without_an_objective_only_the_return_is_asked if {
	[f] := found({"unknown": true, "limit": "", "unknowns": [gap]})
	f.msg == `whether "shop" comes back under region-loss is unknown`
}

test_green if {
	cells := {"rto": [], "rpo": [cell], "judged": {"rto": 5, "rpo": 1}, "accepted": []}
	count(dr003.deny) == 0 with input as {"cells": cells}
	dr003.evaluated == 5 with input as {"cells": cells}
}
