# METADATA
# title: what recovery is done with is pinned, kept twice, and not changed on the way
# description: |
#   Judges every tool of the fleet. It names an exact version or a digest, and the version before
#   (`previous`), as exactly, which is kept too. It stands in two places at least, so that no single disaster takes it
#   with what it restores, or in a component of a cluster's first phase, which comes back before anything
#   that the tool is for. Against a base, a tool must not change in the change that also changes
#   a procedure which needs it: a drill of the one says nothing about the other.
# custom:
#   id: OP002
#   severity: error
#   applies: recovery
#   scope: fleet
#   reads: [clusters, fleet, changes]
#   since: v0.1.0
#   rationale: >-
#     The tool that restores the registry is pulled from the registry, in the version that came out last
#     week. Nobody notices until both are gone.
#   remediation: >-
#     pin the tool, keep the version before, place it in two domains, and upgrade it in a change of its own
#   frameworks:
#     - NIST SP 800-34
#     - Google SRE Book chapter 13
#     - ISO 22301 8.3.4
package darkstart.rules.op002

import data.darkstart.lib

default fleet := {}

fleet := input.fleet if is_object(input.fleet)

default procedures := {}

procedures := input.recovery.procedures if is_object(input.recovery.procedures)

tools := object.get(fleet, "tools", {})

evaluated := count(tools)

pinned(tool) if lib.exact_version(object.get(tool, "version", ""))

pinned(tool) if lib.is_digest(object.get(tool, "digest", ""))

# What is no version before: v1.2.3 is 1.2.3.
current(tool) := {"", trim_prefix(object.get(tool, "version", ""), "v"), object.get(tool, "digest", "")}

finding(name, msg, field, help) := {
	"msg": sprintf("tool %q %s", [name, msg]),
	"subject": {"node": name, "path": lib.pointer(array.concat(["tools", name], field))},
	"help": [help],
}

places(tool) := {lib.spot(replica, object.get(fleet, "domains", {})) | some replica in object.get(tool, ["placement", "replicas"], [])}

# In two places, of which neither is within the other.
twice(tool) if {
	some a in places(tool)
	some b in places(tool)
	count(a - b) > 0
	count(b - a) > 0
}

# In a component of the first phase, or of a cluster of one phase. A component
# that names none is in the last.
early(tool) if {
	[cluster, component] := split(object.get(tool, ["placement", "in"], ""), "/")
	spec := input.clusters[cluster]
	phases := [phase.name | some phase in object.get(spec, "phases", [])]
	declared := object.get(spec.components[component], "phase", "")
	first_of(phases, declared)
}

first_of(phases, _) if count(phases) < 2

first_of(phases, declared) if declared == phases[0]

# A tool that every machine of a person has is in no single place.
escrowed(tool) if not tool.placement

named(requirement) := {name | walk(requirement, [_, name]); is_string(name)}

needs[procedure] := names if {
	some procedure, p in procedures
	names := {n | some step in object.get(p, "steps", {}); some n in named(object.get(step, "needs", []))}
}

changed := object.get(changes, "tools", [])

default changes := {}

changes := input.changes if is_object(input.changes)

deny contains finding(name, "is not pinned to an exact version or digest", [], `write version: "1.36.2", as it is installed`) if {
	some name, tool in tools
	not pinned(tool)
}

deny contains finding(name, "keeps no version before the current one", [], "add previous: the version to go back to, and keep it beside the current one") if {
	some name, tool in tools
	trim_prefix(object.get(tool, "previous", ""), "v") in current(tool)
}

deny contains finding(name, sprintf("goes back to %s, which is no exact version or digest", [tool.previous]), ["previous"], `write previous: "1.35.6", as it is kept`) if {
	some name, tool in tools
	not trim_prefix(tool.previous, "v") in current(tool)
	not lib.exact_version(tool.previous)
	not lib.is_digest(tool.previous)
}

deny contains finding(name, "stands in one place, and goes with it", ["placement"], `place it twice: placement: replicas: [["office"], ["another domain"]]`) if {
	some name, tool in tools
	not twice(tool)
	not early(tool)
	not escrowed(tool)
}

deny contains finding(change.tool, sprintf("changes from %s to %s together with procedure %s, which needs it", [change.before, change.after, procedure]), ["version"], "upgrade the tool in a change of its own, and drill the procedure with it") if {
	some change in changed
	some procedure in object.get(changes, "procedures", [])
	change.tool in needs[procedure]
}
