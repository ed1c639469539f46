package darkstart.rules.dr005_test

import data.darkstart.rules.dr005

defect(class, message, timed) := {"class": class, "message": message, "timed": timed, "nodes": ["db"], "scenarios": [], "at": [], "edges": []}

record(date, result, stale) := {"file": sprintf("evidence/%s.json", [date]), "procedure": "restore-db", "date": date, "result": result, "stale": stale}

found(defects, records) := result if {
	result := {[f.msg, object.get(f, "warning", false)] | some f in dr005.deny} with input as {
		"defects": {"DR005": defects}, "evidence": records,
		"fleet": {"stores": {"db": {"backups": {"nightly": {}}}}}, "recovery": {"procedures": {"restore-db": {}}},
	}
}

test_nothing_wrong if found([], [record("2026-01-01", "passed", false)]) == set()

test_never_drilled_is_a_warning if {
	found([defect("never-drilled", "procedure restore-db was never run as a drill", false)], []) == {["procedure restore-db was never run as a drill", true]}
}

test_past_the_cadence_is_an_error if {
	found([defect("never-drilled", "procedure restore-db was last drilled on 2025-01-01, its tier asks for every 90d", true)], []) == {["procedure restore-db was last drilled on 2025-01-01, its tier asks for every 90d", false]}
}

test_a_changed_procedure_names_its_records if {
	notes := {n | some f in dr005.deny; some n in f.notes} with input as {
		"defects": {"DR005": [defect("never-drilled", "procedure restore-db was drilled only before it, or what it depends on, changed", false)]},
		"evidence": [record("2026-01-01", "passed", true)], "fleet": {}, "recovery": {"procedures": {"restore-db": {}}},
	}
	notes == {"evidence/2026-01-01.json was recorded on 2026-01-01 for another closure"}
}

test_a_failure_counts_until_it_passes if {
	found([], [record("2026-01-01", "failed", false)]) == {["the last run of procedure restore-db, on 2026-01-01, failed", false]}
	found([], [record("2026-01-01", "failed", false), record("2026-02-01", "passed", false)]) == set()
}

test_evaluated if dr005.evaluated == 2 with input as {"fleet": {"stores": {"db": {"backups": {"nightly": {}}}}}, "recovery": {"procedures": {"restore-db": {}}}, "evidence": []}

test_two_runs_on_one_day if {
	found([], [record("2026-01-01", "failed", false), object.union(record("2026-01-01", "passed", false), {"file": "evidence/again.json"})]) == set()
	found([], [record("2026-01-01", "failed", false), object.union(record("2026-01-01", "failed", false), {"file": "evidence/again.json"})]) == {["the last run of procedure restore-db, on 2026-01-01, failed", false]}
}

test_a_procedure_that_has_gone_is_history if {
	found([], [object.union(record("2026-01-01", "failed", false), {"procedure": "gone"})]) == set()
}
