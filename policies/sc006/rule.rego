# METADATA
# title: the lock records a signature or provenance of every image
# description: |
#   Judges every image of darkstart.lock. `darkstart lock` looks in the registry for a signature and for
#   provenance, and records what it found: "none" is a finding, and so is an entry of which nothing is
#   known because it was imported. Recorded is not verified: the rule says that there is something to
#   verify, and by whom is for the cluster's admission policy.
# custom:
#   id: SC006
#   severity: warning
#   applies: always
#   scope: fleet
#   reads: [lock]
#   since: v0.1.0
#   rationale: >-
#     A digest says that two pulls give one content. Only a signature or provenance says who made it, and a
#     digest of something that an attacker pushed is as stable as any.
#   remediation: sign the image where it is built, or take one that is signed; then run darkstart lock
#   frameworks:
#     - SLSA v1.0 Build L2
#     - NIST SP 800-190
#     - CIS Software Supply Chain Security Guide
package darkstart.rules.sc006

import data.darkstart.lib

default images := []

images := input.lock.images if is_array(input.lock.images)

evaluated := count(images)

found(image, field) if not object.get(image, field, "") in {"", "none"}

recorded(image) if found(image, "signed")

recorded(image) if found(image, "provenance")

looked(image) if object.get(image, "signed", "") != ""

looked(image) if object.get(image, "provenance", "") != ""

# Of what was imported nothing is known: one finding, since one command mends all.
unseen := sort([image.ref | some image in images; not looked(image)])

deny contains {
	"msg": sprintf("%s has neither a signature nor provenance in its registry", [image.ref]),
	"at": [object.union(at, {"text": ""}) | some at in object.get(image, "at", [])],
	"subject": {"path": lib.pointer(["images", image.ref])},
} if {
	some image in images
	looked(image)
	not recorded(image)
}

deny contains {
	"msg": sprintf("nothing is known about a signature or provenance of %d of %d images", [count(unseen), count(images)]),
	"at": [object.union(at, {"text": ""}) | some image in images; image.ref == unseen[0]; some at in object.get(image, "at", [])],
	"subject": {"path": "/images"},
	"notes": array.slice(unseen, 0, 5),
	"help": ["run darkstart lock where the registry can be reached: it records what is there"],
	"unknown": true,
} if {
	count(unseen) > 0
}
