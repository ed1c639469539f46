package darkstart.rules.sc006_test

import data.darkstart.rules.sc006

image(extra) := object.union({"ref": "registry.example.com/shop/web:1", "digest": "sha256:1"}, extra)

found(extra) := result if {
	result := {[f.msg, object.get(f, "unknown", false)] | some f in sc006.deny} with input as {"lock": {"images": [image(extra)]}}
}

test_signed if {
	found({"signed": "cosign", "provenance": "none"}) == set()
	found({"signed": "none", "provenance": "slsa"}) == set()
}

test_neither if {
	found({"signed": "none", "provenance": "none"}) == {["registry.example.com/shop/web:1 has neither a signature nor provenance in its registry", false]}
	count(found({"signed": "none"})) == 1
}

test_never_looked if {
	found({"signed": "", "provenance": ""}) == {["nothing is known about a signature or provenance of 1 of 1 images", true]}
}

test_without_a_lock_nothing_is_judged if sc006.evaluated == 0 with input as {"lock": null}
