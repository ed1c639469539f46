# METADATA
# title: what survives can carry the load of recovery
# description: |
#   Judges everything with an objective and a capacity in every scenario that is no
#   start from nothing: what survives, or is declared for the place of recovery,
#   must be at least load × surge, and no team may need more people than are on
#   shift. The same holds for a mirror: a cluster that stands for another differs
#   from it only in the fields that it lists.
# custom:
#   id: DR006
#   severity: error
#   applies: objective
#   scope: fleet
#   reads: [defects, clusters]
#   since: v0.1.0
#   rationale: >-
#     A standby that is large enough on average is too small on the day when every client reconnects at
#     once; a mirror that differs in one flag proves nothing about the cluster it stands for.
#   remediation: raise perDomain or replicas where the load goes, or lower load and surge to what was measured; list or remove the difference
#   frameworks:
#     - NIST SP 800-34 3.4.3
#     - ISO 22301 8.4.4
#     - AWS Well-Architected REL 13
package darkstart.rules.dr006

import data.darkstart.defects
import data.darkstart.lib

evaluated := input.solved + count(mirrors)

told(defect) if {
	defect.judged
	defect.declared
}

# People are short in every scenario alike.
told(defect) if count(defect.scenarios) == 0

mirrors[name] := spec.mirrors if {
	some name, spec in input.clusters
	spec.mirrors.of in object.keys(input.clusters)
}

# Fields that name a cluster, and no copy of anything.
own := {"mirrors", "owner"}

deny contains defects.finding(defect, help) if {
	some defect in defects.of("DR006")
	told(defect)
	help := [
		"raise perDomain, perReplica or the replicas of what survives, or declare where it is restored",
		"or correct load and surge to what was measured",
	]
}

deny contains {
	"msg": sprintf("%q stands for %q, but differs from it in %s", [name, mirror.of, path]),
	"subject": {"cluster": name, "path": path},
	"help": [sprintf("make them equal, or add %q to mirrors: allow", [path])],
} if {
	some name, mirror in mirrors
	some path in differences(input.clusters[name], input.clusters[mirror.of])
	not allowed(path, lib.list(mirror, "allow"))
}

allowed(path, list) if path in list

allowed(path, list) if {
	some p in list
	startswith(path, sprintf("%s/", [p]))
}

# The fields that differ, as deep as a component's field: what is below is
# told by the object diff.
differences(a, b) := array.flatten([
	[lib.pointer([k]) |
		some k in sorted_keys(a, b)
		not k in own
		k != "components"
		not same(a, b, k)
	],
	[lib.pointer(["components", c]) |
		some c in sorted_keys(components(a), components(b))
		not both(components(a), components(b), c)
	],
	[lib.pointer(["components", c, k]) |
		some c in sorted_keys(components(a), components(b))
		both(components(a), components(b), c)
		some k in sorted_keys(components(a)[c], components(b)[c])
		not same(components(a)[c], components(b)[c], k)
	],
])

components(spec) := object.get(spec, "components", {})

both(a, b, k) if {
	k in object.keys(a)
	k in object.keys(b)
}

# A field that is written but empty says as much as one that is absent.
same(a, b, k) if said(a, k) == said(b, k)

said(spec, k) := object.get(spec, k, null)

sorted_keys(a, b) := sort(object.keys(a) | object.keys(b))
