# METADATA
# title: everything stateful is held by a store with protection, or declared disposable
# description: |
#   Judges what keeps state in a cluster: PersistentVolumeClaims, StatefulSets with
#   claim templates, and the resources of the common database operators. Each is held
#   by a store that has a copy or a backup (`holds`), or its component names one
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

databases := {
	["postgresql.cnpg.io", "Cluster"],
	["acid.zalan.do", "postgresql"],
	["postgres-operator.crunchydata.com", "PostgresCluster"],
	["mysql.oracle.com", "InnoDBCluster"],
	["pxc.percona.com", "PerconaXtraDBCluster"],
	["psmdb.percona.com", "PerconaServerMongoDB"],
	["mongodbcommunity.mongodb.com", "MongoDBCommunity"],
	["kafka.strimzi.io", "Kafka"],
	["elasticsearch.k8s.elastic.co", "Elasticsearch"],
	["rabbitmq.com", "RabbitmqCluster"],
	["cassandra.datastax.com", "CassandraDatacenter"],
}

stateful := array.flatten([
	[object | some object in input.kinds.PersistentVolumeClaim; object.group == ""],
	[object |
		some object in input.kinds.StatefulSet
		object.group == "apps"
		count(lib.list(object.content.spec, "volumeClaimTemplates")) > 0
	],
	[object |
		some [group, kind] in databases
		some object in input.kinds[kind]
		object.group == group
	],
])

evaluated := count(stateful)

default stores := {}

stores := input.fleet.stores

protected contains name if {
	some name, store in stores
	count(object.get(store, "copies", {})) + count(object.get(store, "backups", {})) > 0
}

# The stores that hold an object: by itself, by the claims that it makes, or
# through its component.
holders(object) := {name |
	some name, store in stores
	some written in lib.list(store, "holds")
	matches(trim_prefix(written, sprintf("%s/", [input.cluster])), object)
} | {name | name := trim_prefix(component(object).protection.store, "/")}

matches(pattern, object) if glob.match(pattern, ["/"], own(object))

matches(pattern, object) if {
	object.kind == "StatefulSet"
	some template in object.content.spec.volumeClaimTemplates
	startswith(pattern, sprintf("PersistentVolumeClaim/%s/%s-%s-", [object.namespace, template.metadata.name, object.name]))
}

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
