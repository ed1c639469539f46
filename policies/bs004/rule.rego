# METADATA
# title: every phase has a preflight, a gate with a timeout and an observable endpoint
# description: |
#   Judges every declared phase that holds at least one component. A phase has a
#   preflight when it or one of its components declares one, and a gate when one
#   of its components does; every gate of its components has a timeout above
#   zero. Phases without a component, which clusters may inherit, are not judged.
# custom:
#   id: BS004
#   severity: error
#   applies: phase
#   scope: cluster
#   reads: [spec, parts]
#   since: v0.1.0
#   rationale: >-
#     Without a gate the next phase starts on hope; without a timeout a stuck phase looks like a slow
#     one; without an endpoint nobody can tell which it is. A preflight finds the missing quota before
#     the first step and not after the ninth.
#   remediation: declare preflight and endpoint on the phase, and a gate with a timeout on one of its components
#   frameworks:
#     - NIST SP 800-34 4.3
#     - Google SRE Book chapter 27
package darkstart.rules.bs004

import data.darkstart.lib

evaluated := count(phases)

# The phases that hold a component, each with the components in it.
phases[i] := members if {
	some i, phase in input.spec.phases
	members := {name | some [name, where] in lib.placed(input.parts); where == phase.name}
	count(members) > 0
}

deny contains missing(i, "preflight", "has no preflight", `add preflight: [{do: "…", run: "…", expect: "…"}] to the phase`) if {
	some i, members in phases
	count(lib.list(input.spec.phases[i], "preflight")) == 0
	not any_component(members, "preflight")
}

deny contains missing(i, "endpoint", "has no observable endpoint", `add endpoint: "https://…", where its state can be seen when the phase is up`) if {
	some i, _ in phases
	object.get(input.spec.phases[i], "endpoint", "") == ""
}

deny contains missing(i, "", "has no gate", help) if {
	some i, members in phases
	not any_component(members, "gates")
	help := sprintf("add gates: [{object: \"…\", condition: \"…\", timeout: \"10m\"}] to one of %s", [concat(", ", sort(members))])
}

deny contains {
	"msg": sprintf("gate %q of %q has no timeout", [gate.object, name]),
	"subject": {"component": name, "path": lib.pointer(["components", name, "gates", i])},
	"help": [`add timeout: "10m", longer than the upper end of expected`],
} if {
	some members in phases
	some name in members
	some i, gate in lib.list(input.spec.components[name], "gates")
	object.get(gate, "timeout", "") in {"", "0", "0s"}
}

any_component(members, field) if {
	some name in members
	count(lib.list(input.spec.components[name], field)) > 0
}

missing(i, field, what, help) := {
	"msg": sprintf("phase %q %s", [input.spec.phases[i].name, what]),
	"subject": {"path": lib.pointer([token | some token in ["phases", i, field]; token != ""])},
	"help": [help],
}
