# METADATA
# title: each store has a backup that its own disaster cannot reach
# description: |
#   Judges every store with backups: at least one of them is encrypted, immutable,
#   checked for integrity, in another domain than the store itself (neither inside,
#   nor around it), and cannot be written by a realm or account of the store. Where the
#   fleet declares accounts, it is in another account too. Further backups, near and
#   fast, are welcome and not judged. It reports as well the scenarios that no copy and
#   no backup of a store survives. Where a store stands is what its synchronous copies
#   say, else its placement, else the clusters named in holds.
# custom:
#   id: DR004
#   severity: error
#   applies: store
#   scope: fleet
#   reads: [fleet, clusters, defects]
#   since: v0.1.0
#   rationale: >-
#     Ransomware and a wrong account take the backup with what it protects when both are reached with the same
#     credentials, or stand in the same place.
#   remediation: >-
#     write one backup to another account and domain, encrypted, immutable and checked, with credentials of its own
#   frameworks:
#     - NIST SP 800-209 4.7
#     - ISO 27001 A.8.13
#     - CISA StopRansomware Guide 1.1
package darkstart.rules.dr004

import data.darkstart.defects
import data.darkstart.lib

default fleet := {}

fleet := input.fleet if is_object(input.fleet)

domains := object.get(fleet, "domains", {})

stores[name] := store if {
	some name, store in object.get(fleet, "stores", {})
	count(object.get(store, "backups", {})) > 0
}

evaluated := count(stores)

# A domain and all that it is inside of.
graph_up := {d: object.get(domain, "parents", []) | some d, domain in domains}

up(names) := graph.reachable(graph_up, names) | names

administrative := {"account", "subscription", "identity-realm", "admin-network"}

# The accounts of a place: those that it names, and those that are around it.
accounts(names) := {d | some d in up(names); administrates(d)}

places(names) := {d | some d in names; not administrates(d)}

administrates(d) if object.get(domains, [d, "kind"], "") in administrative

home(store) := names if {
	names := {d | some copy in object.get(store, "copies", {}); copy.mode == "sync"; some d in copy["in"]}
	count(names) > 0
} else := names if {
	names := {d | some replica in object.get(store, ["placement", "replicas"], []); some d in replica}
	count(names) > 0
} else := clusters(store)

clusters(store) := {d |
	some written in lib.list(store, "holds")
	some name, spec in input.clusters
	held_in(written, name)
	some replica in object.get(spec, ["placement", "replicas"], [])
	some d in replica
}

held_in(written, cluster) if split(written, "/")[0] == cluster

# Without a cluster it is any: kind/namespace/name.
held_in(written, _) if count(split(written, "/")) < 4

# The accounts of a store are those of its clusters too.
realms(store) := accounts(home(store) | clusters(store))

lacks(store, backup) := [what |
	some [what, bad] in [
		["is not encrypted", object.get(backup, "encrypted", false) != true],
		["is not immutable", object.get(backup, "immutable", false) != true],
		["has no integrity check", object.get(backup, "integrity", "") == ""],
		["stands where the store stands", near(store, backup)],
		["is in no account of its own", same_account(store, backup)],
		["can be written by a realm of the store", count({w | some w in lib.list(backup, "writers")} & realms(store)) > 0],
	]
	bad
]

default near(_, _) := false

near(store, backup) if {
	here := places(home(store))
	there := places({d | some d in lib.list(backup, "in")})
	count(((up(here) & there) | (up(there) & here))) > 0
}

default same_account(_, _) := false

same_account(store, backup) if {
	count(realms(store)) > 0
	count(accounts({d | some d in lib.list(backup, "in")}) - realms(store)) == 0
}

deny contains {
	"msg": sprintf("no backup of %q is out of reach of what takes the store", [name]),
	"subject": {"node": name, "path": lib.pointer(["stores", name, "backups"])},
	"notes": [sprintf("backup %q %s", [b, concat(", ", lacks(store, backup))]) | some b, backup in store.backups],
	"help": [`give one backup: in: ["another domain", "another account"], encrypted: true, immutable: true, integrity: "…", writers: ["a realm of its own"]`],
} if {
	some name, store in stores
	every backup in store.backups {
		count(lacks(store, backup)) > 0
	}
}

deny contains defects.finding(defect, ["keep a copy or backup outside of what the scenario takes, which deletions do not reach"]) if {
	some defect in defects.of("DR004")
	defect.declared
}
