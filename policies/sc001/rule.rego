# METADATA
# title: every image is by digest, and the digest is in the lock
# description: |
#   Judges every image reference of every rendered object: containers, init,
#   sidecar and ephemeral containers, and the image fields of the custom
#   resources that controllers read. A reference passes when it ends in
#   `@sha256:…` and `darkstart.lock` holds that digest for that repository. Where
#   `guardrails: registries` is set, it must also come from one of these: a host,
#   or a host and the beginning of a path. A short name comes from docker.io.
# custom:
#   id: SC001
#   severity: error
#   applies: always
#   scope: cluster
#   reads: [images, lock, params]
#   since: v0.1.0
#   rationale: >-
#     A tag is a name that its owner can move: two nodes can run different code under one tag, and a
#     recovery can start something that was never tested. The lock is the second half: it records
#     in git which digest was reviewed, so that a digest pasted by hand is seen.
#   remediation: pin the image as repository:tag@sha256:…, and record it with darkstart lock
#   frameworks:
#     - NIST SP 800-190 4.1.5
#     - SLSA v1.0 Build L1
#     - CIS Kubernetes Benchmark 5.5.1
package darkstart.rules.sc001

import data.darkstart.lib

evaluated := count(input.images)

deny contains object.union(pinning(image), {
	"msg": sprintf("image %q is not pinned by digest", [image.ref]),
	"subject": subject(image),
	"help": [pin(image)],
}) if {
	some image in input.images
	not lib.is_digest(image.digest)
}

deny contains {
	"msg": sprintf("image %q is pinned, but its digest is not in the lock", [image.ref]),
	"subject": subject(image),
	"notes": notes(image),
	"help": ["record it: darkstart lock"],
} if {
	some image in input.images
	lib.is_digest(image.digest)
	not [image.repository, image.digest] in locked
}

deny contains {
	"msg": sprintf("image %q comes from a registry that is not allowed", [image.ref]),
	"subject": subject(image),
	"notes": [sprintf("its repository is %s; guardrails: registries allows %s", [image.repository, concat(", ", allowed)])],
	"help": ["copy the image to an allowed registry and name it there, or add its registry to guardrails: registries in darkstart.cue"],
} if {
	allowed
	some image in input.images
	not from_allowed(image)
}

allowed := [trim_suffix(r, "/") | some r in input.params.registries] if input.params.registries

from_allowed(image) if image.repository in allowed

from_allowed(image) if {
	some prefix in allowed
	startswith(image.repository, sprintf("%s/", [prefix]))
}

locked := {[entry.repository, entry.digest] | some entry in input.lock.images}

digests := {entry.ref: entry.digest | some entry in input.lock.images}

repositories := {entry.repository | some entry in input.lock.images}

subject(image) := {"object": image.object, "component": image.component, "path": image.path}

pin(image) := sprintf("write %s@%s, the digest that the lock has for it", [image.ref, digests[image.ref]])

pin(image) := sprintf("write %s@sha256:…, and record it with darkstart lock", [image.ref]) if {
	not digests[image.ref]
}

# The change, where the lock knows the digest.
pinning(image) := {"fix": {
	"title": "pin the digest that the lock has",
	"was": image.ref,
	"set": sprintf("%s@%s", [image.ref, digests[image.ref]]),
}}

pinning(image) := {} if not digests[image.ref]

notes(_) := ["there is no darkstart.lock: nothing is locked"] if input.lock == null

notes(image) := [sprintf("the lock has other digests of %s", [image.repository])] if image.repository in repositories

notes(image) := [sprintf("the lock has no digest of %s", [image.repository])] if {
	input.lock != null
	not image.repository in repositories
}
