package darkstart.rules.ps001_test

import data.darkstart.rules.ps001

namespace(metadata) := {
	"kind": "Namespace", "group": "", "name": "shop", "key": "Namespace/shop",
	"component": "web", "content": {"metadata": metadata},
}

found(metadata, component) := result if {
	result := [f | some f in ps001.deny] with input as {
		"spec": {"components": {"web": component}},
		"kinds": {"Namespace": [namespace(metadata)]},
	}
}

level(l) := {"labels": {"pod-security.kubernetes.io/enforce": l}}

test_no_label if {
	every metadata in [{}, {"labels": {}}, {"labels": {"pod-security.kubernetes.io/warn": "restricted"}}] {
		[f] := found(metadata, {})
		f.msg == `namespace "shop" declares no Pod Security level`
	}
}

test_unknown_level if {
	[f] := found(level("strict"), {})
	f.subject.path == "/metadata/labels/pod-security.kubernetes.io~1enforce"
}

test_privileged_needs_a_mark if {
	count(found(level("privileged"), {})) == 1
	found(level("privileged"), {"privileged": {"reason": "r", "owner": "o"}}) == []
}

test_levels if {
	every l in ["baseline", "restricted"] {
		found(level(l), {}) == []
	}
}

test_counts_namespaces if {
	ps001.evaluated == 1 with input as {"spec": {}, "kinds": {"Namespace": [namespace({})]}}
	ps001.evaluated == 0 with input as {"spec": {}, "kinds": {}}
}
