# METADATA
# title: nothing is past its removal, review or expiry date
# description: |
#   Judges the dates of feature flags, credentials and accepted losses, and the
#   review dates and runbooks of procedures, against now. Now is the time of the
#   commit, or `--now`; without a time nothing is judged.
# custom:
#   id: OP003
#   severity: warning
#   applies: date
#   scope: fleet
#   reads: [clusters, fleet, defects, now]
#   since: v0.1.0
#   rationale: >-
#     Temporary is what nobody looks at again. A date makes somebody look, and a certificate that expires in a
#     quiet year takes the recovery down with it in a loud one.
#   remediation: >-
#     remove it, renew it, or review it and set a new date
#   frameworks:
#     - NIST SP 800-57 5.3
#     - ISO 27001 A.5.1
#     - NIST SP 800-34 3.6
package darkstart.rules.op003

import data.darkstart.defects
import data.darkstart.lib

today := substring(input.now, 0, 10) if {
	is_string(input.now)
}

dated := array.flatten([flags, credentials, losses])

default evaluated := 0

evaluated := count(dated) + count(procedures) if today

flags := [{"what": sprintf("flag %q of %q is past its removal date", [f, c]), "date": flag.remove, "at": {"cluster": c, "path": lib.pointer(["flags", f])}} |
	some c, spec in input.clusters
	some f, flag in object.get(spec, "flags", {})
	object.get(flag, "remove", "") != ""
]

credentials := [{"what": sprintf("credential %q has expired", [c]), "date": credential.expires, "at": {"node": c, "path": lib.pointer(["credentials", c])}} |
	is_object(input.fleet)
	some c, credential in object.get(input.fleet, "credentials", {})
	object.get(credential, "expires", "") != ""
]

losses := array.flatten([
	[loss(sprintf("%s %q", [kind, name]), class, objective, {"path": lib.pointer([field, name, "objectives", class])}) |
		is_object(input.fleet)
		some kind, field in {
			"tier": "tiers", "service": "services", "store": "stores", "external": "externals",
			"credential": "credentials", "tool": "tools", "node": "nodes",
		}
		some name, thing in object.get(input.fleet, field, {})
		some class, objective in object.get(thing, "objectives", {})
		reviewed(objective)
	],
	[loss(sprintf("cluster %q", [c]), class, objective, {"cluster": c, "path": lib.pointer(["objectives", class])}) |
		some c, spec in input.clusters
		some class, objective in object.get(spec, "objectives", {})
		reviewed(objective)
	],
	[loss(sprintf("component %q", [sprintf("%s/%s", [c, name])]), class, objective, {"cluster": c, "component": name, "path": lib.pointer(["components", name, "objectives", class])}) |
		some c, spec in input.clusters
		some name, component in object.get(spec, "components", {})
		some class, objective in object.get(component, "objectives", {})
		reviewed(objective)
	],
])

reviewed(objective) if object.get(objective, ["accepted", "review"], "") != ""

loss(whose, class, objective, at) := {
	"what": sprintf("the accepted loss of %s under %q is past its review date", [whose, class]),
	"date": objective.accepted.review,
	"at": at,
}

procedures := [p |
	is_object(input.recovery)
	some p in object.get(input.recovery, "procedures", {})
	object.get(p, "review", "") != ""
]

deny contains {
	"msg": sprintf("%s: %s", [d.what, d.date]),
	"subject": d.at,
	"help": ["remove it, renew it, or review it and set a new date"],
} if {
	some d in dated
	substring(d.date, 0, 10) < today
}

deny contains defects.finding(defect, ["read the runbook against the fleet of today, correct it, and set a new review date"]) if {
	some defect in defects.of("OP003")
}
