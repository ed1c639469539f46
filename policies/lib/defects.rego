# METADATA
# title: what rules that report the solver's defects share
# description: |
#   The solver finds a defect with one query a class; a rule says which of them
#   it reports and what to do. Nothing here decides anything.
package darkstart.defects

# METADATA
# description: the defects that the solver hands to a rule
of(rule) := object.get(input.defects, rule, [])

# METADATA
# description: a finding about one defect
finding(defect, help) := {
	"msg": defect.message,
	"subject": subject(defect),
	"at": array.concat(
		[object.union(at, {"text": ""}) | some at in array.slice(defect.at, count(defect.at) - 1, count(defect.at))],
		[object.union(at, {"text": edge.reason}) | some edge in defect.edges; some at in edge.at],
	),
	"notes": scenarios(defect.scenarios),
	"help": help,
}

subject(defect) := {"node": defect.nodes[0]} if {
	count(defect.nodes) > 0
} else := {}

scenarios(list) := [sprintf("under %s", [concat(", ", array.slice(list, 0, 5))])] if {
	count(list) in {1, 2, 3, 4, 5}
} else := [sprintf("under %s and %d more scenarios", [concat(", ", array.slice(list, 0, 4)), count(list) - 4])] if {
	count(list) > 5
} else := []
