# METADATA
# title: what the rules about objectives share
# description: |
#   The words for one cell of the matrix of objectives and scenarios. Nothing
#   here decides anything.
package darkstart.recovery

# METADATA
# description: the objective first, then the places where declarations are missing
positions(cell, objective) := array.concat(
	[object.union(at, {"text": objective}) | some at in array.slice(cell.at, 0, 1)],
	[object.union(at, {"text": sprintf("add %s", [u.settle])}) |
		some u in cell.unknowns
		some at in array.slice(u.at, count(u.at) - 1, count(u.at))
	],
)

# METADATA
# description: the scenario, what the solver found behind the cell, and where the time goes
notes(cell) := array.flatten([
	scenario(cell.scenario),
	cell.because,
	[sprintf("%s: %s", [u.node, u.what]) | some u in cell.unknowns],
	[table(cell.path) | count(cell.path) > 0],
])

scenario(s) := sprintf("scenario: %s begins with nothing of %s", [s.id, s.cluster]) if {
	s.class == "bootstrap"
} else := "scenario: darkstart begins with nothing of any cluster" if {
	s.class == "darkstart"
} else := sprintf("scenario: %s (%s) removes %s", [s.id, s.mode, concat(", ", s.removes)])

# METADATA
# description: the declarations that would settle an unknown cell
settle(cell) := [sprintf("declare %s", [s]) | some s in distinct([u.settle | some u in cell.unknowns])]

distinct(list) := [s |
	some i, s in list
	not s in array.slice(list, 0, i)
]

# METADATA
# description: how to accept a cell, as a decision with an owner
accept(cell) := sprintf("or accept it: objectives: %q: accepted: {reason, owner, review}", [cell.class])

# METADATA
# description: the critical path, a line a step, in columns
table(rows) := concat("\n", [line |
	some cells in array.concat([["critical path", "by", "takes", "", "until"]], [columns(r) | some r in rows])
	line := trim_right(
		sprintf("%-*s  %-*s  %*s  %-*s  %*s", [
			width(rows, 0), cells[0], width(rows, 1), cells[1], width(rows, 2), cells[2],
			width(rows, 3), cells[3], width(rows, 4), cells[4],
		]),
		" ",
	)
])

columns(r) := [r.step, by(r), takes(r), basis(r), r.end]

by(r) := r.by if {
	r.by != ""
} else := "automation"

takes(r) := r.duration if {
	r.waited == ""
} else := sprintf("%s after %s of waiting", [r.duration, r.waited])

basis(r) := sprintf("measured (n %d, p90 %s, %s)", [r.measured.n, r.measured.p90, r.measured.date]) if {
	r.measured
} else := "estimated" if {
	r.known
} else := "not declared"

width(rows, i) := max([count(c) | some cells in array.concat([["critical path", "by", "takes", "", "until"]], [columns(r) | some r in rows]); c := cells[i]])
