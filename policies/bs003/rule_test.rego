package darkstart.rules.bs003_test

import data.darkstart.rules.bs003

contradiction := {
	"cluster": "prod", "component": "ingress", "phase": "base", "needs": "certs", "needsPhase": "platform",
	"path": [{"from": "prod/ingress", "to": "prod/certs", "set": "start", "why": {"reason": "r", "at": [{"file": "f.yaml", "line": 3}]}}],
}

found(c) := result if {
	result := [f | some f in bs003.deny] with input as {"facts": {"contradictions": [c], "parts": 2}}
}

test_phase_before_its_need if {
	[f] := found(contradiction)
	f.msg == `"ingress" is in phase "base", but needs "certs", which comes in phase "platform"`
	f.subject == {"cluster": "prod", "component": "ingress"}
	f.notes == ["prod/ingress needs prod/certs (start): r"]
	f.at == [{"file": "f.yaml", "line": 3, "text": "r"}]
}

test_edge_without_a_reason if {
	[f] := found(object.union(contradiction, {"path": [{"from": "a", "to": "b", "set": "run"}]}))
	f.notes == ["a needs b (run)"]
	f.at == []
}

test_webhook_has_its_own_help if {
	[f] := found(object.union(contradiction, {"webhook": "v.example.com"}))
	contains(f.msg, "fails closed")
	contains(f.help[0], "failurePolicy")
}

test_nothing_is_green_and_counted if {
	count(bs003.deny) == 0 with input as {"facts": {"contradictions": [], "parts": 7}}
	bs003.evaluated == 7 with input as {"facts": {"contradictions": [], "parts": 7}}
}
