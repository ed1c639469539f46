package darkstart.rules.sc001_test

import data.darkstart.rules.sc001

digest := "sha256:1111111111111111111111111111111111111111111111111111111111111111"

image(ref, repository, sum) := {
	"ref": ref, "repository": repository, "digest": sum,
	"component": "web", "object": "Pod/shop/web", "path": "/spec/containers/0/image",
}

tagged := image("web:1", "docker.io/library/web", "")

pinned := image(sprintf("web:1@%s", [digest]), "docker.io/library/web", digest)

entry := {"ref": "web:1", "repository": "docker.io/library/web", "digest": digest}

test_tag_is_red_and_the_lock_gives_the_fix if {
	some found in sc001.deny with input as {"images": [tagged], "lock": {"images": [entry]}}
	contains(found.msg, "not pinned by digest")
	contains(found.help[0], digest)
}

test_tag_without_lock_names_the_command if {
	some found in sc001.deny with input as {"images": [tagged], "lock": null}
	contains(found.help[0], "darkstart lock")
}

test_digest_without_lock_is_red if {
	some found in sc001.deny with input as {"images": [pinned], "lock": null}
	contains(found.notes[0], "no darkstart.lock")
}

test_digest_of_another_repository_is_red if {
	other := object.union(entry, {"repository": "docker.io/library/db"})
	count(sc001.deny) == 1 with input as {"images": [pinned], "lock": {"images": [other]}}
}

test_digest_that_differs_says_so if {
	other := object.union(entry, {"digest": replace(digest, "1", "2")})
	some found in sc001.deny with input as {"images": [pinned], "lock": {"images": [other]}}
	contains(found.notes[0], "other digests")
}

test_short_digest_is_no_digest if {
	count(sc001.deny) == 1 with input as {"images": [image("web@sha256:11", "docker.io/library/web", "sha256:11")], "lock": null}
}

test_pinned_and_locked_is_green if {
	count(sc001.deny) == 0 with input as {"images": [pinned], "lock": {"images": [entry]}}
}

test_counts_references if {
	sc001.evaluated == 2 with input as {"images": [pinned, tagged], "lock": null}
}

refused(repository, registries) if {
	some found in sc001.deny with input as {"images": [image("x", repository, digest)], "lock": null, "params": {"registries": registries}}
	contains(found.msg, "not allowed")
}

test_another_registry_is_red if refused("quay.io/a/web", ["registry.example.com"])

test_a_prefix_ends_at_a_slash if {
	refused("registry.example.com/platform-old/web", ["registry.example.com/platform"])
	refused("registry.example.com.evil.net/web", ["registry.example.com"])
}

test_an_allowed_registry_is_green if {
	not refused("registry.example.com/platform/web", ["quay.io", "registry.example.com/platform/"])
	not refused("docker.io/library/web", ["docker.io"])
	not refused("registry.example.com/web", ["registry.example.com/web"])
}

test_without_a_list_any_registry_is_green if {
	count(sc001.deny) == 0 with input as {"images": [pinned], "lock": {"images": [entry]}, "params": {}}
}
