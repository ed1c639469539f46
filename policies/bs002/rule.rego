# METADATA
# title: no bootstrap or recovery needs what its scenario removed and nothing earlier restored
# description: |
#   Judges every scenario that the plan solved: the declared ones, those that
#   `assume` generates, `bootstrap/C` and `darkstart`. A finding is something
#   outside the recoverable set that every alternative of a judged objective
#   needs, or a cluster that cannot be brought up from nothing. It ends either in
#   a *cycle*, things that wait for each other, shown with the line of every
#   edge, or in a *lost leaf*, something that nothing brings back. Things that
#   merely run on each other rise together and are no paradox; a loss that
#   somebody accepted is not judged.
# custom:
#   id: BS002
#   severity: error
#   applies: always
#   scope: fleet
#   reads: [paradoxes]
#   since: v0.1.0
#   rationale: >-
#     A circle of needs does not show while everything runs. It shows when all of it is down at once,
#     and then no amount of time or people brings it back: registries that pull their own image, vaults
#     whose key is in the vault, dashboards behind the network that failed.
#   remediation: keep a copy of one member of the circle outside of the disaster, or make one of the needs optional
#   frameworks:
#     - NIST SP 800-34 3.4
#     - ISO 22301 8.4.4
#     - Google SRE Book chapter 17
package darkstart.rules.bs002

evaluated := input.recoveries

deny contains {
	"msg": message(p),
	"subject": {"node": p.target},
	"at": array.concat(places(array.concat(p.cycle, p.path)), leaf_places(p)),
	"notes": array.concat([removes(p)], notes(p)),
	"help": help(p),
} if {
	some p in input.paradoxes
}

# What happened, as the beginning of a sentence.
recovery(p) := sprintf("bootstrap of %q", [p.scenario.cluster]) if {
	p.scenario.class == "bootstrap"
} else := "start of all clusters from nothing" if {
	p.scenario.class == "darkstart"
} else := sprintf("recovery of %q under %s", [subject(p), p.scenario.id])

# Where the circle is entered; what does not come back, where there is none.
subject(p) := p.cycle[0].from if {
	count(p.cycle) > 0
} else := p.target

message(p) := sprintf("%s cannot complete: %s", [recovery(p), chain(p)]) if {
	built_in(p)
	count(p.cycle) > 0
} else := sprintf("%s needs %s", [recovery(p), chain_of(p)]) if {
	count(p.cycle) > 0
} else := sprintf("%s cannot complete: nothing brings %s up", [recovery(p), name(p)]) if {
	built_in(p)
} else := sprintf("nothing brings %q back under %s", [p.target, p.scenario.id]) if {
	p.leaf.node == p.target
} else := sprintf("recovery of %q under %s needs people who need %s, and nothing brings it back", [p.target, p.scenario.id, name(p)]) if {
	last(p.path).set == "actor"
} else := sprintf("recovery of %q under %s needs %s, which is lost in the same disaster", [p.target, p.scenario.id, name(p)]) if {
	taken(p)
} else := sprintf("recovery of %q under %s needs %s, and nothing brings it back", [p.target, p.scenario.id, name(p)])

built_in(p) if p.scenario.class != ""

taken(p) if p.leaf.node in p.fallen

last(list) := list[count(list) - 1]

# `"a" needs "b", and "b" needs "a" to come back`
chain(p) := sprintf("%q needs %s", [p.cycle[0].from, chain_of(p)])

chain_of(p) := sprintf("itself %s", [ending(p)]) if {
	count(p.cycle) == 1
} else := sprintf("%q, and %s %s", [
	p.cycle[0].to, concat(", and ", [link |
		some i, e in p.cycle
		i > 0
		link := sprintf("%q needs %q", [e.from, e.to])
	]),
	ending(p),
]) if {
	count(p.cycle) <= 4
} else := sprintf("%q, which through %d more needs %q %s", [p.cycle[0].to, count(p.cycle) - 2, p.cycle[0].from, ending(p)])

ending(p) := "to come up" if {
	built_in(p)
} else := "to come back"

# How its owner would name the thing that is lost.
words := {
	"backup": "the backup",
	"copy": "the copy",
	"credential": "the key",
	"tool": "the tool",
	"team": "the team",
	"store": "the data of",
	"domain": "the domain",
	"registry": "the registry",
	"git": "the git host",
	"dns": "the name service",
	"identity": "the identity provider",
	"kms": "the key service",
	"secret-store": "the secret store",
	"pager": "the pager",
	"runbook-host": "the host of the runbooks",
	"cloud-api": "the cloud API",
	"object-store": "the object store",
	"ci": "the CI system",
}

name(p) := sprintf("%s %q", [words[p.leaf.kind], trim_prefix(p.leaf.node, "domain:")]) if {
	words[p.leaf.kind]
} else := sprintf("%q", [p.leaf.node])

