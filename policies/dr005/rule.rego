# METADATA
# title: evidence of recovery is fresh, and of what stands there now
# description: |
#   Judges every declared procedure and every backup by evidence/. A procedure was drilled when a passed
#   record covers it; a record matches while its closure is the one that the plan computes: the procedure,
#   its steps, and the requirements, placement and capacity of all that it touches. A backup was tested
#   when it was restored. Warnings are what was never tried, tried in a smaller scope, or tried before it
#   changed; errors are what is older than the cadence of its tier (`drillCadence`, `restoreCadence`), and
#   a last run that failed.
# custom:
#   id: DR005
#   severity: error
#   applies: recovery
#   scope: fleet
#   reads: [defects, evidence, fleet]
#   since: v0.1.0
#   rationale: >-
#     A procedure that nobody has run is a hope, and one that changed since its last drill is a new one. Most
#     backups that cannot be restored were found when they were needed.
#   remediation: >-
#     run the drill or restore the backup as a test, and add its record to evidence/
#   frameworks:
#     - NIST SP 800-34 3.5
#     - ISO 22301 8.5
#     - NIST SP 800-209
package darkstart.rules.dr005

import data.darkstart.defects
import data.darkstart.lib

default procedures := 0

procedures := count(input.recovery.procedures) if is_object(input.recovery.procedures)

default stores := {}

stores := input.fleet.stores if is_object(input.fleet.stores)

backups := count([1 | some store in stores; some _ in object.get(store, "backups", {})])

evaluated := procedures + backups

help(defect) := ["restore it as a test, and record the run in evidence/"] if {
	defect.class == "backup-untested"
} else := ["run the drill, and record it in evidence/; darkstart plan prints the closure of today"]

# The records that no longer count, when the procedure has changed under them.
changed(defect) := [sprintf("%s was recorded on %s for another closure", [record.file, record.date]) |
	some record in input.evidence
	record.stale
	record.result == "passed"
	contains(defect.message, sprintf("procedure %s was drilled only before", [record.procedure]))
]

# The records of the last day of a procedure. One that has gone since is history.
latest[procedure] := [record | some record in records; record.date == date] if {
	some procedure, _ in input.recovery.procedures
	records := [r | some r in input.evidence; r.procedure == procedure]
	date := max([r.date | some r in records])
}

# What the solver says of a procedure or a backup: too old is an error, the rest
# a warning.
deny contains object.union(defects.finding(defect, help(defect)), {
	"warning": object.get(defect, "timed", false) == false,
	"notes": array.concat(defects.scenarios(defect.scenarios), changed(defect)),
}) if {
	some defect in defects.of("DR005")
}

deny contains {
	"msg": sprintf("the last run of procedure %s, on %s, failed", [procedure, records[0].date]),
	"at": [{"file": record.file} | some record in records],
	"subject": {"path": lib.pointer(["procedures", procedure])},
	"help": ["mend what failed, run it again, and record that run in evidence/"],
} if {
	some procedure, records in latest

	# A day with both is one on which it was mended, as for restore tests.
	every record in records { record.result == "failed" }
}
