package darkstart.lib_test

import data.darkstart.lib

test_pointer_escapes if {
	lib.pointer(["a/b", "c~d", 3]) == "/a~1b/c~0d/3"
	lib.pointer(["a~/b", "", "~1"]) == "/a~0~1b//~01"
	lib.pointer([]) == ""
}

test_digest if {
	lib.is_digest("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
	every s in ["", "sha256:", "sha256:01", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"] {
		not lib.is_digest(s)
	}
}

test_production if {
	lib.production({})
	lib.production({"environment": "production"})
	not lib.production({"environment": "staging"})
}

test_containers_of_every_sort if {
	spec := {"initContainers": [{"name": "i"}], "containers": [{"name": "c"}], "ephemeralContainers": [{"name": "e"}]}
	deployment := {"kind": "Deployment", "content": {"spec": {"template": {"spec": spec}}}}
	[c.path | some c in lib.containers(deployment)] == [
		"/spec/template/spec/initContainers/0",
		"/spec/template/spec/containers/0",
		"/spec/template/spec/ephemeralContainers/0",
	]
	count(lib.containers({"kind": "Pod", "content": {}})) == 0
}

test_seconds if {
	lib.seconds("1d12h") == 129600
	lib.seconds("1m30s") == 90
	lib.seconds("0") == 0
}

test_spot if lib.spot(["a", "acct"], {"a": {"kind": "zone"}, "acct": {"kind": "account"}}) == {"a"}
