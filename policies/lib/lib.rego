# METADATA
# title: what rules share
# description: |
#   Pointers, positions, digests and the places where Kubernetes keeps
#   containers. Nothing here decides anything.
package darkstart.lib

# METADATA
# description: a JSON pointer (RFC 6901) made of its tokens
pointer(tokens) := concat("/", array.concat([""], [escaped(format(t)) | some t in tokens]))

# Hardly a token has something to escape, and each replacement costs a table.
escaped(token) := token if {
	not contains(token, "~")
	not contains(token, "/")
}

escaped(token) := replace(token, "/", "~1") if {
	not contains(token, "~")
	contains(token, "/")
}

escaped(token) := replace(replace(token, "~", "~0"), "/", "~1") if contains(token, "~")

format(t) := t if is_string(t)

format(t) := format_int(t, 10) if is_number(t)

# METADATA
# description: the subject of a finding about an object, or about one of its fields
subject(object, path) := {"object": object.key, "component": object.component, "path": path}

# METADATA
# description: the places of edges of the fleet graph, each labelled with its reason
positions(edges) := [object.union(place, {"text": edge.why.reason}) |
	some edge in edges
	some place in edge.why.at
]

# METADATA
# description: one line for each edge of the fleet graph
explain(edges) := [sprintf("%s needs %s (%s)%s", [edge.from, edge.to, edge.set, because(edge)]) |
	some edge in edges
]

because(edge) := sprintf(": %s", [edge.why.reason])

because(edge) := "" if not edge.why

# METADATA
# description: a complete SHA-256 digest, as OCI writes it
is_digest(s) := regex.match(`^sha256:[0-9a-f]{64}$`, s)

# METADATA
# description: a list of the spec that may be absent
list(value, field) := object.get(value, field, [])

# METADATA
# description: whether a cluster is production; one that does not say is judged as if it were
production(spec) if object.get(spec, "environment", "production") in {"production", "prod", ""}

# METADATA
# description: where each kind of workload keeps its Pod
pod_paths := {
	"Pod": ["spec"],
	"CronJob": ["spec", "jobTemplate", "spec", "template", "spec"],
	"DaemonSet": ["spec", "template", "spec"],
	"Deployment": ["spec", "template", "spec"],
	"Job": ["spec", "template", "spec"],
	"ReplicaSet": ["spec", "template", "spec"],
	"ReplicationController": ["spec", "template", "spec"],
	"StatefulSet": ["spec", "template", "spec"],
}

# METADATA
# description: |
#   The components of a cluster, each with its phase: that of its `run` part, or, where
#   it has definitions only, those of its other parts.
placed(parts) := {[part.component, part.phase] |
	some part in parts
	part.name == "run"
} | {[part.component, part.phase] |
	some part in parts
	not part.component in {p.component | some p in parts; p.name == "run"}
}

# METADATA
# description: the containers of a workload of any sort, each with its pointer
containers(object) := [{"path": pointer(array.concat(base, [field, i])), "container": container} |
	base := pod_paths[object.kind]
	spec := get(object.content, base)
	some field in ["initContainers", "containers", "ephemeralContainers"]
	some i, container in spec[field]
]

get(value, path) := object.get(value, path, {})

# METADATA
# description: a version or revision that names one thing for ever
exact_version(version) := regex.match(`^v?[0-9]+\.[0-9]+\.[0-9]+([-+._][0-9A-Za-z.+_-]+)?$`, version)

# METADATA
# description: a git commit
commit(revision) := regex.match(`^([0-9a-f]{40}|[0-9a-f]{64})$`, revision)

# METADATA
# description: a duration of the spec, "1d12h" or "90s", in seconds
seconds(duration) := sum([n |
	some m in regex.find_all_string_submatch_n(`([0-9.]+)(ms|w|d|h|m|s)`, duration, -1)
	n := to_number(m[1]) * unit[m[2]]
])

unit := {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}

# METADATA
# description: where a replica stands, without the accounts and rings that many share
spot(replica, domains) := {d | some d in replica; not object.get(domains, [d, "kind"], "") in administrative}

administrative := {"account", "subscription", "identity-realm", "admin-network", "rollout-ring", "config-push", "data-replication", "vendor-update", "window", "expiry"}