# Every edge of the circle, then those that lead to it, each with its line.
places(edges) := [object.union(at, {"text": label(e)}) |
	some e in edges
	some at in e.at
]

label(e) := sprintf("%s needs %s (%s)", [e.from, e.to, e.set]) if {
	e.reason == ""
} else := e.reason if {
	contains(e.reason, e.to)
} else := sprintf("%s needs %s: %s", [e.from, e.to, e.reason])

leaf_places(p) := array.concat(
	[object.union(at, {"text": sprintf("%s is declared here", [p.leaf.node])}) | some at in p.leaf.at],
	[object.union(at, {"text": why_not(p, t)}) | some t in p.leaf.tried; some at in t.at],
) if {
	p.leaf
} else := []

removes(p) := sprintf("scenario: %s begins with nothing of %s", [p.scenario.id, p.scenario.cluster]) if {
	p.scenario.class == "bootstrap"
} else := "scenario: darkstart begins with nothing of any cluster" if {
	p.scenario.class == "darkstart"
} else := sprintf("scenario: %s (%s) removes %s%s", [p.scenario.id, p.scenario.mode, concat(", ", p.scenario.removes), with_it(p)])

with_it(p) := sprintf(", and with it %s", [quoted([n | some n in p.fallen; not n in p.scenario.removes])]) if {
	some n in p.fallen
	not n in p.scenario.removes
} else := ""

notes(p) := array.flatten([
	[sprintf("%s needs %s (%s)", [e.from, e.to, e.set]) |
		some e in array.concat(p.path, p.cycle)
		count(e.at) == 0
	],
	[why_not(p, t) | some t in p.leaf.tried],
	[sprintf("the same keeps down: %s", [quoted(p.stuck)]) | count(p.stuck) > 0],
	[sprintf("the same under: %s", [concat(", ", p.also)]) | count(p.also) > 0],
])

why_not(p, t) := sprintf("procedure %s restores it, but for mode %s only, not %s", [t.procedure, t.what, p.scenario.mode]) if {
	t.why == "mode"
} else := sprintf("procedure %s restores it from %s, which is lost as well", [t.procedure, t.what]) if {
	t.why == "source"
} else := sprintf("procedure %s restores it into %s, which the scenario removes", [t.procedure, t.what]) if {
	t.what != ""
} else := sprintf("procedure %s restores it, but does not apply here", [t.procedure])

# At most this many ways out are printed; plan.json has them all.
shown := 4

help(p) := array.concat(declare(p), ways(p)) if {
	count(declare(p)) + count(p.breaks) > 0
} else := ["make one of these needs optional with any: […], or declare a procedure that goes without it"]

declare(p) := [sprintf("declare a procedure that restores %q%s", [p.leaf.node, into(p)])] if {
	p.leaf.kind in {"component", "store", "service", "api", "node", "machines", "etcd"}
} else := []

into(p) := sprintf(" into a domain outside %s, with modes: [%q]", [concat(", ", p.scenario.removes), p.scenario.mode]) if {
	p.scenario.domains
} else := sprintf(" with modes: [%q]", [p.scenario.mode])

ways(p) := [sprintf("%s%s", [phrase, sufficient(p)]) |
	some phrase in array.slice(phrases(p), 0, shown)
]

# A second copy of something in one cluster is no way to start the cluster.
phrases(p) := [way(p, b) | some b in p.breaks; count(b.replicas) == 0] if {
	not p.scenario.domains
	some b in p.breaks
	count(b.replicas) == 0
} else := [way(p, b) | some b in p.breaks]

sufficient(p) := " (that alone is enough)" if {
	every b in p.breaks {
		count(b.replicas) + count(b.edges) == 1
	}
} else := ""

way(p, b) := concat(", and ", array.concat(
	[copy(p, r) | some r in b.replicas],
	[without(e) | some e in b.edges],
))

copy(p, r) := sprintf("keep a copy of %q outside %s", [r, concat(", ", p.scenario.removes)]) if {
	p.scenario.domains
} else := sprintf("let %q stand outside of the cluster, or restore it by a procedure that needs nothing of the cluster", [r])

verbs := {"run": "run", "start": "start", "operate": "be operated", "actor": "be restored by people", "credential": "be restored"}

without(e) := sprintf("let %q %s without %q", [e.from, object.get(verbs, e.set, "be restored"), e.to])

quoted(names) := concat(", ", [sprintf("%q", [n]) | some n in array.slice(names, 0, 5)]) if {
	count(names) <= 5
} else := sprintf("%s and %d more", [concat(", ", [sprintf("%q", [n]) | some n in array.slice(names, 0, 5)]), count(names) - 5])
