# METADATA
# title: everything stateful is held by a store with protection, or declared disposable
# description: |
#   Judges what keeps state in a cluster: PersistentVolumeClaims, StatefulSets with
#   claim templates, and the resources of the common operators that claim volumes
#   (`policies/dr001/kinds.rego` lists them). Each, with all of its claims, is held by a store that has a copy or a backup (`holds`), or its component names one
#   (`protection: store`), or is declared `disposable` with a reason and an owner.
# custom:
#   id: DR001
#   severity: error
#   applies: store
#   scope: cluster
#   reads: [spec, objects, fleet]
#   since: v0.1.0
#   rationale: >-
#     Restores are planned for the databases that somebody thought of. The outage finds the others: the queue,
#     the registry's storage, the operator's own state.
#   remediation: >-
#     add the object to holds of a store with a copy or backup, or declare the component disposable
#   frameworks:
#     - NIST SP 800-34 3.4.2
#     - ISO 27001 A.8.13
#     - DORA Article 12
package darkstart.rules.dr001

import data.darkstart.lib
import data.darkstart.rules.dr001.kinds

stateful := array.flatten([
	[o | some o in input.kinds.PersistentVolumeClaim; o.group == ""],
	[o |
		some o in input.kinds.StatefulSet
		o.group == "apps"
		count(lib.list(o.content.spec, "volumeClaimTemplates")) > 0
	],
	[o |
		some [group, kind] in kinds.always
		some o in input.kinds[kind]
		o.group == group
	],
	[o |
		some field, claiming in kinds.claiming
		some [group, kind] in claiming
		some o in input.kinds[kind]
		o.group == group
		object.get(o.content, split(trim_prefix(field, "/"), "/"), null) != null
	],
	[o | some o in input.kinds.KafkaNodePool; o.group == "kafka.strimzi.io"; claims(o.content.spec.storage)],
])

# The storage of Strimzi, of one volume or of several.
claims(storage) if storage.type == "persistent-claim"

claims(storage) if {
	some volume in storage.volumes
	volume.type == "persistent-claim"
}

evaluated := count(stateful)

default stores := {}

stores := input.fleet.stores

protected contains name if {
	some name, store in stores
	count(object.get(store, "copies", {})) + count(object.get(store, "backups", {})) > 0
}

# The stores that hold an object: by itself, by the claims that it makes, or
# through its component.
holders(object) := ({name |
	some name, store in stores
	some written in lib.list(store, "holds")
	matches(here(written), object)
} | by_claims(object)) | {name | name := trim_prefix(component(object).protection.store, "/")}

matches(pattern, object) if glob.match(pattern, ["/"], own(object))

here(written) := trim_prefix(written, sprintf("%s/", [input.cluster]))

# The stores that hold the claims of a StatefulSet, when no template is left out.
by_claims(object) := names if {
	object.kind == "StatefulSet"
	held := [of_template |
		some template in object.content.spec.volumeClaimTemplates
		of_template := {name |
			some name, store in stores
			some written in lib.list(store, "holds")
			claimed(here(written), sprintf("PersistentVolumeClaim/%s/%s-%s-", [object.namespace, template.metadata.name, object.name]))
		}
	]
	names := union({n | some n in held})
	every n in held {
		count(n) > 0
	}
} else := set()

claimed(pattern, claims_of) if startswith(pattern, claims_of)

claimed(pattern, claims_of) if glob.match(pattern, ["/"], sprintf("%s0", [claims_of]))

own(object) := sprintf("%s/%s/%s", [object.kind, object.namespace, object.name])

component(object) := input.spec.components[object.component]

deny contains {
	"msg": sprintf("%s %q keeps state, and %s", [object.kind, object.name, why]),
	"subject": lib.subject(object, ""),
	"help": [
		sprintf("add %q to holds of a store that has a copy or a backup", [sprintf("%s/%s", [input.cluster, own(object)])]),
		sprintf("or declare components: %q: disposable: {reason: \"…\", owner: \"…\"}", [object.component]),
	],
} if {
	some object in stateful
	not component(object).disposable
	why := unprotected(holders(object))
}

unprotected(names) := "no store holds it" if {
	count(names) == 0
} else := sprintf("its store %s has neither copy nor backup", [concat(", ", [sprintf("%q", [n]) | some n in sort(names)])]) if {
	count(names & protected) == 0
}
