# METADATA
# title: what is written together is restored together
# description: |
#   Judges stores that one service, or one component, needs to run: they are
#   written by one program, and a restore to two points in time leaves them disagreeing. They have to be
#   in one consistency group (`group`), which restores to its oldest common point. Stores without a backup
#   are left out: they have no point to disagree about. So are alternatives (`any`, `atLeast`),
#   unless all of them are needed.
# custom:
#   id: DR010
#   severity: error
#   applies: store
#   scope: fleet
#   reads: [fleet, clusters]
#   since: v0.1.0
#   rationale: >-
#     Each restore passes its own check. The order that is in one database and not in the other is found by
#     a customer.
#   remediation: >-
#     give the stores one group, or, where they may disagree, let the service need only one of them
#   frameworks:
#     - NIST SP 800-209
#     - ISO/IEC 27001 A.8.13
#     - Google SRE Book chapter 26
package darkstart.rules.dr010

import data.darkstart.lib

default fleet := {}

fleet := input.fleet if is_object(input.fleet)

stores[name] := store if {
	some name, store in object.get(fleet, "stores", {})
	count(object.get(store, "backups", {})) > 0
}

# The stores that a requirement always needs. Of alternatives (any, atLeast) some
# are enough, so nothing says that they are written together.
named(requirement) := {name |
	walk(requirement, [path, leaf])
	is_string(leaf)
	every i, key in path { not choice(requirement, array.slice(path, 0, i), key) }
	name := trim_prefix(leaf, "/")
	name in object.keys(stores)
}

# Whether fewer than all under a key do; all of two is not a choice.
choice(requirement, path, key) if {
	key in {"any", "of"}
	group := object.get({"of": requirement}, array.concat(["of"], path), {})
	count(group[key]) > object.get(group, "atLeast", 1)
}

together[writer] := names if {
	some writer, service in object.get(fleet, "services", {})
	names := named(object.get(service, ["requires", "run"], []))
	count(names) > 1
}

together[writer] := names if {
	some cluster, spec in input.clusters
	some component, c in spec.components
	writer := sprintf("%s/%s", [cluster, component])
	names := named(object.get(c, ["requires", "run"], []))
	count(names) > 1
}

evaluated := count(stores)

groups(names) := {object.get(stores[name], "group", "") | some name in names}

agree(names) if {
	count(groups(names)) == 1
	not "" in groups(names)
}

deny contains {
	"msg": sprintf("%s writes %s, which are restored each to a point of its own", [writer, concat(" and ", sort(names))]),
	"subject": {"node": sort(names)[0], "path": lib.pointer(["stores", sort(names)[0]])},
	"notes": [sprintf("%s is in group %q", [name, object.get(stores[name], "group", "")]) | some name in sort(names)],
	"help": [sprintf("give %s one group: a restore then takes their oldest common point", [concat(" and ", sort(names))])],
} if {
	some writer, names in together
	not agree(names)
}
