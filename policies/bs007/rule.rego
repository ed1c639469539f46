# METADATA
# title: a control plane survives a member, and can be made again
# description: |
#   Judges every cluster with a self-managed control plane: an odd number of members, for a tier of rank 0
#   over at least three places; secrets in etcd encrypted; snapshots, at least as often as the strictest
#   recovery point objective of the cluster; and a snapshot to restore from where etcd starts that way.
#   Of a managed control plane with a tier it asks for a procedure that makes the cluster again, and,
#   where components create objects that are not in git, for a schedule that backs API objects up
#   (velero.io or k8up.io Schedule). What the solver finds about quorum is reported here too.
# custom:
#   id: BS007
#   severity: error
#   applies: control-plane
#   scope: cluster
#   reads: [spec, objects, fleet]
#   since: v0.1.0
#   rationale: >-
#     An even number of members survives no more failures than one less, and etcd without a snapshot is
#     a cluster that can only be made anew. A provider brings back a control plane, never what stood in it.
#   remediation: >-
#     place an odd number of members in different places, encrypt and snapshot etcd; for a managed control
#     plane write the procedure that recreates it, and back up what git does not hold
#   frameworks:
#     - CIS Kubernetes Benchmark 1.2
#     - NIST SP 800-34
#     - NSA/CISA Kubernetes Hardening Guide
package darkstart.rules.bs007

import data.darkstart.lib

plane := object.get(input.spec, "controlPlane", {})

self := plane.self

tiers := object.get(fleet, "tiers", {})

default fleet := {}

fleet := input.fleet if is_object(input.fleet)

default recovery := {}

recovery := input.recovery if is_object(input.recovery)

tier := object.get(tiers, object.get(input.spec, "tier", ""), {})

judged if self

judged if managed

managed if {
	object.get(input.spec, "tier", "") != ""
	not self
}

default evaluated := 0

evaluated := 1 if judged

# Members.

members := object.get(self, "members", [])

# Where a member stands, without the accounts and rings that all share.
spots := {lib.spot(member, object.get(fleet, "domains", {})) | some member in members}

# etcd.

# Its own objective of a class takes the place of its tier's.
objectives := object.union(
	{class: o | some class, o in object.get(tier, "objectives", {}); not input.spec.objectives[class]},
	object.get(input.spec, "objectives", {}),
)

strictest := min([lib.seconds(o.rpo) | some o in objectives; o.rpo])

# Managed.

recreated if {
	some procedure in object.get(recovery, "procedures", {})
	some restored in restores(procedure)
	restored in {input.cluster, sprintf("%s/@api", [input.cluster]), sprintf("%s/@machines", [input.cluster])}
}

restores(procedure) := array.concat(object.get(procedure, "restores", []), [r |
	some step in object.get(procedure, "steps", {})
	some r in array.concat(object.get(step, "restores", []), object.get(step, "rebuilds", []))
])

created := sort({sprintf("%s (%s)", [pattern, name]) |
	some name, component in input.spec.components
	some pattern in object.get(component, "creates", [])
})

scheduled if {
	some schedule in input.kinds.Schedule
	backs_up(schedule)
}

backs_up(schedule) if {
	schedule.group == "velero.io"
	object.get(schedule.content, ["spec", "paused"], false) != true
}

# K8up's may also only check or prune what others wrote.
backs_up(schedule) if {
	schedule.group == "k8up.io"
	is_object(schedule.content.spec.backup)
}

problems contains {
	"msg": sprintf("has %d control plane members, and an even number survives no more failures than one less", [count(members)]),
	"path": ["controlPlane", "self", "members"],
	"help": "add or remove one member",
} if {
	self
	count(members) % 2 == 0
}

problems contains {
	"msg": sprintf("is of tier rank 0, and its %d control plane members stand in %d places", [count(members), count(spots)]),
	"path": ["controlPlane", "self", "members"],
	"help": "place at least three members in three zones",
} if {
	self
	tier.rank == 0
	count(spots) < 3
}

problems contains {
	"msg": "does not encrypt secrets in etcd",
	"path": ["controlPlane", "self"],
	"help": "name the key or KMS under controlPlane: self: encryption",
} if {
	self
	object.get(self, "encryption", "") == ""
}

problems contains {
	"msg": "takes no snapshots of etcd",
	"path": ["controlPlane", "self"],
	"help": `add controlPlane: self: snapshots: {in: ["another domain"], every: "1h", immutable: true, encrypted: true}`,
} if {
	self
	not self.snapshots
}

problems contains {
	"msg": sprintf("takes a snapshot of etcd every %s, and its strictest recovery point objective is %d seconds", [self.snapshots.every, strictest]),
	"path": ["controlPlane", "self", "snapshots", "every"],
	"help": "take snapshots more often, or accept losing more",
} if {
	lib.seconds(self.snapshots.every) > strictest
}

problems contains {
	"msg": "restores etcd from a snapshot, and names none",
	"path": ["controlPlane", "self", "etcd"],
	"help": "name the snapshot under etcd: from",
} if {
	self.etcd.init == "restore"
	object.get(self.etcd, "from", "") == ""
}

problems contains {
	"msg": "has a managed control plane, and no procedure makes it again",
	"path": ["controlPlane"],
	"help": sprintf(`write a procedure with restores: ["%s/@machines"] in recovery/`, [input.cluster]),
} if {
	managed
	not recreated
}

problems contains {
	"msg": sprintf("makes objects that are not in git, and backs none up: %s", [concat(", ", array.slice(created, 0, 3))]),
	"path": ["components"],
	"help": "render a Schedule of Velero or K8up, which copies API objects out of the cluster",
} if {
	managed
	count(created) > 0
	not scheduled
}

deny contains {
	"msg": sprintf("cluster %q %s", [input.cluster, problem.msg]),
	"subject": {"path": lib.pointer(problem.path)},
	"help": [problem.help],
} if {
	some problem in problems
}
