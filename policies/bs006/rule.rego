# METADATA
# title: what git cannot regenerate has two custody places, and no scenario takes all it needs
# description: |
#   Judges every credential marked `escrow`: it has at least two custody places, one
#   more than the shares it takes to use it; no two of the places that it needs are
#   the same; and no declared or generated scenario leaves fewer of them than it
#   takes. It reports as well what the plan finds to come back only with a credential
#   that is lost in the same disaster.
# custom:
#   id: BS006
#   severity: error
#   applies: credential
#   scope: fleet
#   reads: [fleet, defects, losses]
#   since: v0.1.0
#   rationale: >-
#     A backup is as good as the key that opens it. Keys are small and therefore kept in one place, and that
#     place is often the vault whose backup they open.
#   remediation: >-
#     keep the credential, or one more share of it, in a place that no scenario takes together with the others
#   frameworks:
#     - NIST SP 800-57 5.3
#     - ISO 27001 A.8.24
#     - PCI DSS 3.7
package darkstart.rules.bs006

import data.darkstart.defects
import data.darkstart.lib

evaluated := count(escrowed)

escrowed[name] := credential if {
	some name, credential in object.get(fleet, "credentials", {})
	credential.escrow
}

default fleet := {}

fleet := input.fleet if is_object(input.fleet)

needed(credential) := max([1, object.get(credential, "shares", 0)])

places(credential) := {{domain | some domain in place} | some place in lib.list(credential, "custody")}

deny contains {
	"msg": sprintf("%q is in %d custody places, and needs %d: the loss of one must leave enough", [name, count(places(c)), needed(c) + 1]),
	"subject": {"node": name, "path": lib.pointer(["credentials", name])},
	"help": ["add a custody place in another domain: custody: [[\"…\"], [\"…\"]]"],
} if {
	some name, c in escrowed
	count(places(c)) <= needed(c)
}

deny contains {
	"msg": sprintf("%q is lost under %s: too few of its custody places survive", [name, concat(", ", scenarios)]),
	"subject": {"node": name, "path": lib.pointer(["credentials", name])},
	"help": [sprintf("move one custody place of %q out of what %s takes", [name, scenarios[0]])],
} if {
	some name, c in escrowed
	count(places(c)) > needed(c)
	scenarios := sort(object.get(input.losses, name, []))
	count(scenarios) > 0
}

deny contains defects.finding(defect, ["keep one custody place of the credential outside of the disaster"]) if {
	some defect in defects.of("BS006")
	count(defect.scenarios) > 0
}
