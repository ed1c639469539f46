# METADATA
# title: everything has an owner who can be reached, and an alert leads to a runbook
# description: |
#   Judges every component (its own owner, else its cluster's), procedure, service and store; every step
#   without an actor falls to the owner of its procedure. A team that owns something names whom it
#   escalates to, unless it is where others escalate to. Every alert of severity critical in a rendered
#   PrometheusRule carries a runbook_url, any URL counts; and once alerts are rendered, a service with
#   an objective names the alert that tells of its loss, or a procedure that restores it does.
# custom:
#   id: OP001
#   severity: error
#   applies: team
#   scope: fleet
#   reads: [clusters, fleet, alerts]
#   since: v0.1.0
#   rationale: >-
#     A page without an owner wakes nobody, and a critical alert without a runbook wakes somebody who then
#     has to find out what to do. Both are found at three in the morning.
#   remediation: >-
#     name an owner from the fleet's teams, an escalation for the team, and a runbook_url for the alert
#   frameworks:
#     - Google SRE Book chapter 11
#     - ISO 22301 8.4.2
#     - NIST SP 800-61
package darkstart.rules.op001

import data.darkstart.lib

default fleet := {}

fleet := input.fleet if is_object(input.fleet)

default recovery := {}

recovery := input.recovery if is_object(input.recovery)

procedures := object.get(recovery, "procedures", {})

services := object.get(fleet, "services", {})

owned := array.concat(
	[{"what": "component", "name": sprintf("%s/%s", [cluster, name]), "owner": owner, "subject": {"cluster": cluster, "component": name, "path": lib.pointer(["components", name])}} |
		some cluster, spec in input.clusters
		some name, component in spec.components
		owner := first([object.get(component, "owner", ""), object.get(spec, "owner", "")])
	],
	[{"what": trim_suffix(folder, "s"), "name": name, "owner": object.get(thing, "owner", ""), "subject": {"path": lib.pointer([folder, name])}} |
		some folder, things in {"procedures": procedures, "services": services, "stores": object.get(fleet, "stores", {})}
		some name, thing in things
	],
)

first(owners) := [o | some o in owners; o != ""][0]

first(owners) := "" if count([o | some o in owners; o != ""]) == 0

steps := [{"procedure": p, "step": s, "by": first([object.get(step, "by", ""), object.get(procedure, "owner", "")])} |
	some p, procedure in procedures
	some s, step in object.get(procedure, "steps", {})
]

critical := [alert | some alert in input.alerts; lower(trim_space(alert.severity)) == "critical"]

evaluated := ((count(owned) + count(steps)) + count(critical)) + count(promised)

teams := sort(object.keys(object.get(fleet, "teams", {})))

# Whom a team calls when it does not answer: not itself.
calls[name] := {e | some e in object.get(team, "escalation", []); e != name} if {
	some name, team in object.get(fleet, "teams", {})
}

# Where others escalate to, it ends.
ends := {e | some called in calls; some e in called}

owners := {thing.owner | some thing in owned} | {s.by | some s in steps}

# Services that promise something, once there are alerts at all.
promised[name] := service if {
	count(input.alerts) > 0
	some name, service in services
	has_objective(service)
}

has_objective(service) if object.get(service, "tier", "") != ""

has_objective(service) if count(object.get(service, "objectives", {})) > 0

told(name, _) if {
	some procedure in procedures
	some restores in array.concat([procedure], [step | some step in object.get(procedure, "steps", {})])
	some restored in object.get(restores, "restores", [])
	trim_prefix(restored, "/") == name
	count(object.get(procedure, ["triggers", "alerts"], [])) > 0
}

told(_, service) if count(object.get(service, "alerts", [])) > 0

# Who it is nobody can guess: the stub names no team, so that the next check asks.
stub(field) := {"title": sprintf("add a stub of %s:, to be filled in", [field]), "add": {"field": field, "value": "todo"}}

deny contains {
	"msg": sprintf("%s %q has no owner", [thing.what, thing.name]),
	"subject": thing.subject,
	"help": [sprintf("add owner: to it; there are the teams %s", [concat(", ", teams)])],
	"fix": stub("owner"),
} if {
	some thing in owned
	thing.owner == ""
}

deny contains {
	"msg": sprintf("step %s/%s is done by nobody", [s.procedure, s.step]),
	"subject": {"path": lib.pointer(["procedures", s.procedure, "steps", s.step])},
	"help": ["add by: to the step, or owner: to its procedure"],
	"fix": stub("by"),
} if {
	some s in steps
	s.by == ""
}

deny contains {
	"msg": sprintf("team %q owns something and escalates to nobody", [name]),
	"subject": {"path": lib.pointer(["teams", name])},
	"help": [`add escalation: ["…"] to the team: who is called when it does not answer`],
} if {
	some name, called in calls
	name in owners
	not name in ends
	count(called) == 0
}

deny contains {
	"msg": sprintf("alert %q is critical and has no runbook_url", [alert.alert]),
	"subject": {"cluster": alert.cluster, "component": alert.component, "object": alert.object, "path": alert.path},
	"help": ["add the annotation runbook_url, or lower the severity: nobody has to act on it at once"],
} if {
	some alert in critical
	trim_space(alert.runbook) == ""
}

deny contains {
	"msg": sprintf("service %q has an objective, and no alert tells of its loss", [name]),
	"subject": {"node": name, "path": lib.pointer(["services", name])},
	"help": [`add alerts: ["…"] to the service: the alerts that its users' pain raises`],
} if {
	some name, service in promised
	not told(name, service)
}
