# METADATA
# title: the error budget of a tier covers its disasters
# description: |
#   Judges every tier with an SLO and an expected frequency of disasters: the longest
#   recovery time objective that is not a start from nothing, times the frequency over
#   the window of the SLO, fits into the window's error budget.
# custom:
#   id: DR011
#   severity: warning
#   applies: objective
#   scope: fleet
#   reads: [fleet]
#   since: v0.1.0
#   rationale: >-
#     An availability target of 99.99 percent a year is 52 minutes. With a recovery time objective of three
#     hours one disaster breaks the promise, though every recovery was in time.
#   remediation: >-
#     lower the objective, lower the target, or expect fewer disasters and say why
#   frameworks:
#     - Google SRE Book chapter 3
#     - Google SRE Workbook chapter 2
package darkstart.rules.dr011

import data.darkstart.lib

tiers[name] := tier if {
	is_object(input.fleet)
	some name, tier in object.get(input.fleet, "tiers", {})
	object.get(tier, ["slo", "frequency"], 0) > 0
	count(objectives(tier)) > 0
}

evaluated := count(tiers)

year := 31536000

# Recovery times in seconds; starts from nothing are not expected every year.
objectives(tier) := [seconds |
	some kind, objective in object.get(tier, "objectives", {})
	not kind in {"bootstrap", "darkstart"}
	seconds := lib.seconds(objective.rto)
]

deny contains {
	"msg": sprintf("tier %q expects %v disasters a year of up to %d minutes each, and its SLO of %v allows %d minutes in %s", [
		name, tier.slo.frequency, round(longest / 60), tier.slo.target, round(budget / 60), tier.slo.window,
	]),
	"subject": {"path": lib.pointer(["tiers", name, "slo"])},
	"help": ["lower the longest rto of the tier, or its slo: target"],
} if {
	some name, tier in tiers
	longest := max(objectives(tier))
	window := lib.seconds(tier.slo.window)
	budget := (1 - tier.slo.target) * window
	(longest * tier.slo.frequency) * (window / year) > budget
}
