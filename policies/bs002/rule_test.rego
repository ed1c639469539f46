package darkstart.rules.bs002_test

import data.darkstart.rules.bs002

region := {"id": "region-loss", "mode": "lost", "class": "", "cluster": "", "removes": ["eu-west"], "domains": true, "at": []}

bootstrap := {"id": "bootstrap/west", "mode": "lost", "class": "bootstrap", "cluster": "west", "removes": [], "domains": false, "at": []}

edge(from, to) := {"from": from, "to": to, "set": "start", "reason": sprintf("%s reads from %s", [from, to]), "at": [{"file": "f.cue", "line": 3}]}

paradox := {
	"scenario": region, "target": "vault", "path": [], "cycle": [edge("vault", "registry"), edge("registry", "vault")],
	"leaf": null, "fallen": ["vault", "registry"], "also": [], "stuck": [],
	"breaks": [
		{"edges": [], "replicas": ["registry"], "smallest": true},
		{"edges": [edge("vault", "registry")], "replicas": [], "smallest": true},
	],
}

lost(kind) := object.union(paradox, {
	"target": "orders", "cycle": [], "path": [edge("orders", "x")], "breaks": [], "fallen": ["x"],
	"leaf": {"node": "x", "kind": kind, "at": [], "tried": []},
})

found(change) := result if {
	result := [f | some f in bs002.deny] with input as {"paradoxes": [object.union(paradox, change)], "recoveries": 3}
}

test_circle_of_two if {
	[f] := found({})
	f.msg == `recovery of "vault" under region-loss needs "registry", and "registry" needs "vault" to come back`
	[l.text | some l in f.at] == ["vault reads from registry", "registry reads from vault"]
	f.notes == [`scenario: region-loss (lost) removes eu-west, and with it "vault", "registry"`]
	f.help == [
		`keep a copy of "registry" outside eu-west (that alone is enough)`,
		`let "vault" start without "registry" (that alone is enough)`,
	]
}

test_circles_of_other_sizes if {
	[one] := found({"cycle": [edge("a", "a")]})
	endswith(one.msg, `needs itself to come back`)
	[three] := found({"cycle": [edge("a", "b"), edge("b", "c"), edge("c", "a")]})
	endswith(three.msg, `needs "b", and "b" needs "c", and "c" needs "a" to come back`)
	[five] := found({"cycle": [edge("a", "b"), edge("b", "c"), edge("c", "d"), edge("d", "e"), edge("e", "a")]})
	endswith(five.msg, `needs "b", which through 3 more needs "a" to come back`)
	count(five.at) == 5
}

test_bootstrap if {
	[f] := found({"scenario": bootstrap, "also": ["darkstart"], "stuck": ["west/backup"]})
	f.msg == `bootstrap of "west" cannot complete: "vault" needs "registry", and "registry" needs "vault" to come up`
	f.help == [`let "vault" start without "registry" (that alone is enough)`]
	f.notes == [
		"scenario: bootstrap/west begins with nothing of west",
		`the same keeps down: "west/backup"`,
		"the same under: darkstart",
	]
}

test_edges_without_a_place_are_told if {
	[f] := found({"cycle": [object.union(edge("a", "a"), {"at": []})]})
	f.at == []
	"a needs a (start)" in f.notes
}

test_lost_leaves_have_their_own_words if {
	every kind, words in {"backup": "the backup", "credential": "the key", "tool": "the tool", "runbook-host": "the host of the runbooks"} {
		[f] := found(lost(kind))
		f.msg == sprintf(`recovery of "orders" under region-loss needs %s "x", which is lost in the same disaster`, [words])
		count(f.help) > 0
	}
	[gone] := found(object.union(lost("tool"), {"fallen": []}))
	endswith(gone.msg, `needs the tool "x", and nothing brings it back`)
	[people] := found(object.union(lost("pager"), {"path": [object.union(edge("orders", "x"), {"set": "actor"})]}))
	contains(people.msg, `needs people who need the pager "x"`)
}

test_nothing_restores_it if {
	tried := [
		{"procedure": "p", "why": "mode", "what": "down", "at": [{"file": "p.cue", "line": 1}]},
		{"procedure": "q", "why": "into", "what": "eu-west", "at": []},
		{"procedure": "r", "why": "source", "what": "x/b", "at": []},
	]
	[f] := found(object.union(lost("store"), {"target": "x", "path": [], "leaf": {"node": "x", "kind": "store", "at": [], "tried": tried}}))
	f.msg == `nothing brings "x" back under region-loss`
	"procedure p restores it, but for mode down only, not lost" in f.notes
	"procedure q restores it into eu-west, which the scenario removes" in f.notes
	"procedure r restores it from x/b, which is lost as well" in f.notes
	f.help == [`declare a procedure that restores "x" into a domain outside eu-west, with modes: ["lost"]`]
	f.at == [{"file": "p.cue", "line": 1, "text": "procedure p restores it, but for mode down only, not lost"}]
}

test_counted_when_green if {
	count(bs002.deny) == 0 with input as {"paradoxes": [], "recoveries": 7}
	bs002.evaluated == 7 with input as {"paradoxes": [], "recoveries": 7}
}
