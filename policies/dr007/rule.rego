# METADATA
# title: no change loses data, a definition or a namespace without somebody's word
# description: |
#   Judges what changed since the base, object by object, as an engine would apply it. A finding is an
#   object that holds data or is held by a store, a CustomResourceDefinition or a Namespace that is
#   removed, pruned or moved to another phase, and any object with a changed field that the API server
#   does not change in place, so that the object would have to be deleted first. The approval is
#   a waiver that names the object; one without `object` accepts nothing here. Any other object that moves
#   to another part without being protected first is a warning: Flux may delete it and make it again.
# custom:
#   id: DR007
#   severity: error
#   applies: base
#   scope: fleet
#   reads: [changes]
#   since: v0.1.0
#   rationale: >-
#     A deletion is one removed line in a pull request, and looks like any other. Engines carry it out
#     within minutes, and what they delete with a namespace or a definition is in no diff at all.
#   remediation: >-
#     take the change back, or add a waiver for DR007 that names the object, says why, and is approved by
#     the owner of the data
#   frameworks:
#     - NIST SP 800-53 CM-3
#     - ISO/IEC 27001 A.8.32
#     - Google SRE Book chapter 26
package darkstart.rules.dr007

evaluated := count(input.changes.objects)

grave := {"stateful-deletion", "namespace-removal", "crd-removal", "immutable-field", "re-phase", "prune"}

reasons(change) := [danger |
	some danger in object.get(change, "dangers", [])
	danger.kind in grave
]

# What an engine prunes on the way is grave where data is in it; else it is gone
# for a moment.
default light(_, _) := false

light(change, found) if {
	not change.stateful
	every reason in found { reason.kind == "prune" }
}

help(change, found) := array.concat(
	[sprintf("move it in two releases: first set `%s` on it where it is, and release; then move it, and take that away after", ["kustomize.toolkit.fluxcd.io/prune: disabled"]) |
		some reason in found
		reason.kind == "prune"
	],
	[sprintf("take it back, or accept it with a waiver for DR007 with object: %q and cluster: %q", [change.object, change.cluster])],
)

deny contains {
	"msg": sprintf("%s is %s", [change.object, concat(", and ", {said(reason.kind) | some reason in found})]),
	"subject": {
		"cluster": change.cluster,
		"component": object.get(change, "component", ""),
		"object": change.object,
		"path": object.get(found[0], "path", ""),
	},
	"notes": [sprintf("%s: %s", [reason.kind, reason.text]) | some reason in found],
	"help": help(change, found),
	"warning": light(change, found),
} if {
	some change in input.changes.objects
	found := reasons(change)
	count(found) > 0
}

said("immutable-field") := "changed in a field that cannot change"

said("re-phase") := "moved to another phase"

said("prune") := "pruned on its way to another part"

said("stateful-deletion") := "removed, and it holds data"

said("namespace-removal") := "removed, with everything in it"

said("crd-removal") := "removed, with everything of its kind"
