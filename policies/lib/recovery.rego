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
		some u in array.slice(cell.unknowns, 0, shown)
		some at in array.slice(u.at, count(u.at) - 1, count(u.at))
	],
)

# METADATA
# description: the scenario, what the solver found behind the cell, and where the time goes
notes(cell) := array.flatten([
	scenario(cell.scenario),
	cell.because,
	[sprintf("%s: %s", [u.node, u.what]) | some u in array.slice(cell.unknowns, 0, shown)],
	[sprintf("%d more of the kind", [count(cell.unknowns) - shown]) | count(cell.unknowns) > shown],
	[table(cell.path) | count(cell.path) > 0],
])

scenario(s) := sprintf("scenario: %s begins with nothing of %s", [s.id, s.cluster]) if {
	s.class == "bootstrap"
} else := "scenario: darkstart begins with nothing of any cluster" if {
	s.class == "darkstart"
} else := sprintf("scenario: %s (%s) removes %s", [s.id, s.mode, concat(", ", s.removes)])

# METADATA
# description: the declarations that would settle an unknown cell
settle(cell) := array.concat(
	[sprintf("declare %s", [s]) | some s in array.slice(all, 0, shown)],
	[sprintf("declare %d more: `darkstart plan -o json` lists the unknowns of each cell", [count(all) - shown]) | count(all) > shown],
) if {
	all := distinct([u.settle | some u in cell.unknowns])
}

# METADATA
# description: what nobody reads to its end is cut, and counted
shown := 20

# METADATA
# description: each value once, in the order of the first
distinct(list) := [list[i] | some i in {pair[1] | some k, pair in pairs; first(pairs, k)}] if {
	pairs := sort([[value, i] | some i, value in list])
}

first(_, 0)

first(pairs, k) if pairs[k][0] != pairs[k - 1][0]

# METADATA
# description: how to accept a cell, as a decision with an owner
accept(cell) := sprintf("or accept it: objectives: %q: accepted: {reason, owner, review}", [cell.class])

# METADATA
# description: the critical path, a line a step, in columns
table(rows) := concat("\n", [line |
	some cells in grid
	line := trim_right(
		sprintf("%-*s  %-*s  %*s  %-*s  %*s", [
			width[0], cells[0], width[1], cells[1], width[2], cells[2],
			width[3], cells[3], width[4], cells[4],
		]),
		" ",
	)
]) if {
	grid := array.concat([["critical path", "by", "takes", "", "until"]], [columns(r) | some r in rows])
	width := [max([count(cells[i]) | some cells in grid]) | some i in [0, 1, 2, 3, 4]]
}

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
